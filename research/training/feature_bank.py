# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features of the training clips, each clip as several voices in several rooms; cached under build/features."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.audio.speech import Speech
from core.models.speech.mel import BANDS, MelEncoder
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.prosody import PROSODY_SIZE
from research.corpus.augment import augment, mel_features
from research.paths import BUILD
from research.training.motion_data import MotionPair

CACHE_ROOT = BUILD / "features"
# what a network can be given; "phonetic" with prosody is what ships, the others are for ablations
INPUTS = ("phonetic", "mel", "both")


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

    count: int = 5
    left_out: tuple[str, ...] = ()


def face_pairs(pairs: list[MotionPair], encoder: InputEncoder, voices: VoiceSettings) -> list[FacePair]:
    """Features of every clip, from the cache where they are."""
    return [FacePair(p.clip.person, _voices(p, encoder, voices), p.motion, p.identity) for p in pairs]


def _voices(pair: MotionPair, encoder: InputEncoder, voices: VoiceSettings) -> NDArray[np.float16]:
    missing = "".join(f" without {name}" for name in voices.left_out)
    digest = hashlib.sha256(f"{encoder.hash} {voices.count} {len(pair.motion)}{missing}".encode())
    digest.update(pair.log_power.tobytes())
    path = CACHE_ROOT / f"{pair.clip.key}-{digest.hexdigest()[:12]}.npy"
    if path.is_file():
        cached: NDArray[np.float16] = np.load(path, allow_pickle=False)
        return cached
    made = _made(pair, encoder, voices, torch.Generator().manual_seed(int(digest.hexdigest()[:8], 16)))
    path.parent.mkdir(parents=True, exist_ok=True)
    # two trainings may fill the cache at once
    partial = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
    np.save(partial, made)
    partial.rename(path)
    return made


def _made(
    pair: MotionPair, encoder: InputEncoder, voices: VoiceSettings, generator: torch.Generator
) -> NDArray[np.float16]:
    if pair.sounds is None:
        raise ValueError(f"the pair {pair.clip.key} has no prosody")
    power = torch.exp(torch.from_numpy(pair.log_power.astype(np.float32)))[None]
    others = voices.count - 1
    sounds = torch.from_numpy(pair.sounds)[None].expand(voices.count, -1, -1)
    with torch.inference_mode():
        changed = augment(power.expand(max(others, 1), -1, -1).contiguous(), generator, voices.left_out)
        mel = mel_features(torch.cat([power, changed[:others]]))
        parts = [sounds]
        if encoder.inputs != "mel":
            parts.insert(0, encoder.phonetic.network(mel).features)
        if encoder.inputs != "phonetic":
            parts.append(mel.reshape(voices.count, -1, 2 * BANDS))
        frames = min(part.shape[1] for part in parts)
        made: NDArray[np.float16] = torch.cat([part[:, :frames] for part in parts], dim=2).half().numpy()
    return made


@dataclass(frozen=True, slots=True)
class InputEncoder:
    """:class:`SpeechEncoder` of one of ``INPUTS``: prosody always, the phonetic features before it, mel after it."""

    phonetic: PhoneticEncoder
    inputs: str

    @property
    def name(self) -> str:
        """The bundled encoder's own name where it is just that."""
        return self.phonetic.name if self.inputs == "phonetic" else f"{self.inputs}-input"

    @property
    def hash(self) -> str:
        """Of the weights and of what is put beside them."""
        plain = self.inputs == "phonetic"
        return (
            self.phonetic.hash if plain else hashlib.sha256(f"{self.phonetic.hash} {self.inputs}".encode()).hexdigest()
        )

    @property
    def prosody(self) -> slice:
        """Where loudness, pitch and voicing are in a frame."""
        first = 0 if self.inputs == "mel" else self.phonetic.dimension - PROSODY_SIZE
        return slice(first, first + PROSODY_SIZE)

    @property
    def dimension(self) -> int:
        """Features per frame."""
        return self.prosody.stop + (0 if self.inputs == "phonetic" else 2 * BANDS)

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) probability of shut lips; log-mel alone knows none."""
        if self.inputs == "mel":
            return np.zeros(len(features), np.float32)
        return self.phonetic.closure(features)

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension) at 50 Hz."""
        features = self.phonetic.encode(speech)
        if self.inputs == "phonetic":
            return features
        mel = MelEncoder().encode(speech)[: len(features)]
        return np.concatenate([features if self.inputs == "both" else features[:, -PROSODY_SIZE:], mel], axis=1)


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
