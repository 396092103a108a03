# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation phonetic``: frames that the speech encoder names rightly, by unseen speakers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.models.speech.articulation import ARPABET, FEATURES
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.phonetic_network import PhoneticNetwork
from research.corpus.augment import mel_features
from research.evaluation.tables import Table
from research.paths import DATA_ROOT
from research.training.phonetic.data import LabelledSpeech, load_labelled

VOICING = [feature.name for feature in FEATURES].index("voicing")


@dataclass(frozen=True, slots=True)
class FrameScore:
    """Shares of frames outside silence that are right; ``most_frequent``: by always naming the commonest class.

    phones is None where the language has no ARPAbet labels. frames: how many were counted.
    """

    source: str
    speakers: int
    frames: int
    phones: float | None
    features: tuple[float, ...]
    most_frequent: tuple[float, ...]


def score_frames(network: PhoneticNetwork, speech: list[LabelledSpeech]) -> FrameScore:
    """Frame accuracy over recordings of one source."""
    guessed, known, phones = [], [], []
    for item in speech:
        with torch.inference_mode():
            power = torch.exp(torch.from_numpy(item.log_power.astype(np.float32)))[None]
            output = network(mel_features(power))
        spoken = item.articulation[:, VOICING] > 0
        classes = torch.stack([logits[0].argmax(dim=1) for logits in output.articulation], dim=1).numpy()
        guessed.append(classes[: len(spoken)][spoken])
        known.append(item.articulation[spoken])
        labelled = spoken & (item.phones >= 0)
        phones.append(output.phones[0].argmax(dim=1).numpy()[: len(spoken)][labelled] == item.phones[labelled])
    return _summary(speech, np.concatenate(guessed), np.concatenate(known), np.concatenate(phones))


def _summary(
    speech: list[LabelledSpeech], guessed: NDArray[np.integer], known: NDArray[np.integer], phones: NDArray[np.bool_]
) -> FrameScore:
    return FrameScore(
        source=speech[0].source,
        speakers=len({item.speaker for item in speech}),
        frames=len(known),
        phones=float(phones.mean()) if len(phones) else None,
        features=tuple(float(share) for share in (guessed == known).mean(axis=0)),
        most_frequent=tuple(float(np.bincount(column).max() / len(column)) for column in known.T),
    )


def table(scores: list[FrameScore]) -> Table:
    """A row for each source, the chance level in brackets."""
    rows = [
        (
            score.source,
            str(score.speakers),
            str(score.frames),
            "-" if score.phones is None else f"{score.phones:.3f}",
            *(
                f"{share:.3f} ({chance:.2f})"
                for share, chance in zip(score.features, score.most_frequent, strict=True)
            ),
        )
        for score in scores
    ]
    return Table(
        title=f"Speech encoder: share of 20 ms frames outside silence named rightly ({len(ARPABET)} phones, features)",
        columns=("held-out speech", "speakers", "frames", "phones", *(feature.name for feature in FEATURES)),
        rows=tuple(rows),
        note="Real: forced alignment is taken for the truth. In brackets: always naming the commonest class.",
    )


def main(arguments: list[str]) -> int:
    """Score the bundled encoder on held-out speakers and print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation phonetic", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    data: Path = parser.parse_args(arguments).data
    network = PhoneticEncoder.load().network
    heldout = [item for item in load_labelled(data) if item.heldout]
    sources = sorted({item.source for item in heldout})
    print(table([score_frames(network, [item for item in heldout if item.source == name]) for name in sources]).text())
    return 0
