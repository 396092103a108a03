# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that an operator is to write, as a script or the file browser gives it."""

from __future__ import annotations

from pathlib import Path

import bpy


def file_to_write(filepath: str) -> Path:
    """Its path, where ``//`` is the blend file's folder. Raises :class:`MimeshError` where no file is named."""
    from ..core.errors import MimeshError

    path = Path(bpy.path.abspath(filepath))
    if not path.name:
        raise MimeshError("No file to write is named.", "Give its path as filepath.")
    return path
