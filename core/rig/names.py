# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shape keys and bones of a rig carry a face, told from their names and the bone chain.

FLAME rigs count ``Exp1..`` from one without padding, SMPL-X rigs ``Exp000..`` from zero with padding. The
first index is read off the rig, never assumed: a series that starts anywhere else, or has a gap, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError

EXPRESSION_PREFIXES = ("Exp", "Expression", "exp_", "expression_", "Exp_", "Expression_")
# keys beyond this are finer than what speech moves; DECA and EMOCA use the same first fifty
EXPRESSION_LIMIT = 50

# the controls of Apple's ARKit that we need to see before we call a rig ARKit-like
_ARKIT_MARKERS = ("jawopen", "mouthclose", "mouthfunnel", "mouthpucker")
_ARKIT_STEMS = (
    *("browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "cheekRaiser", "eyeBlink"),
    *("eyeSquint", "eyeWide", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimple"),
    *("mouthFrown", "mouthFunnel", "mouthLeft", "mouthLowerDown", "mouthPress", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmile", "mouthStretch"),
    *("mouthUpperUp", "noseSneer"),
)
_ARKIT_KEY = re.compile(rf"^({'|'.join(_ARKIT_STEMS)})(_?(?:L|R|Left|Right))?$", re.IGNORECASE)

_BLINK_KEY = re.compile(r"^eyeBlink(?:_?(L|R|Left|Right))?$", re.IGNORECASE)
_GAZE_KEY = re.compile(r"^eyeLook(Down|Up|In|Out)_?(L|R|Left|Right)$", re.IGNORECASE)

_JAW = ("jaw", "jaw_bone", "jawbone", "lower_jaw", "lowerjaw", "mandible", "jaw_master", "chin_jaw", "jaw_root")
_HEAD = ("head", "head_bone", "skull")
_NECK = ("neck", "neck_bone", "neck_01", "neck1")
_LEFT_EYE = ("left_eye", "left_eye_smplhf", "eye_l", "lefteye", "eye_left", "l_eye", "eyeball_left", "eyeball_l")
_RIGHT_EYE = ("right_eye", "right_eye_smplhf", "eye_r", "righteye", "eye_right", "r_eye", "eyeball_right", "eyeball_r")
_DEFORM_PREFIX = re.compile(r"^(def|org|c|b|bn|bone|jnt)_")


@dataclass(frozen=True, slots=True)
class KeySeries:
    """Shape keys in component order. ``signed``: PCA-like, any sign; otherwise 0..1 controls (ARKit)."""

    names: tuple[str, ...]
    signed: bool
    first_index: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class GazeKey:
    """An ARKit ``eyeLook`` key.

    eye: 0 the person's left, 1 right. axis: 0 pitch (down positive), 1 yaw (to the person's left positive). sign: of
    the angle that the key shows.
    """

    name: str
    eye: int
    axis: int
    sign: float


@dataclass(frozen=True, slots=True)
class BoneLink:
    """A bone and its parent, all that naming needs."""

    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class FaceBones:
    """Names of the bones that we drive; None where the rig has none."""

    root: str | None = None
    neck: str | None = None
    head: str | None = None
    jaw: str | None = None
    left_eye: str | None = None
    right_eye: str | None = None

    @property
    def head_motion(self) -> str | None:
        """The bone that takes head motion: SMPL-X's head, FLAME's neck, else the root."""
        return self.head or self.neck or self.root


def resolve_keys(names: Sequence[str], object_name: str) -> KeySeries:
    """Find the expression keys among all keys of a mesh. Raises :class:`RigError` naming what was found."""
    for ignore_case in (False, True):
        for prefix in EXPRESSION_PREFIXES:
            found = _numbered(names, prefix, ignore_case)
            if found:
                return _checked_series(found, object_name)
    arkit = resolve_arkit_keys(names)
    if arkit is not None:
        return arkit
    raise RigError(
        f'The mesh "{object_name}" has no expression keys; its {len(names)} shape keys are {_shortened(names)}.',
        "Mimesh needs FLAME keys (Exp1, Exp2, ...), SMPL-X keys (Exp000, ...) or ARKit keys (jawOpen, ...).",
    )


def resolve_arkit_keys(names: Sequence[str]) -> KeySeries | None:
    """ARKit-like controls that move skin, with ``_L``/``_R`` or ``Left``/``Right`` ends; None if not such a rig."""
    known = {name.lower() for name in names}
    if sum(marker in known for marker in _ARKIT_MARKERS) < 2:
        return None
    chosen = tuple(name for name in names if _ARKIT_KEY.match(name))
    return KeySeries(chosen, signed=False, found=len(chosen))


def resolve_gaze_keys(names: Sequence[str]) -> tuple[GazeKey, ...]:
    """The keys that turn eyes which have no bones, as far as the mesh has them."""
    found = []
    for name in names:
        match = _GAZE_KEY.match(name)
        if match is None:
            continue
        way, eye = match.group(1).lower(), 0 if match.group(2)[0].lower() == "l" else 1
        if way in ("down", "up"):
            found.append(GazeKey(name, eye, axis=0, sign=1.0 if way == "down" else -1.0))
        else:
            # the left eye looks out to the left, the right eye looks in to the left
            outward_is_left = 1.0 if eye == 0 else -1.0
            found.append(GazeKey(name, eye, axis=1, sign=outward_is_left if way == "out" else -outward_is_left))
    return tuple(found)


def blink_sides(names: Sequence[str]) -> NDArray[np.float64]:
    """(2, K) how much of the left and the right eye's closing each key takes: ones at ``eyeBlink`` keys."""
    sides = np.zeros((2, len(names)))
    for column, name in enumerate(names):
        match = _BLINK_KEY.match(name)
        if match is None:
            continue
        side = (match.group(1) or "")[:1].lower()
        # one key for both eyes follows their mean
        sides[:, column] = {"l": (1.0, 0.0), "r": (0.0, 1.0)}.get(side, (0.5, 0.5))
    return sides


def resolve_bones(bones: Sequence[BoneLink]) -> FaceBones:
    """Find root, neck, head, jaw and eyes by name; what names do not tell, the chain tells."""
    by_alias = {_canonical(bone.name): bone.name for bone in reversed(bones)}
    parents = {bone.name: bone.parent for bone in bones}

    def named(aliases: Iterable[str]) -> str | None:
        return next((by_alias[alias] for alias in aliases if alias in by_alias), None)

    jaw, head, neck = named(_JAW), named(_HEAD), named(_NECK)
    if head is None and neck is None and jaw is not None:
        # an oddly named rig: the skull is what the jaw hangs on
        head = parents[jaw]
    return FaceBones(
        root=_root(bones, jaw or head or neck, parents),
        neck=neck,
        head=head,
        jaw=jaw,
        left_eye=named(_LEFT_EYE),
        right_eye=named(_RIGHT_EYE),
    )


def descendants(bones: Sequence[BoneLink], name: str) -> tuple[str, ...]:
    """The bone and everything below it: a tongue or lower-teeth bone follows the jaw."""
    family = {name}
    # parents may come after their children in the list, hence until nothing is added
    while True:
        grown = family | {bone.name for bone in bones if bone.parent in family}
        if grown == family:
            return tuple(bone.name for bone in bones if bone.name in family)
        family = grown


def _root(bones: Sequence[BoneLink], member: str | None, parents: dict[str, str | None]) -> str | None:
    """The parentless bone above the face; with no face bone known, the first parentless bone."""
    if member is None:
        return next((bone.name for bone in bones if bone.parent is None), None)
    while (parent := parents.get(member)) is not None:
        member = parent
    return member


def _canonical(name: str) -> str:
    """``mixamorig:Left Eye``, ``DEF-eye.L`` and ``left_eye`` in one spelling."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.rsplit(":", 1)[-1].lower()).strip("_")
    return _DEFORM_PREFIX.sub("", plain)


def _numbered(names: Sequence[str], prefix: str, ignore_case: bool) -> list[tuple[str, str]]:
    """(key name, digits) of ``prefix`` followed by digits only."""
    pattern = re.compile(rf"^{re.escape(prefix)}(\d+)$", re.IGNORECASE if ignore_case else 0)
    matches = ((name, pattern.match(name)) for name in names)
    return [(name, match.group(1)) for name, match in matches if match]


def _checked_series(found: list[tuple[str, str]], object_name: str) -> KeySeries:
    by_index = {int(digits): name for name, digits in found}
    first, last = min(by_index), max(by_index)
    if len(by_index) != len(found):
        twins = sorted(name for name, digits in found if by_index[int(digits)] != name)
        raise RigError(
            f'The mesh "{object_name}" has two spellings of one expression key ({", ".join(twins[:3])}).',
            "Remove or rename one series of keys.",
        )
    if first not in (0, 1):
        raise RigError(
            f'The expression keys of "{object_name}" start at {by_index[first]}, not at index 0 or 1.',
            "Rename them so that the first component is Exp1 (FLAME) or Exp000 (SMPL-X).",
        )
    missing = [index for index in range(first, last + 1) if index not in by_index]
    if missing:
        raise RigError(
            f'The expression keys of "{object_name}" have a gap: {by_index[first]}..{by_index[last]} lack '
            f"index {', '.join(map(str, missing[:5]))}.",
            "Restore the missing keys: later components would land on the wrong shapes.",
        )
    ordered = tuple(by_index[index] for index in range(first, last + 1))
    return KeySeries(ordered[:EXPRESSION_LIMIT], signed=True, first_index=first, found=len(ordered))


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown}, ..."
