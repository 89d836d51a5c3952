#!/usr/bin/env python3
"""Checks that every link of the Markdown files leads somewhere within the repository: to a file,
a heading or a line that exists. Addresses on the web are not visited: the check works, and says
the same, without a network. It also finds commands that escape transcripts.py, and experiments that
do not exist.

    links.py
"""

import re
import sys

from documents import anchor_of, fences, markdown_files, outside_fences, prose
from sources import ROOT, folder_of


def headings(file):
    """The names of a document's headings, as code hosts form them."""
    lines = outside_fences(file.read_text(encoding="utf-8").split("\n"))
    return {anchor_of(line) for line in lines if line.startswith("#")}


def problem_with(link, file):
    """What is wrong with a link in `file`; None if nothing is."""
    if re.match(r"https?:|\.\./\.\./actions/", link):  # the latter: where GitHub has the repository
        return None
    path, _, anchor = link.partition("#")
    target = (file.parent / path).resolve() if path else file
    if not target.exists():
        return f"there is no {path}"
    line = re.fullmatch(r"L(\d+)", anchor)
    if line and int(line[1]) > len(target.read_text(encoding="utf-8").splitlines()):
        return f"{path} has no line {line[1]}"
    is_part = anchor.startswith("svgView")  # of a picture
    if anchor and not line and not is_part and anchor not in headings(target):
        return f"{path or 'this file'} has no heading #{anchor}"
    return None


def check_links(file, name):
    lines = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(prose(lines), 1):
        for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", line):
            problem = problem_with(link[0] or link[1], file)
            if problem:
                yield f"{name}:{number}: {problem}"


def check_experiments(file, name):
    """Experiments that the text names; those in fences are run."""
    lines = outside_fences(file.read_text(encoding="utf-8").split("\n"))
    for number, line in enumerate(lines, 1):
        for stage, experiment in re.findall(r"`./tutorial experiment (\d\d|asyncio) (\w+)`", line):
            if not (folder_of(stage) / f"experiments/{experiment}.cpp").exists():
                yield f"{name}:{number}: stage {stage} has no experiment {experiment}"


def check_commands(file, name):
    """Commands are to be run by transcripts.py, which looks at console and sh only."""
    for fence in fences(file.read_text(encoding="utf-8").split("\n")):
        has_commands = any(line.startswith("$ ") for line in fence.lines)
        if has_commands and fence.language not in ("console", "sh"):
            yield f"{name}:{fence.first}: commands belong in a fence that is console or sh"


def main():
    problems = []
    for file in markdown_files():
        name = file.relative_to(ROOT)
        for check in (check_links, check_experiments, check_commands):
            problems += check(file, name)
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
