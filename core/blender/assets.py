# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo head as an asset, and the library that Blender's asset browser knows: heads and styles."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import MimeshError
from ..files import whole_file
from .demo_head import COLOUR_LAYER
from .first_try import Added, add_head
from .style_assets import UNWRITTEN_HINT, set_preview, write_asset
from .thumbnail import coloured_picture

LIBRARY_NAME = "Mimesh"
FILE_NAME = "mimesh_head.blend"
STYLES_CATALOG = "5e2d8ad4-6a0c-4f0e-9d3b-2f6a7c1b9e10"
_HEADS_CATALOG = "0c9b1f7e-3f4d-4c58-8a77-91d6e2b4a3f5"
# Blender's own format of catalogs: an identifier, a path, a simple name
_CATALOG_FILE = "blender_assets.cats.txt"
_CATALOGS = f"""VERSION 1

{_HEADS_CATALOG}:Lip Sync/Heads:Lip Sync-Heads
{STYLES_CATALOG}:Lip Sync/Styles:Lip Sync-Styles
"""
_COLLECTION = "Mimesh Talking Head"
_PIXELS = 256


def write_head_asset(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer, folder: Path) -> Path:
    """Write the head, its rig and its look as one collection asset; the scene is as before then.

    Raises :class:`MimeshError` where the folder cannot be written.
    """
    path, added = folder / FILE_NAME, Added(scene, frame_end=scene.frame_end)
    active = view_layer.objects.active
    try:
        head = add_head(scene, added)
        assert head.parent is not None
        head.parent.location = (0.0, 0.0, 0.0)
        collection = bpy.data.collections.new(_COLLECTION)
        for obj in added.objects:
            collection.objects.link(obj)
        _mark(collection)
        set_preview(collection, coloured_picture(head, COLOUR_LAYER, _PIXELS))
        folder.mkdir(parents=True, exist_ok=True)
        write_asset(collection, _COLLECTION, bpy.data.collections, path)
        bpy.data.collections.remove(collection)
    except (OSError, RuntimeError) as error:
        raise MimeshError(
            f"The asset {path} cannot be written ({error}).",
            UNWRITTEN_HINT,
        ) from error
    finally:
        added.take_back()
        view_layer.objects.active = active
    return path


def register_library(preferences: bpy.types.Preferences, folder: Path) -> None:
    """Make the folder known to the asset browser under our name, with its catalogs; once is enough.

    Catalogs that somebody has arranged stay. Raises :class:`MimeshError` where the folder cannot be written.
    """
    catalogs = folder / _CATALOG_FILE
    try:
        if not catalogs.exists():
            with whole_file(catalogs) as partial:
                partial.write_text(_CATALOGS, encoding="utf-8")
    except OSError as error:
        raise MimeshError(
            f"The file {catalogs} cannot be written ({error.strerror}).",
            UNWRITTEN_HINT,
        ) from error
    libraries = preferences.filepaths.asset_libraries
    known = libraries.get(LIBRARY_NAME)
    if known is None:
        known = libraries.new(name=LIBRARY_NAME, directory=str(folder))
    known.path = str(folder)


def _mark(collection: bpy.types.Collection) -> None:
    collection.asset_mark()
    words = collection.asset_data
    assert words is not None
    words.description = "A head with expression keys, jaw, eyes and neck that Mimesh can make talk"
    words.author, words.license = "Mimesh maintainers", "CC BY 4.0 (derived from the GRID corpus)"
    words.catalog_id = _HEADS_CATALOG
    for tag in ("face", "lip sync", "FLAME"):
        words.tags.new(tag)
