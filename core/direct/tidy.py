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

from ..adjust_settings import TidyMiss
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

    Closures have keys on other frames too where they need them. Where a coarse step leaves the lips further off, the
    plan says so in ``missed``. Millimetres are of a face of average size. Raises :class:`RigError` for a rig whose
    landmarks are not known.
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
    missed = thinning.mend_together()
    thin = {(curve.datablock, curve.path, curve.index): curve for curve in thinning.curves()}
    curves = (thin.get((curve.datablock, curve.path, curve.index), curve) for curve in plan.curves)
    return dataclasses.replace(plan, curves=tuple(curves), thinned=True, missed=missed)


class _Thinning:
    """The curves of one plan while keys are added to them."""

    def __init__(self, plan: CurvePlan, reach: FaceReach, frames: NDArray[np.float64], error_mm: float, step: int):
        self.plan, self.reach, self.frames, self.error_mm = plan, reach, frames, error_mm
        # of the line without its ease, so that twos begin with it
        allowed = np.isclose((frames - plan.first) % step, 0) | (step <= 1)
        allowed[[0, -1]] = True
        self.allowed = allowed
        self._face_paths = reach.rig.part_spellings
        self.groups = self._grouped(plan.curves)
        self.tracks = {name: self._track(name, group) for name, group in self.groups.items()}
        self.keys = [self.tracks.get(name) for name in self._key_names()]
        jaw = [name for name in self.tracks if name[1].startswith(self._jaw_prefix())]
        self.jaw = jaw[0] if jaw else None

    def split_each(self) -> None:
        """Every curve by itself within what it may move the face."""
        for name, track in self.tracks.items():
            share = _HEAD_SHARE if self._turns_head(name) else _FACE_SHARE
            track.split(share * self.error_mm, self.allowed)

    def mend_together(self) -> TidyMiss | None:
        """Keys where all curves together move the lips too far, or open them where they are shut.

        Returns where they stay off, for want of a frame that may have a key.
        """
        given_up = np.zeros(len(self.frames), bool)
        now = _Look(self, np.ones(len(self.frames), bool))
        for _ in range(_ROUNDS):
            bad = np.flatnonzero((now.error > _FACE_SHARE * self.error_mm) & ~given_up)
            opened = now.opened()
            if not len(bad) and not len(opened):
                break
            for frame in _spread(bad, now.error):
                if not self._mend(frame, now.off[frame], now.wrong[frame]):
                    given_up[frame] = True
            for frame in opened:
                self._pin(frame, now.wrong[frame])
            now.update(self.redraw())
        worst = int(now.error.argmax())
        reached = float(now.error[worst])
        return TidyMiss(reached, float(self.frames[worst])) if reached > self.error_mm else None

    def redraw(self) -> NDArray[np.bool_]:
        """Draw the curves that have new keys; the frames on which that makes a difference."""
        changed = np.zeros(len(self.frames), bool)
        for track in self.tracks.values():
            found = track.redraw()
            if found is not None:
                changed |= found
        return changed

    def curves(self) -> Iterable[PlannedCurve]:
        """As planned, on the chosen frames."""
        for curve in self.plan.curves:
            chosen = self.tracks[self._name(curve)].chosen
            yield dataclasses.replace(
                curve, frames=curve.frames[chosen], values=np.ascontiguousarray(curve.values[chosen])
            )

    def pose(self, thinned: bool, at: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, K) keys and (n, 3) jaw on the frames ``at``, dense or as the chosen keys give them."""
        count = int(at.sum())
        values = np.zeros((count, len(self.keys)))
        for column, track in enumerate(self.keys):
            if track is not None:
                values[:, column] = self._key_values(column, (track.now if thinned else track.values)[at, 0])
        if self.jaw is None:
            return values, np.zeros((count, 3))
        channels = (self.tracks[self.jaw].now if thinned else self.tracks[self.jaw].values)[at]
        return values, jaw_rotvec(self.reach.rig, self.reach.face, self.jaw[1], channels)

    def _mend(self, frame: int, off: NDArray[np.float64], wrong: NDArray[np.float64]) -> bool:
        """One more key for what has most part in the error of a frame; False where no curve can take one."""
        point = int(np.linalg.norm(off, axis=-1).argmax())
        way = off[point] / np.linalg.norm(off[point])
        parts = wrong * (self.reach.key_moves[:, point] @ way)
        found = [(float(part), track) for part, track in zip(parts, self.keys, strict=True) if track is not None]
        if self.jaw is not None:
            # what the keys leave of it
            rest = float(np.linalg.norm(off[point])) - float(parts.sum())
            found.append((rest, self.tracks[self.jaw]))
        least = _LEAST_PART * self.error_mm
        order = sorted((entry for entry in found if entry[0] > least), key=lambda entry: -entry[0])
        return any(track.add_near(frame, self.allowed) for _, track in order)

    def _pin(self, frame: int, wrong: NDArray[np.float64]) -> None:
        """Keys on a frame whose lips must not part: of the jaw and of the keys that open them most."""
        opening = wrong * self.reach.opening_per_key
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

    def _name(self, curve: PlannedCurve) -> tuple[str, str, int]:
        """Curves of one name have their keys on the same frames: a rotation's channels, a key on several meshes."""
        if control_object(curve.datablock) is not None:
            return (curve.datablock, curve.path, curve.index)
        if curve.datablock != ARMATURE:
            return ("", self._face_paths.get(curve.path, curve.path), 0)
        return (ARMATURE, curve.path, 0 if "rotation" in curve.path else curve.index)

    def _grouped(self, curves: Iterable[PlannedCurve]) -> dict[tuple[str, str, int], list[PlannedCurve]]:
        groups: dict[tuple[str, str, int], list[PlannedCurve]] = {}
        for curve in curves:
            group = groups.setdefault(self._name(curve), [])
            # another mesh with this key has the same values
            if part_object(curve.datablock) is None or not group:
                group.append(curve)
        return groups

    def _track(self, name: tuple[str, str, int], group: Sequence[PlannedCurve]) -> Track:
        values = np.stack([curve.values for curve in group], axis=1).astype(np.float64)
        bezier = self.plan.interpolation == "BEZIER"
        columns = [column for column, found in enumerate(self._key_names()) if found == name]
        if columns:
            moves = max(abs(self._factor(column)) * float(self.reach.key_reach[column]) for column in columns)
            return Track(self.frames, values, np.array([moves]), bezier)
        rotates = "rotation" in name[1]
        moves = self.reach.turn_reach(name[1]) if rotates else self.reach.gaze_reach
        # a quaternion's numbers are half of the angle
        size = 2.0 * moves if name[1].endswith("rotation_quaternion") else moves
        return Track(self.frames, values, np.full(values.shape[1], size), bezier)

    def _factor(self, column: int) -> float:
        """A rig's key for a unit of what it is moved by."""
        control = self.reach.rig.controls.get(self.reach.rig.key_names[column])
        return 1.0 if control is None else control.factor

    def _key_values(self, column: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) of a rig's key for those of its track (n,)."""
        control = self.reach.rig.controls.get(self.reach.rig.key_names[column])
        if control is None:
            return values
        moved = control.factor * values
        return np.maximum(moved, 0.0) if control.one_sided else moved

    def _jaw_prefix(self) -> str:
        jaw = self.reach.rig.jaw_bone
        return bone_path(jaw, "rotation") if jaw is not None else "\0"

    def _turns_head(self, name: tuple[str, str, int]) -> bool:
        bones = (self.reach.rig.head_bone, self.reach.rig.neck_bone)
        return any(bone is not None and name[1].startswith(bone_path(bone, "rotation")) for bone in bones)


