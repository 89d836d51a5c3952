#!/usr/bin/env python3
"""Checks the settings for editors: that F5 in a file of any stage finds its server, and builds
what it debugs first. They name no stage: VS Code fills in the folder and the name of the file
that is open.

    editor.py BUILD_FOLDER
"""

import json
import sys
from pathlib import Path

from sources import ROOT


def filled_in(program, file):
    """What VS Code makes of a path when `file` is open."""
    file = file.relative_to(ROOT)
    program = program.replace("${relativeFileDirname}", str(file.parent))
    return program.replace("${fileBasenameNoExtension}", file.stem)


def problems(build):
    launch = json.loads((ROOT / ".vscode/launch.json").read_text(encoding="utf-8"))
    tasks = json.loads((ROOT / ".vscode/tasks.json").read_text(encoding="utf-8"))["tasks"]
    json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    commands = {task["label"]: task["command"] for task in tasks}
    for configuration in launch["configurations"]:
        name, task = configuration["name"], configuration["preLaunchTask"]
        program = configuration["program"].removeprefix("${workspaceFolder}/build/dev/")
        for server in sorted(ROOT.glob("*/echo_server.cpp")):
            is_built = (build / server.parent.name).is_dir()  # a stage may be left out
            if is_built and not (build / filled_in(program, server)).is_file():
                yield f"in {server.relative_to(ROOT)} '{name}' would debug what is not built"
        if task not in commands:
            yield f"'{name}' needs the task '{task}', which does not exist"
        elif not commands[task].endswith(" " + program):
            yield f"the task '{task}' does not build what '{name}' debugs"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = list(problems(Path(sys.argv[1])))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
