# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs that cannot be keyed, each for a reason of its own, and what is tried on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import bpy
import numpy as np

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.correspond import PROPERTIES, store_binding
from core.blender.import_flame import key_pose_correctives
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.face.landmarks import STABLE
from core.rig.correspond import FaceSurface, find_landmarks
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders
from tests.blender.named_faces import named_head, talking

FACE = face_fixtures.synthetic_face()
ARKIT = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthSmileRight", "cheekPuff")
Spoil = Callable[[], Callable[[], object]]


def generate(obj: bpy.types.Object, timing: SceneTiming = SceneTiming(25.0, 10.0)) -> CurvePlan:  # noqa: B008
    """What Generate does after the engine."""
    rig = read_rig(obj)
    solved = prepare_solver(rig, FACE.basis).solve(talking(FACE))
    existing = read_existing(obj, [part.object_name for part in rig.parts])
    plan = plan_curves(rig, solved, timing, ApplySettings(), existing, "{}")
    apply_plan(plan, obj)
    return plan


def head(with_armature: bool = True) -> bpy.types.Object:
    return named_head(FACE, ARKIT, with_armature=with_armature)


def spoiled(change: Callable[[bpy.types.Object], object], with_armature: bool = True) -> Spoil:
    """A head that ``change`` makes unfit."""

    def build() -> Callable[[], object]:
        obj = head(with_armature)
        change(obj)
        return lambda: generate(obj)

    return build


def components(*names: str) -> Spoil:
    """A FLAME head with these keys."""

    def build() -> Callable[[], object]:
        obj = builders.build_rig(FACE, builders.RigChoice(key_names=names))
        return lambda: generate(obj)

    return build


def marker() -> Callable[[], object]:
    obj = bpy.data.objects.new("Marker", None)
    bpy.context.scene.collection.objects.link(obj)
    return lambda: generate(obj)


def absolute(obj: bpy.types.Object) -> None:
    obj.data.shape_keys.use_relative = False


def driven(obj: bpy.types.Object) -> None:
    for name in ARKIT:
        obj[name] = 0.0
        driver = obj.data.shape_keys.driver_add(f'key_blocks["{name}"].value').driver
        driver.expression = "0.0"


def eyeball() -> Callable[[], object]:
    head()
    eye = named_head(FACE, ARKIT, strangers=())
    eye.name, eye.scale = "Eye", (0.2, 0.2, 0.2)
    for block in eye.data.shape_keys.key_blocks[3:]:
        for point, base in zip(block.data, eye.data.shape_keys.key_blocks[0].data, strict=True):
            point.co = base.co
    other = bpy.data.objects["Face"]
    other.parent, eye.parent = None, None
    for modifier in list(other.modifiers):
        other.modifiers.remove(modifier)
    return lambda: generate(eye)


def broken_point(obj: bpy.types.Object) -> None:
    obj.data.shape_keys.reference_key.data[7].co = (float("nan"), 0.0, 0.0)


def broken_keys(obj: bpy.types.Object) -> None:
    for block in obj.data.shape_keys.key_blocks[1:]:
        block.data[7].co = (1e25, 0.0, 0.0)


def edit_mode(obj: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")


def twin(obj: bpy.types.Object) -> None:
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Twin", obj.data))


def kept(name: str, value: str) -> Callable[[bpy.types.Object], None]:
    """With a custom property."""
    return lambda obj: obj.__setitem__(name, value)


def unknown_names(obj: bpy.types.Object) -> None:
    for index, block in enumerate(obj.data.shape_keys.key_blocks):
        block.name = f"Key {index:02d} q"
    for name in PROPERTIES:
        del obj.data[name]


def unknown_and_still(obj: bpy.types.Object) -> None:
    still(obj)
    for index, block in enumerate(obj.data.shape_keys.key_blocks):
        block.name = f"Key {index:02d} q"


def still(obj: bpy.types.Object) -> None:
    base = [point.co.copy() for point in obj.data.shape_keys.reference_key.data]
    for block in obj.data.shape_keys.key_blocks:
        for point, place in zip(block.data, base, strict=True):
            point.co = place


def unbound(obj: bpy.types.Object) -> None:
    for name in PROPERTIES:
        del obj.data[name]


def hardly_bound(obj: bpy.types.Object) -> None:
    binding = builders.own_binding(FACE)
    valid = binding.valid.copy()
    valid[STABLE[4:]] = False
    store_binding(obj, dataclasses.replace(binding, valid=valid))


def reshaped(obj: bpy.types.Object, how: Callable[[np.ndarray], np.ndarray]) -> None:
    for block in obj.data.shape_keys.key_blocks:
        block.data.foreach_set("co", how(np.array([p.co for p in block.data])).astype(np.float32).ravel())


def mirrored(obj: bpy.types.Object) -> None:
    reshaped(obj, lambda points: points * np.array([-1.0, 1.0, 1.0]))


def flattened(obj: bpy.types.Object) -> None:
    reshaped(obj, lambda points: points * np.array([1.0, 1.0, 0.1]) + 0.3 * points[:, [2, 0, 1]])


def no_frame() -> Callable[[], object]:
    obj = head()
    return lambda: generate(obj, SceneTiming(1.0, 10.2, last_frame=10.8))


def driven_jaw() -> Callable[[], object]:
    obj = builders.build_rig(FACE)
    store_binding(obj, builders.own_binding(FACE))
    find_armature(obj).driver_add('pose.bones["jaw"].rotation_quaternion', 1)
    return lambda: generate(obj)


def acted(obj: bpy.types.Object) -> None:
    obj.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=5)


def tweaked(obj: bpy.types.Object) -> None:
    acted(obj)
    data = obj.data.shape_keys.animation_data
    data.nla_tracks.new().strips.new("Take", 1, data.action)
    data.action = None
    data.nla_tracks.active = data.nla_tracks[0]
    data.nla_tracks[0].select = data.nla_tracks[0].strips[0].select = True
    data.use_tweak_mode = True


def changed_meanwhile() -> Callable[[], object]:
    obj = head()
    rig = read_rig(obj)
    solved = prepare_solver(rig, FACE.basis).solve(talking(FACE))
    plan = plan_curves(rig, solved, SceneTiming(25.0, 10.0), ApplySettings(), read_existing(obj, []), "{}")
    acted(obj)
    return lambda: apply_plan(plan, obj)


def no_face_seen() -> Callable[[], object]:
    obj = head()
    rig = read_rig(obj)
    surface = FaceSurface(obj.name, rig.vertices, rig.triangles, np.ones(len(rig.vertices), bool))
    return lambda: find_landmarks(surface, lambda _: None)


def no_pose_keys() -> Callable[[], object]:
    obj = builders.build_rig(FACE)
    return lambda: key_pose_correctives(obj, 1, 5)


def no_flame_bones() -> Callable[[], object]:
    names = tuple(f"Pose{index}" for index in range(1, 37))
    obj = builders.build_rig(FACE, builders.RigChoice(key_names=names, with_armature=False))
    return lambda: key_pose_correctives(obj, 1, 5)
