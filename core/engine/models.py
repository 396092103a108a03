# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded networks, kept warm between jobs of one process."""

from __future__ import annotations

import functools
import gc
import os
from typing import TYPE_CHECKING, Any

from ..errors import EngineSetupError

if TYPE_CHECKING:
    from ..adamesh.generate import ExpressionGenerator

# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4


def resolve_device(device: str) -> str:
    """``auto`` becomes ``cuda`` where a usable GPU exists, else ``cpu``."""
    torch = _torch()
    if device == "cpu":
        return device
    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise EngineSetupError("This engine finds no CUDA device.", "Choose the device Auto or CPU.")
    return "cpu"


def expression_generator(device: str) -> ExpressionGenerator:
    """The speech-to-motion network, loaded once per device."""
    return _load_generator(resolve_device(device))


def set_threads() -> None:
    """Use the machine's cores, four at most."""
    _torch().set_num_threads(min(os.cpu_count() or 1, MAX_THREADS))


def release_models() -> None:
    """Forget loaded networks, so that an idle engine holds little memory."""
    _load_generator.cache_clear()
    gc.collect()


@functools.lru_cache(maxsize=2)
def _load_generator(device: str) -> ExpressionGenerator:
    from ..adamesh.generate import ExpressionGenerator

    set_threads()
    return ExpressionGenerator.load(device)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise EngineSetupError(
            f"PyTorch cannot be imported in the engine's Python ({error}).",
            "Run the engine setup, or choose a Python that has it.",
        ) from error
    return torch
