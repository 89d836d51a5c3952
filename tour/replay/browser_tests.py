"""Tests of the page in a real browser.

browser_tests.py REPLAY [FOLDER]: REPLAY is the program that makes the page; pictures of it go to
FOLDER. Without Chromium or Chrome nothing is tested (status 77)."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the listings show what is in the folders
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support" / "testing"))

from browser import PATIENCE, Browser, find_browser

SIZES = [(1280, 720), (1920, 1080), (390, 844)]


class Tests:
    def __init__(self, browser, page, folder):
        self.browser = browser
        self.url = page.as_uri()
        self.folder = folder
        self.failures = 0
        self.checks = 0
        text = page.read_text(encoding="utf-8")
        begin = text.index('id="recordings">') + len('id="recordings">')
        self.recordings = json.loads(text[begin:text.index("</script>", begin)])

    def check(self, is_right, what):
        self.checks += 1
        if not is_right:
            self.failures += 1
            print(f"failed: {what}")

    def equal(self, seen, expected, what):
        self.check(seen == expected, f"{what}: {seen!r}, and not {expected!r}")

    def open(self, moment=""):
        self.browser.open(self.url + moment)

    def position(self):
        return self.browser.get("Number(document.getElementById('scrubber').value)")

    def highlighted(self):
        return self.browser.get("[...document.querySelectorAll('.pane .runs')].filter(e => "
                                "e.tagName === 'LI' && e.closest('.source'))"
                                ".map(e => Number(e.querySelector('.number').textContent))")

    def says(self):
        return self.browser.get("document.getElementById('says').innerText.trim()")

    # What the page is to show follows from the data, read here a second time.
    def test_every_step_shows_its_line_and_its_markers(self):
        for recording in self.recordings:
            number = recording["stage"][:2]
            self.open(f"#{number}@0")
            state = {}
            for at, step in enumerate(recording["steps"]):
                state.update((name, recording["values"][value]) for name, value in step.items()
                             if name not in ("kind", "says", "action", "client"))
                if at % 7 == 0 or "action" in step or at + 1 == len(recording["steps"]):
                    self.browser.get(f"location.replace('#{number}@{at}'), followAddress()")
                    self.check_step(f"{number}@{at}", recording["source"], step, state)

    @staticmethod
    def is_called(line, words):
        """Whether a function begins in this line that the words for a client name, or stage 03's."""
        name = words.rpartition("calls ")[2] if "calls " in words else "echo_handler"
        return ("calls " in words or "struct Client" in words) and re.match(rf"\w+ {name}\(.*[{{,]$", line)

    def check_step(self, name, source, step, state):
        running = [state["running"]] if state["running"] else []
        self.equal(self.highlighted(), running, f"{name}: the line that runs")
        self.equal(self.says(), step["says"], f"{name}: the sentence")
        marks = self.browser.get(
            "[...document.querySelectorAll('.source li')].flatMap((line, i) =>"
            "[...line.querySelectorAll('[role=img]')].map(e => `${i + 1} ${e.title}`))")
        for client in (1, 2, 3):
            place = state[f"place{client}"]
            called = [int(mark.split()[0]) for mark in marks
                      if mark.endswith(f"will be called for client {client}")]
            functions = [i + 1 for i, text in enumerate(source)
                         if place["kind"] == "kept" and self.is_called(text, place["words"])]
            self.equal(called, functions[:1], f"{name}: what will be called for client {client}")
            seen = [mark for mark in marks
                    if f" client {client} " in f" {mark} " and "will be called" not in mark]
            line = place["line"]
            self.equal([int(mark.split()[0]) for mark in seen], [line] if line else [],
                       f"{name}: the line of client {client}")
            self.check(line == 0 or ("runs" in seen[0]) == (place["kind"] == "runs"),
                       f"{name}: client {client} runs or waits")
            row = self.browser.get(f"document.querySelectorAll('.places li')[{client - 1}].innerText")
            self.check(place["words"] in " ".join(row.split()), f"{name}: the words for client {client}")
            held = state[f"client{client}"]["held"]
            self.equal(f"{held:,} bytes" in row, held > 0, f"{name}: what client {client} has to get")

    def test_keys(self):
        self.open("#03@0")
        steps = self.recordings[2]["steps"]
        actions = [at for at, step in enumerate(steps) if "action" in step]
        of_client_2 = [at for at, step in enumerate(steps) if step.get("client") == 2]
        for key, expected in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1),
                              ("PageDown", actions[0]), ("PageDown", actions[1]),
                              ("PageUp", actions[0]), ("2", of_client_2[0]),
                              ("2", of_client_2[1]), ("End", len(steps) - 1),
                              ("ArrowRight", len(steps) - 1), ("Home", 0), ("ArrowLeft", 0)]:
            self.browser.press(key)
            self.equal(self.position(), expected, f"the key {key}")
        self.equal(self.browser.get("location.hash"), "#03@0", "the address follows")

    def test_playing_stops_and_goes_on(self):
        self.open("#07@5")
        self.browser.press(" ")
        self.equal(self.browser.get("document.getElementById('play').textContent"), "pause",
                   "it plays")
        end = time.monotonic() + PATIENCE
        while self.position() < 7 and time.monotonic() < end:
            pass
        self.check(self.position() >= 7, "playing goes on by itself")
        self.browser.press(" ")
        self.equal(self.browser.get("document.getElementById('play').textContent"), "play",
                   "it pauses")

    def test_buttons_and_scrubber(self):
        self.open("#07@10")
        for button, expected in [("on", 11), ("back", 10), ("first", 0)]:
            self.browser.get(f"document.querySelector('[data-go={button}]').click()")
            self.equal(self.position(), expected, f"the button {button}")
        self.browser.get("(s => { s.value = 33; s.dispatchEvent(new Event('input')); })"
                         "(document.getElementById('scrubber'))")
        self.equal(self.browser.get("location.hash"), "#07@33", "the scrubber")
        self.equal(self.says(), self.recordings[6]["steps"][33]["says"], "the scrubber's step")

    def test_choosing_a_stage_keeps_the_moment(self):
        self.open("#03@0")
        for _ in range(3):
            self.browser.press("PageDown")
        before = self.says()
        self.browser.get("(s => { s.value = '07'; s.dispatchEvent(new Event('change')); })"
                         "(document.getElementById('left'))")
        self.equal(self.says(), before, "another stage shows what the client does there")
        self.equal(self.browser.get("location.hash")[:4], "#07@", "the address names the stage")

    # What a client does, both stages do at the same moment; what it can do only later in one of
    # them (in stage 01 it has to wait for its answer first), that one does later.
    def test_two_stages_go_in_step(self):
        for left, right, is_equal in [("03", "04", True), ("01", "07", False)]:
            self.open(f"#{left},{right}@0")
            done = self.browser.get(
                "timeline.map(([a, b]) => [a, b].map((index, side) => panes[side].recording.steps"
                ".slice(0, index + 1).filter(step => step.action).map(step => step.action)))")
            for at, (one, other) in enumerate(done):
                is_right = one == other if is_equal else set(one) <= set(other)
                self.check(is_right, f"{left} and {right} at {at}: {one}, {other}")
            self.equal([sorted(actions) for actions in done[-1]], [list(range(1, 11))] * 2,
                       f"{left} and {right}: everything is done in the end")
            self.browser.press("End")
            self.browser.press("ArrowLeft")
            self.equal(self.browser.get("document.querySelectorAll('.pane').length"), 2,
                       "two panes")
            self.equal(self.browser.get("location.hash"), f"#{left},{right}@{len(done) - 2}",
                       "the address names both")

    def test_a_moment_that_does_not_exist(self):
        for moment, expected in [("#99@5", "#01@5"), ("#07@99999", None), ("#nonsense", "#01@0")]:
            self.open(moment)
            last = len(self.recordings[6]["steps"]) - 1
            self.equal(self.browser.get("location.hash"), expected or f"#07@{last}", moment)

    def test_a_moment_in_the_script_of_the_clients(self):
        for stages in ("03", "03,04", "01,07"):
            self.open(f"#{stages}@a7")
            self.check("Client 3 reads from now on." in self.says(), f"{stages}: the action 7")
        self.open("#07@a99")
        self.equal(self.position(), 0, "an action that does not exist")

    def test_the_beginning_says_what_one_sees(self):
        self.open("#03@0")
        why = "document.getElementById('why').innerText"
        self.check("Press → for the next step" in self.browser.get(why), "the introduction")
        self.browser.press("ArrowRight")
        self.equal(self.browser.get(why), "", "it is gone with the first step")

    def test_moments_have_names_and_reasons(self):
        for stages in ("03", "01,07"):
            self.open(f"#{stages}@0")
            count = self.browser.get("document.querySelectorAll('#moments button').length")
            self.check(count >= 10, f"{stages}: {count} moments")
            self.browser.get("[...document.querySelectorAll('#moments button')]"
                             ".find(e => e.innerText.includes('does not read')).click()")
            self.check("and does not read" in self.says(), f"{stages}: the moment that was chosen")
            self.check(len(self.browser.get("document.getElementById('why').innerText")) > 20,
                       f"{stages}: the reason")
            self.equal(self.browser.get("document.querySelectorAll('#moments [aria-current]').length"), 1,
                       f"{stages}: one moment is current")

    def test_everything_has_a_name(self):
        self.open("#07@42")
        nameless = self.browser.get(
            "[...document.querySelectorAll('button, select, input')].filter(e => !(e.innerText.trim() "
            "|| e.title || e.ariaLabel || e.labels?.length)).map(e => e.outerHTML)")
        self.equal(nameless, [], "controls without a name")
        self.equal(self.browser.get("document.getElementById('says').getAttribute('aria-live')"),
                   "polite", "the sentence is read out")

    def test_it_fits(self):
        for width, height in SIZES:
            for dark in (False, True):
                self.browser.resize(width, height, dark)
                for moment in ["#01@30", "#02@45", "#03@180", "#07@42", "#02,07@60", "#03,04@330",
                               "#01,07@120"]:
                    self.open(moment)
                    self.check_fits(f"{width}x{height} {moment}", width, height)
                    self.take_picture(f"{width}x{height}{'-dark' if dark else ''}-{moment[1:]}")
        self.browser.resize(*SIZES[0])

    def check_fits(self, name, width, height):
        page = self.browser.get("[document.documentElement.scrollWidth, "
                                "document.documentElement.scrollHeight]")
        self.check(page[0] <= width and page[1] <= height, f"{name}: the page is {page}")
        wide = self.browser.get(
            "[...document.querySelectorAll('.source, .panels, .panels section, header, footer')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className || e.tagName)")
        self.equal(wide, [], f"{name}: too wide")
        cut_off = self.browser.get(
            "[...document.querySelectorAll('.marks svg')].filter(e => e.getBoundingClientRect()"
            ".left < e.closest('.source').getBoundingClientRect().left).length")
        self.equal(cut_off, 0, f"{name}: markers that are cut off")
        hidden = self.browser.get(
            "[...document.querySelectorAll('.source .runs')].filter(e => { const line = "
            "e.getBoundingClientRect(), box = e.closest('.source').getBoundingClientRect(); "
            "return line.top < box.top - 1 || line.bottom > box.bottom + 1; }).length")
        self.equal(hidden, 0, f"{name}: the line that runs is in sight")

    def take_picture(self, name):
        if self.folder:
            self.browser.take_picture(self.folder / f"{name}.png")

    def test_it_asks_nobody(self):
        others = {url for url in self.browser.requests
                  if not url.startswith((self.url, "data:", "about:"))}
        self.equal(others, set(), "requests")
        self.equal(self.browser.problems, [], "problems on the console")

    def run(self):
        names = [name for name in dir(self) if name.startswith("test_")]
        names.sort(key=lambda name: name == "test_it_asks_nobody")  # the last one: about them all
        for name in names:
            try:
                getattr(self, name)()
            except RuntimeError as error:
                self.check(False, f"{name}: {error}")
        print(f"{self.checks} checks, {self.failures} failed")
        return self.failures


def main():
    program = find_browser()
    if program is None:
        print("skipped: neither Chromium nor Chrome is here")
        return 77
    replay = sys.argv[1]
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        page = Path(scratch) / "replay.html"
        subprocess.run([replay, "--page", str(page)], check=True)
        if page.stat().st_size >= 1_000_000:
            print(f"failed: the page has {page.stat().st_size} bytes")
            return 1
        browser = Browser(program, os.path.join(scratch, "profile"))
        try:
            browser.resize(*SIZES[0])
            failures = Tests(browser, page, folder).run()
        finally:
            browser.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