class _Look:
    """How the face is off with the present keys, looked at anew only where they have changed.

    wrong: (T, K) of each key. off: (T, P, 3) and error: (T,) millimetres at the lips.
    """

    def __init__(self, thinning: _Thinning, everywhere: NDArray[np.bool_]) -> None:
        self._thinning = thinning
        self._values, jaw = thinning.pose(False, everywhere)
        self._dense = thinning.reach.lips(self._values, jaw)
        self._shut = thinning.reach.shut_frames(self._values, jaw)
        self._openings = self._shut.opening.copy()
        self.wrong, self.off = np.zeros_like(self._values), np.zeros_like(self._dense)
        self.error = np.zeros(len(jaw))
        self.update(everywhere)

    def update(self, changed: NDArray[np.bool_]) -> None:
        """The pose is another on these frames (T,)."""
        values, jaw = self._thinning.pose(True, changed)
        off = self._thinning.reach.lips(values, jaw) - self._dense[changed]
        self.wrong[changed], self.off[changed] = values - self._values[changed], off
        self.error[changed] = np.sqrt((off**2).sum(axis=-1).max(axis=1))
        shut = changed[self._shut.at]
        rows = (np.cumsum(changed) - 1)[self._shut.at[shut]]
        if len(rows):
            self._openings[shut] = self._shut.openings(values[rows], jaw[rows])

    def opened(self) -> NDArray[np.int64]:
        """Frames of closures that are open with the present keys."""
        return self._shut.opened(self._openings)


def _spread(bad: NDArray[np.int64], error: NDArray[np.float64]) -> list[int]:
    """The worst frames, some way from each other: a key mends its surroundings too."""
    taken: list[int] = []
    free = np.ones(len(error), bool)
    for frame in bad[np.argsort(-error[bad])]:
        if free[frame]:
            taken.append(int(frame))
            free[max(frame - _APART_FRAMES + 1, 0) : frame + _APART_FRAMES] = False
    return taken
