# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded networks, kept warm between jobs of one process."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EngineSetupError, ModelError
from ..weights import is_bundled

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..face.motion import Motion
    from ..models.adamesh.generate import ExpressionGenerator
    from ..models.mimic.generate import MimicGenerator
    from ..models.pose.generate import PoseGenerator
    from ..models.pose.speech_steps import SpeechFeatures

# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4
# as in core.models.mimic.generate, which needs torch
MIMIC_FILE = "mimic.safetensors"
# what the head's network heard last, by its hash and the speech's
_encoded_speech: dict[tuple[str, str], SpeechFeatures] = {}


@functools.lru_cache(maxsize=2)
def expression_generator(device: str) -> ExpressionGenerator:
    """The speech-to-motion network, loaded once per device. Raises :class:`MimeshError`."""
    _prepare_threads()
    try:
        from ..models.adamesh.generate import ExpressionGenerator
    except ImportError as error:
        raise _unusable(error) from error
    return ExpressionGenerator.load(device)


def _prepare_threads() -> None:
    # read when torch loads its thread pool: spinning waits made 0.2 s into 3 s on a busy two-core machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch
    except ImportError as error:
        raise _unusable(error) from error
    torch.set_num_threads(min(os.cpu_count() or 1, MAX_THREADS))


def _unusable(error: ImportError) -> EngineSetupError:
    return EngineSetupError(
        f"The speech model cannot run in this Python ({error}).",
        "Run the engine setup, or choose a Python that has its packages.",
    )


class MemoisedSynthesiser:
    """A generator that remembers its last answer: the reference's sound is needed for its offset and its style.

    It is loaded when it is first needed.
    """

    def __init__(self, load: Callable[[], ExpressionGenerator]) -> None:
        self._load = load
        self._speech: Speech | None = None
        self._motion: Motion | None = None

    @functools.cached_property
    def generator(self) -> ExpressionGenerator:
        """The one that answers."""
        return self._load()

    @property
    def hash(self) -> str:
        """Of the model."""
        return self.generator.hash

    def generate(self, speech: Speech) -> Motion:
        """As the generator's, once per speech."""
        if self._motion is None or self._speech is not speech:
            self._speech, self._motion = speech, self.generator.generate(speech)
        return self._motion


@functools.lru_cache(maxsize=2)
def mimic_generator(device: str) -> MimicGenerator:
    """Mimic's networks, loaded once per device. Raises :class:`MimeshError`, also where they are not bundled."""
    if not is_bundled(MIMIC_FILE):
        raise ModelError(
            f"Mimic's network ({MIMIC_FILE}) is not installed.", "Choose AdaMesh, or install the extension again."
        )
    _prepare_threads()
    try:
        from ..models.mimic.generate import MimicGenerator
    except ImportError as error:
        raise _unusable(error) from error
    return MimicGenerator.load(device)


@functools.lru_cache(maxsize=1)
def pose_generator() -> PoseGenerator:
    """The head's network with the bundled bank, loaded once. Raises :class:`MimeshError`.

    It runs on the processor: its steps are many and small.
    """
    _prepare_threads()
    try:
        from ..models.pose.generate import PoseGenerator
    except ImportError as error:
        raise _unusable(error) from error
    return PoseGenerator.load()


@functools.lru_cache(maxsize=1)
def user_pose_generator(prior: Path, bank: Path, prior_hash: str) -> PoseGenerator:
    """As :func:`pose_generator`, with a studio's own prior, whose file had this hash when it was asked for."""
    from ..models.pose.generate import PoseGenerator

    generator = PoseGenerator.load(bank=bank, prior=prior)
    if generator.hash != prior_hash:
        raise ModelError(f"The pose prior {prior} has just been replaced.", "Try again.")
    return generator


def encoded_speech(generator: PoseGenerator, speech: Speech) -> SpeechFeatures:
    """What the generator hears in the speech, remembered for the next roll of the head."""
    key = (generator.hash, speech.hash)
    if key not in _encoded_speech:
        # the newest alone: ten minutes of features are tens of megabytes
        _encoded_speech.clear()
        _encoded_speech[key] = generator.encode(speech)
    return _encoded_speech[key]


def release_encoded_speech() -> None:
    """Forget the last speech."""
    _encoded_speech.clear()


def release_models() -> None:
    """Forget loaded networks, so that an idle engine holds little memory."""
    expression_generator.cache_clear()
    mimic_generator.cache_clear()
    pose_generator.cache_clear()
    user_pose_generator.cache_clear()
    release_encoded_speech()
    gc.collect()
