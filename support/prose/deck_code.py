"""Breaks lines of C++ that are wider than a slide, as a person would: in a hall small letters cannot be read."""

import re

WIDEST = 82  # letters of 24 pixels on a slide of 1280
BEHIND = (", ", " = ", "(")  # a line may end with these,
BEFORE = (" ? ", " : ", " && ", " || ")  # or the next one begin with these


def depth_at(line, end):
    """How many brackets are open there."""
    return sum((letter in "([{") - (letter in ")]}") for letter in line[:end])


def place_to_break(line):
    """The last one that fits, of those with the fewest brackets around them; None if there is none."""
    start = len(line) - len(line.lstrip())
    places = [at + len(mark) for mark in BEHIND for at in range(start, WIDEST) if line.startswith(mark, at)]
    places += [at + 1 for mark in BEFORE for at in range(start, WIDEST) if line.startswith(mark, at)]
    return max((place for place in places if place <= WIDEST),
               key=lambda place: (-depth_at(line, place), place), default=None)


def break_line(line):
    """One line of C++ as several: the comment above it, a short body on a line of its own."""
    if len(line) <= WIDEST:
        return [line]
    indent = re.match(r" *", line)[0]
    comment = re.fullmatch(r"(.*\S) +(// .*)", line)
    if comment:
        return [indent + comment[2], *break_line(comment[1])]
    body = re.fullmatch(r"( *\S.* \{) ([^{}]*;) (\}.*)", line)
    if body:
        return [body[1], *break_line(f"{indent}    {body[2]}"), indent + body[3]]
    if re.match(r" *//", line):
        at = line.rindex(" ", 0, WIDEST)
        return [line[:at], *break_line(f"{indent}// {line[at:].strip()}")]
    at = place_to_break(line)
    if at is None:
        return [line]
    return [line[:at].rstrip(), *break_line(f"{indent}    {line[at:].strip()}")]


def break_code(lines, is_diff):
    if not is_diff:
        return [part for line in lines for part in break_line(line)]
    return [line[:1] + part for line in lines for part in break_line(line[1:])]
