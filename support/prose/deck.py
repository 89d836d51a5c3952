#!/usr/bin/env python3
"""Looks at every slide of the deck in Chromium or Chrome: deck.py PAGE PDF

Everything fits its slide, code is large enough as it is drawn, the contrast suffices, pictures say
what they show, and nothing comes from the network. The PDF has notes and an outline. (Status 77 if
there is no browser.)
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


def problems_of_pdf(data):
    objects = data
    for stream in re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", data, re.DOTALL):
        objects += zlib.decompressobj().decompress(stream)
    for what, key in [("outline", rb"/Outlines \d"), ("notes", rb"/Subtype /Text\b")]:
        if not re.search(key, objects):
            yield f"the PDF has no {what}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program = find_browser()
    if program is None:
        print("skipped: neither Chromium nor Chrome is here")
        return 77
    problems = problems_of(Path(sys.argv[1]), program)
    problems += problems_of_pdf(Path(sys.argv[2]).read_bytes())
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
