#!/usr/bin/env python3
"""Looks at build/site, as support/site/build has made it, in Chromium or Chrome.

    site_tests.py [FOLDER]    pictures of some pages go to FOLDER

Every link leads to a file or an anchor that is there, and nothing is loaded from elsewhere. The search
finds a word, a question can be answered, the replay can be stepped. In light and dark, at three widths,
nothing sticks out, and axe-core finds nothing serious. (Status 77 without a browser, or without a site.)
"""

import functools
import re
import sys
import tempfile
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
SITE, AXE = ROOT / "build/site", ROOT / "build/site_work/node_modules/axe-core/axe.min.js"
sys.path.append(str(ROOT / "support/testing"))

from browser import Browser, find_browser  # noqa: E402, it is found there

LOOKS = [(width, dark) for width in (1440, 1024, 390) for dark in (False, True)]
LOOKED_AT = ["index.html", "07_coroutines/index.html", "07_coroutines/quiz.html",
             "07_coroutines/task.hpp.html", "replay.html", "GLOSSARY.html"]
WAIT = """new Promise((done, fail) => {{ const start = Date.now(); (function look() {{
    const found = {0}; found ? done(found) : Date.now() - start > 20000 ? fail("waits in vain for {1}")
    : setTimeout(look, 20); }})(); }})"""
AXE_RUN = """axe.run(document, { iframes: false, resultTypes: ["violations"] }).then(found => found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .map(each => `${each.id}: ${each.nodes.length} times, as in ${each.nodes[0].html.slice(0, 120)} `
        + each.nodes[0].any.map(check => check.message)))"""


class Page(HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.anchors.add(value)
            elif name in ("href", "src") and not (tag == "a" and re.match(r"https?:", value)):
                self.links.append(value)


def problems_with_links(base):
    pages = {file: Page(file) for file in SITE.rglob("*.html") if "made" not in file.parts}
    for file, page in pages.items():
        for link in page.links:
            path, _, anchor = unquote(link).partition("#")
            if link.startswith("data:"):
                continue
            within = path.startswith(base) or not re.match(r"\w+:|/", path)
            target = SITE / path[len(base):] if path.startswith("/") else file.parent / path if path else file
            target = (target / "index.html" if path.endswith("/") else target).resolve()
            if not within or not target.is_file():
                yield f"{file.relative_to(SITE)}: {link} leads nowhere"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{file.relative_to(SITE)}: {link}: there is no such anchor"
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")


def serve(base):
    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path):
            return super().translate_path("/" + path.removeprefix(base))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}{base}"


class Visitor(Browser):
    def visit(self, url):
        self.open(url)
        self.wait_for("document.querySelector('#app').__vue_app__ && document.querySelector('main')")

    def wait_for(self, expression):
        what = expression.replace('"', "'").replace("\\", "")
        return self.get(WAIT.format(expression, what) + ".then(found => found === true || String(found))")


def problems_with_use(browser, url):
    browser.resize(1440, 900)
    browser.visit(url)
    browser.get("document.querySelector('#local-search button').click()")
    browser.wait_for("document.activeElement.matches('#localsearch-input')")
    browser.call("Input.insertText", text="symmetric transfer")
    browser.wait_for("document.querySelector('.results a')")
    browser.get("document.querySelector('.results a').click()")
    browser.wait_for("document.querySelector('.vp-doc').innerText.includes('symmetric transfer')")

    for stage in ("03_select", "07_coroutines"):
        browser.visit(f"{url}{stage}/quiz.html")
        quiz = (ROOT / stage / "quiz.md").read_text(encoding="utf-8")
        choices, right = (browser.get(f"document.querySelectorAll('{each}').length")
                          for each in ("details.choice", "details.choice.right"))
        if choices != len(re.findall(r"(?m)^\* [A-D]: ", quiz)) or right != quiz.count("\n## "):
            yield f"{stage}: {choices} choices, {right} of them right"
        reason = "document.querySelector('details.choice.right p')"
        if browser.get(f"{reason}.checkVisibility()"):
            yield f"{stage}: the answer is shown before a choice is made"
        browser.get("document.querySelector('details.choice.right summary').click()")
        if not browser.get(f"{reason}.checkVisibility() && {reason}.innerText.startsWith('Yes: ')"):
            yield f"{stage}: a choice does not show its reason"

    for scheme in ("light", "dark"):  # which pictures and frames follow
        if browser.get("getComputedStyle(document.documentElement).colorScheme") != scheme:
            yield f"the site is {scheme}, and its pictures are not"
        browser.get("document.querySelector('.VPSwitchAppearance').click()")

    browser.visit(f"{url}07_coroutines/")
    if browser.get("[...document.querySelectorAll('.vp-code-group label')].map(e => e.innerText).join()") \
            != "06_task,07_coroutines":
        yield "07_coroutines: the handler is not shown beside that of stage 06"
    frame = "document.querySelector('iframe.replay')"
    browser.get(f"{frame}.scrollIntoView()")
    moment = f"{frame}.contentWindow.location.hash"
    before = browser.wait_for(f"{frame}.contentDocument.querySelector('[data-go=on]') && {moment}")
    browser.get(f"{frame}.contentDocument.querySelector('[data-go=on]').click()")
    if not re.match(r"#07@\d+", before) or browser.get(moment) == before:
        yield f"07_coroutines: the replay is at {before}, and cannot be stepped"
    browser.visit(f"{url}07_coroutines/task.hpp.html#L20")
    if not browser.get("document.querySelector('.line:target')?.getBoundingClientRect().top < innerHeight"):
        yield "07_coroutines/task.hpp.html#L20: the line is not in sight"


def problems_with_looks(browser, url, pictures):
    for page in [page for page in LOOKED_AT if (SITE / page).exists()]:
        for width, dark in LOOKS:
            browser.resize(width, 900, dark)
            browser.visit(url + page)
            name = f"{page.replace('/', '_')}, {width} px, {'dark' if dark else 'light'}"
            if browser.get("document.documentElement.scrollWidth > innerWidth"):
                yield f"{name}: something sticks out"
            if browser.get("[...document.images].some(e => e.complete && !e.naturalWidth)"):
                yield f"{name}: a picture is missing"
            browser.get(AXE.read_text(encoding="utf-8") + ";0")
            yield from (f"{name}: {problem}" for problem in browser.get(AXE_RUN))
            if pictures:
                browser.take_picture(pictures / f"{name}.png")


def main():
    program = find_browser()
    if program is None or not SITE.is_dir():
        print("skipped:", "support/teach site was not run" if program else "neither Chromium nor Chrome is here")
        return 77
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    base = re.search(r'src="(/[^"]*?)assets/', (SITE / "index.html").read_text(encoding="utf-8"))[1]
    url = serve(base)
    problems = list(problems_with_links(base))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Visitor(program, profile)
        try:
            problems += problems_with_use(browser, url)
            problems += problems_with_looks(browser, url, pictures)
        finally:
            browser.close()
    problems += [f"asks for {each}" for each in browser.requests if not each.startswith((url, "data:", "about:"))]
    problems += browser.problems
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
