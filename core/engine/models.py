# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded networks, kept warm between jobs of one process."""

from __future__ import annotations

import functools
import gc
import os
from typing import TYPE_CHECKING

from ..errors import EngineSetupError

if TYPE_CHECKING:
    from ..adamesh.generate import ExpressionGenerator

# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4


@functools.lru_cache(maxsize=2)
def expression_generator(device: str) -> ExpressionGenerator:
    """The speech-to-motion network, loaded once per device. Raises :class:`MimeshError`."""
    try:
        import torch

        from ..adamesh.generate import ExpressionGenerator
    except ImportError as error:
        raise EngineSetupError(
            f"The speech model cannot run in this Python ({error}).",
            "Run the engine setup, or choose a Python that has its packages.",
        ) from error
    torch.set_num_threads(min(os.cpu_count() or 1, MAX_THREADS))
    return ExpressionGenerator.load(device)


def release_models() -> None:
    """Forget loaded networks, so that an idle engine holds little memory."""
    expression_generator.cache_clear()
    gc.collect()
