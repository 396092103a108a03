# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal on the way from a rig to its keys: one clear sentence with a next step, and the scene as it was."""

from __future__ import annotations

import ast
import dataclasses
import traceback
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.correspond import PROPERTIES, store_binding
from core.blender.import_flame import key_pose_correctives
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig, require_mesh
from core.blender.rig_choice import KEYS_PROPERTY, bone_property
from core.errors import RigError
from core.face.landmarks import STABLE
from core.rig.correspond import FaceSurface, find_landmarks
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders
from tests.blender.named_faces import named_head, talking

pytestmark = pytest.mark.slow
FACE = face_fixtures.synthetic_face()
ROOT = Path(__file__).parents[2]
# the rooms that a rig goes through before anything is written
PATH = (
    *("core/blender/read_rig.py", "core/blender/editable.py", "core/blender/rig_choice.py"),
    "core/blender/damage.py",
    *("core/blender/correspond.py", "core/blender/apply.py", "core/blender/import_flame.py"),
    *("core/rig/frames.py", "core/rig/face.py", "core/rig/plan.py", "core/rig/layer_words.py"),
    *("core/rig/correspond.py", "core/rig/conventions/by_shape.py"),
    *("core/rig/conventions/components.py", "core/rig/conventions/registry.py"),
)
# said again for the type checker where an earlier one speaks first, or linked data: tests/blender/test_overrides.py
ELSEWHERE = {("face.py", "rig_face"), ("correspond.py", "store_binding")}
# make the error for another function to raise
HANDED_BACK = ("_unknown", "overwrite_refused")
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


# what is spoilt, the sentence, and the function that says it
CASES: dict[str, tuple[Spoil, str, str]] = {
    "nothing chosen": (lambda: lambda: require_mesh(None), "No mesh is chosen", "require_mesh"),
    "an empty": (marker, '"Marker" is not a mesh but a empty', "require_mesh"),
    "no shape keys": (spoiled(lambda obj: obj.shape_key_clear()), '"Face" has no shape keys', "_require_keys"),
    "absolute keys": (spoiled(absolute), "absolute, not relative", "_require_keys"),
    "all keys driven": (spoiled(driven), "Drivers control 7 of the 7", "_require_free"),
    "an eyeball": (eyeball, 'goes with a face but is not the face.*"Face"', "_require_face"),
    "edit mode": (spoiled(edit_mode), '"Face" is in Edit Mode', "require_editable"),
    "shared mesh": (spoiled(twin), '"Face" shares its mesh with "Twin"', "require_editable"),
    "bone that is gone": (
        spoiled(kept(bone_property("jaw"), "Kiefer")),
        '"Kiefer" is named as the jaw bone',
        "chosen_bones",
    ),
    "keys by hand unreadable": (spoiled(kept(KEYS_PROPERTY, "{jawOpen")), "is not readable", "chosen_keys"),
    "keys by hand no table": (spoiled(kept(KEYS_PROPERTY, '["jawOpen"]')), "is no table of names", "chosen_keys"),
    "names that say nothing": (spoiled(unknown_names), r"its \d+ shape keys are", "_unknown"),
    "names and keys that say nothing": (spoiled(unknown_and_still), "Only 0 of the", "match_by_shape"),
    "keys that move no lips": (spoiled(still), "do not move the lips", "_require_lip_motion"),
    "two spellings": (components("Exp1", "Exp2", "Exp01"), "two spellings of one expression key", "_checked"),
    "a late start": (components("Exp3", "Exp4"), "start at Exp3, not at index 0 or 1", "_checked"),
    "a gap": (components("Exp1", "Exp2", "Exp4"), "lack index 3", "_checked"),
    "no landmarks": (spoiled(unbound), "have not been found yet", "align_rig"),
    "few landmarks": (spoiled(hardly_bound), "Only 4 steady landmarks", "align_rig"),
    "mirrored mesh": (spoiled(mirrored), "are mirrored", "_require_face"),
    "no face's shape": (spoiled(flattened), "do not lie like those of a face", "_require_face"),
    "damaged point": (spoiled(broken_point), "first: vertex 7", "require_points"),
    "damaged keys": (spoiled(broken_keys), "are damaged, first", "whole_keys"),
    "no whole frame": (no_frame, "No whole scene frame", "plan_curves"),
    "driven jaw": (driven_jaw, 'A driver turns the jaw bone "jaw"', "_taken_bones"),
    "an artist's action": (spoiled(acted), "which Mimesh did not make", "overwrite_refused"),
    "tweak mode": (spoiled(tweaked), "being tweaked in the NLA editor", "refuse_tweaking"),
    "changed meanwhile": (changed_meanwhile, "changed while the motion was being made", "_require_unchanged"),
    "no face seen": (no_face_seen, "No face was recognised", "_first_sight"),
    "no pose keys": (no_pose_keys, "has no keys Pose1 to Pose36", "_pose_blocks"),
    "no bones of FLAME": (no_flame_bones, "has no armature with the bones", "key_pose_correctives"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_is_one_sentence_with_a_way_out_and_leaves_the_scene_as_it_was(case: str) -> None:
    build, sentence, speaker = CASES[case]
    act = build()
    before = builders.snapshot()
    with pytest.raises(RigError, match=sentence) as refused:
        act()
    assert refused.value.hint
    assert "\n" not in str(refused.value)
    assert builders.snapshot() == before
    functions = {frame.name for frame in traceback.extract_tb(refused.value.__traceback__)}
    assert speaker in functions or speaker in HANDED_BACK


def test_no_refusal_of_the_path_is_left_out() -> None:
    spoken = {speaker for _, _, speaker in CASES.values()}
    missing = {place for place in _places() if place[1] not in spoken and place not in ELSEWHERE}
    assert not missing


def _places() -> set[tuple[str, str]]:
    """(file, function) of everything on the path that makes a RigError."""
    found: set[tuple[str, str]] = set()
    for name in PATH:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
                if any(isinstance(call, ast.Name) and call.id == "RigError" for call in calls):
                    found.add((Path(name).name, function.name))
    return found
