#!/usr/bin/env python3
"""Types a stage as its README says, fence by fence, with ./tutorial build-it.

    build_it_tests.py STAGE BUILD_FOLDER    the folder has been built with CMake
"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "support/prose"))
from documents import fences  # noqa: E402

STAGE, BUILT = sys.argv[1], Path(sys.argv[2]).resolve()


def typed(stage):
    """What the README has its reader type: {step: {file: lines}}."""
    lines = (ROOT / stage / "README.md").read_text(encoding="utf-8").split("\n")
    start = lines.index("## Build it")
    end = lines.index("## Run it")
    numbers = {at: int(found[1]) for at, line in enumerate(lines)
               if start < at < end and (found := re.match(r"\*\*(\d+)\. ", line))}
    steps = {}
    for fence in fences(lines):
        file = re.match(rf"{stage}/([\w.]+)", fence.argument)
        if start < fence.first < end and file:
            step = max((number for at, number in numbers.items() if at < fence.first), default=1)
            steps.setdefault(step, {}).setdefault(file[1], []).extend(fence.lines)
    return steps


class BuildIt(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ("tutorial", "support", "common", STAGE):
            (self.root / name).symlink_to(ROOT / name)
        (self.root / "build").mkdir()
        (self.root / "build/tour").symlink_to(BUILT)
        self.mine = self.root / f"build-it-{STAGE[:2]}"

    def build_it(self, *arguments, status=0):
        """Runs the command; what it compares with was built before."""
        script = ("root=$PWD; for part in building build_it; do . support/tutorial/$part.sh; done; "
                  f"find_stage() {{ stage={STAGE}; }}; need() {{ :; }}; build() {{ :; }}; build_it \"$@\"")
        ended = subprocess.run(["sh", "-uc", script, "sh", STAGE, *arguments], cwd=self.root,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        self.assertEqual(ended.returncode, status, ended.stdout)
        return ended.stdout

    def type(self, files):
        for name, lines in files.items():
            with open(self.mine / name, "a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")

    def test_each_step_compiles_and_prints(self):
        steps = typed(STAGE)
        self.assertGreater(len(steps), 5)
        text = self.build_it()
        for step, files in steps.items():
            self.assertIn(f"\nStep {step}. ", text)
            self.assertIn(f"{self.mine.name}/{next(iter(files))}", text)
            self.type(files)
            text = self.build_it()
            shown = text.partition(f"\nStep {step}. ")[2].partition("it compiles, and prints\n\n")[2]
            self.assertRegex(shown, r"^    \S", text)
        self.assertIn("That was the last step.", text)
        self.assertIn("That was the last step.", self.build_it())

    @unittest.skipIf(STAGE != "03_select", "it is the same for all stages")
    def test_a_mistake_is_shown_and_the_step_remains(self):
        steps = typed(STAGE)
        first = min(steps)
        shown = self.build_it()
        self.assertEqual(self.build_it(), shown[shown.index("\nStep "):])  # nothing was typed
        (name,) = steps[first]
        self.type({name: [line.replace("using ", "usnig ") for line in steps[first][name]] + ["misspelt;"]})
        text = self.build_it(status=1)
        self.assertRegex(text, rf"{self.mine.name}/{name}:\d+:")
        self.assertIn(f"Try step {first} again", text)
        (self.mine / name).write_text("")
        self.type(steps[first])
        self.assertIn("it compiles", self.build_it())

    @unittest.skipIf(STAGE != "03_select", "it is the same for all stages")
    def test_a_late_reader_gets_the_steps_before(self):
        steps = typed(STAGE)
        self.build_it("--step", str(max(steps)))
        self.type(steps[max(steps)])
        self.assertIn("That was the last step.", self.build_it())

    @unittest.skipIf(STAGE != "03_select", "it is the same for all stages")
    def test_other_code_with_another_result_is_shown(self):
        steps = typed(STAGE)
        self.build_it("--step", "2")
        self.type({name: [line.replace("erase(0", "erase(1") for line in lines]
                   for name, lines in steps[2].items()})
        text = self.build_it(status=1)
        self.assertIn("on_writable sends hello, and keeps 1 bytes", text)
        self.assertIn("but with the code of the stage it prints", text)

    def test_another_folder_is_left_alone(self):
        self.mine.mkdir()
        self.assertIn("name another folder", self.build_it(status=1))
        self.assertEqual(list(self.mine.iterdir()), [])
        self.build_it("elsewhere")
        self.assertTrue((self.root / "elsewhere/.step").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
