# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of takes as icons; they lie outside the file and are drawn once for each take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy
import bpy.utils.previews

_PIXELS = 128


@dataclass(slots=True)
class _Pictures:
    """Blender's collection of previews, made at the first use, and their icons by take."""

    collection: Any = None
    icons: dict[tuple[str, int, int], int] = field(default_factory=dict)


_pictures = _Pictures()


def take_icon(obj: Any, number: int) -> int:
    """The icon of a take at its widest opening; 0 in the background, where there are no icons."""
    name = f"mimesh_take_{number}"
    if bpy.app.background or name not in obj:
        return 0
    packed = bytes(obj[name])
    key = (obj.name, number, hash(packed))
    if key not in _pictures.icons:
        _pictures.icons[key] = _drawn(obj, number, str(key))
    return _pictures.icons[key]


def _drawn(obj: Any, number: int, name: str) -> int:
    import numpy as np

    from ..core.blender.retake import take_picture

    rgb = take_picture(obj, number, _PIXELS)
    if _pictures.collection is None:
        _pictures.collection = bpy.utils.previews.new()
    preview = _pictures.collection.new(name)
    preview.image_size = (_PIXELS, _PIXELS)
    # Blender counts rows from below
    pixels = np.concatenate([rgb[::-1] / 255.0, np.ones((_PIXELS, _PIXELS, 1))], axis=2)
    preview.image_pixels_float.foreach_set(pixels.astype(np.float32).ravel())
    return int(preview.icon_id)


def register() -> None:
    """Nothing is drawn before it is wanted."""


def unregister() -> None:
    """Give the pictures back."""
    if _pictures.collection is not None:
        bpy.utils.previews.remove(_pictures.collection)
    _pictures.collection = None
    _pictures.icons.clear()
