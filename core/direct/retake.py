# SPDX-License-Identifier: GPL-3.0-or-later
"""Another take of a few frames of a line: the frames between two times are taken from it, blended at both ends."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.closures import keep_closures
from ..face.motion import EXPRESSION_SIZE, Motion
from ..face.series import smoothstep
from ..rig.solve import RigMotion
from .kept_motion import KeptMotion

# the frame rate conversion looks at two frames on either side: they stay, so that no key outside the range changes
_UNTOUCHED_FRAMES = 2


@dataclass(frozen=True, slots=True)
class TakeVariation:
    """How a take differs from the line. seed: added to the run's, for head, blinks and gaze, which are drawn.

    livelier: factor on the style strength, on the opening of the mouth and on the head's temperature, because the
    mouth itself is not drawn: the same speech gives the same mouth.
    """

    label: str
    seed: int
    livelier: float


TAKES = (
    TakeVariation("As before, other head", 101, 1.0),
    TakeVariation("Livelier", 202, 1.15),
    TakeVariation("Calmer", 303, 0.85),
    TakeVariation("Much livelier", 404, 1.35),
    TakeVariation("Much calmer", 505, 0.65),
)


@dataclass(frozen=True, slots=True)
class TakeRange:
    """first, last: seconds from the speech's beginning. blend: seconds of blending inside either end."""

    first: float
    last: float
    blend: float


def take_weights(frames: int, fps: float, where: TakeRange) -> NDArray[np.float64]:
    """(frames,) 0 outside the range and at its ends, 1 inside, smooth between."""
    at = np.arange(frames) / fps
    edge = _UNTOUCHED_FRAMES / fps
    blend = max(min(where.blend, (where.last - where.first) / 2 - edge), 1e-3)
    inside = np.minimum(at - where.first - edge, where.last - edge - at) / blend
    # a range that reaches an end of the line needs no blending there
    if where.first <= 0:
        inside = np.where(at <= where.first + blend + edge, (where.last - edge - at) / blend, inside)
    if where.last >= (frames - 1) / fps:
        inside = np.where(at >= where.last - blend - edge, (at - where.first - edge) / blend, inside)
    return smoothstep(inside)


def blend_motions(before: Motion, take: Motion, weights: NDArray[np.float64]) -> Motion:
    """``before`` where the weights (T,) are 0, exactly, and ``take`` where they are 1.

    Where lips meet in both they meet in the blend too. A take that is a frame shorter or longer is fitted.
    """
    take = _fitted(take, len(before))
    between = (weights > 0) & (weights < 1)

    def mixed(name: str) -> NDArray[np.float32]:
        old, new = getattr(before, name), getattr(take, name)
        share = weights.reshape(-1, *([1] * (old.ndim - 1)))
        blended = ((1.0 - share) * old + share * new).astype(np.float32)
        return np.where(share == 0, old, blended).astype(np.float32)

    whole = before.replace(**{name: mixed(name) for name in ("expression", "jaw", "head", "gaze")})
    if not between.any():
        return whole
    closed = keep_closures(before, keep_closures(take, whole, open_basis()), open_basis()).face_vector()
    vector = np.where(between[:, None], closed, whole.face_vector()).astype(np.float32)
    return whole.replace(expression=vector[:, :EXPRESSION_SIZE], jaw=vector[:, EXPRESSION_SIZE:])


def with_take(kept: KeptMotion, take: Motion, where: TakeRange) -> KeptMotion:
    """The line with the range from ``take``, still to be solved there: see :func:`with_solved`."""
    weights = take_weights(len(kept.motion), kept.motion.fps, where)
    motion = blend_motions(kept.motion, take, weights)
    return dataclasses.replace(kept, motion=motion, solved=None)


def with_solved(new: KeptMotion, solved: RigMotion, before: RigMotion | None, where: TakeRange) -> KeptMotion:
    """The solve of the whole new motion, taken in the range alone, so that nothing outside of it changes by a bit."""
    if before is None or len(before) != len(solved):
        return dataclasses.replace(new, solved=solved).rounded()
    inside = take_weights(len(solved), solved.fps, where) > 0

    def chosen(name: str) -> NDArray[np.float32]:
        old, fresh = getattr(before, name), getattr(solved, name)
        mask = inside.reshape(-1, *([1] * (old.ndim - 1)))
        return np.where(mask, fresh, old).astype(np.float32)

    parts = dataclasses.replace(
        solved, key_values=chosen("key_values"), jaw=chosen("jaw"), head=chosen("head"), eyes=chosen("eyes")
    )
    return dataclasses.replace(new, solved=parts).rounded()


def _fitted(motion: Motion, frames: int) -> Motion:
    if len(motion) == frames:
        return motion
    rows = np.minimum(np.arange(frames), len(motion) - 1)
    return motion.replace(**{name: getattr(motion, name)[rows] for name in ("expression", "jaw", "head", "gaze")})
