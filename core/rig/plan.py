# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans every curve before anything is written. Pure data in, pure data out; all refusals happen here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError, SettingsError
from ..face.rotations import FloatArray
from .conventions.base import GazeKey
from .description import RigDescription
from .existing import ExistingAnimation, check_existing
from .frames import bone_channels, flame_to_armature, is_flame_frame, local_rotations
from .resample import sample_monotone
from .solve import RigMotion
from .timing import SceneTiming

Datablock = Literal["key", "armature"]
OnExisting = Literal["refuse", "push_down"]
Interpolation = Literal["BEZIER", "LINEAR"]

# Blender's hard limit of a shape key's slider
SLIDER_LIMIT = 10.0
_STILL_RADIANS = 1e-5
# how far an eye looks when an ARKit eyeLook key stands at one: Apple names no angle, eyes reach about this far
GAZE_KEY_RADIANS = float(np.radians(30.0))


@dataclass(frozen=True, slots=True)
class ApplySettings:
    """What the artist chose for writing.

    on_existing: what to do with an action that we did not make. head, eyes: whether to key those bones.
    neck_share: 0..1 of the head's rotation that the neck takes where the rig has both bones.
    interpolation: BEZIER with automatic clamped handles by default. Keys sit on every frame, so both are the
    same there; Bezier keeps a curve smooth when the artist thins it out or moves a key, never overshoots an
    extreme (lips stay shut), and gives motion blur a curve and not corners.
    """

    on_existing: OnExisting = "refuse"
    head: bool = True
    eyes: bool = True
    interpolation: Interpolation = "BEZIER"
    neck_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.neck_share <= 1.0:
            raise SettingsError(f"The neck's share is {self.neck_share:g}; it must lie between 0 and 1.")


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCurve:
    """One F-curve. frames, values: (n,) float32. group: channel group in the editors."""

    datablock: Datablock
    path: str
    index: int
    frames: NDArray[np.float32]
    values: NDArray[np.float32]
    group: str


@dataclass(frozen=True, slots=True)
class SliderRange:
    """New slider limits of a shape key; a key's limits clamp its F-curve as well."""

    key_name: str
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, eq=False)
class CurvePlan:
    """All that will be written to one object and its armature.

    replaces: names of our own earlier actions. pushes_down: names of actions that move to an NLA track.
    notes: which way each bone's axes were handled.
    """

    object_name: str
    curves: tuple[PlannedCurve, ...]
    widen: tuple[SliderRange, ...]
    existing: ExistingAnimation
    replaces: tuple[str, ...]
    pushes_down: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    provenance_json: str
    interpolation: Interpolation

    @property
    def key_count(self) -> int:
        """Keyframes in all curves."""
        return sum(len(curve.frames) for curve in self.curves)

    def curves_of(self, datablock: Datablock) -> tuple[PlannedCurve, ...]:
        """The curves that go to one datablock."""
        return tuple(curve for curve in self.curves if curve.datablock == datablock)


