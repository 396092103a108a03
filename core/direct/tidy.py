# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys for a planned line, to an error in millimetres at the lips; closures stay shut.

Each curve is split where it is furthest off (after Ramer, Douglas and Peucker), with the curve between the keys as
Blender draws it; then keys are added where all curves together move the lips too far.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..rig.curves import ARMATURE, PlannedCurve, bone_path, control_object, key_path, part_object
from ..rig.description import RigDescription
from ..rig.plan import CurvePlan
from .tidy_lips import FaceReach, face_reach, jaw_rotvec
from .track import Track

# shares of the error that the head's turn and the rest of the face may use
_HEAD_SHARE, _FACE_SHARE = 0.2, 0.8
# what has less part in an error than this share of what is allowed does not mend it
_LEAST_PART = 0.1
_ROUNDS = 200
# places mended in one round are so many frames apart
_APART_FRAMES = 4


def tidied(plan: CurvePlan, rig: RigDescription, error_mm: float, step: int) -> CurvePlan:
    """The plan with as few keys as stay within ``error_mm`` at the lips, on every ``step``-th frame of the line.

    Closures have keys on other frames too where they need them. Millimetres are of a face of average size. Raises
    :class:`RigError` for a rig whose landmarks are not known.
    """
    if not plan.curves or error_mm <= 0:
        return plan
    reach = face_reach(rig, open_basis())
    frames = max((curve.frames for curve in plan.curves), key=len)
    # a plan for the head alone has the curves of the face as they are keyed already
    dense = [curve for curve in plan.curves if np.array_equal(curve.frames, frames)]
    whole = dataclasses.replace(plan, curves=tuple(dense))
    thinning = _Thinning(whole, reach, frames.astype(np.float64), error_mm, step)
    thinning.split_each()
    thinning.mend_together()
    thin = {(curve.datablock, curve.path, curve.index): curve for curve in thinning.curves()}
    curves = (thin.get((curve.datablock, curve.path, curve.index), curve) for curve in plan.curves)
    return dataclasses.replace(plan, curves=tuple(curves), thinned=True)


