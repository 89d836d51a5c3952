#!/usr/bin/env python3
"""Writes into the Markdown files what they show of the code, so that it cannot drift.

    fill.py             fills every fence that names its source, and every count of lines
    fill.py --check     changes nothing; ends with status 1 and a list if something is stale

A fence names its source after its language (see sources.py for what a name can be):

    ```cpp 07_coroutines/echo_server.cpp#echo_handler
    ```diff 06_task..07_coroutines echo_server.cpp#echo_handler

In the slides a line of code that is too wide is broken: see deck_code.py.

A transcript that stands in another document, where it is run, is copied from there: the one
whose commands contain a text.

    ```console 01_blocking/README.md#silent_client
    ```console 01_blocking/README.md#silent_client@after .. leaves     some lines of it

The questions of a stage's quiz.md stand in other documents, too, each with its answer where the
document wants it. Between these comments and `<!-- end: question -->`, or `answer`, is a copy:

    <!-- question: 04.1 -->
    <!-- answer: 04.1 -->

C++ that is in no file, such as the mistake one would make, is an aside: ```cpp aside

In a table whose head names stages ("| | 06 | 07 |") the row "lines that serve a client" is
counted: the lines of echo_server.cpp, without blank lines and comments, from the includes to
the function that accepts, as the tour counts them.

In a table with the head "| term | meaning | first |" the third column is the line of the stages'
READMEs, read in order, in which the term first appears. There it must be in bold type, because
that is where it is explained. The terms stand in this order.
"""

import difflib
import re
import sys
import textwrap

from deck_code import break_code
from documents import anchor_of, fences, markdown_files, outside_fences, prose, text_of
from quiz import question
from sources import ROOT, NotFound, blank_out, extract, folder_of, number_of, stages


def difference(argument):
    """A diff, with all lines that stay, of something that two stages have."""
    stages, _, reference = argument.partition(" ")
    old_stage, _, new_stage = stages.partition("..")
    old, new = (extract(f"{stage}/{reference}") for stage in (old_stage, new_stage))
    lines = difflib.unified_diff(old.split("\n"), new.split("\n"), n=1000, lineterm="")
    return "\n".join(line.rstrip() if line == " " else line for line in list(lines)[3:])


def some_lines(lines, part):
    """Of a transcript the command and a part of what it prints, with dots for what is left out."""
    first, _, last = part.partition(" .. ")
    start = next((i for i, line in enumerate(lines) if first in line), None)
    end = next((i for i, line in enumerate(lines) if i >= (start or 0) and last in line), None)
    if start is None or end is None:
        raise NotFound(f"the transcript has no {part!r}")
    above = ["..."] if start > 1 else []
    below = ["..."] if end + 1 < len(lines) else []
    return [lines[0], *above, *lines[start : end + 1], *below]


def transcript(argument):
    """A console fence of another document."""
    place, _, part = argument.partition("@")
    name, _, text = place.partition("#")
    lines = (ROOT / name).read_text(encoding="utf-8").split("\n")
    for fence in fences(lines):
        commands = [line for line in fence.lines if line.startswith("$ ")]
        if fence.language == "console" and any(text in command for command in commands):
            return "\n".join(some_lines(fence.lines, part) if part else fence.lines)
    raise NotFound(f"{name} has no transcript with {text!r}")


def wanted(fence):
    """The text that belongs in a fence; None if it does not name a source."""
    if fence.language == "diff" and ".." in fence.argument:
        return difference(fence.argument)
    if fence.language == "console" and fence.argument:
        return transcript(fence.argument)
    if fence.language == "cpp" and fence.argument == "aside":
        return None
    if fence.language == "cpp" and not fence.argument:
        raise NotFound("C++ without a source: name one, or say that it is an aside")
    if fence.language and fence.argument:
        return extract(fence.argument)
    return None


def lines_that_serve(stage):
    """How many lines of code serve a client in a stage."""
    count = 0
    for line in blank_out((folder_of(stage) / "echo_server.cpp").read_text(encoding="utf-8")).split("\n"):
        if re.match(r"\S.* (echo_server|accept_clients?)\(.*{$", line):
            return count
        if line.startswith("#include"):
            count = 0
        elif line.strip() and not line.startswith("using "):
            count += 1
    raise NotFound(f"stage {stage} has no function that accepts")


