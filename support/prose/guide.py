#!/usr/bin/env python3
"""Checks the instructor's guide against the slides: the minutes of each section are those of its
tag in lecture.md, each part has 90, every experiment of the lecture is among the demos, and
"slide 7 (*Heading*)" is the slide that has this number and this heading.

    guide.py
"""

import re
import sys

from sources import ROOT

MINUTES_OF_A_PART = 90


def tags(lecture):
    """The minutes of each section, by the heading of its first slide."""
    heading, found = "", []
    for line in lecture.split("\n"):
        tag = re.fullmatch(r"<!-- minutes: (\d+) -->", line)
        if line.startswith("#"):
            heading = line.strip("# ")
        elif tag:
            found.append((heading, int(tag[1])))
    return found


def headings(lecture):
    """The heading of each slide, the first one at index 0."""
    slides = lecture.split("\n---\n")[1:]
    return [re.search(r"(?m)^#+ (.*)$", slide)[1] for slide in slides]


def problems_of(lecture, guide):
    rows = re.findall(r"(?m)^\| (\d+) \| \[(.*)\]\(.*\) \| (\d+) \|$", guide)
    planned = [(section, int(minutes)) for _, section, minutes in rows]
    for section, minutes in tags(lecture):
        if (section, minutes) not in planned:
            yield f"lecture.md gives {minutes} minutes to '{section}', and GUIDE.md does not"
    for section, minutes in planned:
        if (section, minutes) not in tags(lecture):
            yield f"GUIDE.md gives {minutes} minutes to '{section}', and lecture.md does not"
    for part in sorted({part for part, _, _ in rows}):
        total = sum(int(minutes) for number, _, minutes in rows if number == part)
        if total != MINUTES_OF_A_PART:
            yield f"part {part} has {total} minutes, and not {MINUTES_OF_A_PART}"
    if not rows:
        yield "GUIDE.md has no times"
    slides = headings(lecture)
    for number, heading in re.findall(r"slide\s+(\d+)\s+\(\*(.*?)\*\)", " ".join(guide.split())):
        if not 0 < int(number) <= len(slides) or slides[int(number) - 1] != heading:
            at = [place for place, each in enumerate(slides, 1) if each == heading]
            yield f"GUIDE.md calls '{heading}' slide {number}, and it is {at or 'on none'}"
    for demo in re.findall(r"(?m)^\$ (\./tutorial experiment (?:\d\d|asyncio) \w+)", lecture):
        if f"`{demo}`" not in guide:
            yield f"GUIDE.md does not say what '{demo}' answers"


def main():
    texts = [(ROOT / "slides" / name).read_text(encoding="utf-8")
             for name in ("lecture.md", "GUIDE.md")]
    problems = list(problems_of(*texts))
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
