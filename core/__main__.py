# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core``: the command line."""

from __future__ import annotations

import os
import sys

from .cli.commands import Host
from .cli.main import main


def leave(code: int) -> None:
    """End the process with this code, at once where Blender's module is loaded: its own clean-up may wait for ever."""
    if "bpy" not in sys.modules:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main(host=Host("python -m core")))
