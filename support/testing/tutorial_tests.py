#!/usr/bin/env python3
"""Tests of ./tutorial and support/teach that build nothing: in a copy of both and of what they read."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

REPORT = """\
before
=================================================================
==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x60c0 at pc 0x5555 bp 0x7fff sp 0x7ff8
READ of size 8 at 0x60c0 thread T0
    #0 0x5555 in std::string::size() const /usr/include/c++/12/bits/basic_string.h:1064
    #1 0x5555 in say_goodbye /home/ada/try.cpp:16
    #2 0x5555 in main /home/ada/try.cpp:32

0x60c0 is located 88 bytes inside of 120-byte region [0x60c0,0x60c0)
freed by thread T0 here:
    #0 0x7fff in operator delete(void*) ../../../../src/libsanitizer/asan/asan_new_delete.cpp:152
    #1 0x5555 in greet build/test/../../07_coroutines/try.cpp:23
previously allocated by thread T0 here:
    #0 0x7fff in operator new(unsigned long) ../../../../src/libsanitizer/asan/asan_new_delete.cpp:95
"""

RACE = """\
    20 threads serve a client each
==================
WARNING: ThreadSanitizer: data race (pid=7)
  Read of size 4 at 0x7b08 by thread T3:
    #0 int const& std::max<int>(int const&, int const&) /usr/include/c++/12/bits/stl_algobase.h:258 (x+0x12)
    #1 ClientCounter::most() const ../../02_threads/exercises/client_counter.hpp:12 (x+0x34)

  Previous write of size 4 at 0x7b08 by main thread (mutexes: write M9):
    #0 ClientCounter::enter() ../../02_threads/exercises/client_counter.hpp:20 (x+0x56)

SUMMARY: ThreadSanitizer: data race ../../02_threads/exercises/client_counter.hpp:12
==================
"""

WARNING = """\
-- Configuring done
[1/2] Building CXX object 07_coroutines/CMakeFiles/x.dir/exercises/retry_tests.cpp.o
../../07_coroutines/exercises/retry.hpp: In function 'Coroutine<void> retry()':
../../07_coroutines/exercises/retry.hpp:31:10: warning: ignoring returned value
   31 |     sleep(pause);
