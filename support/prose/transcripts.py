#!/usr/bin/env python3
"""Runs the console transcripts of the Markdown files and compares what comes with what they show.

    transcripts.py BUILD_FOLDER FILE.md ...

Two kinds of fences are run, each with its commands from top to bottom, in the repository's root:

    ```console    lines that begin with "$ " are commands; below each, what it prints
    ```sh         every line is a command, which only has to succeed

A server (`./tutorial run 04`, or any command that ends in "&") keeps running until the next
heading. What it prints first is compared, the rest is not; if nothing is shown of it, it is ready
when it listens on port 8000.

So that nothing is built here and no port is fixed, `./tutorial run 04` and `./tutorial
experiment 04 NAME` stand for the program in BUILD_FOLDER, as does a path below build/tour, and
the ports 8888 and 8000 for two free ones.

What differs from run to run is said in a comment above the fence:

    <!-- varies: [0-9.]+ s|thread [0-9]+ -->   what this pattern (Python's re) matches
    <!-- status: 1 -->                         the exit status of its commands; 0 unless said
    <!-- not run: it measures for a minute --> is not run at all
    <!-- needs: gdb valgrind -->               is skipped where one of these programs is missing

and by a line that is "..." in the output: any number of lines, or none.
"""

import os
import platform
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from documents import fences
from sources import ROOT, folder_of

PATIENCE = 60  # seconds until a command that should have ended, or printed, has failed


