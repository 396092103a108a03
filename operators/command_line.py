# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b scene.blend -c mimesh …``: the command line inside an ordinary Blender, without a bpy Python."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .engine_access import engine_python
from .preferences import style_folder

COMMAND = "mimesh"


@dataclass(slots=True)
class _Registered:
    """Blender's own handle, for taking the command back."""

    handle: Any = None


_registered = _Registered()


def run(arguments: list[str]) -> int:
    """Called by Blender with what follows ``-c mimesh``; it ends with the exit code that is returned."""
    from ..core.cli.commands import Host
    from ..core.cli.main import main

    host = Host(
        program=f"blender -c {COMMAND}",
        in_blender=True,
        python=engine_python(bpy.context),
        library=Path(style_folder(bpy.context)),
    )
    try:
        return main(arguments, host)
    except SystemExit as end:
        # argparse has said what is wrong, or has shown its help
        return end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()


def register() -> None:
    """Offer the command; Blender 4.2 and later have them."""
    # the stubs say that it returns nothing
    _registered.handle = bpy.utils.register_cli_command(COMMAND, run)  # type: ignore[func-returns-value]


def unregister() -> None:
    """Take it back."""
    bpy.utils.unregister_cli_command(_registered.handle)
    _registered.handle = None
