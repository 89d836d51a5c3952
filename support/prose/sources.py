"""Finds pieces of the repository's C++ sources by name: what `FILE#NAME` in a document stands for.

    FILE                    the whole file
    FILE#NAME               a function, class or struct; CLASS::NAME for a member
    FILE#NAME,NAME          several, with a blank line between them
    FILE#NAME@TEXT          the statement in NAME whose first line contains TEXT
    FILE#NAME@TEXT .. TEXT  the lines of NAME from the first that contains one TEXT to the next
                            that contains the other
    FILE@TEXT .. TEXT       the same for a whole file, which need not be C++
"""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotFound(Exception):
    pass


def stages():
    """The folders of the stages, in the order in which they are read; the full library comes last."""
    return sorted(server.parent for server in ROOT.glob("*/echo_server.cpp"))


def number_of(stage):
    """What documents call a stage: the number of its folder, or its name if that has no number."""
    return stage.name[:2] if stage.name[:2].isdigit() else stage.name


def folder_of(number):
    for stage in stages():
        if number_of(stage) == number:
            return stage
    raise NotFound(f"there is no stage {number}")


def blank_out(code):
    """The code with comments, strings and characters overwritten by blanks: same length, same
    lines, but every brace that is left is one."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found[0]), code, flags=re.S)


def end_of_block(code, start):
    """The index behind the bracket that closes the one at `start`."""
    depth = 0
    for index in range(start, len(code)):
        if code[index] in "({[":
            depth += 1
        elif code[index] in ")}]":
            depth -= 1
            if depth == 0:
                return index + 1
    raise NotFound("a bracket is never closed")


def body_of(code, name_end):
    """Where the body begins of what is named just before `name_end`; None for a declaration."""
    index = name_end
    while index < len(code) and code[index] not in ";{":
        index = end_of_block(code, index) if code[index] in "([" else index + 1
        if index < len(code) and code[index] in ")],=":
            return None  # it is only used here
    return index if index < len(code) and code[index] == "{" else None


def first_line_of(code, index):
    """Where the declaration begins that `index` is in, template and attributes included."""
    start = code.rfind("\n", 0, index) + 1
    while start > 0:
        above = code[code.rfind("\n", 0, start - 1) + 1 : start - 1].strip()
        if not above or above.endswith((";", "{", "}", ":")) or above.startswith("#"):
            break
        start = code.rfind("\n", 0, start - 1) + 1
    return start


def find(code, name):
    """The range of the definition of `name` in code that has been blanked out."""
    start, end = 0, len(code)
    *classes, last = name.split("::")
    if classes and re.search(rf"\b{name}\s*\(", code):
        classes, last = [], name  # the member is defined outside of its class
    for outer in classes:
        inner_start, inner_end = find(code[start:end], outer)
        start, end = start + inner_start, start + inner_end
    pattern = rf"\b(?:class|struct)\s+(?:\[\[[^]]*\]\]\s*)?{last}\b|(?<![\w.>~]){last}(?=\s*\()"
    for found in re.finditer(pattern, code[start:end]):
        if found[0].startswith(last) and code[:start + found.start()].endswith("::"):
            continue
        body = body_of(code[:end], start + found.end())
        if body is not None:
            close = end_of_block(code, body)
            if code[close : close + 1] == ";":
                close += 1
            return first_line_of(code, start + found.start()), close
    raise NotFound(f"there is no definition of {name}")


def statement(code, start, end, text, whole):
    """The range of the statement between `start` and `end` whose first line contains `text`."""
    at = whole.find(text, start, end)
    if at == -1:
        raise NotFound(f"there is no {text!r}")
    begin = code.rfind("\n", 0, at) + 1
    index = begin
    while code[index] not in ";{":
        index = end_of_block(code, index) if code[index] in "([" else index + 1
    close = index + 1 if code[index] == ";" else end_of_block(code, index)
    return begin, close + 1 if code[close : close + 1] == ";" else close


def lines_between(start, end, first, last, whole):
    """The range of the lines from the one with `first` to the next one with `last`."""
    at = whole.find(first, start, end)
    if at == -1:
        raise NotFound(f"there is no {first!r}")
    close = whole.find(last, at + len(first), end)
    if close == -1:
        raise NotFound(f"there is no {last!r} after {first!r}")
    return whole.rfind("\n", 0, at) + 1, (whole + "\n").index("\n", close)


def dedent(lines):
    return textwrap.dedent(lines).strip("\n")


def extract(reference, root=ROOT):
    """The text that a reference stands for, without the indentation it has in its file."""
    place, _, text = reference.partition("@")
    file, _, names = place.partition("#")
    path = root / file
    if not path.is_file():
        raise NotFound(f"there is no file {file}")
    whole = path.read_text(encoding="utf-8")
    code = blank_out(whole)
    pieces = []
    for name in names.split(","):
        start, end = find(code, name) if name else (0, len(whole))
        if " .. " in text:
            start, end = lines_between(start, end, *text.split(" .. "), whole)
        elif text:
            start, end = statement(code, start, end, text, whole)
        pieces.append(dedent(whole[start:end]))
    return "\n\n".join(pieces)
