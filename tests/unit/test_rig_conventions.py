# SPDX-License-Identifier: GPL-3.0-or-later
"""Which convention a mesh's keys follow, in every spelling that people use, and what the convention then decides."""

from __future__ import annotations

import re

import pytest

from core.errors import RigError
from core.rig.conventions.registry import conventions, match_keys
from tests.rig_key_names import ARKIT, CC4_STANDARD, CONVENTION_NAMES, META, SRANIPAL


def numbered(pattern: str, indices: range) -> list[str]:
    """Names by a format string."""
    return [pattern.format(index) for index in indices]


def test_flame_keys_count_from_one() -> None:
    names = numbered("Shape{}", range(1, 301)) + numbered("Exp{}", range(1, 101)) + numbered("Pose{}", range(1, 37))
    series = match_keys(names, "FLAME-generic")
    assert (series.names[0], series.names[-1], len(series.names)) == ("Exp1", "Exp50", 50)
    assert (series.first_index, series.found, series.signed) == (1, 100, True)


def test_smplx_keys_count_from_zero() -> None:
    series = match_keys(numbered("Shape{:03d}", range(10)) + numbered("Exp{:03d}", range(10)), "SMPLX")
    assert series.names == tuple(numbered("Exp{:03d}", range(10)))
    assert series.first_index == 0


def test_key_order_follows_the_index_not_the_list() -> None:
    shuffled = ["Exp10", *numbered("Exp{}", range(9, 0, -1))]
    assert match_keys(shuffled, "Head").names == tuple(numbered("Exp{}", range(1, 11)))


@pytest.mark.parametrize(
    "pattern",
    [
        *("exp{}", "EXP{}", "Expression{}", "expression{:02d}", "exp_{}", "Exp_{}", "Expr{:02d}", "expression-{}"),
        *("Exp {}", "FLAME-Exp{}", "flame.expr_{:03d}", "Expressions#{}"),
    ],
)
def test_other_spellings_are_found(pattern: str) -> None:
    assert match_keys(numbered(pattern, range(1, 6)), "Head").names == tuple(numbered(pattern, range(1, 6)))


def test_exact_case_wins_over_another_series() -> None:
    names = numbered("EXP{}", range(1, 4)) + numbered("Exp{}", range(1, 6))
    assert match_keys(names, "Head").names == tuple(numbered("Exp{}", range(1, 6)))


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
        match_keys(names, "Head")
    assert '"Head"' in refused.value.message
    assert refused.value.hint


