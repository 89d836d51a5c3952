#!/usr/bin/env python3
"""Checks the spelling of the Markdown files with aspell (American), and that they do without the
words of HABITS, which keep a sentence from naming what acts. Code, in fences or in backticks, is left
out, as are file names; words that are right but unknown to aspell are listed in words.txt.

    spelling.py     ends with status 77 if aspell, or its English dictionary, is missing
"""

import re
import subprocess
import sys
from pathlib import Path

from documents import markdown_files, prose
from sources import ROOT

HABITS = re.compile(r"(?i)\b(whoever|somebody|nobody|everybody|is to be|for ever|the one that|goes on)\b")
WORDS = Path(__file__).with_name("words.txt")


def unknown_words(words):
    """Those of `words` that aspell does not know."""
    try:
        ended = subprocess.run(["aspell", "list", "--lang=en_US", "--ignore=1"], text=True,
                               input="\n".join(words), capture_output=True)
    except FileNotFoundError:
        sys.exit(77)
    if ended.returncode != 0:
        print(ended.stderr)
        sys.exit(77)
    return set(ended.stdout.split())


def main():
    known = set(WORDS.read_text(encoding="utf-8").lower().split())
    places, has_habits = {}, False
    for file in markdown_files():
        lines = prose(file.read_text(encoding="utf-8").split("\n"))
        for number, line in enumerate(lines, 1):
            for habit in HABITS.findall(line):
                print(f"{file.relative_to(ROOT)}:{number}: name what acts, instead of '{habit}'")
                has_habits = True
            line = re.sub(r"\]\([^)]*\)|https?:\S*|<[^>]*>|\w*_\w*|\S+\.[a-z]+(#\S*)?", " ", line)
            for word in re.findall(r"[A-Za-z][A-Za-z']*[A-Za-z]", line):
                places.setdefault(word, f"{file.relative_to(ROOT)}:{number}")
    unknown = {word for word in unknown_words(places) if word.lower() not in known}
    for word in sorted(unknown, key=str.lower):
        print(f"{places[word]}: {word}")
    unused = known - {word.lower() for word in places}
    for word in sorted(unused):
        print(f"support/prose/words.txt: {word} is not used any more")
    sys.exit(1 if unknown or unused or has_habits else 0)


if __name__ == "__main__":
    main()
