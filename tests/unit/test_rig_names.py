# SPDX-License-Identifier: GPL-3.0-or-later
"""Expression keys and face bones told from names, without guessing."""

from __future__ import annotations

import pytest

from core.errors import RigError
from core.rig.names import BoneLink, descendants, resolve_bones, resolve_keys


def numbered(pattern: str, indices: range) -> list[str]:
    """Names by a format string."""
    return [pattern.format(index) for index in indices]


def test_flame_keys_count_from_one() -> None:
    names = numbered("Shape{}", range(1, 301)) + numbered("Exp{}", range(1, 101)) + numbered("Pose{}", range(1, 37))
    series = resolve_keys(names, "FLAME-generic")
    assert (series.names[0], series.names[-1], len(series.names)) == ("Exp1", "Exp50", 50)
    assert (series.first_index, series.found, series.signed) == (1, 100, True)


def test_smplx_keys_count_from_zero() -> None:
    series = resolve_keys(numbered("Shape{:03d}", range(10)) + numbered("Exp{:03d}", range(10)), "SMPLX")
    assert series.names == tuple(numbered("Exp{:03d}", range(10)))
    assert series.first_index == 0


def test_key_order_follows_the_index_not_the_list() -> None:
    shuffled = ["Exp10", *numbered("Exp{}", range(9, 0, -1))]
    assert resolve_keys(shuffled, "Head").names == tuple(numbered("Exp{}", range(1, 11)))


@pytest.mark.parametrize("pattern", ["exp{}", "EXP{}", "Expression{}", "expression{:02d}", "exp_{}", "Exp_{}"])
def test_other_spellings_are_found(pattern: str) -> None:
    assert resolve_keys(numbered(pattern, range(1, 6)), "Head").names == tuple(numbered(pattern, range(1, 6)))


def test_exact_case_wins_over_another_series() -> None:
    names = numbered("EXP{}", range(1, 4)) + numbered("Exp{}", range(1, 6))
    assert resolve_keys(names, "Head").names == tuple(numbered("Exp{}", range(1, 6)))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Exp1", "Exp2", "Exp4"], "lack index 3"),
        (["Exp5", "Exp6"], "start at Exp5, not at index 0 or 1"),
        (["Exp1", "Exp01", "Exp2"], "two spellings"),
        (["Smile", "Frown"], "has no expression keys; its 2 shape keys are Smile, Frown"),
        (numbered("Shape{}", range(1, 20)), "Shape5, Shape6, ..."),
    ],
)
def test_unclear_keys_are_refused_with_what_was_found(names: list[str], sentence: str) -> None:
    with pytest.raises(RigError, match=sentence) as refused:
        resolve_keys(names, "Head")
    assert '"Head"' in refused.value.message
    assert refused.value.hint


def test_arkit_controls_are_bounded_and_leave_gaze_out() -> None:
    names = ["jawOpen", "mouthClose", "mouthFunnel", "mouthSmile_L", "mouthSmileRight", "eyeLookUp_L", "Hat"]
    series = resolve_keys(names, "Head")
    assert series.names == ("jawOpen", "mouthClose", "mouthFunnel", "mouthSmile_L", "mouthSmileRight")
    assert not series.signed


FLAME = [
    BoneLink("Armature", None),
    BoneLink("neck", "Armature"),
    BoneLink("jaw", "neck"),
    BoneLink("left_eye", "neck"),
    BoneLink("right_eye", "neck"),
]


def test_flame_root_is_the_parentless_bone_whatever_its_name() -> None:
    bones = resolve_bones(FLAME)
    assert (bones.root, bones.neck, bones.head, bones.jaw) == ("Armature", "neck", None, "jaw")
    assert (bones.left_eye, bones.right_eye, bones.head_motion) == ("left_eye", "right_eye", "neck")


def test_smplx_head_takes_the_head_motion() -> None:
    bones = resolve_bones(
        [
            BoneLink("root", None),
            BoneLink("pelvis", "root"),
            BoneLink("neck", "pelvis"),
            BoneLink("head", "neck"),
            BoneLink("jaw", "head"),
            BoneLink("left_eye_smplhf", "head"),
            BoneLink("right_eye_smplhf", "head"),
        ]
    )
    assert (bones.head_motion, bones.neck, bones.root) == ("head", "neck", "root")
    assert (bones.left_eye, bones.right_eye) == ("left_eye_smplhf", "right_eye_smplhf")


@pytest.mark.parametrize(
    ("jaw", "left", "right"),
    [("DEF-jaw", "DEF-eye.L", "DEF-eye.R"), ("rig:Jaw", "rig:LeftEye", "rig:RightEye"), ("Jaw", "Eye_L", "Eye_R")],
)
def test_aliases_with_prefixes_and_sides(jaw: str, left: str, right: str) -> None:
    bones = resolve_bones([BoneLink("top", None), BoneLink(jaw, "top"), BoneLink(left, "top"), BoneLink(right, "top")])
    assert (bones.jaw, bones.left_eye, bones.right_eye) == (jaw, left, right)


def test_unnamed_skull_is_what_the_jaw_hangs_on() -> None:
    bones = resolve_bones([BoneLink("a", None), BoneLink("b", "a"), BoneLink("jaw", "b")])
    assert (bones.head_motion, bones.root) == ("b", "a")


def test_root_is_the_one_above_the_face() -> None:
    bones = resolve_bones([BoneLink("prop", None), *FLAME])
    assert bones.root == "Armature"


def test_no_bone_is_invented() -> None:
    bones = resolve_bones([BoneLink("spine", None), BoneLink("arm", "spine")])
    assert (bones.jaw, bones.head, bones.left_eye) == (None, None, None)


def test_descendants_of_the_jaw_in_any_order() -> None:
    links = [BoneLink("tip", "tongue"), BoneLink("tongue", "jaw"), BoneLink("jaw", "neck"), BoneLink("neck", None)]
    assert set(descendants(links, "jaw")) == {"jaw", "tongue", "tip"}
