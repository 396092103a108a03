# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the published shapes and sizes with RANDOM weights: their speed and memory here, never their accuracy.

Written from the papers' figures (docs/papers.md 1 and 2); no line of theirs. Their own code was measured in
docs/papers.md 5, which these roughly reproduce. Loading, FLAME and rendering are left out there and here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.models.nn.conformer import ConformerBlock
from research.evaluation.speech_towers import (
    BASE,
    LARGE,
    SpeechTower,
    TowerSize,
    noise,
    resampled,
    transformer_decoder,
    transformer_encoder,
)
from research.evaluation.speed import measure_apart, peak_memory_mb

VERTEX_VALUES = 15_069
MOTION_VALUES = 53
RUNS = 3


class PublishedShape(nn.Module):
    """A speech encoder and what follows it. ``share`` is the part of the steps that :meth:`decode` really runs."""

    share = 1.0

    def __init__(self, encoder: SpeechTower) -> None:
        super().__init__()
        self.encoder = encoder

    def decode(self, features: Tensor, seconds: float) -> None:
        """Everything after the encoder."""
        raise NotImplementedError


class FaceFormerShape(PublishedShape):
    """wav2vec2-base, one decoder layer of width 64, vertices fed back frame by frame at 30 fps without a cache."""

    def __init__(self) -> None:
        super().__init__(SpeechTower(BASE))
        self.audio = nn.Linear(BASE.width, 64)
        self.from_vertices, self.to_vertices = nn.Linear(VERTEX_VALUES, 64), nn.Linear(64, VERTEX_VALUES)
        self.decoder = transformer_decoder(TowerSize(64, 1, 4, 128))

    def decode(self, features: Tensor, seconds: float) -> None:
        memory = self.audio(resampled(features, round(seconds * 30)))
        tokens = torch.zeros(1, 1, 64)
        for _ in range(memory.shape[1]):
            vertices = self.to_vertices(_causal(self.decoder, tokens, memory))
            tokens = torch.cat([tokens, self.from_vertices(vertices[:, -1:])], dim=1)


