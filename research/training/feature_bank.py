# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features of the training clips, each clip as several voices in several rooms; cached under build/features."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from research.corpus.augment import augment
from research.paths import BUILD
from research.training.extractors import Extractor
from research.training.motion_data import MotionPair

CACHE_ROOT = BUILD / "features"


@dataclass(frozen=True, slots=True, eq=False)
class FacePair:
    """A clip as training sees it: features (V, 2 T, F) of V voices, the first its own, and motion (T, 53).

    identity: (12,) proportions of the resting face.
    """

    person: str
    features: NDArray[np.float16]
    motion: NDArray[np.float32]
    identity: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """count: voices of a clip, the first its own. left_out: augmentations that do not change the others."""

    count: int = 3
    left_out: tuple[str, ...] = ()


def face_pairs(pairs: Sequence[MotionPair], extractor: Extractor, voices: VoiceSettings) -> list[FacePair]:
    """Features of every clip, from the cache where they are."""
    return [FacePair(p.clip.individual, _features(p, extractor, voices), p.motion, p.identity) for p in pairs]


def _features(pair: MotionPair, extractor: Extractor, voices: VoiceSettings) -> NDArray[np.float16]:
    if pair.sounds is None:
        raise ValueError(f"the pair {pair.clip.key} has no prosody")
    features = extractor.to_features(_extracted(pair, extractor, voices))
    sounds = np.repeat(pair.sounds[None].astype(np.float16), len(features), axis=0)
    frames = min(features.shape[1], sounds.shape[1])
    return np.concatenate([features[:, :frames], sounds[:, :frames]], axis=2)


def _extracted(pair: MotionPair, extractor: Extractor, voices: VoiceSettings) -> NDArray[np.float16]:
    missing = "".join(f" without {name}" for name in voices.left_out)
    digest = hashlib.sha256(f"{extractor.cache_hash} {voices.count} {len(pair.motion)}{missing}".encode())
    digest.update(pair.log_power.tobytes())
    path = CACHE_ROOT / f"{pair.clip.key}-{digest.hexdigest()[:12]}.npy"
    if path.is_file():
        cached: NDArray[np.float16] = np.load(path, allow_pickle=False)
        return cached
    made = _made(pair, extractor, voices, torch.Generator().manual_seed(int(digest.hexdigest()[:8], 16)))
    path.parent.mkdir(parents=True, exist_ok=True)
    # two trainings may fill the cache at once
    partial = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
    np.save(partial, made)
    partial.rename(path)
    return made


def _made(
    pair: MotionPair, extractor: Extractor, voices: VoiceSettings, generator: torch.Generator
) -> NDArray[np.float16]:
    power = torch.exp(torch.from_numpy(pair.log_power.astype(np.float32)))[None]
    others = voices.count - 1
    changed = augment(power.expand(max(others, 1), -1, -1).contiguous(), generator, voices.left_out)
    return extractor.extract(torch.cat([power, changed[:others]]))


def with_gaps(features: Tensor, sounds: slice, generator: torch.Generator) -> Tensor:
    """Hide the prosody of one sample in six, and up to 0.2 s of everything in half of them: (B, N, F)."""
    batch, frames, _ = features.shape
    hidden = torch.rand(batch, generator=generator) < 1 / 6
    features = features.clone()
    features[hidden, :, sounds] = 0.0
    start = (torch.rand(batch, generator=generator) * frames)[:, None]
    length = (torch.rand(batch, generator=generator) * 10 * (torch.rand(batch, generator=generator) < 0.5))[:, None]
    place = torch.arange(frames)[None]
    gap = (place >= start) & (place < start + length)
    return features * ~gap[:, :, None]
