# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds FLAME-named rigs in the open Blender file, in several frames, and takes snapshots of all its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from core.face.landmarks import LANDMARK_COUNT
from core.rig.description import LandmarkBinding
from tests.face_fixtures import JAW_HINGE_CM, SyntheticFace, bumps, jaw_share

Frame = Literal["flame", "smplx_y_up", "rolled"]
FLAME_IN_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
BONES = (
    ("root", None, (0.0, -12.0, -6.0)),
    ("neck", "root", (0.0, -8.0, -6.0)),
    ("jaw", "neck", tuple(JAW_HINGE_CM)),
    ("left_eye", "neck", (3.0, 3.0, 0.0)),
    ("right_eye", "neck", (-3.0, 3.0, 0.0)),
)


@dataclass(frozen=True, slots=True)
class RigChoice:
    """What rig to build. frame: how its axes lie; key_names: expression keys in order."""

    frame: Frame = "flame"
    key_names: Sequence[str] = tuple(f"Exp{index}" for index in range(1, 51))
    rotation_mode: str = "QUATERNION"
    with_armature: bool = True
    with_head_bone: bool = False
    name: str = "Head"


def flame_names(count: int = 50) -> tuple[str, ...]:
    """One-based, unpadded."""
    return tuple(f"Exp{index}" for index in range(1, count + 1))


def smplx_names(count: int = 50) -> tuple[str, ...]:
    """Zero-based, padded."""
    return tuple(f"Exp{index:03d}" for index in range(count))