class _Thinning:
    """The curves of one plan while keys are added to them."""

    def __init__(self, plan: CurvePlan, reach: FaceReach, frames: NDArray[np.float64], error_mm: float, step: int):
        self.plan, self.reach, self.frames, self.error_mm = plan, reach, frames, error_mm
        # of the line without its ease, so that twos begin with it
        allowed = np.isclose((frames - plan.first) % step, 0) | (step <= 1)
        allowed[[0, -1]] = True
        self.allowed = allowed
        self.groups = _grouped(plan.curves)
        self.tracks = {name: self._track(name, group) for name, group in self.groups.items()}
        self.keys = [self.tracks.get(name) for name in self._key_names()]
        jaw = [name for name in self.tracks if name[1].startswith(self._jaw_prefix())]
        self.jaw = jaw[0] if jaw else None

    def split_each(self) -> None:
        """Every curve by itself within what it may move the face."""
        for name, track in self.tracks.items():
            share = _HEAD_SHARE if self._turns_head(name) else _FACE_SHARE
            track.split(share * self.error_mm, self.allowed)

    def mend_together(self) -> None:
        """Keys where all curves together move the lips too far, or open them where they are shut."""
        dense_values, dense_jaw = self._pose(False)
        dense = self.reach.lips(dense_values, dense_jaw)
        shut = self.reach.shut_frames(dense_values, dense_jaw)
        given_up = np.zeros(len(self.frames), bool)
        for _ in range(_ROUNDS):
            values, jaw = self._pose(True)
            off = self.reach.lips(values, jaw) - dense
            error = np.linalg.norm(off, axis=-1).max(axis=1)
            bad = np.flatnonzero((error > _FACE_SHARE * self.error_mm) & ~given_up)
            opened = shut.opened(values, jaw)
            if not len(bad) and not len(opened):
                return
            for frame in _spread(bad, error):
                if not self._mend(frame, off[frame], values - dense_values):
                    given_up[frame] = True
            for frame in opened:
                self._pin(frame, values - dense_values)
            for track in self.tracks.values():
                track.redraw()

    def curves(self) -> Iterable[PlannedCurve]:
        """As planned, on the chosen frames."""
        for curve in self.plan.curves:
            chosen = self.tracks[_name(curve)].chosen
            yield dataclasses.replace(
                curve, frames=curve.frames[chosen], values=np.ascontiguousarray(curve.values[chosen])
            )

    def _pose(self, thinned: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(T, K) keys and (T, 3) jaw, dense or as the chosen keys give them."""
        values = np.zeros((len(self.frames), len(self.keys)))
        for column, track in enumerate(self.keys):
            if track is not None:
                values[:, column] = (track.now if thinned else track.values)[:, 0] * track.factor
        if self.jaw is None:
            return values, np.zeros((len(self.frames), 3))
        track = self.tracks[self.jaw]
        return values, jaw_rotvec(self.reach.rig, self.reach.face, self.jaw[1], track.now if thinned else track.values)

    def _mend(self, frame: int, off: NDArray[np.float64], wrong: NDArray[np.float64]) -> bool:
        """One more key for what has most part in the error of a frame; False where no curve can take one."""
        point = int(np.linalg.norm(off, axis=-1).argmax())
        way = off[point] / np.linalg.norm(off[point])
        parts = wrong[frame] * (self.reach.key_moves[:, point] @ way)
        found = [(float(part), track) for part, track in zip(parts, self.keys, strict=True) if track is not None]
        if self.jaw is not None:
            # what the keys leave of it
            rest = float(np.linalg.norm(off[point])) - float(parts.sum())
            found.append((rest, self.tracks[self.jaw]))
        order = sorted(found, key=lambda entry: -entry[0])
        least = _LEAST_PART * self.error_mm
        return any(part > least and track.add_near(frame, self.allowed) for part, track in order)

    def _pin(self, frame: int, wrong: NDArray[np.float64]) -> None:
        """Keys on a frame whose lips must not part: of the jaw and of the keys that open them most."""
        opening = wrong[frame] * self.reach.opening_per_key
        tracks = [self.keys[column] for column in np.argsort(-opening) if opening[column] > 0]
        free = [track for track in tracks if track is not None and not track.chosen[frame]][:2]
        if self.jaw is not None and not self.tracks[self.jaw].chosen[frame]:
            free.append(self.tracks[self.jaw])
        if not free:
            free = [track for track in self.keys if track is not None and not track.chosen[frame]]
        for track in free:
            track.add(frame)

    def _key_names(self) -> list[tuple[str, str, int]]:
        """The track of each of the rig's keys: its own curve, or that of the control that drives it."""
        controls = self.reach.rig.controls
        return [
            (controls[key].datablock, controls[key].path, controls[key].index)
            if key in controls
            else ("", key_path(key), 0)
            for key in self.reach.rig.key_names
        ]

    def _track(self, name: tuple[str, str, int], group: Sequence[PlannedCurve]) -> Track:
        values = np.stack([curve.values for curve in group], axis=1).astype(np.float64)
        columns = {found: column for column, found in enumerate(self._key_names())}
        bezier = self.plan.interpolation == "BEZIER"
        if name in columns:
            column = columns[name]
            key = self.reach.rig.key_names[column]
            control = self.reach.rig.controls.get(key)
            factor = control.factor if control is not None else 1.0
            moves = abs(factor) * self.reach.key_reach[column]
            return Track(self.frames, values, np.array([moves]), factor, bezier)
        rotates = "rotation" in name[1]
        moves = self.reach.turn_reach(name[1]) if rotates else self.reach.gaze_reach
        # a quaternion's numbers are half of the angle
        size = 2.0 * moves if name[1].endswith("rotation_quaternion") else moves
        return Track(self.frames, values, np.full(values.shape[1], size), 1.0, bezier)

    def _jaw_prefix(self) -> str:
        jaw = self.reach.rig.jaw_bone
        return bone_path(jaw, "rotation") if jaw is not None else "\0"

    def _turns_head(self, name: tuple[str, str, int]) -> bool:
        bones = (self.reach.rig.head_bone, self.reach.rig.neck_bone)
        return any(bone is not None and name[1].startswith(bone_path(bone, "rotation")) for bone in bones)


def _name(curve: PlannedCurve) -> tuple[str, str, int]:
    """Curves with the same name have their keys on the same frames: a rotation's channels, a key on several meshes."""
    if control_object(curve.datablock) is not None:
        return (curve.datablock, curve.path, curve.index)
    if curve.datablock != ARMATURE:
        return ("", curve.path, 0)
    return (ARMATURE, curve.path, 0 if "rotation" in curve.path else curve.index)


def _grouped(curves: Iterable[PlannedCurve]) -> dict[tuple[str, str, int], list[PlannedCurve]]:
    groups: dict[tuple[str, str, int], list[PlannedCurve]] = {}
    for curve in curves:
        group = groups.setdefault(_name(curve), [])
        # another mesh with this key has the same values
        if part_object(curve.datablock) is None or not group:
            group.append(curve)
    return groups


def _spread(bad: NDArray[np.int64], error: NDArray[np.float64]) -> list[int]:
    """The worst frames, some way from each other: a key mends its surroundings too."""
    taken: list[int] = []
    free = np.ones(len(error), bool)
    for frame in bad[np.argsort(-error[bad])]:
        if free[frame]:
            taken.append(int(frame))
            free[max(frame - _APART_FRAMES + 1, 0) : frame + _APART_FRAMES] = False
    return taken