class Differs(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def fixed_addresses():
    """What a command begins with so that the system does not spread its addresses: where it does
    so too widely (vm.mmap_rnd_bits above 28), older sanitizers fail. Nothing where it cannot."""
    command = ["setarch", platform.machine(), "-R"]
    try:
        works = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        works = False
    return " ".join([*command, ""]) if works else ""


class NotBuilt(Exception):
    pass


def missing_tools(fence):
    """The programs that this fence needs and this machine lacks."""
    return [tool for tool in fence.notes.get("needs", "").split() if not shutil.which(tool)]


class Session:
    """What the fences below one heading share: the ports, and the servers that run."""

    def __init__(self, build):
        self.build = build
        self.ports = {"8888": free_port(), "8000": free_port()}
        self.servers = []

    def translate(self, command):
        """The command that is really run."""
        words = command.split(" ")
        if words[:2] in (["./tutorial", "run"], ["./tutorial", "experiment"]):
            stage = folder_of(words[2])
            is_server = words[1] == "run"
            program = "echo_server" if is_server else f"experiments/{words[3]}"
            rest = words[3:] if is_server else words[4:]
            if is_server and "--port" not in rest:
                rest = ["--port", "8888", *rest]
            command = " ".join([f"build/tour/{stage.name}/{program}", *rest])
            if not is_server and not (self.build / stage.name / program).exists():
                raise NotBuilt(f"{stage.name}/{program}")
            if not is_server:
                command = fixed_addresses() + self.shortened(stage, program, command)
        elif command.endswith("echo_client"):
            command += " 127.0.0.1 8888"
        for shown, real in self.ports.items():
            command = re.sub(rf"\b{shown}\b", real, command)
        return command.replace("build/tour/", shlex.quote(str(self.build)) + "/")

    def shortened(self, stage, program, command):
        """As `./tutorial experiment` does it: of a sanitizer's report only what matters."""
        is_sanitized = b"__asan_init" in (self.build / stage.name / program).read_bytes()
        return ("support/tutorial/sanitized " if is_sanitized else "") + command

    def translate_back(self, output):
        for shown, real in self.ports.items():
            output = re.sub(rf"\b{real}\b", shown, output)
        return output.replace(str(self.build) + "/", "build/tour/")

    def start(self, command, lines):
        """Starts a server; returns its first lines."""
        server = subprocess.Popen(
            ["sh", "-c", "exec " + self.translate(command).rstrip("& ")],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0)
        self.servers.append(server)
        output = b""
        while output.count(b"\n") < lines:
            if not select.select([server.stdout], [], [], PATIENCE)[0]:
                raise Differs(f"'{command}' prints no more than {output!r}")
            some = server.stdout.read(4096)
            if not some:
                raise Differs(f"'{command}' has ended; it printed {output!r}")
            output += some
        return self.translate_back(output.decode())

    def run(self, command):
        """Runs a command to its end; returns its status and all that it prints."""
        try:
            ended = subprocess.run(
                ["sh", "-c", self.translate(command)], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Differs(f"'{command}' does not end; it printed {error.output!r}") from None
        return ended.returncode, self.translate_back(ended.stdout)

    def wait_for_port(self, shown):
        """For a server that does not say when it listens."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.ports[shown]))) == 0:
                    return
            time.sleep(0.01)
        raise Differs(f"no server listens on port {shown}")

    def close(self):
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)
            server.stdout.close()
        self.servers = []


def is_server(command):
    return command.startswith("./tutorial run") or command.endswith("&")


def steps(fence):
    """The commands of a fence, each with the lines that it is to print; None: no matter which."""
    if fence.language == "sh":
        commands = [line for line in fence.lines if line and not line.startswith("#")]
        return [(command.split("  #")[0], None) for command in commands]
    found = []
    for line in fence.lines:
        if line.startswith("$ "):
            found.append((line[2:].split("  #")[0], []))
        elif found:
            found[-1][1].append(line)
        else:
            raise Differs("a console transcript begins with a command: $ ...")
    return found


def is_same(shown, came, varies):
    """Whether two outputs, lists of lines, agree but for what varies."""
    def without_what_varies(line):
        return re.sub(varies, "\N{BULLET}", line.rstrip()) if varies else line.rstrip()

    patterns = []
    for line in shown:
        if line.strip() == "...":
            patterns.append(r"(?:.*\n)*")
        else:
            patterns.append(re.escape(without_what_varies(line)) + r"\n")
    text = "".join(without_what_varies(line) + "\n" for line in came)
    return re.fullmatch("".join(patterns), text) is not None


def check_output(command, shown, came, varies):
    came = came.splitlines()
    while shown and not shown[-1]:
        shown = shown[:-1]
    if not is_same(shown, came, varies):
        raise Differs("\n".join([f"'{command}' printed", *came, "and not", *shown]))


def play(fence, session):
    for command, shown in steps(fence):
        varies = fence.notes.get("varies")
        if is_server(command):
            output = session.start(command, len(shown or []))
            if not shown:
                session.wait_for_port("8000")
        else:
            status, output = session.run(command)
            if str(status) != fence.notes.get("status", "0"):
                raise Differs(f"'{command}' ended with status {status}:\n{output}")
        if shown is not None:
            check_output(command, shown, output, varies)


def check(file, build):
    """Runs the transcripts of a file; returns what is wrong, as text."""
    problems, session, section = [], None, None
    lines = file.read_text(encoding="utf-8").split("\n")
    for fence in fences(lines):
        if fence.language not in ("console", "sh") or "not run" in fence.notes:
            continue
        if fence.argument:  # a copy, see fill.py
            continue
        if missing := missing_tools(fence):
            print(f"{file}:{fence.first}: skipped, because there is no {' '.join(missing)}")
            continue
        if session is None or fence.section != section:
            if session:
                session.close()
            session, section = Session(build), fence.section
        try:
            play(fence, session)
        except Differs as error:
            problems.append(f"{file}:{fence.first}: {error}")
        except NotBuilt as error:  # a compiler without AddressSanitizer; CMake has said so
            print(f"{file}:{fence.first}: skipped, because {error} is not built")
    if session:
        session.close()
    return problems


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve()
    os.environ["ASAN_OPTIONS"] = "abort_on_error=0"  # status 1 on macOS, too, and no signal
    problems = [text for name in sys.argv[2:] for text in check(Path(name), build)]
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
