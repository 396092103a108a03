# SPDX-License-Identifier: GPL-3.0-or-later
"""Open speech that Whisper's student and the reader of its lips learn from.

Synthetic speech has the labels that it was made from; recordings have the first stage's own where it is sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.audio.speech import Speech
from core.models.speech.mel import power_spectrogram
from core.models.speech.phonetic_network import PhoneticNetwork
from research.corpus.augment import mel_features
from research.corpus.speech import Utterance, aligned_utterances, is_heldout, unlabelled_utterances
from research.corpus.synthetic_speech import load_synthetic
from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech, synthetic_labels

# s1 alone says nine hundred of GRID's thousand sentences
GRID_ONE_IN = 2
SYNTHETIC_ONE_IN = 3
# probability from which the first stage's own label is taken
SURE = 0.6


def distilled_utterances(data: Path) -> list[Utterance]:
    """Every recording, of GRID every second; held-out LibriSpeech speakers are among them."""
    found = aligned_utterances(data) + unlabelled_utterances(data)
    grid = [item for item in found if item.corpus == "grid"]
    return [item for item in found if item.corpus != "grid"] + grid[::GRID_ONE_IN]


def load_distillation(data: Path, first: PhoneticNetwork) -> Iterator[LabelledSpeech]:
    """All of it. Raises :class:`EngineSetupError` where the synthetic speech was not rendered yet."""
    for utterance in distilled_utterances(data):
        yield self_labelled(
            utterance.corpus, utterance.speaker, is_heldout(utterance), log_power(utterance.load()), first
        )
    for index, item in enumerate(load_synthetic()):
        if index % SYNTHETIC_ONE_IN == 0:
            yield synthetic_labels(item)


def log_power(speech: Speech) -> NDArray[np.float16]:
    """(2 N, 257) at 100 Hz."""
    power = np.log(power_spectrogram(speech.samples) + 1e-10).astype(np.float16)
    return power[: len(power) // MEL_PER_LABEL * MEL_PER_LABEL]


@torch.inference_mode()
def self_labelled(
    corpus: str, speaker: str, heldout: bool, power: NDArray[np.float16], first: PhoneticNetwork
) -> LabelledSpeech:
    """Labelled by the first stage's clean hearing where it is sure: no recording is aligned a second time."""
    device = next(first.parameters()).device
    heard = torch.exp(torch.from_numpy(power.astype(np.float32)).to(device))[None]
    output = first(mel_features(heard))
    articulation = np.stack([_sure(logits) for logits in output.articulation], axis=1)
    return LabelledSpeech(corpus, speaker, heldout, power, _sure(output.phones), articulation)


def _sure(logits: Tensor) -> NDArray[np.int8]:
    """(1, T, classes) to (T,) class, -1 where its probability is under ``SURE``."""
    chance, label = logits[0].softmax(dim=1).max(dim=1)
    found: NDArray[np.int8] = torch.where(chance >= SURE, label, -1).cpu().numpy().astype(np.int8)
    return found