def test_arkit_controls_are_bounded_and_leave_gaze_out() -> None:
    names = ["jawOpen", "mouthClose", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight", "eyeLookUpLeft", "Hat"]
    series = match_keys(names, "Head")
    assert series.names == ("jawOpen", "mouthClose", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight")
    assert not series.signed


def ended(name: str, left: str, right: str) -> str:
    """The side at the end in another way; mouthLeft is a control of its own and keeps its name."""
    if name in ("mouthLeft", "mouthRight", "jawLeft", "jawRight"):
        return name
    return re.sub("Left$", left, re.sub("Right$", right, name))


def begun(name: str, left: str, right: str) -> str:
    bare = ended(name, "", "")
    return name if bare == name else (left if name.endswith("Left") else right) + bare


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


SPELLINGS = {
    "exact": lambda name: name,
    "_L": lambda name: ended(name, "_L", "_R"),
    ".L": lambda name: ended(name, ".L", ".R"),
    ".l": lambda name: ended(name, ".l", ".r"),
    "-left": lambda name: ended(name, "-left", "-right"),
    "(L)": lambda name: ended(name, "(L)", "(R)"),
    " L": lambda name: ended(name, " L", " R"),
    "bare L": lambda name: ended(name, "L", "R"),
    "every .L": lambda name: re.sub("Left$", ".L", re.sub("Right$", ".R", name)),
    "l_": lambda name: begun(name, "l_", "r_"),
    "Left_": lambda name: begun(name, "Left_", "Right_"),
    "snake": snake,
    "Title": lambda name: snake(name).replace("_", " ").title(),
    "Title_": lambda name: snake(name).replace("_", " ").title().replace(" ", "_"),
    "kebab": lambda name: snake(name).replace("_", "-"),
    "lower": str.lower,
    "UPPER": str.upper,
    "Pascal": lambda name: name[0].upper() + name[1:],
    "prefix .": lambda name: f"blendShape1.{name}",
    "prefix _": lambda name: f"CTRL_expressions_{name}",
    "prefix Head_": lambda name: f"Wolf3D_Head_{name}",
    "prefix :": lambda name: f"Hero:{name}",
    "suffix": lambda name: f"{name}_shape",
    ".001": lambda name: f"{name}.001",
    ".L.001": lambda name: ended(name, ".L", ".R") + ".001",
    "numbered": lambda name: f"{ARKIT.index(name):02d}_{name}",
    "number behind": lambda name: f"{name}{ARKIT.index(name)}",
    "_lft": lambda name: ended(name, "_lft", "_rgt"),
    "_Lf": lambda name: ended(name, "_Lf", "_Rt"),
    "_links": lambda name: ended(name, "_links", "_rechts"),
    "L beside .R": lambda name: ended(name, "_L", ".R"),
    "side in the middle": lambda name: re.sub("^([a-z]+)([A-Z].*?)(Left|Right)$", r"\1_\3_\2", name),
    "Maya's path": lambda name: f"|grp|head|{name}",
    "padded": lambda name: f" {name} ",
    "one tool's and another's": lambda name: f"bs_{name}" if ARKIT.index(name) % 3 else name,
    "by part of the face": lambda name: f"{'Mouth' if name.startswith('mouth') else 'Upper'}_{name}",
    "joints and shapes": lambda name: f"facs_{'jnt' if name.startswith('jaw') else 'bs'}_{name}_div2",
    "ARKit prefix, snake, L": lambda name: "ARKit_" + snake(ended(name, "_L", "_R")),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_52_arkit_keys_are_found_in_every_spelling(spelling: str) -> None:
    spell = SPELLINGS[spelling]
    names = [spell(name) for name in ARKIT]
    match = match_keys(["Basis", "Fat", *names, "Hat_up"], "Head")
    expected = [name for name in ARKIT if "Look" not in name and name != "tongueOut"]
    assert match.convention.label == "ARKit"
    assert match.names == tuple(spell(name) for name in expected)
    assert match.meanings == tuple(expected)
    assert {key.name for key in match.gaze} == {spell(name) for name in ARKIT if "Look" in name}
    assert spell("tongueOut") in match.left_out


def test_a_copy_beside_its_original_and_a_strangers_key_are_left_out() -> None:
    match = match_keys([*ARKIT, "jawOpen.001", "Hat_mouthFunnel"], "Head")
    assert "jawOpen.001" in match.left_out
    assert not {"jawOpen.001", "Hat_mouthFunnel"} & set(match.names)


def test_correctives_and_keys_for_two_controls_are_left_alone() -> None:
    missing = [name for name in ARKIT if name not in ("mouthSmileLeft", "mouthPucker")]
    odd = ["jawOpen_mouthSmileLeft", "mouthPucker_fix", "mouthSmileLeft_old", "Jacket_Open", "Beard_L"]
    assert not set(odd) & set(match_keys([*missing, *odd], "Head").names)


def test_a_key_for_both_eyes_is_left_out_beside_one_for_each() -> None:
    match = match_keys([*ARKIT, "eyeBlink"], "Head")
    assert "eyeBlink" in match.left_out
    assert "eyeBlink" not in match.names


def test_headsets_gaze_is_read_as_the_person_sees_it() -> None:
    vive = match_keys(
        [*SRANIPAL, *(f"Eye_{e}_{w}" for e in ("Left", "Right") for w in ("Up", "Left", "Right"))], "Head"
    )
    meta = match_keys([*META, *(f"eyes_Look_{w}_{e}" for e in "LR" for w in ("Up", "Left", "Right"))], "Head")
    for match, name in ((vive, "Eye_{}_{}"), (meta, "eyes_Look_{}_{}")):
        gaze = {key.name: (key.eye, key.axis, key.sign) for key in match.gaze}
        way = [name.format("Left", "Right"), name.format("Right", "Left")] if match is vive else []
        way = way or [name.format("Right", "L"), name.format("Left", "R")]
        assert [gaze[each] for each in way] == [(0, 1, -1.0), (1, 1, 1.0)]


def test_daz_genesis_9_has_its_mouth_in_quarters() -> None:
    quarters = [
        f"facs_bs_Mouth{shape}{half}{side}"
        for shape in ("Close", "Funnel", "Purse", "Press")
        for half in ("Upper", "Lower")
        for side in ("Left", "Right")
    ]
    names = [
        "facs_jnt_JawOpen",
        *quarters,
        "facs_bs_MouthSmileLeft",
        "facs_bs_MouthSmileRight",
        "facs_jnt_EyesWideLeft",
    ]
    match = match_keys(names, "Genesis9")
    assert match.convention.label == "ARKit"
    assert match.names == tuple(names)
    assert len(set(match.meanings)) == len(names)


def test_character_creators_standard_profile_is_read_whole() -> None:
    """Funnel and pucker come without sides there, and the eyes have keys of their own."""
    match = match_keys(CC4_STANDARD, "CC_Base_Body")
    meanings = dict(zip(match.names, match.meanings, strict=True))
    assert match.convention.label == "Character Creator"
    assert len(match.names) == 45
    assert [meanings[f"Mouth_{name}"] for name in ("Funnel", "Pucker")] == ["mouthFunnel", "mouthPucker"]
    gaze = {key.name: (key.eye, key.axis, key.sign) for key in match.gaze}
    assert len(gaze) == 8
    assert gaze["Eye_L_Look_L"] == (0, 1, 1.0)
    assert gaze["Eye_R_Look_L"] == (1, 1, 1.0)
    assert gaze["Eye_R_Look_Up"] == (1, 0, -1.0)
    assert not any(name.startswith(("Head", "Tongue")) for name in match.names)


@pytest.mark.parametrize("label", CONVENTION_NAMES)
def test_keys_of_other_conventions_are_all_taken(label: str) -> None:
    names = CONVENTION_NAMES[label]
    match = match_keys([*names, "Body_Fat"], "Head")
    assert (match.convention.label, match.names, match.signed) == (label, tuple(names), False)


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (["A", "I", "U", "E", "O", "Blink_L", "Blink_R"], "VRM"),
        (["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight"], "VRM"),
        ([f"Face.M_F00_000_{name}" for name in CONVENTION_NAMES["VRM"]], "VRM"),
        (
            [
                f"vrc.v_{name}"
                for name in ["pp", "ff", "th", "dd", "kk", "ch", "ss", "nn", "rr", "aa", "e", "ih", "oh", "ou"]
            ],
            "Oculus visemes",
        ),
        ([*ARKIT, *CONVENTION_NAMES["Oculus visemes"]], "ARKit"),
        (["MTH_A", "MTH_I", "MTH_U", "MTH_E", "MTH_O", "EYE_Close"], "VRM"),
        (["ｱ", "ｲ", "ｳ", "ｴ", "ｵ", "まばたき"], "MikuMikuDance"),
        (["ア", "イ", "ウ", "エ", "オ", "ウィンク", "ウィンク右"], "MikuMikuDance"),
        (["AI", "E", "O", "U", "etc", "FV", "L", "MBP", "WQ"], "Preston Blair mouths"),
        ([f"mouth_{name}" for name in ["AI", "E", "O", "U", "etc", "FV", "L", "MBP", "WQ"]], "Preston Blair mouths"),
        (list("ABCDEFGH"), "Rhubarb mouths"),
        (["eCTRLMouthOpen", *(f"eCTRLv{n}" for n in ["AA", "F", "M", "OW", "UW", "TH"]), "eCTRLEyesClosedL"], "Daz"),
        (["MouthOpen", "LowerLipIn", "UpperLipOut", "LowerLipDown_Left", "Smile_Left", "Blink_Right"], "Mixamo"),
        (["Open", "Explosive", "Dental_Lip", "Tight-O", "Tight", "Wide", "Affricate"], "Character Creator"),
    ],
)
def test_the_convention_with_most_keys_is_taken(names: list[str], label: str) -> None:
    match = match_keys(names, "Head")
    assert match.convention.label == label
    if label != "ARKit":
        assert match.names == tuple(names)


def test_a_rig_of_mouth_shapes_says_what_it_cannot_show() -> None:
    match = match_keys(CONVENTION_NAMES["Oculus visemes"], "Head")
    assert "14 mouth shapes" in match.convention.shortcomings(match)
    assert match_keys(ARKIT, "Head").convention.shortcomings(match) == ""


def test_the_artists_word_is_last() -> None:
    hand = {"mouthSmileLeft": "", "MyGrin": "mouthSmileRight", "MyLook": "eyeLookUpLeft"}
    match = match_keys([*ARKIT, "MyGrin", "MyLook"], "Head", hand)
    meanings = dict(zip(match.names, match.meanings, strict=True))
    assert "mouthSmileLeft" in match.left_out
    assert "mouthSmileRight" in match.left_out
    assert meanings["MyGrin"] == "mouthSmileRight"
    assert [key.name for key in match.gaze if key.eye == 0 and key.axis == 0] == ["eyeLookDownLeft", "MyLook"]


def test_keys_of_no_convention_can_be_named_by_hand() -> None:
    match = match_keys(["Auf", "Zu", "Bart"], "Head", {"Auf": "jawOpen", "Zu": "mouthClose"})
    assert (match.names, match.meanings, match.signed) == (("Auf", "Zu"), ("jawOpen", "mouthClose"), False)


@pytest.mark.parametrize("pattern", ["Exp{}.001", "Exp.{:03d}"])
def test_blenders_own_numbers_do_not_hide_a_series(pattern: str) -> None:
    assert match_keys(numbered(pattern, range(1, 6)), "Head").names == tuple(numbered(pattern, range(1, 6)))


def test_jaws_turn_with_components_and_only_without_opening_keys_elsewhere() -> None:
    turning = {c.label: (c.turns_jaw(True), c.turns_jaw(False)) for c in conventions()}
    assert turning["FLAME"] == turning["SMPL-X"] == (True, True)
    assert turning["ARKit"] == turning["Character Creator"] == (False, True)


def test_a_component_can_be_left_out_by_hand_without_a_gap() -> None:
    match = match_keys(numbered("Exp{}", range(1, 6)), "Head", {"Exp3": ""})
    assert match.names == ("Exp1", "Exp2", "Exp4", "Exp5")
    assert match.left_out == ("Exp3",)
