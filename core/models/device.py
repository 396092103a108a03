# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device torch computes on."""

from __future__ import annotations

from ..errors import EngineSetupError


def choose_device(device: str) -> str:
    """``auto`` takes CUDA where there is one; an impossible wish is refused in words."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = {"cuda": cards, "mps": int(torch.backends.mps.is_available())}.get(kind, 1)
    if int(index or 0) >= present:
        raise EngineSetupError(f"The device {device} is not available to torch.", "Choose device auto or cpu.")
    return device
