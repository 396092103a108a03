# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a reference clip is good enough, in numbers and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReferenceClipError
from ..face.landmarks import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, STABLE
from .align import PoseFreeTrack, UniformTrack
from .face_track import FaceTrack
from .seconds import MIN_FACE_PIXELS, SecondQuality, describe_left_out, face_widths
from .seconds import bar as bar_of
from .smooth import savitzky_golay
from .sync import SyncOffset

# lips that close for a twelfth of a second are missed below
MIN_FPS = 12.0
MIN_USABLE_SECONDS = 2.0
MAX_SECOND_FACE_SHARE = 0.2
WARN_LOST_SHARE = 0.05
WARN_YAW_DEGREES = 25.0
WARN_JITTER_PERCENT = 1.0
WARN_OFFSET_SECONDS = 0.04


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the tracker saw in a usable clip.

    lost_share: frames without a face; face_pixels: median width; jitter_percent: of the outer-eye distance;
    yaw_degrees: how far the face looks past the camera; offset_seconds: positive where the picture was late
    (already corrected); offset_correlation: of mouth and sound after correction. used_seconds: begin and end, in
    the file, of the stretch that is used; None where that is not known. bar: what was seen of each second.
    """

    source: str
    seconds: float
    fps: float
    lost_share: float
    face_pixels: float
    jitter_percent: float
    yaw_degrees: float
    offset_seconds: float
    offset_correlation: float
    warnings: tuple[str, ...] = ()
    used_seconds: tuple[float, float] | None = None
    bar: tuple[SecondQuality, ...] = ()

    @property
    def name(self) -> str:
        """Of the clip's file."""
        return Path(self.source).name

    def summary(self) -> str:
        """One paragraph an animator can act on."""
        text = (
            f"{self.name}: {self.seconds:.1f} s of face at {self.fps:.4g} fps, {self.face_pixels:.0f} px wide, "
            f"{self.lost_share:.0%} of frames lost, jitter {self.jitter_percent:.1f} %, "
            f"turned {self.yaw_degrees:.0f}° from the camera"
        )
        # a clip without sound has nothing to be in step with
        if self.offset_correlation:
            text += f", picture {_describe(self.offset_seconds)} (agreement {self.offset_correlation:.2f})"
        text += "."
        return " ".join((text, *self.warnings))

    def full_text(self) -> str:
        """The summary, and below it the bar with its reasons."""
        return "\n".join(filter(None, (self.summary(), self.bar_text())))

    def to_json(self) -> dict[str, object]:
        """Plain values for the protocol and for files."""
        used = list(self.used_seconds) if self.used_seconds else None
        seconds = [second.to_json() for second in self.bar]
        return asdict(self) | {"warnings": list(self.warnings), "used_seconds": used, "bar": seconds}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> QualityReport:
        """Inverse of :meth:`to_json`."""
        known: dict[str, Any] = dict(values)
        used = known.get("used_seconds")
        return cls(
            **{
                **known,
                "warnings": tuple(known.get("warnings", ())),
                "used_seconds": tuple(used) if used else None,
                "bar": tuple(SecondQuality.from_json(second) for second in known.get("bar", ())),
            }
        )

    def bar_text(self) -> str:
        """A line with a character for each second (``#`` is usable), and one with the reasons for what is left out."""
        if not self.bar:
            return ""
        begin, end = self.used_seconds or (0.0, self.seconds)
        reasons = sorted({second.reasons[0] for second in self.bar if second.reasons})
        legend = "".join(f", {reason[0]} {reason}" for reason in reasons)
        left_out = "".join(f"\n{sentence}" for sentence in describe_left_out(self.bar))
        return f"[{bar_of(self.bar)}] each a second (# usable{legend}); used: {begin:.1f} to {end:.1f} s{left_out}"


