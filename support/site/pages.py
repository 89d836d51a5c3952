#!/usr/bin/env python3
"""Makes the pages to hand out: an index, the documents, and every file that they lead to. All
links between them are relative, and no page loads anything from the network.

    pages.py FOLDER BUILD    writes FOLDER; the replay and the slides are taken from BUILD, if they
                            were made
"""

import html
import os
import re
import shutil
import sys
from pathlib import Path

from markdown import to_html

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "support/prose"))

from quiz import paper  # noqa: E402, it is found there
from sources import number_of, stages as all_stages  # noqa: E402

PICTURES = (".svg", ".png")
STYLE = """
body { font: 17px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #24303c; background: #fbfaf7;
  max-width: 62em; margin: 0 auto; padding: 1em; }
a { color: #0b5a6b; } h1, h2, h3 { color: #0d4a56; } img { max-width: 100%; background: #fff; }
code, pre { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .87em; }
code { background: #eceae4; padding: 0 .2em; }
pre { background: #fff; border: 1px solid #d8d5cc; padding: .7em; overflow-x: auto; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #d8d5cc; padding: .3em .6em; background: #fff; text-align: left; }
pre span:target { background: #ffe9a8; }
@media print { nav { display: none; } pre, ul { break-inside: avoid; } }
"""


def page(title, body, home):
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<link rel="icon" href="data:,">\n'
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f'<nav><a href="{home}">All of it</a></nav>\n{body}\n</body>\n</html>\n')


class Site:
    def __init__(self, folder, build):
        self.folder = folder
        self.build = build
        self.wanted = []  # files and folders of the repository, in the order in which they are met

    def place(self, target):
        """Where something of the repository stands on the site, relative to its folder."""
        name = target.relative_to(ROOT)
        if target.is_dir():
            return name / "files.html"
        if target.suffix in PICTURES:
            return name
        if target.suffix == ".md":
            return name.with_suffix(".html")
        return name.with_name(name.name + ".html")

    def address(self, target, place):
        """A link from the page at `place`; what it leads to will be written, too."""
        if (target) not in self.wanted:
            self.wanted.append((target))
        return os.path.relpath(self.place(target), place.parent)

    def write(self, place, title, body):
        file = self.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        home = os.path.relpath("index.html", place.parent)
        file.write_text(page(title, body, home), encoding="utf-8")

    def document(self, source, place):
        def link(text):
            if re.match(r"https?:|#", text):
                return text
            path, _, anchor = text.partition("#")
            target = (source.parent / path).resolve()
            return self.address(target, place) + (f"#{anchor}" if anchor else "")

        lines = source.read_text(encoding="utf-8").split("\n")
        if lines[0] == "---":  # settings of the slides
            lines = lines[lines.index("---", 1) + 1 :]
        text = re.sub(r"(?ms)^<!--.*?-->", "", "\n".join(lines))
        return to_html(text.split("\n"), link)

    def plain(self, source):
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
        rows = "\n".join(f'<span id="L{number}">{number:4}  {html.escape(line)}</span>'
                         for number, line in enumerate(lines, 1))
        return f"<h1>{source.relative_to(ROOT)}</h1>\n<pre>{rows}</pre>"

    def listing(self, folder, place):
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith(
            (".", "__pycache__")))
        rows = "".join(f'<li><a href="{self.address(entry, place)}">{html.escape(entry.name)}'
                       f'{"/" if entry.is_dir() else ""}</a></li>\n' for entry in entries)
        return f"<h1>{folder.relative_to(ROOT)}/</h1>\n<ul>\n{rows}</ul>"

    def papers(self, stage):
        """Writes the questions on a stage, without and with their answers; returns the links."""
        links = []
        for name, with_answers in [("questions", False), ("answers", True)]:
            place = Path("papers") / f"{stage}-{name}.html"
            self.write(place, f"{stage}: {name}", to_html(paper(stage, with_answers), str))
            links.append(f'<a href="{place}">{name}</a>')
        return ", ".join(links)

    def index(self):
        place = Path("index.html")
        made = [("replay.html", "replay.html", "the replay: a run of every server, step by step"),
                ("slides/lecture.html", "deck/lecture.html", "the lecture, as slides"),
                ("slides/lecture.pdf", "deck/lecture.pdf", "the lecture, to print")]
        links = []
        for source, name, words in made:
            if (self.build / source).exists():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.build / source, self.folder / name)
                links.append(f'<li><a href="{name}">{words}</a></li>')
        for name, words in [("README.md", "how to work through it, and the figures"),
                            ("slides/lecture.md", "the text of the lecture")]:
            links.append(f'<li><a href="{self.address(ROOT / name, place)}">{words}</a></li>')
        stages = []
        for folder in all_stages():
            readme = folder / "README.md"
            if not readme.exists():
                continue
            lines = readme.read_text(encoding="utf-8").split("\n")
            stages.append(f'<h2><a href="{self.address(readme, place)}">{lines[0].lstrip("# ")}</a></h2>')
            picture = next((re.match(r"!\[(.*)\]\((.*)\)", line) for line in lines
                            if line.startswith("![")), None)
            if picture:
                stages.append(f'<p><img src="{self.address(folder / picture[2], place)}" '
                              f'alt="{html.escape(picture[1])}"></p>')
            questions = ""
            if (folder / "quiz.md").exists():
                questions = (f', <a href="{self.address(folder / "quiz.md", place)}">questions</a>; '
                             f'to print: {self.papers(number_of(folder))}')
            stages.append(f'<p><a href="{self.address(folder, place)}">its files</a>{questions}</p>')
        title = (ROOT / "README.md").read_text(encoding="utf-8").split("\n")[0].lstrip("# ")
        parts = [f"<h1>{title}</h1>", "<ul>", *links, "</ul>", *stages]
        self.write(place, title, "\n".join(parts))

    def make(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.index()
        for target in self.wanted:  # which grows meanwhile
            place = self.place(target)
            if target.is_dir():
                self.write(place, target.name, self.listing(target, place))
            elif target.suffix in PICTURES:
                (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target, self.folder / place)
            elif target.suffix == ".md":
                self.write(place, str(target.relative_to(ROOT)), self.document(target, place))
            else:
                self.write(place, str(target.relative_to(ROOT)), self.plain(target))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    Site(folder, Path(sys.argv[2]).resolve()).make()
    print(folder / "index.html")


if __name__ == "__main__":
    main()
