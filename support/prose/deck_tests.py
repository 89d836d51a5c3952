#!/usr/bin/env python3
"""Does deck.py see what is wrong with a slide? (Status 77 if there is no browser.)"""

import base64
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the listings show what is in the folders

import deck

STYLE = """body { margin: 0; }
section { box-sizing: border-box; width: 1280px; height: 720px; padding: 40px; font-size: 29px;
  background: #ffffff; position: relative; }
section::after { content: "7"; position: absolute; right: 30px; bottom: 21px; color: #55606a; }
pre, marp-pre { display: block; white-space: pre; font-size: 24px; margin: 0; padding: 10px; }
p code { font-size: 20px; }"""


def picture(shape, colour):
    source = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50" width="100" height="50">{shape}'
              f'<text x="20" y="30" font-size="20" fill="{colour}">here</text></svg>')
    return "data:image/svg+xml;base64," + base64.b64encode(source.encode()).decode("ascii")


DARK = '<rect width="100" height="50" fill="#24303c"/>'
RIGHT = f"""<p>Text, and <code>code</code>.</p><pre><code>int i = 0;</code></pre>
<img alt="a word" src="{picture("", "#24303c")}"><img alt="a word" src="{picture(DARK, "#ffffff")}">"""

# What is on a slide, and what is to be said of it.
SLIDES = [
    (RIGHT, []),
    ('<div style="height: 600px"></div><p>one</p><p>two</p>', ["at the bottom of the slide"]),
    (f'<p style="white-space: nowrap">{"word " * 90}</p>', ["at the right of the slide"]),
    (f'<pre><code>{"x" * 90}</code></pre>', ["at the right of its box"]),
    ('<pre style="font-size: 20px"><code>int i = 0;</code></pre>', ["code of 20.0 px"]),
    ('<marp-pre style="font-size: 20px"><code>int i = 0;</code></marp-pre>', ["code of 20.0 px"]),
    ('<pre><code style="display: block; transform: scale(0.75)">int i = 0;</code></pre>', ["code of 18.0 px"]),
    ('<p>Text, and <code style="font-size: 16px">code</code>.</p>', ["code of 16.0 px in a line"]),
    ('<p style="color: #808080">grey</p>', ["contrast 3.95: rgb(128, 128, 128) on rgb(255, 255, 255)"]),
    ('<p style="color: #808080; visibility: hidden">not shown yet</p>', ["contrast 3.95"]),
    ('<p style="background: #00000080; color: #24303c">on a shadow</p>', ["on rgb(127, 127, 127)"]),
    ('<style>#slide12::after { color: #999999; }</style>', ["contrast 2.85"]),
    ('<p style="position: absolute; right: 40px; bottom: 40px; font-size: 60px; margin: 0">word</p>',
     ["below the page number"]),
    (f'<img src="{picture("", "#24303c")}">', ["no alt text"]),
    (f'<img alt="a word" src="{picture("", "#808080")}">', ["contrast 3.95"]),
    (f'<img alt="a word" src="{picture(DARK, "#24303c")}">', ["contrast 1.00"]),
    ('<img alt="a word" src="beside.svg">', ["a picture is not in the file"]),
]


def page():
    slides = [f'<svg data-marpit-svg viewBox="0 0 1280 720" width="1280" height="720"><foreignObject width="1280" '
              f'height="720"><section id="slide{number}"><h2>Heading</h2>{content}</section></foreignObject></svg>'
              for number, (content, _) in enumerate(SLIDES, 1)]
    return f"<!doctype html><title>Deck</title><style>{STYLE}</style>{''.join(slides)}"


def failures(problems):
    for number, (content, expected) in enumerate(SLIDES, 1):
        said = [problem for problem in problems if problem.startswith(f"slide {number} (Heading): ")]
        if len(said) != len(expected) or not all(part in one for part, one in zip(expected, said)):
            yield f"{content[:80]}: {said}, and not {expected}"
    if not any(problem.startswith("loads ") and problem.endswith("/beside.svg") for problem in problems):
        yield f"what it loads: {problems}"


def main():
    program = deck.find_browser()
    if program is None:
        print("skipped: neither Chromium nor Chrome is here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "deck.html"
        file.write_text(page(), encoding="utf-8")
        failed = list(failures(deck.problems_of(file, program)))
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
