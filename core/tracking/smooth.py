# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporal smoothing that takes out tracker jitter and keeps lip closures and blinks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import EYE_LEFT, EYE_RIGHT, LIPS, mouth_opening
from ..face.rotations import FloatArray

WINDOW = 5
CLOSURE_SHARE = 0.18


def savitzky_golay(values: FloatArray, window: int = WINDOW, order: int = 2) -> NDArray[np.float64]:
    """Least-squares polynomial smoothing along axis 0, edges by mirrored extension (Savitzky & Golay 1964)."""
    values = np.asarray(values, dtype=np.float64)
    half = window // 2
    if len(values) <= half:
        return values.copy()
    powers = np.vander(np.arange(-half, half + 1), order + 1, increasing=True)
    kernel = np.linalg.pinv(powers)[0]
    # point reflection at the ends keeps the slope there
    before = 2 * values[:1] - values[half:0:-1]
    after = 2 * values[-1:] - values[-2 : -half - 2 : -1]
    padded = np.concatenate([before, values, after])
    return sum(kernel[i] * padded[i : i + len(values)] for i in range(window))  # type: ignore[return-value]


def smooth_landmarks(landmarks: FloatArray) -> NDArray[np.float64]:
    """Smooth (T, 478, 3) pose-free landmarks; lips near closure and lids keep the tracker's own values.

    A closure lasts one to three frames: any low-pass filter opens it. So the lips return to the raw track
    in proportion to how closed the raw mouth is; lids (blinks last three to five frames) are left alone.
    """
    smooth = savitzky_golay(landmarks)
    opening = mouth_opening(np.asarray(landmarks))
    low, high = np.percentile(opening, [2, 95])
    closedness = np.clip(1.0 - (opening - low) / max(CLOSURE_SHARE * (high - low), 1e-6), 0.0, 1.0)
    keep_raw = closedness[:, None, None]
    smooth[:, LIPS] = keep_raw * landmarks[:, LIPS] + (1 - keep_raw) * smooth[:, LIPS]
    lids = np.concatenate([EYE_LEFT, EYE_RIGHT])
    smooth[:, lids] = landmarks[:, lids]
    return smooth


def neutral_face(landmarks: FloatArray, share: float = 0.25) -> NDArray[np.float64]:
    """(478, 3) resting face of a clip: median over the quarter of frames with the least mouth opening."""
    opening = mouth_opening(np.asarray(landmarks))
    quiet = np.argsort(opening)[: max(int(len(opening) * share), 1)]
    return np.median(landmarks[quiet], axis=0)
