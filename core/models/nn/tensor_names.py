# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensor names of earlier versions: shipped weights and a user's own keep loading after a module is renamed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

# beginning of a tensor's name in a file, and what the module is called now
RENAMED = {
    "style_encoder.vote.": "style_encoder.pooling.",
    "usual_mean": "population_mean",
    "usual_swing": "population_amplitude",
    "usual_speed": "population_speed",
}


def current_name(name: str) -> str:
    """The present name of a tensor that a file may hold under an earlier one."""
    for old, new in RENAMED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def state_of(tensors: Mapping[str, NDArray]) -> dict[str, Tensor]:
    """A file's arrays as a state dictionary under present names; values and types are unchanged."""
    return {current_name(name): torch.from_numpy(value.copy()) for name, value in tensors.items()}