def build_rig(face: SyntheticFace, choice: RigChoice | None = None) -> bpy.types.Object:
    """The synthetic face as a rigged mesh object. FLAME and rolled: metres, Z up; SMPL-X: centimetres, Y up."""
    choice = choice or RigChoice()
    place = _placement(choice.frame)
    mesh = bpy.data.meshes.new(choice.name)
    mesh.from_pydata((face.vertices @ place.T).tolist(), [], face.triangles.tolist())
    obj = bpy.data.objects.new(choice.name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    add_keys(obj, choice.key_names, bumps(face.vertices, len(choice.key_names), 11) @ place.T)
    if choice.with_armature:
        armature = _build_armature(choice, place)
        skin(obj, armature, jaw_share(face.vertices))
    return obj


def add_keys(obj: bpy.types.Object, names: Sequence[str], deltas: NDArray[np.float64]) -> None:
    """A reference key called Base, as on MPI's rig, and one key per name."""
    base = obj.shape_key_add(name="Base", from_mix=False)
    flat = np.empty(3 * len(base.data), np.float32)
    base.data.foreach_get("co", flat)
    for name, delta in zip(names, deltas, strict=True):
        block = obj.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", flat + delta.ravel().astype(np.float32))
        # since 5.0 a new key stands at one
        block.value = 0.0


def skin(obj: bpy.types.Object, armature: bpy.types.Object, share: NDArray[np.float64], parent: bool = True) -> None:
    """Weight the mesh to the jaw by ``share`` and to the head (or neck) with the rest."""
    if parent:
        obj.parent = armature
    modifier = obj.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    carrier = "head" if "head" in armature.data.bones else "neck"
    groups = {name: obj.vertex_groups.new(name=name) for name in (carrier, "jaw")}
    for vertex, weight in enumerate(share):
        groups["jaw"].add([vertex], float(weight), "REPLACE")
        groups[carrier].add([vertex], float(1 - weight), "REPLACE")


def own_binding(face: SyntheticFace) -> LandmarkBinding:
    """The synthetic mesh has one triangle per landmark, with the landmark at about its centre."""
    corners = face.vertices[face.triangles]
    weights = np.array([0.375, 0.3125, 0.3125])
    assert np.allclose(np.einsum("c,ncd->nd", weights, corners), face.basis.neutral, atol=1e-5)
    return LandmarkBinding(
        face.triangles, np.tile(weights, (LANDMARK_COUNT, 1)).astype(np.float32), np.ones(LANDMARK_COUNT, bool), "test"
    )


def evaluated_vertices(obj: bpy.types.Object) -> NDArray[np.float64]:
    """(V, 3) world positions after keys, modifiers and object transform at the current frame."""
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    matrix = np.array(evaluated.matrix_world)
    return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def snapshot() -> dict[str, Any]:
    """All data that a refused or failed run must leave as it was."""
    # animated values and world matrices are only up to date after an evaluation
    bpy.context.view_layer.update()
    return {
        "counts": {name: len(getattr(bpy.data, name)) for name in _COLLECTIONS},
        "objects": {obj.name: _object_state(obj) for obj in bpy.data.objects},
        "actions": {action.name: _action_state(action) for action in bpy.data.actions},
        "keys": {key.name: _key_state(key) for key in bpy.data.shape_keys},
        "scenes": {
            scene.name: (scene.frame_current, scene.frame_start, scene.frame_end, scene.render.fps, scene.camera)
            for scene in bpy.data.scenes
        },
    }


_COLLECTIONS = ("objects", "meshes", "armatures", "actions", "scenes", "images", "cameras", "lights", "materials")
_COLLECTIONS += ("collections", "shape_keys", "sounds", "worlds")


def _placement(frame: Frame) -> NDArray[np.float64]:
    return np.eye(3) if frame == "smplx_y_up" else 0.01 * FLAME_IN_BLENDER


def _build_armature(choice: RigChoice, place: NDArray[np.float64]) -> bpy.types.Object:
    data = bpy.data.armatures.new(f"{choice.name}Rig")
    armature = bpy.data.objects.new(f"{choice.name}Rig", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for index, (name, parent, joint) in enumerate(_bones(choice)):
        bone = data.edit_bones.new(name)
        head = Vector(place @ np.array(joint))
        bone.head, bone.tail = head, head + _tail(choice.frame, index)
        if choice.frame == "rolled":
            bone.roll = 0.4 + 0.7 * index
        bone.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = choice.rotation_mode
    if choice.frame == "smplx_y_up":
        # how Meshcapade's rigs stand: centimetres, Y up inside, turned upright as an object
        armature.matrix_world = Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)
    return armature


def _bones(choice: RigChoice) -> list[tuple[str, str | None, tuple[float, ...]]]:
    if not choice.with_head_bone:
        return list(BONES)
    moved = [(name, "head" if parent == "neck" else parent, joint) for name, parent, joint in BONES]
    return [*moved[:2], ("head", "neck", (0.0, -5.0, -5.0)), *moved[2:]]


def _tail(frame: Frame, index: int) -> Vector:
    if frame == "flame":
        return Vector((0, 0, 0.01))
    if frame == "smplx_y_up":
        return Vector((0, 10, 0))
    return Vector((0.03, -0.05 + 0.02 * index, 0.04))


def _object_state(obj: bpy.types.Object) -> tuple[Any, ...]:
    bones = obj.pose.bones if obj.pose is not None else ()
    poses = tuple((bone.name, bone.rotation_mode, tuple(map(tuple, bone.matrix_basis))) for bone in bones)
    modifiers = tuple((m.name, m.type, m.show_viewport, m.show_render) for m in obj.modifiers)
    constraints = tuple((bone.name, c.name, c.influence) for bone in bones for c in bone.constraints)
    place = (obj.mode, obj.select_get(), tuple(map(tuple, obj.matrix_world)), tuple(map(tuple, obj.matrix_basis)))
    kept = [(owner.name, key, str(owner[key])) for owner in (obj, obj.data) if owner for key in sorted(owner.keys())]
    groups = tuple(group.name for group in obj.vertex_groups)
    return *place, _animation_state(obj), poses, modifiers, constraints, kept, groups


def _key_state(key: bpy.types.Key) -> tuple[Any, ...]:
    blocks = tuple((b.name, b.value, b.slider_min, b.slider_max, b.mute) for b in key.key_blocks)
    return blocks, _animation_state(key)


def _animation_state(owner: Any) -> tuple[Any, ...] | None:
    data = owner.animation_data
    if data is None:
        return None
    tracks = tuple(
        (track.name, track.mute, tuple((s.name, s.action.name, s.frame_start) for s in track.strips))
        for track in data.nla_tracks
    )
    action = data.action.name if data.action is not None else None
    return action, tracks, data.action_blend_type, data.action_influence, len(data.drivers)


def _action_state(action: bpy.types.Action) -> tuple[Any, ...]:
    from core.blender.compat import action_curves

    curves = tuple(
        (curve.data_path, curve.array_index, tuple(tuple(point.co) for point in curve.keyframe_points))
        for curve in action_curves(action)
    )
    return curves, sorted(action.keys())
