# SPDX-License-Identifier: GPL-3.0-or-later
"""A talking character out to other programs, by Blender's own exporters: lips, head and eyes in one animation.

Main thread only. What is written is what Blender shows on each frame, so NLA tracks, several lines and corrections are
all in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..arkit.live_link import write_live_link
from ..arkit.names import SHAPES, plain
from ..errors import MimeshError, RigError, SettingsError
from ..rig.conventions.arkit import CONVENTION as ARKIT
from .read_rig import read_rig


@dataclass(frozen=True, slots=True)
class Exported:
    """objects: names of what is in the file. frames: first and last."""

    objects: tuple[str, ...]
    frames: tuple[int, int]


def export_character(scene: bpy.types.Scene, object_name: str, path: Path) -> Exported:
    """Write the face, its armature and what goes with it, over the scene's frames.

    The file's ending says how. Selection and frame stay as they were. Raises :class:`SettingsError` for an ending that
    is none of :func:`export_endings`, :class:`RigError` for a mesh that is no face or that nothing animates.
    """
    write = _EXPORTERS.get(path.suffix.lower())
    if write is None:
        known = ", ".join(export_endings())
        raise SettingsError(f"The output {path.name} ends in {path.suffix or 'nothing'}; there are: {known}.")
    objects = character_objects(object_name)
    if not any(_animated(obj) for obj in objects):
        raise RigError(f'Nothing animates "{object_name}" or its bones.', "Generate its lip sync first.")
    if path.suffix.lower() == ".bvh" and not any(obj.type == "ARMATURE" for obj in objects):
        raise RigError(f'"{object_name}" has no bones, which are all that BVH holds.', "Choose .glb or .fbx.")
    if path.suffix.lower() == ".csv" and not _is_apples(objects[0]):
        raise RigError(
            f'The keys of "{object_name}" are not Apple\'s 52 shapes, which a Live Link file holds.',
            "Choose .glb or .fbx, or let the command motion write the speech itself as .csv.",
        )
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        with _selected(scene, objects):
            write(scene, partial)
        _name(partial, path)
    except RuntimeError as error:
        told = " ".join(str(error).split())
        raise MimeshError(f"Blender cannot write {path.name} ({told:.200}).", "Choose another format.") from error
    finally:
        partial.unlink(missing_ok=True)
    return Exported(tuple(obj.name for obj in objects), (scene.frame_start, scene.frame_end))


def export_endings() -> tuple[str, ...]:
    """What can be written."""
    return tuple(_EXPORTERS)


def character_objects(object_name: str) -> tuple[Any, ...]:
    """The face first, then its armature, then meshes that are keyed along or moved by the bones."""
    rig = read_rig(bpy.data.objects.get(object_name))
    names = [rig.object_name, rig.armature_name, *(part.object_name for part in rig.parts), *rig.followers]
    return tuple(bpy.data.objects[name] for name in dict.fromkeys(filter(None, names)))


def _animated(obj: Any) -> bool:
    owners = [obj, getattr(obj.data, "shape_keys", None) if obj.type == "MESH" else None]
    found = [owner.animation_data for owner in owners if owner is not None and owner.animation_data is not None]
    return any(data.action is not None or len(data.nla_tracks) for data in found)


@contextlib.contextmanager
def _selected(scene: Any, objects: tuple[Any, ...]) -> Iterator[None]:
    """Only these are selected, in object mode; afterwards all is as it was."""
    layer = scene.view_layers[0]
    with _in_scene(scene):
        before, active, frame = [o for o in layer.objects if o.select_get()], layer.objects.active, scene.frame_current
        if bpy.context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        hidden = [obj for obj in objects if obj.hide_get()]
        try:
            for obj in hidden:
                obj.hide_set(False)
            for obj in layer.objects:
                obj.select_set(obj in objects)
            layer.objects.active = next((obj for obj in objects if obj.type == "ARMATURE"), objects[0])
            yield
        finally:
            for obj in layer.objects:
                obj.select_set(obj in before)
            for obj in hidden:
                obj.hide_set(True)
            layer.objects.active = active
            scene.frame_set(frame)


@contextlib.contextmanager
def _in_scene(scene: Any) -> Iterator[None]:
    """The scene as the context's, with a window where there is one: exporters look for both."""
    windows = bpy.context.window_manager.windows
    window = bpy.context.window or (windows[0] if len(windows) else None)
    override: dict[str, Any] = {"scene": scene, "view_layer": scene.view_layers[0]}
    if window is not None and window.scene == scene:
        override = {"window": window}
    with bpy.context.temp_override(**override):
        yield