def fill_counts(lines):
    """Corrects the counts in the tables."""
    stages = []
    for index, line in enumerate(lines):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            stages = []
        elif not stages and all(re.fullmatch(r"\d\d|asyncio", cell) for cell in cells[1:]):
            stages = cells[1:]
        elif stages and cells[0] == "lines that serve a client":
            counts = [str(lines_that_serve(stage)) for stage in stages]
            lines[index] = "| " + " | ".join([cells[0], *counts]) + " |"


def first_appearance(term):
    """Where a term is explained, which has to be where it first appears: the place, to compare it with
    others, and a link to the heading above it."""
    word = re.escape(term) + "(s|es)?"
    for stage in (stage for stage in stages() if (stage / "README.md").exists()):
        file = stage / "README.md"
        lines = file.read_text(encoding="utf-8").split("\n")
        heading = ""
        for number, (line, words) in enumerate(zip(lines, prose(lines)), 1):
            if words.startswith("#"):
                heading = line
            bold = " ".join(re.findall(r"\*\*.*?\*\*", line))
            if re.search(rf"(?i)\b{word}\b", bold):
                text = f"{number_of(stage)}, {text_of(heading)}"
                link = f"[{text}]({file.relative_to(ROOT)}#{anchor_of(heading)})"
                return (stage.name, number), link
            if not line.startswith(("#", "![")) and re.search(rf"(?i)\b{word}\b", words):
                raise NotFound(f"'{term}' is used before it is explained: {file}:{number}")
    raise NotFound(f"'{term}' is explained nowhere")


def fill_glossary(lines, complain):
    """Corrects the links of the glossary."""
    in_glossary, before = False, None
    for index, line in enumerate(lines):
        if not line.startswith("|"):
            in_glossary = False
        elif line == "| term | meaning | first |":
            in_glossary = True
        elif in_glossary and not line.startswith("|-"):
            term, meaning = line.split(" | ")[:2]
            try:
                place, link = first_appearance(term[2:])
                lines[index] = f"{term} | {meaning} | {link} |"
                if before and place < before:
                    complain(index + 1, f"'{term[2:]}' is explained before the term above it")
                before = place
            except NotFound as error:
                complain(index + 1, str(error))


def wrapped(lines):
    """Lines of prose as long as those of the documents; what stands in a fence stays."""
    in_fence, result = False, []
    for line in lines:
        in_fence ^= line.startswith("```")
        indent = "  " if line.startswith("* ") else ""
        result += [line] if in_fence else textwrap.wrap(
            line, 110, subsequent_indent=indent, break_on_hyphens=False,
            break_long_words=False) or [""]
    return result


def fill_questions(lines, is_deck, complain):
    """Copies questions and answers of the quizzes to where they are wanted. On a slide each line is
    shown as a line, so they are not wrapped."""
    for start, line in reversed(list(enumerate(outside_fences(lines)))):
        found = re.fullmatch(r"<!-- (question|answer): (\d\d|asyncio)\.(\d) -->", line)
        if not found:
            continue
        try:
            end = lines.index(f"<!-- end: {found[1]} -->", start)
            text = getattr(question(found[2], int(found[3])), found[1])
            lines[start + 1 : end] = text if is_deck else wrapped(text)
        except (NotFound, ValueError) as error:
            complain(start + 1, str(error))


def fill(lines, is_deck, complain):
    """The document as it should be."""
    filled = list(lines)
    fill_questions(filled, is_deck, complain)
    for fence in reversed(list(fences(filled))):
        try:
            text = wanted(fence)
        except NotFound as error:
            complain(fence.first, str(error))
            continue
        if text is not None:
            shown = text.split("\n")
            if is_deck and fence.language in ("cpp", "diff"):
                shown = break_code(shown, fence.language == "diff")
            filled[fence.first : fence.last] = shown
    fill_counts(filled)
    fill_glossary(filled, complain)
    return filled


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    problems = []
    for file in markdown_files():
        name = str(file.relative_to(ROOT))
        lines = file.read_text(encoding="utf-8").split("\n")
        filled = fill(lines, name.startswith("slides/"),
                      lambda line, text: problems.append(f"{name}:{line}: {text}"))
        if filled != lines and check:
            pairs = enumerate(zip(lines, filled))
            at = next((i for i, (old, new) in pairs if old != new), len(filled))
            problems.append(f"{name}:{at + 1}: differs from its source; run support/prose/fill.py")
        elif filled != lines:
            file.write_text("\n".join(filled), encoding="utf-8")
            print("filled", name)
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
