"""The repository's Markdown files, and the fences (blocks of code) in them."""

import re
from dataclasses import dataclass, field

from sources import ROOT


def markdown_files():
    """All of them, but not what was built or is hidden from git."""
    files = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("*/**/*.md"))
    return [file for file in files if file.relative_to(ROOT).parts[0] not in ("build", ".git")]


@dataclass
class Fence:
    first: int  # index of its first line, which is below the opening ```
    last: int  # index of the closing ```
    language: str
    argument: str  # what follows the language
    lines: list
    section: str  # the heading above it
    notes: dict = field(default_factory=dict)  # of `<!-- name: value -->` just above it


def fences(lines):
    """Yields the fences of a document, given as a list of lines, from top to bottom."""
    section, notes, opening = "", {}, None
    for index, line in enumerate(lines):
        if opening is None:
            found = re.match(r"(```+)\s*(\S*)\s*(.*?)\s*$", line)
            note = re.match(r"<!-- ([a-z ]+): (.*) -->$", line)
            if found:
                opening = index, found
            elif note:
                notes[note[1]] = note[2]
            elif line.startswith("#"):
                section, notes = line.strip("# "), {}
            elif line.strip():
                notes = {}
        elif line.rstrip() == opening[1][1]:
            start, found = opening
            body = lines[start + 1 : index]
            yield Fence(start + 1, index, found[2], found[3], body, section, notes)
            opening, notes = None, {}


def outside_fences(lines):
    """The document's lines, with its fences, and settings at its top, left empty."""
    result = list(lines)
    if lines[0] == "---":
        result[: lines.index("---", 1)] = [""] * lines.index("---", 1)
    for fence in fences(lines):
        for index in range(fence.first - 1, fence.last + 1):
            result[index] = ""
    return result


def prose(lines):
    """The same without code in backticks."""
    return [re.sub(r"`[^`]*`", "", line) for line in outside_fences(lines)]


def text_of(heading):
    """A heading's line, without its # and the addresses of links."""
    return re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading.lstrip("# ")).replace("`", "")


def anchor_of(heading):
    """The name of a heading, given as its line, as code hosts form it."""
    return re.sub(r"[^\w\- ]", "", text_of(heading).lower()).replace(" ", "-")
