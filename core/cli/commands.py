# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command's module is: one file for each, with ``add_command``; and who calls it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

# where ``add_command`` adds its parser; it sets ``run``, which takes the options and returns an Outcome or None
Commands = argparse._SubParsersAction


@dataclass(frozen=True, slots=True)
class Host:
    """The program that holds the command line.

    program: how it was called. in_blender: a file is open, and what needs the engine's own packages is not offered.
    python, library: what Blender's preferences say, for options that were not given.
    """

    program: str = "mimesh"
    in_blender: bool = False
    python: Path | None = None
    library: Path | None = None

    def fill(self, options: argparse.Namespace) -> None:
        """Put the host's own choices where nothing was typed."""
        for name in ("python", "library"):
            if getattr(options, name, self) is None:
                setattr(options, name, getattr(self, name))
        options.in_blender = self.in_blender