class CodeTalkerShape(PublishedShape):
    """wav2vec2-base, six decoder layers of width 1024 and a six-layer code decoder, both over the whole past.

    Every tenth frame is run, the others cost what their neighbours cost.
    """

    share = 0.1

    def __init__(self) -> None:
        super().__init__(SpeechTower(BASE))
        wide = TowerSize(1024, 6, 8, 2048)
        self.audio = nn.Linear(BASE.width, 1024)
        self.decoder = transformer_decoder(TowerSize(1024, 6, 4, 2048))
        # the code encoder is part of the model's size; speech does not pass through it
        self.code_encoder, self.code_decoder = transformer_encoder(wide), transformer_encoder(wide)
        self.from_vertices, self.to_vertices = nn.Linear(VERTEX_VALUES, 1024), nn.Linear(1024, VERTEX_VALUES)
        self.codebook = nn.Parameter(torch.randn(256, 64))

    def decode(self, features: Tensor, seconds: float) -> None:
        memory = self.audio(resampled(features, round(seconds * 30)))
        for past in range(round(1 / self.share) // 2, memory.shape[1], round(1 / self.share)):
            hidden = _causal(self.decoder, torch.zeros(1, past, 1024), memory)
            codes = hidden.reshape(-1, 64)
            nearest = torch.cdist(codes, self.codebook).argmin(dim=1)
            quantised = self.codebook[nearest].view_as(hidden)
            self.from_vertices(self.to_vertices(self.code_decoder(quantised))[:, -1:])


class DiffPoseTalkShape(PublishedShape):
    """Speech encoder of base size, eight decoder layers of width 512, 500 denoising steps per window of 100 frames.

    Three guidance branches as one batch. Ten of the 500 steps are run: all cost the same.
    """

    steps = 500
    share = 10 / 500

    def __init__(self) -> None:
        super().__init__(SpeechTower(BASE))
        self.audio = nn.Linear(BASE.width, 512)
        self.motion_in, self.motion_out = nn.Linear(MOTION_VALUES + 3, 512), nn.Linear(512, MOTION_VALUES + 3)
        self.decoder = transformer_decoder(TowerSize(512, 8, 8, 2048))

    def decode(self, features: Tensor, seconds: float) -> None:
        frames = round(seconds * 25)
        audio = self.audio(resampled(features, frames))
        for _ in range(-(-frames // 100)):
            memory = torch.zeros(3, 110, 512)
            memory[:, : min(frames, 110)] = audio[:, :110]
            motion = torch.zeros(3, 110, MOTION_VALUES + 3)
            for _ in range(round(self.steps * self.share)):
                motion = self.motion_out(self.decoder(self.motion_in(motion), memory))


class AdaMeshReleaseShape(PublishedShape):
    """HuBERT-large and the released base network: 2-D subsampler of 33.6 M values, six conformer blocks, post-net."""

    def __init__(self) -> None:
        super().__init__(SpeechTower(LARGE))
        self.subsample = nn.Conv2d(1, 256, 3, stride=2, padding=1)
        self.project = nn.Linear(256 * LARGE.width // 2, 256)
        self.blocks = nn.Sequential(*(ConformerBlock(256, 4, 2048, 15, 0.0) for _ in range(6)))
        self.head = nn.Linear(256, MOTION_VALUES)
        self.post = nn.Sequential(
            nn.Conv1d(MOTION_VALUES, 128, 5, padding=2), nn.Tanh(), nn.Conv1d(128, MOTION_VALUES, 5, padding=2)
        )

    def decode(self, features: Tensor, seconds: float) -> None:
        planes = torch.relu(self.subsample(features[:, None]))
        frames = self.project(planes.permute(0, 2, 1, 3).flatten(2))
        self.post(self.head(self.blocks(frames)).transpose(1, 2))


SHAPES: dict[str, Callable[[], PublishedShape]] = {
    "FaceFormer": FaceFormerShape,
    "CodeTalker": CodeTalkerShape,
    "DiffPoseTalk": DiffPoseTalkShape,
    "HuBERT-large + AdaMesh release": AdaMeshReleaseShape,
}
# seconds for 10 s of speech with their own code, docs/papers.md 5
MEASURED_THERE = {
    "FaceFormer": 1.36,
    "CodeTalker": 65.0,
    "DiffPoseTalk": 155.9,
    "HuBERT-large + AdaMesh release": 1.86,
}


@dataclass(frozen=True, slots=True)
class ShapeSpeed:
    """Seconds and peak memory for one length of speech; ``share``: part of the steps that was run and scaled up."""

    name: str
    speech_seconds: float
    parameters_millions: float
    encoder_seconds: float
    rest_seconds: float
    peak_memory_mb: float
    share: float

    @property
    def total_seconds(self) -> float:
        """Encoder and the rest."""
        return self.encoder_seconds + self.rest_seconds

    @property
    def real_time_factor(self) -> float:
        """Seconds of speech per second of computing."""
        return self.speech_seconds / self.total_seconds


def measure_here(name: str, seconds: float, runs: int = RUNS) -> ShapeSpeed:
    """In this process: one warm-up, median of ``runs`` (of one where only a share of the steps is run)."""
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    model = SHAPES[name]().eval()
    samples = noise(seconds)
    encoder, rest = [], []
    with torch.inference_mode():
        # the slow ones run for half a minute: once is enough there
        for _ in range((runs if model.share == 1.0 else 1) + 1):
            began = time.perf_counter()
            features = model.encoder(samples)
            middle = time.perf_counter()
            model.decode(features, seconds)
            encoder.append(middle - began)
            rest.append((time.perf_counter() - middle) / model.share)
    return ShapeSpeed(
        name=name,
        speech_seconds=seconds,
        parameters_millions=sum(p.numel() for p in model.parameters()) / 1e6,
        encoder_seconds=float(np.median(encoder[1:])),
        rest_seconds=float(np.median(rest[1:])),
        peak_memory_mb=peak_memory_mb(),
        share=model.share,
    )


def measure(name: str, seconds: float = 10.0, runs: int = RUNS) -> ShapeSpeed:
    """In a process of its own, so that peak memory is the network's."""
    code = (
        "from research.evaluation.published_shapes import measure_here as run; "
        f"r = run({name!r}, {seconds!r}, {runs!r}); "
        "print('MEASURED', r.parameters_millions, r.encoder_seconds, r.rest_seconds, r.peak_memory_mb, r.share)"
    )
    return ShapeSpeed(name, seconds, *measure_apart(code, f"The shape of {name} could not be measured."))


def _causal(decoder: nn.TransformerDecoder, tokens: Tensor, memory: Tensor) -> Tensor:
    mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
    hidden: Tensor = decoder(tokens, memory, tgt_mask=mask)
    return hidden
