# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what turns: jaw, head, neck and eyes as bones, and the eyes' direction as keys where they have no bone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray
from .conventions.base import GazeKey
from .curves import ARMATURE, KEY, PlannedCurve, bone_path, key_path
from .description import BoneDescription, RigDescription
from .frames import BoneChannels, bone_channels, flame_to_armature, is_flame_frame, local_rotations
from .resample import sample_monotone
from .solve import RigMotion

_STILL_RADIANS = 1e-5
# how far an eye looks when an ARKit eyeLook key stands at one: Apple names no angle, eyes reach about this far
GAZE_KEY_RADIANS = float(np.radians(30.0))


@dataclass(frozen=True, slots=True)
class Turns:
    """What may be keyed. head, eyes: whether at all. neck_share: of the head's turn. taken: bones left to others."""

    head: bool = True
    eyes: bool = True
    neck_share: float = 0.0
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class BoneCurves:
    """The curves, which way each bone's axes were handled, and what is left out."""

    curves: tuple[PlannedCurve, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True, eq=False)
class TurnMemory:
    """What each bone was turned by last and the channels that this gave: a slider of the lips leaves them as they are.

    Of one rig; given is all that the channels depend on besides.
    """

    given: dict[str, tuple[NDArray[np.floating], ...]] = field(default_factory=dict)
    found: dict[str, BoneChannels] = field(default_factory=dict)

    def channels(self, bone: BoneDescription, rotvec: FloatArray, fps: float, at: _Sampling) -> BoneChannels:
        """Of a bone that turns by these rotation vectors (T, 3)."""
        given = (rotvec, at.seconds, at.axes)
        known = self.given.get(bone.name)
        if known is None or not all(map(np.array_equal, known, given)):
            self.given[bone.name] = given
            self.found[bone.name] = _channels(bone, rotvec, fps, at)
        return self.found[bone.name]


@dataclass(frozen=True, slots=True, eq=False)
class _Sampling:
    """Times of the scene's frames (S,) in the motion, and the rotation from FLAME's axes to the armature's."""

    seconds: NDArray[np.float64]
    axes: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Turning:
    """A part of the face that turns: its name for the user, its bone, (T, 3) rotation vectors in FLAME's axes."""

    part: str
    bone_name: str | None
    rotvec: FloatArray


def plan_gaze_keys(
    rig: RigDescription,
    motion: RigMotion,
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    turns: Turns,
) -> tuple[PlannedCurve, ...]:
    """``eyeLook`` keys of the eyes that have no bone."""
    if not turns.eyes or np.abs(motion.eyes).max(initial=0.0) < _STILL_RADIANS:
        return ()
    boneless = [bone is None for bone in (rig.left_eye_bone, rig.right_eye_bone)]
    angles = sample_monotone(motion.eyes, motion.fps, seconds)
    at = frames.astype(np.float32)
    return tuple(
        PlannedCurve(
            KEY, key_path(key.name), 0, at, _gaze_key_values(angles[:, key.eye, key.axis], key), "Mimesh keys"
        )
        for key in rig.gaze_keys
        if boneless[key.eye]
    )


def _gaze_key_values(angles: NDArray[np.float64], key: GazeKey) -> NDArray[np.float32]:
    return np.clip(key.sign * angles / GAZE_KEY_RADIANS, 0.0, 1.0).astype(np.float32)


def plan_bones(
    rig: RigDescription,
    motion: RigMotion,
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    turns: Turns,
    memory: TurnMemory | None = None,
) -> BoneCurves:
    """The curves of every bone that turns. memory: what was planned for this rig before, where it may be used."""
    memory = memory or TurnMemory()
    curves: list[PlannedCurve] = []
    notes: list[str] = []
    warnings: list[str] = []
    axes = flame_to_armature(rig, motion.flame_to_object)
    for turning in _driven_parts(rig, motion, turns):
        part, bone_name = turning.part, turning.bone_name
        if np.abs(turning.rotvec).max(initial=0.0) < _STILL_RADIANS:
            continue
        if bone_name is None:
            warnings.append(_missing(rig, part))
            continue
        if bone_name in turns.taken:
            warnings.append(
                f'The {part} bone "{bone_name}" is keyed for another face, or driven, and is left to that.'
            )
            continue
        bone = rig.bone(bone_name)
        channels = memory.channels(bone, turning.rotvec, motion.fps, _Sampling(seconds, axes))
        way = "in FLAME's axes" if is_flame_frame(bone, axes) else "turned into the bone's own axes"
        notes.append(f"{part}: bone {bone_name}, {way}, {channels.property_name}")
        curves.extend(
            PlannedCurve(
                ARMATURE,
                bone_path(bone_name, channels.property_name),
                index,
                frames.astype(np.float32),
                np.ascontiguousarray(channels.values[:, index], np.float32),
                bone_name,
            )
            for index in range(channels.values.shape[1])
        )
    return BoneCurves(tuple(curves), tuple(notes), tuple(warnings))


def _channels(bone: BoneDescription, rotvec: FloatArray, fps: float, at: _Sampling) -> BoneChannels:
    local = local_rotations(bone, sample_monotone(rotvec, fps, at.seconds), at.axes)
    return bone_channels(bone, local)


def _missing(rig: RigDescription, part: str) -> str:
    if rig.armature_name is None or part == "eye":
        return f'"{rig.object_name}" has no {part} bone, so {part} motion is left out.'
    return (
        f'No bone of "{rig.armature_name}" is known to be the {part} bone of "{rig.object_name}", so {part} motion is '
        "left out. Name the bone in the Face Rig panel."
    )


def _driven_parts(rig: RigDescription, motion: RigMotion, turns: Turns) -> tuple[_Turning, ...]:
    """Everything that turns."""
    parts: list[_Turning] = []
    if rig.turns_jaw():
        parts.append(_Turning("jaw", rig.jaw_bone, motion.jaw))
    if turns.head:
        parts.extend(_head_parts(rig, motion.head, turns.neck_share))
    if turns.eyes:
        parts.extend(_eye_parts(rig, motion.eyes))
    return tuple(parts)


def _head_parts(rig: RigDescription, head: NDArray[np.float32], neck_share: float) -> list[_Turning]:
    """The head's bone, and the neck's where it takes a share.

    Both turn about one axis, so their rotations add up to the head's exactly.
    """
    if neck_share <= 0 or not rig.neck_carries_head():
        return [_Turning("head", rig.head_bone, head)]
    of_neck = head.astype(np.float64) * neck_share
    return [_Turning("neck", rig.neck_bone, of_neck), _Turning("head", rig.head_bone, head - of_neck)]


def _eye_parts(rig: RigDescription, eyes: NDArray[np.float32]) -> list[_Turning]:
    bones = (rig.left_eye_bone, rig.right_eye_bone)
    if bones == (None, None) and not rig.gaze_keys:
        return [_Turning("eye", None, eyes[:, 0])]
    keyed = {key.eye for key in rig.gaze_keys}
    sides = (("left eye", 0), ("right eye", 1))
    driven = [(name, eye) for name, eye in sides if bones[eye] is not None or eye not in keyed]
    return [_Turning(name, bones[eye], eyes[:, eye]) for name, eye in driven]
