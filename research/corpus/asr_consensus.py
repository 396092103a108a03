# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognised words that can be believed: those that decodings of the same sound, slower and faster, find too.

For recordings whose words nobody wrote down. Speed changes pitch, formants and tempo together, so that a word which
only happened to fit is seldom found again at the same place. Cached under build/phones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from core.audio.speech import Speech
from research.corpus.phones import CACHE_ROOT, Phone, PhoneTrack, RecognisedWord, recognise_words

# tenths of the recording's own speed. Where texts are known, 0.85 of LJSpeech's recognised m, b and p are in them,
# 0.93 of those that one more decoding has, all that both have (EXPERIMENTS.md)
OTHER_SPEEDS_TENTHS = (9, 11)


@dataclass(frozen=True, slots=True)
class AgreedTrack:
    """phones: those in words that every decoding has, and silences. doubtful: how many phones were left out."""

    phones: tuple[Phone, ...]
    doubtful: int


def agreed_phones(key: str, speech: Speech, track: PhoneTrack, cache: Path = CACHE_ROOT) -> AgreedTrack:
    """Of a ``track`` found by recognition, what the decodings as it is, slower and faster agree on."""
    words = heard_words(key, speech, 10, cache)
    for tenths in OTHER_SPEEDS_TENTHS:
        words = agreed_words(words, heard_words(key, speech, tenths, cache))
    return believed(track.phones, words)


def heard_words(key: str, speech: Speech, speed_tenths: int, cache: Path = CACHE_ROOT) -> tuple[RecognisedWord, ...]:
    """Words recognised in ``speech`` played at ``speed_tenths`` / 10 of its speed, in the time of the original."""
    digest = hashlib.sha256(speech.samples.tobytes() + f"words at {speed_tenths}".encode()).hexdigest()[:12]
    path = cache / f"{key}-words-{digest}.json"
    if not path.is_file():
        words = recognise_words(at_speed(speech, speed_tenths))
        cache.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([(word.text, word.start_seconds, word.end_seconds) for word in words]))
    heard = (RecognisedWord(*entry) for entry in json.loads(path.read_text()))
    return tuple(in_original_time(word, speed_tenths / 10) for word in heard)


def at_speed(speech: Speech, speed_tenths: int) -> Speech:
    """Played faster (over ten) or slower: shorter or longer, its pitch and formants higher or lower."""
    if speed_tenths == 10:
        return speech
    changed = resample_poly(speech.samples, 10, speed_tenths)
    return Speech(np.clip(changed, -1.0, 1.0).astype(np.float32), speech.source)


def in_original_time(word: RecognisedWord, speed: float) -> RecognisedWord:
    """The word's times before the recording was played at ``speed``."""
    return replace(word, start_seconds=word.start_seconds * speed, end_seconds=word.end_seconds * speed)


def agreed_words(first: Sequence[RecognisedWord], second: Sequence[RecognisedWord]) -> tuple[RecognisedWord, ...]:
    """Words of ``first`` that ``second`` has too, at a time that overlaps by at least half of the longer one."""
    return tuple(word for word in first if any(_same(word, other) for other in second))


def believed(phones: Sequence[Phone], words: Sequence[RecognisedWord]) -> AgreedTrack:
    """The phones whose middle lies in one of ``words``; silences stay."""
    kept = tuple(phone for phone in phones if phone.name == "SIL" or any(_inside(phone, word) for word in words))
    return AgreedTrack(kept, len(phones) - len(kept))


def _same(first: RecognisedWord, second: RecognisedWord) -> bool:
    shared = min(first.end_seconds, second.end_seconds) - max(first.start_seconds, second.start_seconds)
    longer = max(first.end_seconds - first.start_seconds, second.end_seconds - second.start_seconds)
    return first.text == second.text and shared >= 0.5 * longer


def _inside(phone: Phone, word: RecognisedWord) -> bool:
    return word.start_seconds <= 0.5 * (phone.start_seconds + phone.end_seconds) < word.end_seconds
