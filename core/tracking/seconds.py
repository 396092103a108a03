# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference clip second by second: what is wrong with each, and which stretch of it serves best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from .align import align
from .cover import covered_frames
from .face_track import FaceTrack

MIN_FACE_SHARE = 0.5
MIN_FACE_PIXELS = 80
MAX_YAW_DEGREES = 50.0
MAX_COVERED_SHARE = 0.4
_CHEEK_RIGHT, _CHEEK_LEFT = 234, 454


@dataclass(frozen=True, slots=True)
class SecondQuality:
    """One second of a clip.

    start_seconds: in the file. reasons: why it is left out, in short words; empty where it is usable.
    face_share: frames with a face. face_pixels: median width. yaw_degrees: how far it looks past the camera.
    covered_share: frames in which something hides the mouth. person: whom it is judged for, from 0.
    agreement: correlation of the mouth's opening with the sound over the three seconds around; None where that says
    nothing.
    """

    start_seconds: float
    reasons: tuple[str, ...]
    face_share: float
    face_pixels: float
    yaw_degrees: float
    covered_share: float
    person: int
    agreement: float | None = None

    @property
    def usable(self) -> bool:
        """Nothing is wrong with it."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SecondQuality:
        """Inverse of :meth:`to_json`."""
        return cls(**{**values, "reasons": tuple(values["reasons"])})


def judge_seconds(
    track: FaceTrack,
    basis: FaceBasis,
    person: int = 0,
    others: Sequence[FaceTrack] = (),
    others_turn: NDArray[np.bool_] | None = None,
) -> tuple[SecondQuality, ...]:
    """Every second of one person's track.

    person: the index of that person. others: tracks of the same frames, of the other people.
    others_turn: for each second, whether another one speaks in it.
    """
    yaw = np.full(len(track), np.nan)
    width = np.full(len(track), np.nan)
    if track.valid.any():
        seen = track.landmarks[track.valid]
        forward = align(seen, basis.neutral).rotation[:, :, 2]
        yaw[track.valid] = np.degrees(np.abs(np.arctan2(forward[:, 0], forward[:, 2])))
        width[track.valid] = face_widths(seen)
    covered = covered_frames(track)
    somebody_else = np.zeros(len(track), bool)
    for other in others:
        somebody_else |= other.valid & ~track.valid
    second = np.floor(track.seconds - track.seconds[0] + 1e-6).astype(int)
    found = []
    for number in range(int(second[-1]) + 1):
        frames = second == number
        start = float(track.seconds[0]) + number
        if not frames.any():
            found.append(SecondQuality(start, ("no picture",), 0.0, 0.0, 0.0, 0.0, person))
            continue
        valid = frames & track.valid
        values = (
            float(track.valid[frames].mean()),
            float(np.median(width[valid])) if valid.any() else 0.0,
            float(np.median(yaw[valid])) if valid.any() else 0.0,
            float(covered[valid].mean()) if valid.any() else 0.0,
        )
        # a second that a change falls into belongs to nobody
        alone = not somebody_else[frames].any()
        hears_another = others_turn is not None and number < len(others_turn) and bool(others_turn[number])
        found.append(SecondQuality(start, tuple(_reasons(*values, alone, hears_another)), *values, person))
    return tuple(found)


def face_widths(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T,) pixels between the cheeks, of (T, 478, 3) landmarks."""
    across = landmarks[:, _CHEEK_LEFT, :2] - landmarks[:, _CHEEK_RIGHT, :2]
    return np.asarray(np.linalg.norm(across, axis=1), np.float64)


def with_agreement(
    seconds: Sequence[SecondQuality], opening: NDArray[np.floating], expected: NDArray[np.floating], fps: float
) -> tuple[SecondQuality, ...]:
    """The seconds with what mouth and sound say about each other.

    opening, expected: (T,) of the mouth and of the sound; frame 0 is the beginning of the first second.
    """
    length = min(len(opening), len(expected))
    found = []
    for number, second in enumerate(seconds):
        around = slice(max(round((number - 1) * fps), 0), min(round((number + 2) * fps), length))
        mouth, sound = np.asarray(opening[around]), np.asarray(expected[around])
        enough = len(mouth) >= 2 * fps and mouth.std() > 1e-9 and sound.std() > 1e-9
        agreement = round(float(np.corrcoef(mouth, sound)[0, 1]), 2) if enough else None
        found.append(replace(second, agreement=agreement))
    return tuple(found)


def describe_left_out(seconds: Sequence[SecondQuality], limit: int = 4) -> tuple[str, ...]:
    """Sentences such as "3 to 5 s: mouth covered", neighbours with the same reasons together."""
    groups: list[tuple[float, float, tuple[str, ...]]] = []
    for second in seconds:
        if second.usable:
            continue
        start, end = second.start_seconds, second.start_seconds + 1.0
        if groups and groups[-1][2] == second.reasons and abs(groups[-1][1] - start) < 1e-6:
            groups[-1] = (groups[-1][0], end, second.reasons)
        else:
            groups.append((start, end, second.reasons))
    told = [f"{start:.0f} to {end:.0f} s: {', '.join(reasons)}" for start, end, reasons in groups[:limit]]
    return (*told, f"and {len(groups) - limit} more") if len(groups) > limit else tuple(told)


def bar(seconds: Sequence[SecondQuality]) -> str:
    """One character a second: ``#`` usable, else the first letter of the first reason."""
    return "".join("#" if second.usable else second.reasons[0][0] for second in seconds)


def _reasons(face: float, pixels: float, yaw: float, covered: float, alone: bool, hears_another: bool) -> list[str]:
    found = []
    if not alone:
        found.append("another person")
    if face < MIN_FACE_SHARE:
        return found or ["no face"]
    if hears_another:
        found.append("somebody else speaks")
    if pixels < MIN_FACE_PIXELS:
        found.append(f"face {pixels:.0f} px wide")
    if yaw > MAX_YAW_DEGREES:
        found.append(f"turned {yaw:.0f}° away")
    if covered > MAX_COVERED_SHARE:
        found.append("mouth covered")
    return found
