#!/usr/bin/env python3
"""Looks at every slide of the deck in Chromium or Chrome: deck.py PAGE PDF PDF_WITH_NOTES

Everything fits its slide, code is large enough as it is drawn, the contrast suffices, pictures say
what they show, and nothing comes from the network. Both PDFs have an outline, and one of them notes.
(Status 77 if there is no browser.)
"""

import re
import sys
import tempfile
import zlib
from pathlib import Path

sys.dont_write_bytecode = True  # the listings show what is in the folders
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "testing"))

from browser import Browser, find_browser


def problems_of(page, program):
    url = page.resolve().as_uri()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            browser.resize(1280, 720)
            browser.open(url)
            seen = browser.get((HERE / "deck.js").read_text(encoding="utf-8") + "checkDeck()")
        finally:
            browser.close()
    print(f"{seen['slides']} slides looked at")
    others = {request for request in browser.requests if not request.startswith((url, "data:", "about:"))}
    return seen["problems"] + [f"loads {request}" for request in sorted(others)] + browser.problems


def problems_of_pdf(data, has_notes):
    objects = data
    for stream in re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", data, re.DOTALL):
        objects += zlib.decompressobj().decompress(stream)
    if not re.search(rb"/Outlines \d", objects):
        yield "a PDF has no outline"
    if bool(re.search(rb"/Subtype /Text\b", objects)) != has_notes:
        yield "the PDF with notes has none" if has_notes else "the PDF to project has notes"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program = find_browser()
    if program is None:
        print("skipped: neither Chromium nor Chrome is here")
        return 77
    problems = problems_of(Path(sys.argv[1]), program)
    for file, has_notes in [(sys.argv[2], False), (sys.argv[3], True)]:
        problems += problems_of_pdf(Path(file).read_bytes(), has_notes)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
