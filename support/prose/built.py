#!/usr/bin/env python3
"""Checks that a reader can type each header from the README of its stage: that the fences of the
section "Build it" together show every line of the headers that are new in this stage, in order.
A header that the stage before has byte for byte is not new; those of a stage's other programs do not
count. Lines without a word (blank ones, braces), includes and the comment at a header's top are left out.
That the fences show what the files contain is checked by fill.py.

    built.py
"""

import re
import sys

from documents import fences
from sources import ROOT


def to_type(lines):
    """What of these lines a reader has to type."""
    body = list(lines)
    while body and (body[0].startswith(("//", "#")) or not body[0].strip()):
        body.pop(0)
    lines = [line.strip() for line in body if not line.startswith("#include")]
    return [line for line in lines if any(char.isalnum() for char in line)]


def is_new(header, before):
    """Whether the stage before has no such file, or another one."""
    old = before / header.name
    return not old.exists() or old.read_bytes() != header.read_bytes()


def headers_of_server(stage):
    """Those that the server of a stage includes, and those that they include."""
    found, unread = set(), [stage / "echo_server.cpp"]
    while unread:
        text = unread.pop().read_text(encoding="utf-8")
        new = {stage / name for name in re.findall(r'(?m)^#include "(\w+\.hpp)"$', text)} - found
        found |= new
        unread += new
    return found


def problems_of(stage, before):
    lines = (stage / "README.md").read_text(encoding="utf-8").split("\n")
    start = lines.index("## Build it") if "## Build it" in lines else len(lines)
    ends = [at for at, line in enumerate(lines) if at > start and line.startswith("## ")]
    shown = [fence for fence in fences(lines) if start < fence.first < min(ends, default=0)]
    for header in sorted(headers_of_server(stage)):
        if not is_new(header, before):
            continue
        name = str(header.relative_to(ROOT))
        typed = [line.strip() for fence in shown if fence.argument.startswith(name)
                 for line in fence.lines]
        at = 0
        for line in to_type(header.read_text(encoding="utf-8").split("\n")):
            try:
                at = typed.index(line, at) + 1
            except ValueError:
                yield f"{stage.name}/README.md: 'Build it' does not show, in its place: {line}  ({name})"
                break


def main():
    stages = sorted(ROOT.glob("[0-9][0-9]_*"))
    problems = [problem for before, stage in zip(stages, stages[1:])
                for problem in problems_of(stage, before)]
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
