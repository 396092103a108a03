# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion, a result and a report, as tests of the command line show them."""

from __future__ import annotations

import numpy as np

from core.exchange.provenance import Provenance
from core.exchange.request import MotionRequest
from core.exchange.results import MotionResult
from core.face.basis import open_basis
from core.face.motion import Motion
from core.style.style import Style, StyleProvenance
from core.tracking.quality import QualityReport

REPORT = QualityReport("clip.mp4", 2.0, 25.0, 0.0, 200.0, 0.3, 2.0, 0.04, 0.9, ("The picture is noisy.",))


def small_motion(frames: int = 30) -> Motion:
    basis = open_basis()
    rng = np.random.default_rng(0)
    return Motion(
        25.0,
        rng.normal(0, 0.3, (frames, 50)).astype(np.float32),
        np.abs(rng.normal(0, 0.05, (frames, 3))).astype(np.float32),
        rng.normal(0, 0.05, (frames, 3)).astype(np.float32),
        np.zeros((frames, 2, 2), np.float32),
        basis.name,
        basis.hash,
    )


def result_for(request: MotionRequest) -> MotionResult:
    provenance = StyleProvenance("clip.mp4", 0.0, 2.0, 2.0, 0.9, "m", open_basis().hash)
    style = Style("clip", np.ones(53, np.float32), np.zeros(53, np.float32), np.zeros((9, 3), np.float32), provenance)
    origin = Provenance("talk.wav", "a", 1.2, "m", "b", **request.groups())
    with_reference = request.reference is not None
    return MotionResult(
        small_motion(),
        style if with_reference else None,
        REPORT if with_reference else None,
        {"audio": 0.1, "motion": 0.2},
        origin,
        ("The picture is noisy.", "A note."),
    )
