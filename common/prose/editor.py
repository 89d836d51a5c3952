#!/usr/bin/env python3
"""Checks the settings for editors: that F5 can debug every stage, building what it debugs first.

    editor.py BUILD_FOLDER
"""

import json
import sys
from pathlib import Path

from sources import ROOT


def problems(build):
    launch = json.loads((ROOT / ".vscode/launch.json").read_text(encoding="utf-8"))
    tasks = json.loads((ROOT / ".vscode/tasks.json").read_text(encoding="utf-8"))["tasks"]
    json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    commands = {task["label"]: task["command"] for task in tasks}
    programs = set()
    for configuration in launch["configurations"]:
        name, task = configuration["name"], configuration["preLaunchTask"]
        program = configuration["program"].removeprefix("${workspaceFolder}/build/dev/")
        programs.add(program)
        if "${" not in program and not (build / program).is_file():
            yield f"'{name}' would debug {program}, which is not built"
        if task not in commands:
            yield f"'{name}' needs the task '{task}', which there is not"
        elif not commands[task].endswith(" " + program):
            yield f"the task '{task}' does not build what '{name}' debugs"
    for stage in sorted(ROOT.glob("0*_*")):
        if f"{stage.name}/echo_server" not in programs:
            yield f"nothing debugs {stage.name}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = list(problems(Path(sys.argv[1])))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
