# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a style's gain and offset to the model's motion; lips that meet go on meeting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...face.basis import open_basis
from ...face.closures import keep_closures
from ...face.jaw import JAW_RANGE_RADIANS
from ...face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion
from ...style.style import Style

_MIN_GAIN = 0.1


def apply_style(motion: Motion, style: Style | None, strength: float) -> Motion:
    """A copy of ``motion`` with its face in the style; strength 0 leaves it exactly as it is.

    Raises :class:`ModelError` for a style of another face basis.
    """
    if style is None:
        return motion
    if style.provenance.basis_hash != motion.basis_hash:
        raise ModelError(
            f"The style {style.name} is written in face basis {style.provenance.basis_hash[:8]}, "
            f"the model speaks {motion.basis_hash[:8]}.",
            "Fit the style again from its reference clip.",
        )
    if motion.fps != INTERNAL_FPS:
        raise ValueError(f"apply_style works at {INTERNAL_FPS} fps, not {motion.fps}")
    return _styled_face(motion, style, strength) if strength > 0 else motion


def _styled_face(motion: Motion, style: Style, strength: float) -> Motion:
    gain = np.maximum(1.0 + strength * (style.gain - 1.0), _MIN_GAIN)
    vector = (gain * motion.face_vector() + strength * style.offset).astype(np.float32)
    styled = keep_closures(motion, _with_face(motion, vector), open_basis())
    return styled.replace(jaw=_limited(styled.jaw))


def _with_face(motion: Motion, vector: NDArray[np.float32]) -> Motion:
    return motion.replace(expression=vector[:, :EXPRESSION_SIZE], jaw=vector[:, EXPRESSION_SIZE:])


def _limited(jaw: NDArray[np.float32]) -> NDArray[np.float32]:
    limited = jaw.copy()
    limited[:, 0] = np.clip(jaw[:, 0], *JAW_RANGE_RADIANS)
    return limited
