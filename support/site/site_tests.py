#!/usr/bin/env python3
"""Makes the site, and follows every link of it: each leads to a file or an anchor that is there.

    site_tests.py                     reads the pages
    site_tests.py --browser [FOLDER]  opens them in Chromium, which may ask no other server and has
                                      nothing to complain of; a picture of the index goes to FOLDER
                                      (status 77 if there is no browser)
"""

import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

sys.dont_write_bytecode = True  # the listings show what is in the folders
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "testing")]

from browser import Browser, find_browser
from pages import Site


class Page(HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.anchors.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in ("src", "href"):
                self.loads.append(value)


def make_site(scratch):
    """With stand-ins for what takes long to make."""
    build = scratch / "build"
    (build / "slides").mkdir(parents=True)
    for name in ("replay.html", "slides/lecture.html", "slides/lecture.pdf"):
        (build / name).write_text("<!doctype html><title>made elsewhere</title>\n", encoding="utf-8")
    folder = scratch / "site"
    Site(folder, build).make()
    return folder


def problems_of(folder):
    pages = {file: Page(file) for file in folder.rglob("*.html")}
    for file, page in pages.items():
        name = file.relative_to(folder)
        for link in page.links + page.loads:
            if re.match(r"data:", link) or link in page.links and re.match(r"https?:", link):
                continue
            path, _, anchor = unquote(link).partition("#")
            target = (file.parent / path).resolve() if path else file
            if re.match(r"\w+:|/", link) or not target.is_relative_to(folder):
                yield f"{name}: {link} leaves the site"
            elif not target.is_file():
                yield f"{name}: {link} leads nowhere"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{name}: {link}: there is no such anchor"
    stages = list((HERE.parents[1]).glob("[0-9][0-9]_*"))
    loads = pages[folder / "index.html"].loads
    if len([load for load in loads if load.endswith("timeline.svg")]) != len(stages):
        yield "index.html: not every stage has its picture"
    if not {"replay.html", "deck/lecture.html", "deck/lecture.pdf"} <= set(pages[folder / "index.html"].links):
        yield "index.html: the replay or the lecture is missing"
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")


def problems_in_browser(folder, scratch, program, pictures):
    """From the index, by the links that the browser sees, to every page."""
    browser = Browser(program, scratch / "profile")
    try:
        browser.resize(1280, 720)
        to_visit = [(folder / "index.html").as_uri()]
        for url in to_visit:  # which grows meanwhile
            browser.open(url)
            if browser.get("[...document.images].some(e => e.complete && !e.naturalWidth)"):
                yield f"{url}: a picture is missing"
            if url == to_visit[0] and pictures:
                browser.take_picture(pictures / "index.png")
            links = browser.get("[...document.querySelectorAll('a[href]')].map(e => e.href)")
            for link in (link.partition("#")[0] for link in links):
                if link.endswith(".html") and link.startswith("file:") and link not in to_visit:
                    to_visit.append(link)
        own = (folder.as_uri() + "/", "data:", "about:")
        yield from (f"asks for {url}" for url in browser.requests if not url.startswith(own))
        yield from browser.problems
        print(f"{len(to_visit)} pages visited")
    finally:
        browser.close()


def main():
    program = None
    if sys.argv[1:2] == ["--browser"]:
        program = find_browser()
        if program is None:
            print("skipped: neither Chromium nor Chrome is here")
            return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        scratch = Path(name).resolve()
        folder = make_site(scratch)
        if program:
            pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else None
            problems = list(problems_in_browser(folder, scratch, program, pictures))
        else:
            problems = list(problems_of(folder))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