07_coroutines/task.hpp:128:24: note: declared here
  128 | inline Coroutine<void> sleep(Delay delay) {
../../07_coroutines/exercises/retry.hpp: In function 'Coroutine<void> retry()':
../../07_coroutines/exercises/retry.hpp:31:10: warning: ignoring returned value
   31 |     sleep(pause);
[2/2] Linking CXX executable 07_coroutines/x
"""

FAILURE = """\
Preset CMake variables:
-- Configuring done
[1/9] Building CXX object 02_threads/CMakeFiles/y.dir/y.cpp.o
../../02_threads/y.cpp:1:1: warning: not of interest now
[2/9] Building CXX object 02_threads/CMakeFiles/x.dir/exercises/x_tests.cpp.o
FAILED: 02_threads/CMakeFiles/x.dir/exercises/x_tests.cpp.o 
/usr/bin/g++ -I../../02_threads/exercises -c ../../02_threads/exercises/x_tests.cpp
In file included from ../../02_threads/exercises/x_tests.cpp:1:
../../02_threads/exercises/x.hpp:15:44: error: expected ';' before '}' token
   15 |     int now() const { return now_ }
[3/9] Building CXX object 02_threads/CMakeFiles/z.dir/z.cpp.o
ninja: build stopped: subcommand failed.
"""

RESULTS = """\
call_every:
passed   the next call
FAILED   an exception
[doctest] doctest version is "2.4.9"
    the timer is set
===============================================================================
ROOT/04_callbacks/exercises/call_every_tests.cpp:140:
TEST CASE:  an exception

../../support/testing/exercise_tests.hpp:184: FATAL ERROR: REQUIRE( is_in_time ) is NOT correct!
[doctest] Status: FAILURE!
skipped  a late call
not started: 04_callbacks/exercises/call_every.hpp:50: plan the next call
"""


class Tutorial(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        shutil.copy(ROOT / "tutorial", self.root)
        shutil.copytree(ROOT / "support/tutorial", self.root / "support/tutorial")
        shutil.copy(ROOT / "support/teach", self.root / "support")
        for stage in (server.parent for server in ROOT.glob("*/echo_server.cpp")):
            for folder in ("exercises", "experiments"):
                if (stage / folder).exists():
                    shutil.copytree(stage / folder, self.root / stage.name / folder)
            for program in [stage / "CMakeLists.txt", *stage.glob("*.?pp")]:
                (self.root / stage.name).mkdir(exist_ok=True)
                shutil.copy(program, self.root / stage.name)
        (self.root / "build").mkdir()

    def run_in_root(self, *command, status=0):
        ended = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(ended.returncode, status, ended.stdout)
        return ended.stdout

    def on_a_terminal(self, *command, types="", environment=()):
        """Runs a command in a terminal, at which `types` is typed; returns its status and what is seen."""
        ours, its = os.openpty()
        with subprocess.Popen(["env", "TERM=xterm", *environment, *command], cwd=self.root, stdin=its,
                              stdout=its, stderr=its, start_new_session=True) as running:
            os.close(its)
            os.write(ours, types.encode())
            text = b""
            try:
                while some := os.read(ours, 4096):
                    text += some
            except OSError:  # Linux: nothing has the other side open any more
                pass
            os.close(ours)
        return running.returncode, text.decode().replace("\r\n", "\n")

    def tools(self, **programs):
        """A PATH with these programs, and with what the script itself calls."""
        tools = self.root / "tools"
        tools.mkdir()
        fakes = {name.replace("_", "-"): text for name, text in programs.items()}
        real = set("awk basename cat dirname echo env grep id mkdir mktemp perl rm sed sh tee uname".split())
        for name in real - set(fakes):  # to write to a link would overwrite the machine's program
            (tools / name).symlink_to(shutil.which(name))
        for name, text in fakes.items():
            (tools / name).write_text(f"#!/bin/sh\n{text}\n")
            (tools / name).chmod(0o755)
        return f"PATH={tools}"

    def bare_machine(self):
        """A PATH without a compiler, CMake and Ninja; apt-get only writes down what is to be installed."""
        return self.tools(apt_get='case $1 in install) echo "$@" >>installed ;; esac',
                          sudo='[ "$1" = -V ] || "$@"', uname="echo Linux", setarch="exit 1")

    def test_without_a_terminal_nothing_is_installed(self):
        text = self.run_in_root("env", self.bare_machine(), "./tutorial", "run", "01", status=1)
        self.assertEqual(text.splitlines()[0],
                         "Missing: a C++20 compiler (GCC 12, Clang 14 or newer), CMake (3.25 or newer), Ninja")
        self.assertIn("there is no terminal to ask at", text)
        self.assertIn("apt-get install g++ cmake ninja-build\n", text)
        self.assertIn("./tutorial --yes", text)
        self.assertFalse((self.root / "installed").exists())

    def test_only_after_a_yes_something_is_installed(self):
        machine = self.bare_machine()
        for answer, is_installed in {"\n": False, "yesterday\n": False, "\4": False, "y\n": True}.items():
            (self.root / "installed").unlink(missing_ok=True)
            status, text = self.on_a_terminal("./tutorial", "run", "01", types=answer, environment=[machine])
            self.assertEqual(status, 1)  # it is still missing
            self.assertIn("apt-get install g++ cmake ninja-build'? [y/N] ", text)
            self.assertEqual((self.root / "installed").exists(), is_installed, text)
            self.assertEqual("nothing was installed" in text, not is_installed, text)

    def test_who_agrees_beforehand_is_not_asked(self):
        for script in ("./tutorial --yes run 01", "support/teach --yes bench"):
            shutil.rmtree(self.root / "tools", ignore_errors=True)
            text = self.run_in_root("env", self.bare_machine(), *script.split(), status=1)
            self.assertIn("Missing: a C++20 compiler", text)
            self.assertIn("this system's packages do not supply: a C++20 compiler", text)
            self.assertIn("g++ cmake ninja-build", (self.root / "installed").read_text())
            (self.root / "installed").unlink()

    def test_only_a_real_terminal_gets_control_characters(self):
        build = ("sh", "-uc", "root=$PWD; . support/tutorial/building.sh; quietly test Building echo one line")
        for environment, is_expected in {"TERM=xterm": True, "TERM=dumb": False, "TERM=": False}.items():
            _, text = self.on_a_terminal(*build, environment=[environment])
            self.assertEqual("\033" in text, is_expected, repr(text))
        self.assertEqual(self.run_in_root("env", "TERM=xterm", *build), "Building ...\n")

    def test_there_is_something_to_look_at_while_the_tour_is_built_for_the_first_time(self):
        make_program = f"""
            case $* in
                --version) echo cmake version 3.25.1 && exit ;;
                --build*first_look*) program=build/tour/tour/first_look ;;
                --build*) program=build/tour/tour/tour ;;
                *) exit ;;
            esac
            echo "$*" >>built
            mkdir -p build/tour/tour
            printf '#!/bin/sh\\necho %s "$@"\\n' "${{program##*/}}" >$program
            {shutil.which("chmod")} +x $program"""
        machine = self.tools(cmake=make_program, ninja=":", **{"g++": "cat >/dev/null"})
        first = ["Building the server of 01_blocking ...", "first_look"]
        then = ["Building the tour and all servers ...", "tour --only 03"]
        for expected in (first + then, then):
            text = self.run_in_root("env", machine, "./tutorial", "tour", "--only", "03")
            self.assertEqual(text.splitlines(), expected)
        self.assertEqual((self.root / "built").read_text().splitlines(), [
            "--build --preset tour --target first_look 01_blocking_echo_server",
            "--build --preset tour --target tour_and_servers",
            "--build --preset tour --target tour_and_servers"])

    def test_another_version_of_the_formatter_is_an_error_with_the_cure(self):
        shutil.copytree(ROOT / ".ci", self.root / ".ci")
        path = self.tools(clang_format="echo Debian clang-format version 19.1.7", git="exit 9") + ":" + os.environ["PATH"]
        text = self.run_in_root("env", path, "bash", ".ci/run", "format", status=1)
        self.assertIn("pip install clang-format==14.0.6", text)

    def test_help_fits_a_screen_and_a_narrow_one(self):
        for script in ("./tutorial", "support/teach"):
            lines = self.run_in_root(script, "help").splitlines()
            self.assertLessEqual(len(lines), 24)
            self.assertLessEqual(max(map(len, lines)), 60)
            self.assertEqual(self.run_in_root(script).splitlines(), lines)

    def test_each_command_is_in_the_help_of_its_script(self):
        for script, commands in {
                "./tutorial": "tour run test diff experiment play exercise check quiz",
                "support/teach": "prepare slides replay site pictures bench"}.items():
            text = self.run_in_root(script, "help")
            for command in commands.split():
                self.assertRegex(text, rf"(?m)^  {command}\b")
            self.assertIn("unknown command 'nothing'", self.run_in_root(script, "nothing", status=2))

    def call(self, file, text):
        """Runs shell commands after those of a part of the script."""
        parts = "root=$PWD; . support/tutorial/building.sh; . support/tutorial/stages.sh; "
        parts += f". support/tutorial/{file}; "
        return self.run_in_root("sh", "-uc", parts + text)

    def shown_by_diff(self, *arguments):
        """The files of the new stage, or those that it has no more, in the order shown."""
        text = self.run_in_root("./tutorial", "diff", *arguments)
        return re.findall(r"^diff --git .* [0-9a-z_]*/(.*)$", text, re.MULTILINE)

    def test_a_step_is_shown_in_the_order_in_which_it_is_read(self):
        for old, new in (("04", "05"), ("05", "06"), ("06", "07")):
            shown = self.shown_by_diff(old, new)
            self.assertEqual(shown[0], "echo_server.cpp")
            (folder,) = self.root.glob(f"{new}_*")
            shown = [name for name in shown if (folder / name).exists()]  # what is gone comes last
            headers = [name for name in shown if name.endswith(".hpp")]
            self.assertEqual(shown[1:len(headers) + 1], headers)
            self.assertNotIn("event_loop.hpp", shown)  # is the same in both
            self.assertNotIn("tests.cpp", shown)
            self.assertTrue(all(name.endswith((".cpp", ".hpp")) for name in shown), shown)

    def test_a_diff_of_all_files_leaves_nothing_out(self):
        shown = self.shown_by_diff("04", "--all", "05_future")
        for name in ("CMakeLists.txt", "future.hpp"):
            self.assertIn(name, shown)
        self.assertTrue(any(name.startswith("exercises/") for name in shown), shown)

    def test_a_diff_does_not_need_git(self):
        tools = self.root / "few_tools"
        tools.mkdir()
        for name in "basename cp diff dirname mktemp mkdir rm".split():
            (tools / name).symlink_to(shutil.which(name))
        text = self.run_in_root("env", f"PATH={tools}", shutil.which("sh"), "tutorial", "diff", "04", "05")
        self.assertIn("+++ 05_future/future.hpp", text)
        self.assertNotIn("CMakeLists.txt", text)

    def test_hints_come_one_at_a_time_and_begin_anew(self):
        hint = ("./tutorial", "exercise", "01", "line_reader", "--hint")
        texts = [self.run_in_root(*hint) for _ in range(5)]
        self.assertTrue(texts[0].startswith("Hint 1 of 3 for line_reader:"), texts[0])
        self.assertIn("Before you receive anything", texts[0])
        self.assertNotIn("says where the line ends", texts[0])
        self.assertTrue(texts[2].startswith("Hint 3 of 3"), texts[2])
        self.assertIn("solutions/line_reader.hpp", texts[3])
        self.assertEqual(texts[4], texts[0])

    def test_wrong_arguments_are_named(self):
        self.assertIn("no exercise 'nothing'",
                      self.run_in_root("./tutorial", "exercise", "01", "nothing", status=2))
        self.assertIn("there are: line_reader messages",
                      self.run_in_root("./tutorial", "exercise", "01", "nothing", status=2))
        self.assertIn("no option --loud",
                      self.run_in_root("./tutorial", "exercise", "01", "--loud", status=2))
        self.assertIn("there is no file", self.run_in_root("./tutorial", "play", "x", status=2))
        self.assertIn("no option --x",
                      self.run_in_root("./tutorial", "check", "--x", status=2))

    def test_missing_arguments_are_asked_for_in_one_line(self):
        for arguments, expected in {"quiz": "quiz takes a stage, as in: ./tutorial quiz",
                                    "play": "as in: ./tutorial play try.cpp",
                                    "experiment": "./tutorial experiment 01",
                                    "experiment 02": "are: lost_update no_descriptors",
                                    "exercise": "as in: ./tutorial exercise 03",
                                    "exercise 99": "no stage '99'; there are: 01_blocking 02_",
                                    "check": "as in: ./tutorial check my_server.cpp",
                                    "diff 04": "as in: ./tutorial diff 04 05"}.items():
            text = self.run_in_root("./tutorial", *arguments.split(), status=2)
            self.assertIn(expected, text)
            self.assertEqual(text.count("\n"), 1, text)
        text = self.run_in_root("support/teach", "slides", "04", status=2)
        self.assertEqual(text, "teach: slides takes no arguments\n")

    def test_check_builds_a_source_file(self):
        wire_tests = self.root / "build/test/support/testing/wire_tests"
        wire_tests.parent.mkdir(parents=True)
        wire_tests.write_text("#!/bin/sh\necho $1\n")
        wire_tests.chmod(0o755)
        (self.root / "my_server.cpp").touch()
        stubs = (". support/tutorial/playing.sh; need() { :; }; build() { :; }; "
                 "build_file() { echo built $1 with $stage; program=build/play/my_server; }; ")
        text = self.call("exercises.sh", stubs + "check my_server.cpp")
        self.assertIn("built my_server.cpp with 07_coroutines\n", text)
        self.assertIn("--server=build/play/my_server\n", text)

    def test_a_quiz_whose_reader_has_gone_ends_silently(self):
        shutil.copytree(ROOT / "support/prose", self.root / "support/prose")
        shutil.copy(ROOT / "01_blocking/quiz.md", self.root / "01_blocking")
        reading, writing = os.pipe()
        os.close(reading)
        quiz = subprocess.run(["./tutorial", "quiz", "01"], cwd=self.root, stdout=writing,
                              stderr=subprocess.PIPE, text=True)
        os.close(writing)
        self.assertEqual(quiz.stderr, "")

    def test_the_next_exercise(self):
        last_stage = sorted(self.root.glob("*/exercises"))[-1].parent.name
        for here, expected in {"stage=01_blocking name=line_reader": "01 messages",
                               "stage=01_blocking name=messages": "02 client_counter",
                               "stage=02_threads name=": "03 outgoing_buffer",
                               f"stage={last_stage} name=": ""}.items():
            text = self.call("exercises.sh", f'{here}; find_next_exercise; echo "<$next>"')
            self.assertEqual(text, f"<{expected}>\n", here)

    def test_the_full_library_counts_as_a_stage(self):
        shown = self.shown_by_diff("07", "asyncio")
        self.assertIn("gather.hpp", shown)
        self.assertNotIn("echo_server.cpp", shown)  # is the same in both
        text = self.run_in_root("./tutorial", "run", "08", status=2)
        self.assertIn("06_task 07_coroutines asyncio\n", text)

    def test_warnings_of_a_successful_build_are_shown(self):
        (self.root / "build/test.log").write_text(WARNING)
        text = self.call("exercises.sh", "show_warnings build/test.log")
        self.assertEqual(text.splitlines(), [
            "The compiler warns:",
            "07_coroutines/exercises/retry.hpp:31:10: warning: ignoring returned value",
            "   31 |     sleep(pause);"])
        (self.root / "build/test.log").write_text("-- Configuring done\n")
        self.assertEqual(self.call("exercises.sh", "show_warnings build/test.log"), "")

    def test_of_a_failed_build_what_the_compiler_says(self):
        (self.root / "log").write_text(FAILURE)
        self.assertEqual(self.call("exercises.sh", "show_errors log").splitlines(), [
            "In file included from 02_threads/exercises/x_tests.cpp:1:",
            "02_threads/exercises/x.hpp:15:44: error: expected ';' before '}' token",
            "   15 |     int now() const { return now_ }"])
        (self.root / "log").write_text("CMake Error: there is no compiler\n")
        self.assertEqual(self.call("exercises.sh", "show_errors log"),
                         "CMake Error: there is no compiler\n")

    def test_a_log_that_cannot_be_written_is_named_and_not_shown(self):
        log = self.root / "build/test.log"
        log.write_text("an old log\n")
        without_root = self.without_root()  # who may write everywhere
        log.chmod(0o444)
        build = "root=$PWD; . support/tutorial/building.sh; quietly test Building touch built"
        text = self.run_in_root(*without_root, "sh", "-uc", build, status=1)
        self.assertEqual(text, f"sh: cannot write to {log.resolve()}: has another user built here?\n")
        log.chmod(0o644)
        (self.root / "build/test").mkdir(mode=0o555)
        text = self.run_in_root(*without_root, "sh", "-uc", build, status=1)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertIn("build/test: ", text)
        self.assertFalse((self.root / "built").exists())

    def without_root(self):
        """What to begin a command with, so that root has no more rights in our folder than others."""
        if os.getuid() != 0:
            return []
        for path in [self.root, *self.root.rglob("*")]:
            os.chown(path, 65534, 65534)
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def test_a_second_build_waits_for_the_first(self):
        if not shutil.which("flock") and not shutil.which("perl"):
            self.skipTest("neither flock nor Perl is here")
        os.mkfifo(self.root / "go_on")
        shell = ["sh", "-uc", "root=$PWD; . support/tutorial/building.sh; quietly test Building sh -c \"$1\"", "sh"]
        with subprocess.Popen([*shell, "echo first >>order; cat go_on; echo first >>order"], cwd=self.root,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first, \
                open(self.root / "go_on", "w", encoding="utf-8") as go_on:  # it holds the lock by now
            with subprocess.Popen([*shell, "echo second >>order"], cwd=self.root, text=True,
                                  stderr=subprocess.PIPE) as second:
                self.assertEqual(second.stderr.readline(),
                                 "Waiting for another ./tutorial, which builds ...\n")
                go_on.close()
                self.assertEqual(second.stderr.read(), "Building ...\n")
        self.assertEqual((first.returncode, second.returncode), (0, 0))
        self.assertEqual((self.root / "order").read_text(), "first\nfirst\nsecond\n")

    def test_the_script_finds_its_parts_through_symbolic_links(self):
        links = self.root / "some where"
        links.mkdir()
        (links / "one").symlink_to("two")
        (links / "two").symlink_to("../tutorial")
        (links / "three").symlink_to(self.root / "tutorial")
        for link in ("one", "three"):
            self.assertIn("are: lost_update", self.run_in_root(links / link, "experiment", "02", status=2))

    def test_results_of_an_exercise_name_files_as_seen_from_the_root(self):
        root = self.run_in_root("pwd", "-P").strip()
        (self.root / "results").write_text(RESULTS.replace("ROOT", root))
        text = self.run_in_root("sh", "-uc", f"root={root}; . support/tutorial/exercises.sh; "
                                "show_results <results")
        self.assertEqual(text.splitlines(), [
            "call_every:",
            "passed   the next call",
            "FAILED   an exception",
            "    the timer is set",
            "04_callbacks/exercises/call_every_tests.cpp:140:",
            "",
            "support/testing/exercise_tests.hpp:184: FATAL ERROR: REQUIRE( is_in_time ) is NOT correct!",
            "skipped  a late call"])

    def test_what_is_left_to_do_comes_last(self):
        (self.root / "results").write_text(RESULTS)
        text = self.call("exercises.sh", "results=results; stage=04_callbacks; name=; status=1; "
                         "show_what_is_to_do")
        self.assertEqual(text.splitlines(), [
            "Not written yet, so skipped:",
            "  04_callbacks/exercises/call_every.hpp:50: plan the next call",
            "A hint: ./tutorial exercise 04 NAME --hint"])

    def test_the_programs_of_a_stage_decide_how_its_exercises_end(self):
        folder = self.root / "build/test/01_blocking"
        folder.mkdir(parents=True)
        for status, expected in {0: 0, 77: 0, 1: 1}.items():
            for name, ends in {"line_reader": status, "messages": 0}.items():
                program = folder / f"01_blocking_{name}_exercise"
                program.write_text(f"#!/bin/sh\necho of {name}\nexit {ends}\n")
                program.chmod(0o755)
            text = self.call("exercises.sh", ". support/tutorial/playing.sh; stage=01_blocking; name=; "
                             "run_tests; echo $?")
            self.assertEqual(text, f"line_reader:\nof line_reader\nmessages:\nof messages\n{expected}\n")

    def test_progress_of_a_build_names_the_file(self):
        line = "[26/47] Building CXX object 06_task/CMakeFiles/06_task_x.dir/exercises/x_tests.cpp.o"
        text = self.call("exercises.sh", f"echo '{line}' | show_progress")
        self.assertEqual(text, "  26 of 47: 06_task/exercises/x_tests.cpp\n")

    def test_a_crash_is_found_in_the_results(self):
        (self.root / "results").write_text("c:\nskipped  zero\na_b:\npassed   it works\n"
                                           "CRASHED  one, and two\nCRASHED  three\n")
        text = self.call("exercises.sh", 'results=results; stage=01_blocking; build() { echo "$@"; }; '
                         'with_fixed_addresses() { for last; do :; done; echo "$last"; }; show_crash')
        self.assertIn("'one, and two' has crashed", text)
        self.assertIn("asan 01_blocking_a_b_exercise", text)
        self.assertIn("--test-case=one\\, and two", text)

    def test_of_a_sanitizers_report_what_matters(self):
        program = self.root / "program"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{REPORT}END\nexit 3\n")
        program.chmod(0o755)
        text = self.run_in_root("support/tutorial/sanitized", "./program", status=3)
        self.assertEqual(text.splitlines(), [
            "before",
            "==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x60c0",
            "    used: say_goodbye /home/ada/try.cpp:16",
            "    freed by: greet 07_coroutines/try.cpp:23",
            "(11 more lines of the report: --whole)"])

    def test_a_data_race_is_told_in_three_lines(self):
        (self.root / "report").write_text(RACE)
        text = self.run_in_root("support/tutorial/sanitized", "cat", "report")
        self.assertEqual(text.splitlines(), [
            "    20 threads serve a client each",
            "    ERROR: a data race: two threads use the same memory at once, and one changes it",
            "    one reads: ClientCounter::most() const 02_threads/exercises/client_counter.hpp:12",
            "    one writes: ClientCounter::enter() 02_threads/exercises/client_counter.hpp:20"])

    def test_where_leaks_cannot_be_looked_for_play_says_so_and_succeeds(self):
        (self.root / "build/play").mkdir()
        program = self.root / "program"
        program.write_text("#!/bin/sh\ncase ${ASAN_OPTIONS-} in *detect_leaks=0) echo hello; exit 5 ;; esac\n"
                           "echo ==42==LeakSanitizer has encountered a fatal error. >&2; exit 1\n")
        program.chmod(0o755)
        (self.root / "try.cpp").touch()
        stubs = ("compiles() { cp program build/play/leaks; }; compiler=compiles; "
                 "find_stage_of() { :; }; need() { :; }; build_file() { program=$root/program; }; ")
        text = self.run_in_root("sh", "-uc", "root=$PWD; . support/tutorial/building.sh; . support/tutorial/"
                                f"playing.sh; {stubs} play try.cpp --asan", status=5)
        self.assertEqual(text, "Leaks cannot be looked for here: ptrace is forbidden, or in use\nhello\n")

    def test_a_program_without_a_report_is_left_alone(self):
        text = self.run_in_root("support/tutorial/sanitized", "sh", "-c", "echo fine; exit 5", status=5)
        self.assertEqual(text, "fine\n")


if __name__ == "__main__":
    unittest.main()
