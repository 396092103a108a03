# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit codes of every command, also of ``blender -c mimesh``; docs/command-line.md tells users the same."""

from __future__ import annotations

from enum import IntEnum

from ..errors import MimeshError


class ExitCode(IntEnum):
    """What a caller may rely on; a number never changes its meaning."""

    DONE = 0
    #: a failure of another kind: the output cannot be written, or a fault of Mimesh's own (with a traceback)
    FAILURE = 1
    #: options, sound, reference, style or model files
    BAD_INPUT = 2
    #: the mesh, the armature or what animates them
    BAD_RIG = 3
    #: the engine's Python, its packages, or its death
    ENGINE = 4
    #: some of several rows were made
    PARTLY = 5
    CANCELLED = 130


_BY_KIND = {
    "media": ExitCode.BAD_INPUT,
    "reference": ExitCode.BAD_INPUT,
    "settings": ExitCode.BAD_INPUT,
    "model": ExitCode.BAD_INPUT,
    "rig": ExitCode.BAD_RIG,
    "environment": ExitCode.ENGINE,
    "engine": ExitCode.ENGINE,
    "cancelled": ExitCode.CANCELLED,
}


def exit_code(error: MimeshError) -> ExitCode:
    """The code that tells this error's kind."""
    return _BY_KIND.get(error.kind, ExitCode.FAILURE)
