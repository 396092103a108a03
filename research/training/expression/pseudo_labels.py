# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-labels: what teachers, who learnt from filmed people, think the faces of readers do who were only recorded.

Filmed people are ten; readers whose recordings are free are hundreds. A network that learns from both hears many more
voices, and has several teachers at once. Source: self-training with an ensemble's answers (Xie et al. 2020,
"Self-training with Noisy Student").
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.models.adamesh.generate import ExpressionGenerator
from core.models.nn.synthesiser import run_windows
from core.models.speech.mel import power_spectrogram
from research.corpus.clips import Clip
from research.corpus.crowd import unheard_readers
from research.corpus.speech import Utterance, aligned_utterances, is_heldout
from research.paths import BUILD
from research.training.expression.data import READERS
from research.training.feature_bank import keep
from research.training.motion_data import MEL_PER_FRAME, MotionPair, prosody_of

CACHE_ROOT = BUILD / "pseudo_labels"
# LJSpeech is one reader, and has more recordings than anybody
LJSPEECH_EVERY = 3


def labelled_utterances(data: Path) -> list[Utterance]:
    """LibriSpeech, LJSpeech and VCTK, but for readers that the encoders or crowds are scored with."""
    unheard = set(unheard_readers(data))
    found = [u for u in aligned_utterances(data) if u.corpus != "grid" and not is_heldout(u) and u not in unheard]
    single = [u for u in found if u.corpus == "ljspeech"][::LJSPEECH_EVERY]
    return [u for u in found if u.corpus != "ljspeech"] + single


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Networks with one speech encoder, whose answers are averaged."""

    generators: Sequence[ExpressionGenerator]

    @property
    def hash(self) -> str:
        """Of all networks and their encoder."""
        parts = [generator.hash for generator in self.generators] + [self.generators[0].encoder.hash]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def label(self, speech: Speech) -> NDArray[np.float32]:
        """(T, 53) of the average talker, as the networks say it: lips are not made to meet."""
        features = self.generators[0].features(speech)
        answers = [run_windows(generator.network, features) for generator in self.generators]
        return np.mean(answers, axis=0, dtype=np.float64).astype(np.float32)


def pseudo_labelled(utterances: Sequence[Utterance], teachers: Teachers) -> list[MotionPair]:
    """Every recording as if its reader had been filmed; labels are kept under build/pseudo_labels."""
    return [_pair(utterance, _label(utterance, teachers)) for utterance in utterances]


def _label(utterance: Utterance, teachers: Teachers) -> NDArray[np.float32]:
    path = CACHE_ROOT / f"{utterance.key}-{teachers.hash[:12]}.npy"
    if not path.is_file():
        keep(path, teachers.label(utterance.load()))
    motion: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return motion


def _pair(utterance: Utterance, motion: NDArray[np.float32]) -> MotionPair:
    log_power, sounds = _sound(utterance)
    frames = min(len(log_power) // MEL_PER_FRAME, len(motion))
    clip = Clip(READERS, utterance.speaker, utterance.path)
    unseen = np.zeros((frames, 0, 3), np.float32)
    return MotionPair(clip, log_power[: MEL_PER_FRAME * frames], motion[:frames], unseen, sounds[: 2 * frames])


@functools.lru_cache(maxsize=1024)
def _sound(utterance: Utterance) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    samples = utterance.load().samples
    power = power_spectrogram(samples)
    return np.log(power + 1e-10).astype(np.float16), prosody_of(samples, len(power) // MEL_PER_FRAME)
