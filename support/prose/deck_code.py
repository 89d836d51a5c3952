"""Breaks lines of code that are wider than a slide. deck.py and the reader want letters of full size, so
a long line is broken where a person would break it, and not set smaller."""

import re

WIDEST = 82  # letters of 24 pixels on a slide of 1280
SEPARATORS = (", ", " = ", " ? ", " : ", " && ", " || ", "(")


def depth_at(line, end):
    return sum((letter in "([{") - (letter in ")]}") for letter in line[:end])


def broken_at(line):
    """After the last separator that fits, and of these one with few brackets around it."""
    places = [found + (len(mark) if mark in (", ", "(", " = ") else 1)
              for mark in SEPARATORS for found in range(len(line[: line.index(line.strip())]), WIDEST)
              if line.startswith(mark, found)]
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
    at = broken_at(line)
    if at is None:
        return [line]
    return [line[:at].rstrip(), *break_line(f"{indent}    {line[at:].strip()}")]


def break_code(lines, is_diff):
    if not is_diff:
        return [part for line in lines for part in break_line(line)]
    return [line[:1] + part for line in lines for part in break_line(line[1:])]
