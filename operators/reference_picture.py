# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the reference that was checked last, with its landmarks; it lies outside the .blend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

_FILE = "mimesh_reference.png"


@dataclass(slots=True)
class _Shown:
    """The picture, which report it belongs to (as ``MimeshRun.quality``), and its icon once it was drawn."""

    data: bytes = b""
    quality: str = ""
    collection: Any = None
    icon: int = 0


_shown = _Shown()


def keep_picture(data: bytes, quality: str) -> None:
    """Of a reference that was looked at just now; empty for one without pictures."""
    unregister()
    _shown.data, _shown.quality = data, quality
    if data:
        picture_path().write_bytes(data)


def picture_path() -> Path:
    """Where the picture lies, for a program that shows it in its own size."""
    return Path(bpy.app.tempdir) / _FILE


def picture_of(quality: str) -> bytes:
    """The picture that goes with what was seen of a reference; empty where there is none."""
    return _shown.data if quality and quality == _shown.quality else b""


def picture_icon(quality: str) -> int:
    """The same as an icon; 0 where there is none, as in the background."""
    if bpy.app.background or not picture_of(quality):
        return 0
    if _shown.collection is None:
        _shown.collection = bpy.utils.previews.new()
        _shown.icon = int(_shown.collection.load("reference", str(picture_path()), "IMAGE").icon_id)
    return _shown.icon


def register() -> None:
    """Nothing is drawn before it is wanted."""


def unregister() -> None:
    """Give the picture back."""
    if _shown.collection is not None:
        bpy.utils.previews.remove(_shown.collection)
    _shown.collection, _shown.icon, _shown.data, _shown.quality = None, 0, b"", ""
