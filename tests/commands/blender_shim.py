# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``blender -b FILE -c mimesh …``, ``-o -s -e -f -a`` and ``-P`` do, by Blender as a Python module.

Options take effect in their order, as Blender's do. An option that is not known here ends with a sentence.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import bpy

from tests.blender.fake_engine import enable_checkout, part


def main(arguments: list[str]) -> int:
    """One run of Blender; the exit code."""
    enable_checkout()
    sys.argv = ["blender", *arguments]
    left = list(arguments)
    while left:
        option = left.pop(0)
        if option in ("-c", "--command"):
            name = left.pop(0)
            if name != "mimesh":
                sys.stderr.write(f'Unrecognized command: "{name}"\n')
                return 1
            code: int = part("operators.command_line").run(left)
            return code
        if option == "--":
            break
        _do(option, left)
    return 0


def _do(option: str, left: list[str]) -> None:
    scene = bpy.context.scene
    if option in ("-b", "--background"):
        return
    if option in ("-P", "--python"):
        runpy.run_path(left.pop(0), run_name="__main__")
    elif option == "--python-expr":
        exec(left.pop(0), {"__name__": "__main__"})
    elif option == "--python-exit-code":
        left.pop(0)
    elif option == "-o":
        scene.render.filepath = left.pop(0)
    elif option == "-s":
        scene.frame_start = int(left.pop(0))
    elif option == "-e":
        scene.frame_end = int(left.pop(0))
    elif option == "-a":
        bpy.ops.render.render(animation=True)
    elif option.startswith("-"):
        raise SystemExit(f"this shim does not know {option}")
    else:
        bpy.ops.wm.open_mainfile(filepath=str(Path(option).absolute()))


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's own clean-up may wait for ever
    os._exit(ended)
