# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGPT's speech input: encoder features and prosody, averaged over each step of the codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE, Speech
from ...face.motion import INTERNAL_FPS
from ..speech.encoder import SpeechEncoder
from ..speech.prosody import LOUDNESS, PROSODY_SIZE, VOICING, prosody
from .units import FEATURES_PER_FRAME

FloatArray = NDArray[np.floating]
# means of the four prosody values, and the loudest and quietest frame
PROSODY_STEP_SIZE = PROSODY_SIZE + 2


@dataclass(frozen=True, slots=True, eq=False)
class SpeechFeatures:
    """Features of one speech, computed once and used for every sampling of head motion.

    features: (2 T, D) encoder features and sounds: (2 T, 4) prosody, both at 50 Hz, for T frames at 25 fps.
    """

    features: NDArray[np.float32]
    sounds: NDArray[np.float32]

    @property
    def frames(self) -> int:
        """T at 25 fps."""
        return len(self.features) // FEATURES_PER_FRAME

    @property
    def loudness(self) -> NDArray[np.float32]:
        """(T,) at 25 fps: 1 in loud parts, 0 in silence."""
        return self.sounds[:, LOUDNESS].reshape(-1, FEATURES_PER_FRAME).mean(axis=1)


def encode_speech(speech: Speech, encoder: SpeechEncoder) -> SpeechFeatures:
    """Encoder features and prosody of ceil(seconds * 25) frames."""
    frames = max(int(np.ceil(len(speech.samples) * INTERNAL_FPS / SAMPLE_RATE)), 1)
    count = frames * FEATURES_PER_FRAME
    features = encoder.encode(speech)
    return SpeechFeatures(_exactly(features, count), _exactly(_prosody_of(encoder, speech, features), count))


def _prosody_of(encoder: SpeechEncoder, speech: Speech, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4) prosody of the speech: read off the features of an encoder that ends with it, which is quicker."""
    if getattr(encoder, "ends_with_prosody", False):
        return features[:, -PROSODY_SIZE:]
    return prosody(speech.samples)


def speech_steps(encoded: SpeechFeatures, frames_per_step: int) -> NDArray[np.float32]:
    """(ceil(T / frames_per_step), D + 6): mean features, then mean prosody, most and least loudness of each step."""
    per_step = frames_per_step * FEATURES_PER_FRAME
    steps = -(-encoded.frames // frames_per_step)
    features = _exactly(encoded.features, steps * per_step).reshape(steps, per_step, -1)
    sounds = _exactly(encoded.sounds, steps * per_step).reshape(steps, per_step, -1)
    loudness = sounds[:, :, LOUDNESS]
    # pitch is only known where there is voice
    voice = sounds[:, :, VOICING : VOICING + 1]
    means = sounds.mean(axis=1)
    means[:, 2] = (sounds[:, :, 2:3] * voice).sum(axis=1)[:, 0] / (voice.sum(axis=1)[:, 0] + 1e-3)
    extremes = np.stack([loudness.max(axis=1), loudness.min(axis=1)], axis=1)
    return np.concatenate([features.mean(axis=1), means, extremes], axis=1).astype(np.float32)


def _exactly(values: FloatArray, count: int) -> NDArray[np.float32]:
    """The first ``count`` rows, the last one held where there are fewer."""
    missing = max(count - len(values), 0)
    return np.pad(values, ((0, missing), (0, 0)), mode="edge")[:count].astype(np.float32)
