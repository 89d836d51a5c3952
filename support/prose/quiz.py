#!/usr/bin/env python3
"""The questions on the stages, the quiz.md in the folder of each: checks them, or makes a paper of them.

    quiz.py                     each question has three or four choices, one answer, a reason
                                against every other choice, and something that proves the answer:
                                a line of a transcript that the tests run, or a test. About six
                                for each stage; each stands in the stage's README and in the
                                slides, but for those on the full library, which only its README has.
                                No letter, and not the longest choice, is right too often
    quiz.py STAGE [--answers]   prints a paper, for a folder's name; on the site it is a page
"""

import re
import signal
import sys
from dataclasses import dataclass

from documents import fences
from sources import ROOT, NotFound, folder_of, number_of, stages

PROOF = r"`([^`]+)` prints `([^`]+)`\.|The test `([^`]+)` checks it\."


@dataclass
class Question:
    stage: str  # its number, or its name if it has none
    number: int
    title: str
    question: list  # lines: the text, and the choices
    choices: dict  # by letter
    right: list  # the letters of the right choices, which should be one
    reason: str
    proof: str
    reasons_against: dict  # by letter

    @property
    def answer(self):
        """The answer, for a place where the letters need not be at hand; the proof stands beside it."""
        right = self.right[0]
        return [f"**{right}: {self.choices[right]}.** {self.reason}", "",
                *(f"* **{letter}**, {self.choices[letter]}? {reason[0].upper()}{reason[1:]}"
                  for letter, reason in self.reasons_against.items())]


def questions_of(stage):
    text = (folder_of(stage) / "quiz.md").read_text(encoding="utf-8")
    for number, part in enumerate(re.split(r"(?m)^## ", text)[1:], 1):
        heading, _, body = part.partition("\n")
        asked, _, answer = body.partition("<details><summary>The answer</summary>")
        reason = re.search(r"(?m)^\*\*[A-D]\.\*\* (.*)$", answer)
        proof = re.search(rf"(?m)^(?:{PROOF})$", answer)
        yield Question(stage, number, heading.removeprefix(f"{number}. "),
                       asked.strip().split("\n"),
                       dict(re.findall(r"(?m)^\* ([A-D]): (.*)$", asked)),
                       re.findall(r"(?m)^\*\*([A-D])\.\*\*", answer),
                       reason[1] if reason else "", proof[0] if proof else "",
                       dict(re.findall(r"(?m)^\* Why not ([A-D]): (.*)$", answer)))


def question(stage, number):
    for found in questions_of(stage):
        if found.number == number:
            return found
    raise NotFound(f"stage {stage} has no question {number}")


def is_proved(proof, folder):
    """Whether a transcript of the stage has the line, or a test has the name."""
    command, line, test = re.fullmatch(PROOF, proof).groups()
    if test:
        sources = [*folder.glob("tests.cpp"), *folder.glob("tests/*.cpp"),
                   ROOT / "support/testing/wire_tests.cpp"]
        return any(f'TEST_CASE("{test}")' in source.read_text(encoding="utf-8")
                   for source in sources)
    readme = (folder / "README.md").read_text(encoding="utf-8").split("\n")
    return any(f"$ {command}" in fence.lines and line in map(str.strip, fence.lines)
               for fence in fences(readme))


def problems_of(one, folder, lecture):
    if not 3 <= len(one.choices) <= 4:
        yield f"has {len(one.choices)} choices"
    if len(one.right) != 1 or sorted([*one.right, *one.reasons_against]) != list(one.choices):
        yield (f"has the choices {list(one.choices)}, the answer {one.right}, and reasons "
               f"against {list(one.reasons_against)}")
    if not one.reason or not one.proof:
        yield "has no reason, or nothing that proves it"
    elif not is_proved(one.proof, folder):
        yield f"is not proved: {one.proof}"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    places = {"README.md": readme, "lecture.md": lecture}
    if not one.stage.isdigit():
        del places["lecture.md"]
    for place, text in places.items():
        marks = [f"<!-- {what}: {one.stage}.{one.number} -->" for what in ("question", "answer")]
        if sorted(marks, key=text.find) != marks or any(text.count(mark) != 1 for mark in marks):
            yield f"does not stand in {place}, once, with its answer after it"


def problems_of_all(asked):
    """A reader who guesses must gain nothing by the letter, or by the length of a choice."""
    chance = sum(1 / len(one.choices) for one in asked)
    longest = sum(max(one.choices, key=lambda letter: len(one.choices[letter])) in one.right for one in asked)
    if longest > chance:
        yield f"the right choice is the longest one {longest} times of {len(asked)}, by chance {chance:.0f}"
    for letter in "ABCD":
        count = sum(letter in one.right for one in asked)
        if count > len(asked) / 3:
            yield f"{letter} is right {count} times of {len(asked)}"


def check():
    problems, asked = [], []
    lecture = (ROOT / "slides/lecture.md").read_text(encoding="utf-8")
    for folder in stages():
        if not (folder / "quiz.md").exists():
            problems.append(f"{folder.name} has no quiz.md")
            continue
        questions = list(questions_of(number_of(folder)))
        asked += questions
        if not 5 <= len(questions) <= 8:
            problems.append(f"{folder.name}/quiz.md has {len(questions)} questions")
        problems += [f"{folder.name}/quiz.md: {one.title}: {problem}"
                     for one in questions for problem in problems_of(one, folder, lecture)]
    problems += problems_of_all(asked)
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


def paper(stage, with_answers):
    """Markdown, to print."""
    lines = [f"# Questions on stage {stage}"]
    for one in questions_of(stage):
        text = re.sub(r"(?m)^```cpp .*$", "```cpp", "\n".join(one.question))
        lines += ["", f"## {one.number}. {one.title}", *text.split("\n")]
        if with_answers:
            lines += ["", one.answer[0], one.proof, *one.answer[1:]]
    return lines


def main():
    if len(sys.argv) == 1:
        check()
    elif sys.argv[2:] in ([], ["--answers"]):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as `| head` expects it
        print("\n".join(paper(number_of(ROOT / sys.argv[1]), with_answers=len(sys.argv) == 3)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
