# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that ship, loaded as the engine process loads them but for its memory of speeches already encoded.

Without that memory a benchmark times the encoder too.
"""

from __future__ import annotations

import functools

from core.engine.context import resolve_device
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator
from core.models.mimic.generate import MimicGenerator
from core.models.speech.registry import BUNDLED, weights_file
from core.weights import bundled


@functools.lru_cache(maxsize=2)
def expression_generator(device: str = "cpu", encoder: str = BUNDLED) -> ExpressionGenerator:
    """AdaMesh's base network for a speech encoder, loaded once per device."""
    return ExpressionGenerator.load(resolve_device(device), bundled(weights_file(EXPRESSION_FILE, encoder)))


@functools.lru_cache(maxsize=2)
def mimic_generator(device: str = "cpu") -> MimicGenerator:
    """Mimic's networks, loaded once per device."""
    return MimicGenerator.load(resolve_device(device))