def _gltf(scene: Any, path: Path) -> None:
    _ensure("io_scene_gltf2", "export_scene", "gltf")
    operator: Any = bpy.ops.export_scene.gltf
    operator(
        filepath=str(path),
        export_format="GLB" if path.suffix.lower() == ".glb" else "GLTF_EMBEDDED",
        use_selection=True,
        export_animations=True,
        # what the scene shows, baked: keys and bones in one animation, whatever actions and tracks they come from
        export_animation_mode="SCENE",
        export_anim_scene_split_object=False,
        export_bake_animation=True,
        export_force_sampling=True,
        export_optimize_animation_size=False,
        export_frame_range=True,
        export_morph=True,
        export_morph_animation=True,
        export_apply=False,
    )


def _fbx(scene: Any, path: Path) -> None:
    _ensure("io_scene_fbx", "export_scene", "fbx")
    operator: Any = bpy.ops.export_scene.fbx
    operator(
        filepath=str(path),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        bake_anim=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_simplify_factor=0.0,
        add_leaf_bones=False,
        use_mesh_modifiers=False,
    )


def _usd(scene: Any, path: Path) -> None:
    operator: Any = bpy.ops.wm.usd_export
    operator(
        filepath=str(path),
        selected_objects_only=True,
        export_animation=True,
        export_shapekeys=True,
        export_armatures=True,
        export_materials=True,
    )


def _bvh(scene: Any, path: Path) -> None:
    _ensure("io_anim_bvh", "export_anim", "bvh")
    operator: Any = bpy.ops.export_anim.bvh
    operator(filepath=str(path), frame_start=scene.frame_start, frame_end=scene.frame_end, rotate_mode="ZXY")


def _live_link(scene: Any, path: Path) -> None:
    """Apple's shapes as they are shown on each frame; for faces whose keys are Apple's."""
    face = next(obj for obj in bpy.context.selected_objects if obj.type == "MESH" and _is_apples(obj))
    rig = read_rig(face)
    named = dict(zip(rig.key_meanings, rig.key_names, strict=True))
    for key in rig.gaze_keys:
        named |= {shape: key.name for shape in SHAPES if plain(key.name).endswith(plain(shape))}
    blocks = {SHAPES.index(shape): face.data.shape_keys.key_blocks[name] for shape, name in named.items()}
    values = np.zeros((scene.frame_end + 1 - scene.frame_start, len(SHAPES)))
    for row, frame in zip(values, range(scene.frame_start, scene.frame_end + 1), strict=True):
        scene.frame_set(frame)
        for place, block in blocks.items():
            row[place] = block.value
    text = write_live_link(values, scene.render.fps / scene.render.fps_base)
    path.write_text(text, encoding="utf-8", newline="")


def _is_apples(obj: Any) -> bool:
    try:
        return read_rig(obj).convention.label == ARKIT.label
    except RigError:
        return False


_EXPORTERS: dict[str, Callable[[Any, Path], None]] = {
    ".glb": _gltf,
    ".gltf": _gltf,
    ".fbx": _fbx,
    ".usdc": _usd,
    ".usda": _usd,
    ".bvh": _bvh,
    ".csv": _live_link,
}


def _ensure(module: str, group: str, name: str) -> None:
    """Blender's own exporters are add-ons that a user may have switched off."""
    import addon_utils

    if not addon_utils.check(module)[1]:
        addon_utils.enable(module)
    if not hasattr(getattr(bpy.ops, group), name):
        raise MimeshError(f"This Blender has no exporter {module}.", "Use an official build, or another format.")


def _name(partial: Path, path: Path) -> None:
    try:
        partial.replace(path)
    except OSError as error:
        raise MimeshError(f"The output {path} cannot be written ({error.strerror or error}).") from error
