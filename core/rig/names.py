# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones of an armature carry a face, told from their names and the bone chain.

Names come from the conventions (:mod:`.conventions`). A body's root is never taken for a head: what names and chain
do not tell is left for the artist to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .conventions.base import BoneNames
from .conventions.registry import bone_names

# what tools and people call these bones, beside the conventions' own names
_GENERAL = BoneNames(
    jaw=(
        "jaw",
        "jaw_bone",
        "jawbone",
        "lower_jaw",
        "lowerjaw",
        "mandible",
        "chin_jaw",
        "jaw_root",
        "jawroot",
        "jaw_base",
    ),
    head=("head", "head_bone", "skull", "headbone", "head_01"),
    neck=(
        "neck",
        "neck_bone",
        "neck_01",
        "neck1",
        "neck01",
        "neck_1",
        "necklower",
        "neckupper",
        "neck_lower",
        "neck_upper",
    ),
    left_eye=("left_eye", "eye_l", "lefteye", "eye_left", "l_eye", "leye", "eyeball_left", "eyeball_l", "eyeleft"),
    right_eye=(
        "right_eye",
        "eye_r",
        "righteye",
        "eye_right",
        "r_eye",
        "reye",
        "eyeball_right",
        "eyeball_r",
        "eyeright",
    ),
)
_DEFORM_PREFIX = re.compile(r"^(def|org|mch|c|b|bn|bone|jnt)_")
_COPY = re.compile(r"\.\d{3}$")
# a bone with one of these below it carries more than a head
_BODY = re.compile(r"(shoulder|clavicle|collar|arm|hand|finger|leg|thigh|foot|hips?|pelvis|spine|chest|torso)(_|\d|$)")
ROLES = ("jaw", "head", "neck", "left_eye", "right_eye")


@dataclass(frozen=True, slots=True)
class BoneLink:
    """A bone and its parent. carries: how much of the face's mesh hangs on it, 0 where that is not known."""

    name: str
    parent: str | None
    carries: float = 0.0


@dataclass(frozen=True, slots=True)
class FaceBones:
    """Names of the bones that we drive; None where the rig has none, or where it cannot be told."""

    root: str | None = None
    neck: str | None = None
    head: str | None = None
    jaw: str | None = None
    left_eye: str | None = None
    right_eye: str | None = None

    @property
    def head_motion(self) -> str | None:
        """The bone that takes head motion: SMPL-X's head, FLAME's neck. Never a root: it may carry a body."""
        return self.head or self.neck


def resolve_bones(bones: Sequence[BoneLink], by_hand: Mapping[str, str] | None = None) -> FaceBones:
    """Find root, neck, head, jaw and eyes; ``by_hand`` (role to bone) wins over names, names over the chain.

    Of several bones of one name (two faces on one armature) the one counts that carries this mesh, with what lies
    above and below it.
    """
    by_hand, parents = by_hand or {}, {bone.name: bone.parent for bone in bones}
    known = bone_names()
    on_face = _family_of_face(bones, parents)

    def named(role: str, near: frozenset[str] = frozenset()) -> str | None:
        if by_hand.get(role) in parents:
            return by_hand[role]
        aliases = (*getattr(_GENERAL, role), *getattr(known, role))
        return _best(bones, aliases, on_face, near)

    jaw = named("jaw")
    above = frozenset(_ancestors(jaw, parents)) if jaw is not None else frozenset()
    head = named("head", above)
    above = frozenset(_ancestors(head, parents)) | above if head is not None else above
    neck = named("neck", above)
    if head is None and neck is None and jaw is not None and not _carries_body(bones, parents[jaw]):
        # an oddly named rig: the skull is what the jaw hangs on
        head = parents[jaw] if parents[jaw] is not None and parents[parents[jaw] or ""] is not None else None
    below = frozenset(descendants(bones, head or neck or "")) if head or neck else frozenset()
    found = FaceBones(
        root=_root(bones, jaw or head or neck, parents),
        neck=neck,
        head=head,
        jaw=jaw,
        left_eye=named("left_eye", below),
        right_eye=named("right_eye", below),
    )
    # a FLAME rig has a neck and no head; a body's head is not turned by its neck's root
    return replace(found, neck=None) if found.neck == found.head else found


def descendants(bones: Sequence[BoneLink], name: str) -> tuple[str, ...]:
    """The bone and everything below it: a tongue or lower-teeth bone follows the jaw."""
    family = {name}
    # parents may come after their children in the list, hence until nothing is added
    while True:
        grown = family | {bone.name for bone in bones if bone.parent in family}
        if grown == family:
            return tuple(bone.name for bone in bones if bone.name in family)
        family = grown


def _best(
    bones: Sequence[BoneLink], aliases: Iterable[str], on_face: frozenset[str], near: frozenset[str]
) -> str | None:
    """The bone of the likeliest name; of several such, one that carries the face, in its chain, a control."""
    order = {alias: index for index, alias in reversed(list(enumerate(aliases)))}
    fitting = [(order[_canonical(bone.name)], bone) for bone in bones if _canonical(bone.name) in order]
    if not fitting:
        return None
    ranked = min(
        fitting,
        key=lambda item: (
            bool(near) and item[1].name not in near,
            bool(on_face) and item[1].name not in on_face,
            item[0],
            -item[1].carries,
            len(item[1].name),
        ),
    )
    return ranked[1].name


def _family_of_face(bones: Sequence[BoneLink], parents: Mapping[str, str | None]) -> frozenset[str]:
    """The bones that carry the mesh and those above them."""
    carrying = [bone.name for bone in bones if bone.carries > 0]
    return frozenset(name for bone in carrying for name in (bone, *_ancestors(bone, parents)))


def _ancestors(name: str | None, parents: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    while name is not None and (name := parents.get(name)) is not None:
        found.append(name)
    return found


def _carries_body(bones: Sequence[BoneLink], name: str | None) -> bool:
    return name is not None and any(_BODY.search(_canonical(below)) for below in descendants(bones, name)[1:])


def _root(bones: Sequence[BoneLink], member: str | None, parents: Mapping[str, str | None]) -> str | None:
    """The parentless bone above the face; with no face bone known, the first parentless bone."""
    if member is None:
        return next((bone.name for bone in bones if bone.parent is None), None)
    return _ancestors(member, parents)[-1] if parents.get(member) is not None else member


def _canonical(name: str) -> str:
    """``mixamorig:Left Eye``, ``DEF-eye.L.001`` and ``left_eye`` in one spelling."""
    plain = _COPY.sub("", name).rsplit(":", 1)[-1].lower()
    return _DEFORM_PREFIX.sub("", re.sub(r"[^\w]+|_+", "_", plain).strip("_"))
