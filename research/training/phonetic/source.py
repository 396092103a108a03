# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of labelled speech for the phonetic encoder and its student, drawn on the device that trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech

Shares = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class SpeechBatch:
    """power: (B, 2 T, 257); phones: (B, T); articulation: (B, T, features); -1 where no label is known."""

    power: Tensor
    phones: Tensor
    articulation: Tensor


@dataclass(frozen=True, slots=True)
class Drawing:
    """How samples are drawn. shares: of the corpora; crop_frames: of 20 ms.

    retimed_share: samples that are played ``tempo`` times as fast.
    """

    shares: Shares
    batch: int
    crop_frames: int
    tempo: tuple[float, float] = (0.8, 1.25)
    retimed_share: float = 1.0


class SpeechSource:
    """Draws crops of what a speaker said, recordings joined end to end: every corpus by its share, its speakers alike.

    All speech lies on the device (an hour is 185 MB). heldout: of whom; nobody else is ever drawn.
    """

    def __init__(
        self,
        speech: Sequence[LabelledSpeech],
        drawing: Drawing,
        device: torch.device | str = "cpu",
        heldout: bool = False,
    ) -> None:
        self._drawing = drawing
        speakers: dict[str, dict[str, list[LabelledSpeech]]] = {}
        for item in (item for item in speech if item.heldout is heldout):
            speakers.setdefault(item.source, {}).setdefault(item.speaker, []).append(item)
        present = [(name, share) for name, share in drawing.shares if name in speakers]
        chances = [share / len(speakers[name]) for name, share in present for _ in speakers[name]]
        self._chances = np.array(chances) / sum(chances)
        tapes = [own for name, _ in present for own in speakers[name].values()]
        lengths = [sum(len(item.phones) for item in own) for own in tapes]
        self._first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self._length = np.array(lengths)
        joined = [item for own in tapes for item in own]
        power = np.concatenate([item.log_power[: MEL_PER_LABEL * len(item.phones)] for item in joined])
        self._log_power = torch.from_numpy(power).to(device)
        self._phones = torch.from_numpy(np.concatenate([item.phones for item in joined])).to(device)
        self._articulation = torch.from_numpy(np.concatenate([item.articulation for item in joined])).to(device)

    @property
    def seconds(self) -> float:
        """Of speech, over all speakers."""
        return float(self._length.sum()) / 50

    def draw(self, rng: np.random.Generator) -> SpeechBatch:
        """One batch; the same generator state gives the same batch."""
        drawing, device = self._drawing, self._phones.device
        speaker = rng.choice(len(self._chances), size=drawing.batch, p=self._chances)
        tempo = rng.uniform(*drawing.tempo, size=drawing.batch)
        tempo[rng.random(drawing.batch) >= drawing.retimed_share] = 1.0
        start = rng.random(drawing.batch) * self._length[speaker]
        columns = (start.astype(int), tempo, self._first[speaker], self._length[speaker])
        begin, pace, first, length = (torch.from_numpy(column).to(device)[:, None] for column in columns)
        steps = torch.arange(MEL_PER_LABEL * drawing.crop_frames, device=device)[None]
        label = begin + torch.round(steps[:, : drawing.crop_frames] * pace).long()
        label = first + label % length
        return SpeechBatch(
            power=self._power(MEL_PER_LABEL * begin + steps * pace, MEL_PER_LABEL * first, MEL_PER_LABEL * length),
            phones=self._phones[label].long(),
            articulation=self._articulation[label].long(),
        )

    def _power(self, position: Tensor, first: Tensor, length: Tensor) -> Tensor:
        """Linear between frames of the logarithm; the end goes on with the beginning."""
        low = position.long()
        blend = (position - low).float()[:, :, None]
        before, after = (self._log_power[first + frame % length].float() for frame in (low, low + 1))
        return torch.exp(before.lerp(after, blend))
