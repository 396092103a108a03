# SPDX-License-Identifier: GPL-3.0-or-later
"""A made world for adaptation tests: a tiny network that has learnt the average talker, and people who differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE
from core.face.region_chart import BROWS, JAW, OPENING, SIGNALS, WIDTH, region_chart
from core.models.adamesh.adapter import AdaptationSettings
from core.models.adamesh.finetune import TuneSettings
from core.models.adamesh.generate import ExpressionGenerator
from core.models.adamesh.model_selection import SelectionSettings
from core.models.adamesh.molora import MoloraSettings
from core.models.adamesh.network import ExpressionNetwork, NetworkConfig
from core.tracking.face_track import FaceTrack
from core.tracking.quality import QualityReport
from core.tracking.reference import TrackedReference
from research.evaluation.baselines import face_motion

CHANNELS = 4
_PER_CHANNEL = 80
CONFIG = NetworkConfig(
    feature_size=CHANNELS,
    width=32,
    heads=2,
    hidden=64,
    kernel=5,
    encoder_blocks=1,
    decoder_blocks=1,
    style_blocks=1,
    style_hidden=32,
    postnet_channels=16,
    dropout=0.0,
)
QUICK = AdaptationSettings(
    molora=MoloraSettings(ranks=(2, 4)),
    tune=TuneSettings(steps=30, learning_rate=4e-3, frames_per_step=100, half_precision=False),
    selection=SelectionSettings(scales=(0.0, 0.5, 1.0), check_every=10),
)


@dataclass(frozen=True, slots=True)
class LevelEncoder:
    """Reads four numbers from every 20 ms of a made sound."""

    name: str = "levels"
    dimension: int = CHANNELS
    hash: str = "levels"

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        frames = int(np.ceil(len(speech.samples) / (CHANNELS * _PER_CHANNEL)))
        padded = np.pad(speech.samples, (0, frames * CHANNELS * _PER_CHANNEL - len(speech.samples)))
        return padded.reshape(frames, CHANNELS, _PER_CHANNEL).mean(axis=2).astype(np.float32) * 10


def levels(frames: int, seed: int) -> NDArray[np.float32]:
    """(2 T, 4) smooth random numbers: what is said."""
    rng = np.random.default_rng(seed)
    knots = rng.uniform(0, 1, (frames // 3 + 2, CHANNELS))
    position = np.arange(2 * frames) / 6
    low = position.astype(int)
    blend = (position - low)[:, None]
    return ((1 - blend) * knots[low] + blend * knots[low + 1]).astype(np.float32)


def spoken(frames: int, seed: int) -> Speech:
    """A sound that :class:`LevelEncoder` understands."""
    return Speech((np.repeat(levels(frames, seed), _PER_CHANNEL) / 10).astype(np.float32), f"made {seed}")


def face(frames: int, seed: int, gain: float = 1.0, width: float = 0.0) -> NDArray[np.float32]:
    """(T, 53): the first number opens the mouth, the second widens it, the third lifts the brows."""
    said = levels(frames, seed)[::2].astype(np.float64)
    signals = np.zeros((frames, len(SIGNALS)))
    signals[:, OPENING] = 0.9 * gain * said[:, 0]
    signals[:, JAW] = 0.12 * gain * said[:, 0]
    signals[:, WIDTH] = width + 0.3 * gain * (said[:, 1] - 0.5)
    signals[:, BROWS] = 0.1 * gain * (said[:, 2] - 0.5)
    return (signals @ region_chart(open_basis()).directions).astype(np.float32)


def made_generator(network: ExpressionNetwork) -> ExpressionGenerator:
    """A network that hears levels."""
    return ExpressionGenerator(network, LevelEncoder(), open_basis(), "made", "cpu")


def trained_base(steps: int = 100) -> ExpressionGenerator:
    """The average talker, learnt in a second or two."""
    torch.manual_seed(0)
    network = ExpressionNetwork(CONFIG)
    motion = np.stack([face(60, seed) for seed in range(40)])
    deviation = np.maximum(motion.std(axis=(0, 1)), 0.02)
    network.mean.copy_(torch.from_numpy(motion.mean(axis=(0, 1))))
    network.deviation.copy_(torch.from_numpy(deviation.astype(np.float32)))
    features = torch.from_numpy(np.stack([levels(60, seed) for seed in range(40)]))
    target = (torch.from_numpy(motion) - network.mean) / network.deviation
    optimiser = torch.optim.AdamW(network.parameters(), lr=6e-3)
    for step in range(steps):
        chosen = [(8 * step + index) % 40 for index in range(8)]
        output = network(features[chosen])
        loss = (output.after - target[chosen]).abs().mean() + (output.before - target[chosen]).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made_generator(network)


def reference(
    motion: NDArray[np.float32], speech: Speech | None, weights: NDArray[np.float32] | None = None
) -> TrackedReference:
    """What the tracker would hand over."""
    frames, basis = len(motion), open_basis()
    made = face_motion(motion, basis)
    track = FaceTrack(
        landmarks=np.zeros((frames, 478, 3), np.float32),
        seconds=np.arange(frames) / 25,
        valid=np.ones(frames, bool),
        faces_seen=np.ones(1, np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=100,
        frame_height=100,
        source="made",
    )
    return TrackedReference(
        motion=made,
        track=track,
        speech=speech,
        report=QualityReport("made", frames / 25, 25.0, 0.0, 100.0, 0.1, 0.0, 0.0, 1.0),
        landmarks=basis.landmarks(made),
        neutral=basis.neutral,
        weights=np.ones(frames, np.float32) if weights is None else weights,
    )


def person(seconds: float, seed: int, gain: float, width: float = 0.0) -> TrackedReference:
    """Somebody who moves ``gain`` times as far with a mouth ``width`` cm wider."""
    frames = round(seconds * 25)
    return reference(face(frames, seed, gain, width), spoken(frames, seed))


def assert_sizes() -> None:
    """The made sound and the made face are in step."""
    assert len(spoken(25, 0).samples) == SAMPLE_RATE
    assert face(25, 0).shape == (25, MOTION_SIZE)
