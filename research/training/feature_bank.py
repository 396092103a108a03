# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features of the training clips, each clip as several voices in several rooms; cached under build/features."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.speech.mel import power_spectrogram
from core.models.speech.prosody import PROSODY_SIZE
from research.corpus.augment import augment
from research.corpus.clips import load_tracked
from research.corpus.crowd import Crowd
from research.paths import BUILD
from research.training.extractors import Extractor, FolderExtractor
from research.training.motion_data import MEL_PER_FRAME, MotionPair, prosody_of

CACHE_ROOT = BUILD / "features"


@dataclass(frozen=True, slots=True, eq=False)
class FacePair:
    """A clip as training sees it: features (V, 2 T, F) of V voices, the first its own, and motion (T, 53).

    identity: (12,) proportions of the resting face. crowded: how many of the voices, the last ones, have a crowd.
    """

    person: str
    features: NDArray[np.float16]
    motion: NDArray[np.float32]
    identity: NDArray[np.float32]
    crowded: int = 0


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """count: voices of a clip, the first its own. left_out: augmentations that do not change the others."""

    count: int = 3
    left_out: tuple[str, ...] = ()


def face_pairs(pairs: Sequence[MotionPair], extractor: Extractor, voices: VoiceSettings) -> list[FacePair]:
    """Features of every clip, from the cache where they are."""
    return [FacePair(p.clip.individual, _features(p, extractor, voices), p.motion, p.identity) for p in pairs]


@dataclass(frozen=True, slots=True)
class CrowdSettings:
    """Copies of every clip with six voices behind: one for each range of decibels, drawn once."""

    decibels: tuple[tuple[float, float], ...] = ((5.0, 15.0), (-2.0, 8.0))
    seed: int = 20261126


def in_crowds(
    faces: Sequence[FacePair], pairs: Sequence[MotionPair], extractor: Extractor, crowd: Crowd, settings: CrowdSettings
) -> list[FacePair]:
    """``faces``, of ``pairs``, with more voices: the same clips with a crowd behind."""
    found = []
    for face, pair in zip(faces, pairs, strict=True):
        behind = _crowded(pair, extractor, crowd, settings)
        split = behind.shape[2] - PROSODY_SIZE
        noisy = np.concatenate([extractor.to_features(behind[:, :, :split]), behind[:, :, split:]], axis=2)
        frames = min(face.features.shape[1], noisy.shape[1])
        voices = np.concatenate([face.features[:, :frames], noisy[:, :frames]])
        found.append(replace(face, features=voices, crowded=len(noisy)))
    return found


def _crowded(pair: MotionPair, extractor: Extractor, crowd: Crowd, settings: CrowdSettings) -> NDArray[np.float16]:
    """(copies, 2 T, D + 4): what the encoder hears, and the prosody of the noisy sound."""
    described = f"{extractor.cache_hash} {settings} {len(crowd.voices)} {len(pair.motion)} {pair.clip.key}"
    digest = hashlib.sha256(described.encode()).hexdigest()
    path = CACHE_ROOT / f"{pair.clip.key}-crowd-{digest[:12]}.npy"
    if path.is_file():
        cached: NDArray[np.float16] = np.load(path, allow_pickle=False)
        return cached
    rng = np.random.default_rng([settings.seed, int(digest[:8], 16)])
    clean, frames = load_tracked(pair.clip).speech.samples, len(pair.motion)
    noisy = [crowd.behind(clean, rng.uniform(*decibel), rng) for decibel in settings.decibels]
    power = np.stack([power_spectrogram(samples)[: MEL_PER_FRAME * frames] for samples in noisy])
    heard = extractor.extract(torch.from_numpy(power))
    sounds = np.stack([prosody_of(samples, frames)[: heard.shape[1]] for samples in noisy]).astype(np.float16)
    made = np.concatenate([heard, sounds], axis=2)
    keep(path, made)
    return made


def _features(pair: MotionPair, extractor: Extractor, voices: VoiceSettings) -> NDArray[np.float16]:
    if isinstance(extractor, FolderExtractor):
        return _own_voice(pair, extractor)
    if pair.sounds is None:
        raise ValueError(f"the pair {pair.clip.key} has no prosody")
    features = extractor.to_features(_extracted(pair, extractor, voices))
    sounds = np.repeat(pair.sounds[None].astype(np.float16), len(features), axis=0)
    frames = min(features.shape[1], sounds.shape[1])
    return np.concatenate([features[:, :frames], sounds[:, :frames]], axis=2)


def _own_voice(pair: MotionPair, extractor: FolderExtractor) -> NDArray[np.float16]:
    """(1, 2 T, D), from the cache where it is."""
    path = CACHE_ROOT / f"{pair.clip.key}-{extractor.cache_hash[:12]}.npy"
    if not path.is_file():
        keep(path, extractor.extract_samples(load_tracked(pair.clip).speech.samples))
    features: NDArray[np.float16] = np.load(path, allow_pickle=False)
    return features[:, : 2 * len(pair.motion)]


def _extracted(pair: MotionPair, extractor: Extractor, voices: VoiceSettings) -> NDArray[np.float16]:
    missing = "".join(f" without {name}" for name in voices.left_out)
    digest = hashlib.sha256(f"{extractor.cache_hash} {voices.count} {len(pair.motion)}{missing}".encode())
    digest.update(pair.log_power.tobytes())
    path = CACHE_ROOT / f"{pair.clip.key}-{digest.hexdigest()[:12]}.npy"
    if path.is_file():
        cached: NDArray[np.float16] = np.load(path, allow_pickle=False)
        return cached
    made = _made(pair, extractor, voices, torch.Generator().manual_seed(int(digest.hexdigest()[:8], 16)))
    keep(path, made)
    return made


def keep(path: Path, made: NDArray[np.generic]) -> None:
    """Write an array that is worth keeping; never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # two trainings may fill the cache at once
    partial = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
    np.save(partial, made)
    partial.rename(path)


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
    hidden = _chances(batch, generator) < 1 / 6
    features = features.clone()
    features[hidden, :, sounds] = 0.0
    start = (_chances(batch, generator) * frames)[:, None]
    length = (_chances(batch, generator) * 10 * (_chances(batch, generator) < 0.5))[:, None]
    place = torch.arange(frames, device=generator.device)[None]
    gap = (place >= start) & (place < start + length)
    return features * ~gap[:, :, None]


def _chances(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device)
