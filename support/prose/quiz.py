#!/usr/bin/env python3
"""The questions on the stages, NN_stage/quiz.md: checks them, or makes a paper of them.

    quiz.py                     each has three or four choices, one answer, and a reason against
                                every other choice; what a program is said to print stands in a
                                transcript of the stage's README, which the tests run
    quiz.py STAGE [--answers]   prints a paper, for a folder's name
"""

import re
import sys

from documents import fences
from sources import ROOT

ANSWER = r"(?s)<details><summary>The answer</summary>\n\n(.*?)</details>\n?"


def problems_of(question, transcripts):
    choices = re.findall(r"(?m)^\* ([A-D]): ", question)
    answer = re.search(ANSWER, question)
    if not 3 <= len(choices) <= 4:
        yield f"has {len(choices)} choices"
    if not answer:
        yield "has no answer"
        return
    right = re.findall(r"(?m)^\*\*([A-D])\.\*\*", answer[1])
    wrong = re.findall(r"(?m)^\* Why not ([A-D]): ", answer[1])
    if len(right) != 1 or sorted(right + wrong) != choices:
        yield f"has the choices {choices}, the answer {right}, and reasons against {wrong}"
    for command, line in re.findall(r"`(\./tutorial [^`]+)` prints `([^`]+)`", answer[1]):
        if not any(f"$ {command}" in lines and line in lines for lines in transcripts):
            yield f"no transcript of '{command}' has the line '{line}'"


def check():
    problems = []
    for folder in sorted(ROOT.glob("[0-9][0-9]_*")):
        if not (folder / "quiz.md").exists():
            problems.append(f"{folder.name} has no quiz.md")
            continue
        readme = (folder / "README.md").read_text(encoding="utf-8").split("\n")
        transcripts = [[line.strip() for line in fence.lines] for fence in fences(readme)]
        text = (folder / "quiz.md").read_text(encoding="utf-8")
        for question in re.split(r"(?m)^## ", text)[1:]:
            title = question.split("\n")[0]
            problems += [f"{folder.name}/quiz.md: {title}: {problem}"
                         for problem in problems_of(question, transcripts)]
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


def paper(stage, with_answers):
    text = (ROOT / stage / "quiz.md").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^Decide first.*\n\n", "", text)
    text = re.sub(ANSWER, r"\1" if with_answers else "", text)
    print(re.sub(r"\n{3,}", "\n\n", text).strip())


def main():
    if len(sys.argv) == 1:
        check()
    elif sys.argv[2:] in ([], ["--answers"]):
        paper(sys.argv[1], with_answers=len(sys.argv) == 3)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
