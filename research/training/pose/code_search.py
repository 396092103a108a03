# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the codes of a head motion by what they decode to: analysis by synthesis, as speech coders do it.

The codes nearest to the encoder's latents are a first guess; a decoder looks at neighbouring steps too, so that other
codes nearby often come out closer. Source: Schroeder & Atal 1985 (CELP) for the principle; the search is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.models.pose.vq import PoseVq

# steps that are tried at once lie this far apart: beyond half of it the decoder hardly hears a change
_APART_STEPS = 8
_CANDIDATES = 16


@dataclass(frozen=True, slots=True, eq=False)
class CodedHead:
    """codes: (N, levels). head: (T, 3) radians, what they decode to."""

    codes: NDArray[np.int64]
    head: NDArray[np.float32]


@torch.inference_mode()
def code_head(vq: PoseVq, head: NDArray[np.floating], passes: int = 3) -> CodedHead:
    """(T, 3) radians to codes, never further from it than the encoder's own (which 0 passes give)."""
    wanted = torch.as_tensor(np.asarray(head, np.float32))
    candidates = vq.codebooks.nearest(vq.encode(wanted[None])[0], min(_CANDIDATES, vq.config.codes))
    vectors = vq.codebooks.look_up(candidates)
    chosen = torch.zeros(len(candidates), dtype=torch.long)
    error = _errors(vq, _of(vectors, chosen)[None], wanted).sum()
    for _ in range(passes):
        tried = _improved(vq, wanted, vectors, chosen)
        tried_error = _errors(vq, _of(vectors, tried)[None], wanted).sum()
        if tried_error >= error:
            break
        chosen, error = tried, tried_error
    decoded = vq.decode(_of(vectors, chosen)[None])[0, : len(wanted)]
    return CodedHead(_of(candidates, chosen).numpy(), decoded.numpy())


def _improved(vq: PoseVq, wanted: Tensor, vectors: Tensor, chosen: Tensor) -> Tensor:
    """(N,) choices among (N, candidates, d) vectors, each step's the best one while its neighbours stay."""
    steps, count, _ = vectors.shape
    chosen = chosen.clone()
    for first in range(min(_APART_STEPS, steps)):
        places = torch.arange(first, steps, _APART_STEPS)
        trial = _of(vectors, chosen).expand(count, -1, -1).clone()
        trial[:, places] = vectors[places].transpose(0, 1)
        total = functional.pad(_errors(vq, trial, wanted).cumsum(dim=1), (1, 0))
        last = (places + _APART_STEPS // 2).clamp_max(steps)
        near = total[:, last] - total[:, (places - _APART_STEPS // 2).clamp_min(0)]
        chosen[places] = near.argmin(dim=0)
    return chosen


def _errors(vq: PoseVq, vectors: Tensor, wanted: Tensor) -> Tensor:
    """(B, N): how far (B, N, d) vectors decode from the (T, 3) head, summed over the frames of each step."""
    frames, stride = len(wanted), vq.config.frames_per_step
    error = (vq.decode(vectors)[:, :frames] - wanted).norm(dim=-1)
    return functional.pad(error, (0, vectors.shape[1] * stride - frames)).view(len(vectors), -1, stride).sum(dim=-1)


def _of(values: Tensor, chosen: Tensor) -> Tensor:
    """(N, candidates, ...) to (N, ...): the chosen one of each step."""
    return values[torch.arange(len(chosen)), chosen]
