# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed loop: key a motion, render it, track the film, and compare what comes back with what was keyed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import Motion
from core.face.rotations import matrix_from_rotvec, mean_rotation, rotvec_from_matrix
from core.rig.timing import SceneTiming
from research.evaluation.metrics import LagCorrelation, best_lag

FPS = 25


@dataclass(frozen=True, slots=True)
class ClosedLoopScore:
    """opening: correlation and lag; gain of the tracked opening; head error in degrees after taking out its mean."""

    frames: int
    opening: LagCorrelation
    opening_gain: float
    head_error_degrees: float
    head_error_max_degrees: float
    head_range_degrees: float


def measure(motion: Motion, pixels: int = 512) -> ClosedLoopScore:
    """Render ``motion`` on the demo head and track it again. Needs bpy and the tracker in one Python."""
    from core.tracking.reference import track_reference
    from research.render.evaluate import demo_head_in_fresh_scene, key_motion
    from research.render.film import write_film
    from research.render.preview import PreviewSettings, render_frames, set_stage

    obj = demo_head_in_fresh_scene(FPS)
    key_motion(obj, motion, SceneTiming(FPS, 1.0))
    scene = obj.users_scene[0]
    set_stage(scene, PreviewSettings(pixels=pixels, fps=FPS))
    with tempfile.TemporaryDirectory(prefix="mimesh-loop-") as folder:
        pictures = render_frames(scene, 1, len(motion), Path(folder) / "frames")
        film = Path(folder) / "loop.mp4"
        write_film(pictures, FPS, None, film)
        tracked = track_reference(film)
    return compare(motion, tracked.motion, tracked.landmarks)


def compare(keyed: Motion, tracked: Motion, landmarks: NDArray[np.float32]) -> ClosedLoopScore:
    """Score a tracked film against the motion that was keyed."""
    frames = min(len(keyed), len(tracked))
    basis = open_basis()
    wanted = mouth_opening(basis.landmarks(keyed))[:frames]
    seen = mouth_opening(landmarks)[:frames]
    error = np.degrees(_head_difference(keyed.head[:frames], tracked.head[:frames]))
    return ClosedLoopScore(
        frames=frames,
        opening=best_lag(wanted, seen),
        opening_gain=float(np.polyfit(wanted, seen, 1)[0]),
        head_error_degrees=float(error.mean()),
        head_error_max_degrees=float(error.max()),
        head_range_degrees=float(np.degrees(np.linalg.norm(np.ptp(keyed.head[:frames], axis=0)))),
    )


def _head_difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T,) angle between two head rotations after their mean difference is taken out."""
    a, b = matrix_from_rotvec(first), matrix_from_rotvec(second)
    between = np.swapaxes(a, 1, 2) @ b
    aligned = between @ mean_rotation(between).T
    angles: NDArray[np.float64] = np.linalg.norm(rotvec_from_matrix(aligned), axis=1)
    return angles
