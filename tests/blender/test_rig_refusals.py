# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal on the way from a rig to its keys: one clear sentence with a next step, and the scene as it was."""

from __future__ import annotations

import ast
import traceback
from pathlib import Path

import pytest

from core.blender.read_rig import require_mesh
from core.blender.rig_choice import KEYS_PROPERTY, bone_property
from core.errors import RigError
from tests.blender import builders
from tests.blender.spoilt_rigs import (
    Spoil,
    absolute,
    acted,
    broken_keys,
    broken_point,
    changed_meanwhile,
    components,
    driven,
    driven_jaw,
    edit_mode,
    eyeball,
    flattened,
    hardly_bound,
    kept,
    marker,
    mirrored,
    no_face_seen,
    no_flame_bones,
    no_frame,
    no_pose_keys,
    spoiled,
    still,
    tweaked,
    twin,
    unbound,
    unknown_and_still,
    unknown_names,
)

pytestmark = pytest.mark.slow
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
