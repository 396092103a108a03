# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles as assets: a .blend for each, whose Empty carries the style's file, for Blender's asset browser.

An Empty, because it can be dragged into a scene in every Blender, and because what it carries is all that it is.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..direct.style_picture import style_picture
from ..errors import MimeshError, ModelError
from ..files import file_stem, whole_file
from ..style.library import StyleEntry, StyleLibrary
from ..style.style import Style
from .tags import STYLE_FOLDER, STYLE_PROPERTY, STYLE_TAG, store_bytes

# after what cannot be written
UNWRITTEN_HINT = "Make room on its disk, or check the rights of its folder."

_PIXELS = 256
# Blender shows half a metre of an Empty: about a head's size
_SIZE_METRES = 0.1


def sync_style_assets(library: StyleLibrary, folder: Path, catalog: str) -> int:
    """Write an asset for every style that has none as it is now, remove those whose style is gone; how many are there.

    catalog: the UUID of the catalog that they appear in. Raises :class:`MimeshError` where the folder cannot be
    written; a damaged style has no asset.
    """
    target = folder / STYLE_FOLDER
    wanted = {_file_name(entry): entry for entry in library.entries() if not entry.problem}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in target.glob("*.blend"):
            if path.name not in wanted:
                path.unlink()
        for name, entry in wanted.items():
            if not (target / name).exists():
                _write(entry, target / name, catalog)
    except (OSError, RuntimeError) as error:
        raise MimeshError(
            f"The assets in {target} cannot be written ({error}).",
            UNWRITTEN_HINT,
        ) from error
    return len(wanted)


def carried_style(owner: Any) -> bytes:
    """The style's file that a datablock carries; empty where it carries none."""
    return bytes(owner.get(STYLE_PROPERTY, b""))


def read_style_asset(path: Path, name: str) -> bytes:
    """The style's file that an asset in another .blend carries; nothing of it stays in this one.

    Raises :class:`ModelError` where there is none.
    """
    found: Any = None
    libraries: Any = bpy.data.libraries
    try:
        with libraries.load(str(path)) as (source, target):
            target.objects = [name] if name in source.objects else []
        found = next(iter(target.objects), None)
        data = carried_style(found) if found is not None else b""
    except OSError as error:
        raise ModelError(f"The asset file {path} cannot be read ({error}).", "Refresh the asset browser.") from error
    finally:
        if found is not None:
            bpy.data.objects.remove(found)
    if not data:
        raise ModelError(f'The asset "{name}" in {path} carries no style.', "Choose one from the library Mimesh.")
    return data


def set_preview(owner: Any, rgb: NDArray[np.uint8]) -> None:
    """Make a square picture the datablock's preview."""
    preview = owner.preview_ensure()
    preview.image_size = rgb.shape[:2]
    # Blender counts rows from below
    rgba = np.concatenate([rgb[::-1] / 255.0, np.ones((*rgb.shape[:2], 1))], axis=2)
    preview.image_pixels_float.foreach_set(rgba.astype(np.float32).ravel())


def write_asset(owner: Any, name: str, others: Any, path: Path) -> None:
    """Write a marked datablock under this name, even where another in the scene has it. Raises OSError, RuntimeError.

    others: Blender's collection of the same kind.
    """
    taken = others.get(name)
    taken = None if taken == owner else taken
    try:
        if taken is not None:
            taken.name = f"{name} of the scene"
        owner.name = name
        with whole_file(path) as partial:
            bpy.data.libraries.write(str(partial), {owner}, fake_user=True, compress=True)
    finally:
        if taken is not None:
            owner.name = f"{name} asset"
            taken.name = name


def _file_name(entry: StyleEntry) -> str:
    """Another content is another file, so that what is there need not be opened."""
    return f"{file_stem(entry.name)[:40]}-{hashlib.sha256(entry.path.read_bytes()).hexdigest()[:12]}.blend"


def _write(entry: StyleEntry, path: Path, catalog: str) -> None:
    style = Style.load(entry.path)
    carrier = bpy.data.objects.new(entry.name, None)
    try:
        carrier.empty_display_size = _SIZE_METRES
        store_bytes(carrier, STYLE_PROPERTY, entry.path.read_bytes())
        carrier.asset_mark()
        words = carrier.asset_data
        assert words is not None
        words.description = f"The way of talking in {entry.source}, {entry.seconds:.1f} s"
        words.catalog_id = catalog
        words.tags.new(STYLE_TAG)
        set_preview(carrier, style_picture(style.gain, style.offset, style.head, _PIXELS))
        write_asset(carrier, entry.name, bpy.data.objects, path)
    finally:
        bpy.data.objects.remove(carrier)