@dataclass(frozen=True, slots=True, eq=False)
class _KeyCurves:
    curves: tuple[PlannedCurve, ...]
    widen: tuple[SliderRange, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _BoneCurves:
    curves: tuple[PlannedCurve, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Turning:
    """A part of the face that turns: its name for the user, its bone, (T, 3) rotation vectors in FLAME's axes."""

    part: str
    bone_name: str | None
    rotvec: FloatArray


def plan_curves(
    rig: RigDescription,
    motion: RigMotion,
    timing: SceneTiming,
    settings: ApplySettings,
    existing: ExistingAnimation,
    provenance_json: str,
) -> CurvePlan:
    """Decide every curve, slider range and action. Raises :class:`RigError` for what must not be written."""
    frames = timing.frames((len(motion) - 1) / motion.fps)
    if not len(frames):
        raise RigError(
            f'No whole scene frame lies within the speech for "{rig.object_name}".', "Check the strip's length."
        )
    seconds = timing.seconds_at(frames)
    keys = _plan_keys(rig, sample_monotone(motion.key_values, motion.fps, seconds), frames)
    bones = _plan_bones(rig, motion, seconds, frames, settings)
    curves = keys.curves + _plan_gaze_keys(rig, motion, seconds, frames, settings) + bones.curves
    touched = frozenset(curve.path for curve in curves)
    decision = check_existing(rig, existing, touched, settings.on_existing)
    return CurvePlan(
        object_name=rig.object_name,
        curves=curves,
        widen=keys.widen,
        existing=existing,
        replaces=decision.replaces,
        pushes_down=decision.pushes_down,
        warnings=rig.warnings + keys.warnings + bones.warnings + decision.warnings,
        notes=bones.notes,
        provenance_json=provenance_json,
        interpolation=settings.interpolation,
    )


def key_path(name: str) -> str:
    """RNA path of a shape key's value, with the name quoted as Blender does."""
    return f'key_blocks["{_quoted(name)}"].value'


def bone_path(name: str, property_name: str) -> str:
    """RNA path of a pose bone's property."""
    return f'pose.bones["{_quoted(name)}"].{property_name}'


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _plan_keys(rig: RigDescription, values: FloatArray, frames: NDArray[np.int64]) -> _KeyCurves:
    limited = np.clip(values, -SLIDER_LIMIT, SLIDER_LIMIT).astype(np.float32)
    at = frames.astype(np.float32)
    curves = tuple(
        PlannedCurve("key", key_path(name), 0, at, np.ascontiguousarray(limited[:, column]), "Mimesh keys")
        for column, name in enumerate(rig.key_names)
    )
    warnings: tuple[str, ...] = ()
    beyond = np.abs(values) > SLIDER_LIMIT
    if beyond.any():
        worst = rig.key_names[int(np.abs(values).max(axis=0).argmax())]
        warnings = (
            f"{int(beyond.any(axis=1).sum())} frames were held at Blender's slider limit of "
            f"{SLIDER_LIMIT:g} (worst: {worst}).",
        )
    return _KeyCurves(curves, _widened(rig, limited), warnings)


def _widened(rig: RigDescription, values: NDArray[np.float32]) -> tuple[SliderRange, ...]:
    """Ranges that must grow so that no value is clamped; those that are wide enough stay."""
    room = rig.convention.slider_room
    low = np.maximum(np.floor(np.minimum(values.min(axis=0), -room)), -SLIDER_LIMIT)
    high = np.minimum(np.ceil(np.maximum(values.max(axis=0), room)), SLIDER_LIMIT)
    low, high = np.minimum(low, rig.key_ranges[:, 0]), np.maximum(high, rig.key_ranges[:, 1])
    return tuple(
        SliderRange(name, float(low[i]), float(high[i]))
        for i, name in enumerate(rig.key_names)
        if low[i] < rig.key_ranges[i, 0] or high[i] > rig.key_ranges[i, 1]
    )


def _plan_gaze_keys(
    rig: RigDescription,
    motion: RigMotion,
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    settings: ApplySettings,
) -> tuple[PlannedCurve, ...]:
    """``eyeLook`` keys of the eyes that have no bone."""
    if not settings.eyes or np.abs(motion.eyes).max(initial=0.0) < _STILL_RADIANS:
        return ()
    boneless = [bone is None for bone in (rig.left_eye_bone, rig.right_eye_bone)]
    angles = sample_monotone(motion.eyes, motion.fps, seconds)
    at = frames.astype(np.float32)
    return tuple(
        PlannedCurve(
            "key", key_path(key.name), 0, at, _gaze_key_values(angles[:, key.eye, key.axis], key), "Mimesh keys"
        )
        for key in rig.gaze_keys
        if boneless[key.eye]
    )


def _gaze_key_values(angles: NDArray[np.float64], key: GazeKey) -> NDArray[np.float32]:
    return np.clip(key.sign * angles / GAZE_KEY_RADIANS, 0.0, 1.0).astype(np.float32)


def _plan_bones(
    rig: RigDescription,
    motion: RigMotion,
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    settings: ApplySettings,
) -> _BoneCurves:
    curves: list[PlannedCurve] = []
    notes: list[str] = []
    warnings: list[str] = []
    axes = flame_to_armature(rig, motion.flame_to_object)
    for turning in _driven_parts(rig, motion, settings):
        part, bone_name = turning.part, turning.bone_name
        if np.abs(turning.rotvec).max(initial=0.0) < _STILL_RADIANS:
            continue
        if bone_name is None:
            warnings.append(f'"{rig.object_name}" has no {part} bone, so {part} motion is left out.')
            continue
        bone = rig.bone(bone_name)
        local = local_rotations(bone, sample_monotone(turning.rotvec, motion.fps, seconds), axes)
        channels = bone_channels(bone, local)
        way = "in FLAME's axes" if is_flame_frame(bone, axes) else "turned into the bone's own axes"
        notes.append(f"{part}: bone {bone_name}, {way}, {channels.property_name}")
        curves.extend(
            PlannedCurve(
                "armature",
                bone_path(bone_name, channels.property_name),
                index,
                frames.astype(np.float32),
                np.ascontiguousarray(channels.values[:, index], np.float32),
                bone_name,
            )
            for index in range(channels.values.shape[1])
        )
    return _BoneCurves(tuple(curves), tuple(notes), tuple(warnings))


def _driven_parts(rig: RigDescription, motion: RigMotion, settings: ApplySettings) -> tuple[_Turning, ...]:
    """Everything that turns."""
    parts: list[_Turning] = []
    if rig.turns_jaw():
        parts.append(_Turning("jaw", rig.jaw_bone, motion.jaw))
    if settings.head:
        parts.extend(_head_parts(rig, motion.head, settings.neck_share))
    if settings.eyes:
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
