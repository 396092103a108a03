# SPDX-License-Identifier: GPL-3.0-or-later
"""Face bones told from names, the chain and what carries the mesh, without guessing."""

from __future__ import annotations

import pytest

from core.rig.names import BoneLink, descendants, resolve_bones

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


def test_a_bodys_root_is_never_taken_for_a_head() -> None:
    body = [BoneLink("root", None), BoneLink("jaw", "root"), BoneLink("upperarm_L", "root")]
    assert resolve_bones(body).head_motion is None
    odd = [BoneLink("a", None), BoneLink("b", "a"), BoneLink("jaw", "b"), BoneLink("Shoulder.L", "b")]
    assert resolve_bones(odd).head_motion is None


def test_a_bone_named_by_hand_wins() -> None:
    links = [*FLAME, BoneLink("Bone.007", "neck"), BoneLink("Kopf", "neck")]
    bones = resolve_bones(links, {"jaw": "Bone.007", "head": "Kopf", "neck": "gone"})
    assert (bones.jaw, bones.head, bones.neck) == ("Bone.007", "Kopf", "neck")


def test_of_two_faces_on_one_armature_each_has_its_own_jaw() -> None:
    def chain(end: str, carries: float) -> list[BoneLink]:
        names = [("neck", "spine"), ("head", f"neck{end}"), ("jaw", f"head{end}"), ("eye.L", f"head{end}")]
        return [BoneLink(f"{name}{end}", parent, carries * (name == "jaw")) for name, parent in names]

    bones = resolve_bones([BoneLink("spine", None), *chain("", 0.0), *chain(".001", 2.5)])
    assert (bones.jaw, bones.head, bones.neck, bones.left_eye) == ("jaw.001", "head.001", "neck.001", "eye.L.001")


@pytest.mark.parametrize(
    ("names", "jaw", "head"),
    [
        (("CC_Base_NeckTwist01", "CC_Base_Head", "CC_Base_JawRoot"), "CC_Base_JawRoot", "CC_Base_Head"),
        (("mixamorig:Neck", "mixamorig:Head", "mixamorig:Jaw"), "mixamorig:Jaw", "mixamorig:Head"),
        (("neck", "ORG-head", "jaw_master"), "jaw_master", "ORG-head"),
        (("J_Bip_C_Neck", "J_Bip_C_Head", "Jaw"), "Jaw", "J_Bip_C_Head"),
        (("首", "頭", "jaw"), "jaw", "頭"),
    ],
)
def test_bones_of_every_convention_are_known(names: tuple[str, str, str], jaw: str, head: str) -> None:
    links = [BoneLink("root", None)]
    links += [BoneLink(name, links[-1].name) for name in ()]
    for name in names:
        links.append(BoneLink(name, links[-1].name))
    found = resolve_bones(links)
    assert (found.jaw, found.head, found.neck) == (jaw, head, names[0])
