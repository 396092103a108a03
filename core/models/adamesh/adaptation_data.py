# SPDX-License-Identifier: GPL-3.0-or-later
"""The adaptation dataset: a tracked reference as segments, their held-out folds, and random crops of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...audio.speech import SAMPLE_RATE, Speech
from ...face.motion import INTERNAL_FPS
from ...face.statistics import paired_moments
from ...tracking.reference import TrackedReference

# speech features per frame of motion
FEATURES_PER_FRAME = 2
SAMPLES_PER_FRAME = round(SAMPLE_RATE / INTERNAL_FPS)
# a long reference is represented by evenly spread segments of this length
SEGMENT_SECONDS = 10.0
# segments with a lower mean reliability would train on tracking errors
MIN_RELIABILITY = 0.3
_MIN_TRAINING_FRAMES = 25
_MOMENT_GAIN_RANGE = (0.33, 3.0)
# windows for the style embedding, about as long as those that the style encoder was trained on
STYLE_WINDOW_FRAMES = 100
MAX_STYLE_WINDOWS = 12


class FeatureExtractor(Protocol):
    """The part of ``ExpressionGenerator`` that turns sound into features."""

    def features(self, speech: Speech) -> Tensor:
        """(2 T, F) for ceil(seconds * 25) = T frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Unbroken frames: features (2 T, F) at 50 Hz, motion (T, 53) at 25 fps, weights (T,) reliability 0..1.

    expected: (T, 53) the base network's motion for the same sound; zeros before it was generated. hidden: (T, width)
    what the audio encoder makes of the features, where it stays frozen and is run only once.
    """

    features: NDArray[np.float32]
    motion: NDArray[np.float32]
    weights: NDArray[np.float32]
    expected: NDArray[np.float32]
    hidden: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.motion)

    def part(self, first: int, last: int) -> Segment:
        """Frames first .. last - 1."""
        pairs = slice(FEATURES_PER_FRAME * first, FEATURES_PER_FRAME * last)
        frames = slice(first, last)
        hidden = None if self.hidden is None else self.hidden[frames]
        return Segment(self.features[pairs], self.motion[frames], self.weights[frames], self.expected[frames], hidden)

    @property
    def network_input(self) -> NDArray[np.float32]:
        """What the trained part of the network reads: the hidden frames (T, width), or the features (2 T, F)."""
        return self.features if self.hidden is None else self.hidden


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One way of holding part of the reference out."""

    training: tuple[Segment, ...]
    heldout: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CropBatch:
    """network_input (B, 2 L, F) or (B, L, width), motion and expected (B, L, 53), weights (B, L)."""

    network_input: Tensor
    motion: Tensor
    expected: Tensor
    weights: Tensor


def segments_of(reference: TrackedReference, base: FeatureExtractor, limit_seconds: float) -> tuple[Segment, ...]:
    """The reference's own sound and motion; of one longer than ``limit_seconds`` an evenly spread choice.

    Raises ValueError for a reference without sound.
    """
    if reference.speech is None:
        raise ValueError("a reference without sound has no training pairs")
    frames = min(len(reference.motion), int(np.ceil(len(reference.speech.samples) / SAMPLES_PER_FRAME)))
    found = [_segment(reference, base, first, last) for first, last in _spans(frames, limit_seconds)]
    return tuple(segment for segment in found if segment.weights.mean() >= MIN_RELIABILITY)


