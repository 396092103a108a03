# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo head as an asset: a .blend file of its own, for Blender's asset browser."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import MimeshError
from ..files import whole_file
from .first_try import Added, add_head

LIBRARY_NAME = "Mimesh"
FILE_NAME = "mimesh_head.blend"
_COLLECTION = "Mimesh Talking Head"


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
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            bpy.data.libraries.write(str(partial), {collection}, fake_user=True, compress=True)
        bpy.data.collections.remove(collection)
    except (OSError, RuntimeError) as error:
        raise MimeshError(f"The asset {path} cannot be written ({error}).", "Is the disk full?") from error
    finally:
        added.take_back()
        view_layer.objects.active = active
    return path


def register_library(preferences: bpy.types.Preferences, folder: Path) -> None:
    """Make the folder known to the asset browser under our name; once is enough."""
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
    for tag in ("face", "lip sync", "FLAME"):
        words.tags.new(tag)
