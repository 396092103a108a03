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
    from ..audio.speech import Speech
    from ..face.motion import Motion

# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4


@functools.lru_cache(maxsize=2)
def expression_generator(device: str) -> ExpressionGenerator:
    """The speech-to-motion network, loaded once per device. Raises :class:`MimeshError`."""
    # read when torch loads its thread pool: spinning waits made 0.2 s into 3 s on a busy two-core machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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


class OnceEach:
    """A generator that remembers its last answer: the reference's sound is needed for its offset and its style."""

    def __init__(self, generator: ExpressionGenerator) -> None:
        self._generator = generator
        self._speech: Speech | None = None
        self._motion: Motion | None = None

    @property
    def hash(self) -> str:
        """Of the model."""
        return self._generator.hash

    def generate(self, speech: Speech) -> Motion:
        """As the generator's, once per speech."""
        if self._motion is None or self._speech is not speech:
            self._speech, self._motion = speech, self._generator.generate(speech)
        return self._motion


def release_models() -> None:
    """Forget loaded networks, so that an idle engine holds little memory."""
    expression_generator.cache_clear()
    gc.collect()