def _spans(frames: int, limit_seconds: float) -> list[tuple[int, int]]:
    limit, length = round(limit_seconds * INTERNAL_FPS), round(SEGMENT_SECONDS * INTERNAL_FPS)
    if frames <= limit:
        return [(0, frames)]
    count = max(limit // length, 1)
    starts = np.linspace(0, frames - length, count).round().astype(int)
    return [(int(start), int(start) + length) for start in starts]


def _segment(reference: TrackedReference, base: FeatureExtractor, first: int, last: int) -> Segment:
    assert reference.speech is not None
    samples = reference.speech.samples[first * SAMPLES_PER_FRAME : last * SAMPLES_PER_FRAME]
    features = base.features(Speech(samples, reference.speech.source)).cpu().numpy()
    # sound that ends within a frame has features for all of it, sound that ends before lacks some
    wanted = FEATURES_PER_FRAME * (last - first)
    features = np.pad(features, ((0, max(wanted - len(features), 0)), (0, 0)), mode="edge")[:wanted]
    motion = reference.motion.face_vector()[first:last]
    weights = reference.weights[first:last].astype(np.float32)
    return Segment(features.astype(np.float32), motion, weights, np.zeros_like(motion))


def folds_of(segments: Sequence[Segment], share: float) -> tuple[Fold, Fold]:
    """Hold out the last ``share`` of the frames, then the first."""
    total = sum(len(segment) for segment in segments)
    held = max(round(share * total), 1)
    tail = Fold(_between(segments, 0, total - held), _between(segments, total - held, total))
    return tail, Fold(_between(segments, held, total), _between(segments, 0, held))


def _between(segments: Sequence[Segment], first: int, last: int) -> tuple[Segment, ...]:
    """Frames first .. last - 1 of all segments in a row."""
    parts, start = [], 0
    for segment in segments:
        low, high = max(first - start, 0), min(last - start, len(segment))
        if high > low:
            parts.append(segment.part(low, high))
        start += len(segment)
    return tuple(parts)


def match_moments(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments with the first two moments of ``expected`` matched, value by value, to the tracked motion's.

    Mean and standard deviation are weighted by reliability; the gain is limited to ``_MOMENT_GAIN_RANGE``. Such a
    target generalises to other speech, since it takes no timing from the reference.
    """
    motion, expected = (np.concatenate([getattr(s, name) for s in segments]) for name in ("motion", "expected"))
    weights = np.concatenate([segment.weights for segment in segments]).astype(np.float64)
    moments = paired_moments(expected, motion, weights)
    gain = np.clip(moments.deviation_y / np.maximum(moments.deviation_x, 1e-6), *_MOMENT_GAIN_RANGE)
    return tuple(
        replace(segment, expected=(moments.mean_y + gain * (segment.expected - moments.mean_x)).astype(np.float32))
        for segment in segments
    )


class CropSource:
    """Draws crops, longer segments more often; the same generator state gives the same batch."""

    def __init__(
        self, segments: Sequence[Segment], crop_frames: tuple[int, int], frames_per_step: int, tempo: float
    ) -> None:
        usable = [segment for segment in segments if len(segment) >= _MIN_TRAINING_FRAMES]
        self._segments = usable or list(segments)
        self._chances = np.array([len(segment) for segment in self._segments], np.float64)
        self._chances /= self._chances.sum()
        self._crop_frames = crop_frames
        self._frames_per_step = frames_per_step
        self._tempo = tempo

    def draw(self, rng: np.random.Generator) -> CropBatch:
        """Crops of one random length, as many as make about ``frames_per_step`` frames."""
        longest = int(min(len(segment) for segment in self._segments) / (1 + self._tempo)) - 1
        length = max(min(int(rng.integers(self._crop_frames[0], self._crop_frames[1] + 1)), longest), 2)
        count = max(round(self._frames_per_step / length), 1)
        crops = [self._crop(length, rng) for _ in range(count)]
        return CropBatch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True)))

    def _crop(self, length: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        segment = self._segments[rng.choice(len(self._segments), p=self._chances)]
        tempo = 1.0 + self._tempo * rng.uniform(-1, 1)
        first = rng.uniform(0, len(segment) - 1 - tempo * (length - 1))
        rate = len(segment.network_input) // len(segment)
        return (
            _sampled(segment.network_input, rate * first, tempo, rate * length),
            _sampled(segment.motion, first, tempo, length),
            _sampled(segment.expected, first, tempo, length),
            _sampled(segment.weights, first, tempo, length),
        )


def _sampled(values: NDArray[np.float32], first: float, step: float, count: int) -> NDArray[np.float32]:
    """``count`` values along axis 0 from position ``first`` on, linear between frames, clamped at the end."""
    position = np.minimum(first + step * np.arange(count), len(values) - 1)
    low = np.minimum(position.astype(int), max(len(values) - 2, 0))
    blend = (position - low).reshape(-1, *([1] * (values.ndim - 1)))
    high = np.minimum(low + 1, len(values) - 1)
    return ((1 - blend) * values[low] + blend * values[high]).astype(np.float32)


def style_windows(motion: NDArray[np.float32], weights: NDArray[np.float32]) -> Tensor:
    """(K, W, 53) evenly spread windows of (T, 53) motion, the more reliable half of them."""
    length = min(STYLE_WINDOW_FRAMES, len(motion))
    count = min(max(2 * len(motion) // length - 1, 1), 2 * MAX_STYLE_WINDOWS)
    starts = np.linspace(0, len(motion) - length, count).round().astype(int)
    reliability = np.array([weights[start : start + length].mean() for start in starts])
    kept = np.sort(np.argsort(-reliability, kind="stable")[: max((count + 1) // 2, min(count, 3))])
    return torch.from_numpy(np.stack([motion[starts[i] : starts[i] + length] for i in kept]))