def require_usable(track: FaceTrack, left_out: str = "") -> None:
    """Refuse clips that no later step could save. left_out: a sentence on the rest of the clip.

    Raises :class:`ReferenceClipError`.
    """
    name = Path(track.source).name
    if len(track) == 1:
        raise ReferenceClipError(
            f"{name} is a single picture; a way of talking needs a video.",
            "Choose a video, or make one of the picture's sequence.",
        )
    if not track.valid.any():
        raise ReferenceClipError(f"No face was found in {name}.", "Choose a clip that shows the speaker's face.")
    if len(track) > 1 and track.fps < MIN_FPS:
        raise ReferenceClipError(
            f"{name} has a rate of {track.fps:.3g} pictures a second; {MIN_FPS:g} are needed, 25 are good.",
            "Record or export it at its full rate.",
        )
    if len(track.faces_seen) and (track.faces_seen >= 2).mean() > MAX_SECOND_FACE_SHARE:
        raise ReferenceClipError(
            f"{name} shows {int(track.faces_seen.max())} faces.", "Crop or trim it so that only the speaker is seen."
        )
    width = face_pixels(track)
    if width < MIN_FACE_PIXELS:
        raise ReferenceClipError(
            f"The face in {name} is only {width:.0f} px wide; {MIN_FACE_PIXELS} px are needed.",
            "Choose a closer or higher-resolution clip.",
        )
    usable = track.valid.sum() / track.fps
    if usable < MIN_USABLE_SECONDS:
        cut = f" between its {len(track.cuts)} cuts" if len(track.cuts) else ""
        raise ReferenceClipError(
            f"{name} has only {usable:.1f} s of usable face{cut}; "
            f"{MIN_USABLE_SECONDS:.0f} s are needed, 10 s are good.",
            " ".join(filter(None, (left_out, "Choose a longer uncut stretch."))),
        )


def report(
    track: FaceTrack, uniform: UniformTrack, free: PoseFreeTrack, offset: SyncOffset | None, cuts: int
) -> QualityReport:
    """Measure an accepted clip; ``offset`` is None when it has no sound; ``cuts``: shots left out."""
    forward = free.rotation[:, :, 2]
    yaw = float(np.degrees(np.median(np.abs(np.arctan2(forward[:, 0], forward[:, 2])))))
    values = QualityReport(
        source=track.source,
        seconds=len(uniform.seconds) / uniform.fps,
        fps=track.fps,
        lost_share=float(1 - track.valid.mean()),
        face_pixels=face_pixels(track),
        jitter_percent=_jitter_percent(free),
        yaw_degrees=yaw,
        offset_seconds=offset.offset_seconds if offset else 0.0,
        offset_correlation=offset.correlation if offset else 0.0,
    )
    warnings = tuple(_warnings(values, offset, cuts))
    return QualityReport(**{**asdict(values), "warnings": warnings})


def face_pixels(track: FaceTrack) -> float:
    """Median width of the face between the cheeks."""
    return float(np.median(face_widths(track.landmarks[track.valid])))


def _jitter_percent(free: PoseFreeTrack) -> float:
    points = free.landmarks[:, STABLE]
    eyes = free.landmarks[:, EYE_OUTER_LEFT] - free.landmarks[:, EYE_OUTER_RIGHT]
    residual = points - savitzky_golay(points, window=7)
    return float(100 * np.sqrt((residual**2).sum(axis=2).mean()) / np.linalg.norm(eyes, axis=1).mean())


def _warnings(values: QualityReport, offset: SyncOffset | None, cuts: int) -> list[str]:
    found = []
    if cuts:
        found.append(f"The clip has {cuts} cut{'s' * (cuts > 1)}; only its longest shot is used.")
    if values.lost_share > WARN_LOST_SHARE:
        found.append(f"The face was lost in {values.lost_share:.0%} of frames.")
    if values.yaw_degrees > WARN_YAW_DEGREES:
        found.append(f"The face is turned {values.yaw_degrees:.0f}° away; a frontal clip tracks better.")
    if values.jitter_percent > WARN_JITTER_PERCENT:
        found.append("The picture is noisy; more light or resolution would help.")
    if offset is None:
        found.append("The clip has no usable sound, so only the head's motion is taken from it.")
    elif not offset.reliable:
        found.append(
            f"Mouth and sound hardly agree (correlation {offset.correlation:.2f}); is it this speaker's sound?"
        )
    elif abs(offset.offset_seconds) > WARN_OFFSET_SECONDS:
        found.append(f"The picture was {_describe(offset.offset_seconds)}; this was corrected.")
    return found


def _describe(offset_seconds: float) -> str:
    if abs(offset_seconds) < 0.005:
        return "in step with the sound"
    return f"{abs(offset_seconds):.2f} s {'behind' if offset_seconds > 0 else 'ahead of'} the sound"
