# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with frame labels for the phonetic encoder: real recordings by forced alignment, synthetic ones by birth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.models.speech.mel import power_spectrogram
from research.corpus.frame_labels import articulation_frames, phone_frames
from research.corpus.phones import PhoneTrack
from research.corpus.speech import Utterance, aligned_utterances, is_heldout, phones_of
from research.corpus.synthetic_speech import SyntheticUtterance, load_synthetic

MEL_PER_LABEL = 2
# an alignment is doubted where a phone lasts longer, or where the words run faster or slower than people talk
LONGEST_PHONE_SECONDS = 0.45
PHONES_PER_SECOND = (5.0, 24.0)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSpeech:
    """One recording, or a crop at another tempo, with what is said in each frame.

    log_power: (2 N, 257) at 100 Hz, stored as float16. phones: (N,) of ARPABET, articulation: (N, 7); -1: unknown.
    """

    source: str
    speaker: str
    heldout: bool
    log_power: NDArray[np.floating]
    phones: NDArray[np.int8]
    articulation: NDArray[np.int8]

    @property
    def seconds(self) -> float:
        return len(self.phones) / 50


def load_labelled(data: Path) -> list[LabelledSpeech]:
    """All speech with labels; held-out speakers and voices are marked."""
    real = (_real(utterance) for utterance in aligned_utterances(data))
    return [item for item in real if item is not None] + [synthetic_labels(item) for item in load_synthetic()]


def is_doubtful(track: PhoneTrack) -> bool:
    """True for alignments that would teach wrong labels: guessed phones, a phone that never ends, odd speed."""
    spoken = [phone for phone in track.phones if phone.name != "SIL"]
    seconds = sum(phone.end_seconds - phone.start_seconds for phone in spoken)
    if track.method == "phones" or not spoken or seconds <= 0:
        return True
    longest = max(phone.end_seconds - phone.start_seconds for phone in spoken)
    low, high = PHONES_PER_SECOND
    return longest > LONGEST_PHONE_SECONDS or not low <= len(spoken) / seconds <= high


def _real(utterance: Utterance) -> LabelledSpeech | None:
    speech = utterance.load()
    track = phones_of(utterance, speech)
    if track is None or is_doubtful(track):
        return None
    power = _log_power(speech.samples)
    frames = len(power) // MEL_PER_LABEL
    return LabelledSpeech(
        source=utterance.corpus,
        speaker=utterance.speaker,
        heldout=is_heldout(utterance),
        log_power=power,
        phones=phone_frames(track.phones, frames),
        articulation=articulation_frames(track.phones, "arpabet", frames),
    )


def synthetic_labels(item: SyntheticUtterance) -> LabelledSpeech:
    """Labels as the synthesiser gave them."""
    power = _log_power(item.samples)
    frames = len(power) // MEL_PER_LABEL
    arpabet = item.symbols == "arpabet"
    return LabelledSpeech(
        source="flite" if arpabet else "espeak",
        speaker=f"{item.language}-{item.voice}",
        heldout=item.heldout,
        log_power=power,
        # only English has the forty phones; other languages teach articulation
        phones=phone_frames(item.phones, frames) if arpabet else np.full(frames, -1, np.int8),
        articulation=articulation_frames(item.phones, item.symbols, frames),
    )


def _log_power(samples: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.log(power_spectrogram(samples) + 1e-10).astype(np.float16)
