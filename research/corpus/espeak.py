# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech by espeak-ng with the time of every sound, through its C library; for training and evaluation only.

The library has one state per process: every process opens its own with :func:`espeak`; threads must not share it.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from core.audio.speech import SAMPLE_RATE
from core.errors import EngineSetupError
from core.models.speech.articulation import SILENCE_NAME, articulations_of_ipa
from research.corpus.phones import Phone

LIBRARY = "libespeak-ng.so.1"
# speak_lib.h: output kept by the caller, phoneme events on, named in IPA; types of parameters and events
_RETRIEVAL, _PHONEME_EVENTS_IN_IPA, _UTF8 = 2, 1 | 2, 1
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_END_OF_LIST, _PHONEME = 0, 7
# espeak-ng reports a voiceless stop at its burst; the closure before it is digital silence of this much at most
_QUIET = 1e-3
# some voices add an echo: what is left of the sound before counts as silence
_ECHO_SHARE = 0.04
_LONGEST_CLOSURE_SECONDS = 0.15
_LONGEST_CLOSURE_AFTER_PAUSE_SECONDS = 0.06
_SHORTEST_PHONE_SECONDS = 0.02
_STEP_SECONDS = 0.002
_BURST_SLACK_SECONDS = 0.008
# espeak-ng 1.51 writes these unrounded vowels like the rounded one of French
_MISNAMED = {"ru": {"y": "ɨ"}, "pt-br": {"y": "ɪ"}, "vi": {"y": "ɯ", "yə": "ɯə"}}


@dataclass(frozen=True, slots=True)
class Delivery:
    """voice: espeak-ng's name with its variant (``de+f3``); pitch and pitch_range: 0 to 99."""

    voice: str
    words_per_minute: int = 165
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True, eq=False)
class TimedSpeech:
    """samples: (N,) int16 at 16 kHz; phones: without gaps from 0 to the end, ``SIL`` where nobody speaks."""

    samples: NDArray[np.int16]
    phones: tuple[Phone, ...]

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / SAMPLE_RATE


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@functools.lru_cache(maxsize=1)
def espeak() -> Espeak:
    """This process' espeak-ng. Raises :class:`EngineSetupError` where it is not installed."""
    return Espeak()


class Espeak:
    """Text to sound and phones. One instance per process: use :func:`espeak`."""

    def __init__(self) -> None:
        self._library = _open_library()
        self._rate = self._library.espeak_Initialize(_RETRIEVAL, 0, None, _PHONEME_EVENTS_IN_IPA)
        if self._rate <= 0:
            raise EngineSetupError(
                "espeak-ng is installed without its voice data.", "Install it: sudo apt-get install espeak-ng-data"
            )
        self._chunks: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, str]] = []
        # kept alive with the library, which holds only the address
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, delivery: Delivery) -> TimedSpeech:
        """Speech for ``text``. Raises :class:`EngineSetupError` for a voice that espeak-ng does not have."""
        self._prepare(delivery)
        self._chunks, self._events = [], []
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _UTF8, None, None)
        samples = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        corrected = _MISNAMED.get(delivery.voice.split("+")[0], {})
        events = [(sample / self._rate, corrected.get(name, name)) for sample, name in self._events]
        return TimedSpeech(_at_16_khz(samples, self._rate), timed_phones(events, samples / 32768.0, self._rate))

    def _prepare(self, delivery: Delivery) -> None:
        if self._library.espeak_SetVoiceByName(delivery.voice.encode()):
            raise EngineSetupError(
                f"espeak-ng has no voice {delivery.voice!r}.", "espeak-ng --voices lists those that it has."
            )
        for parameter, value in (
            (_RATE, delivery.words_per_minute),
            (_PITCH, delivery.pitch),
            (_PITCH_RANGE, delivery.pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            if events[index].type == _PHONEME:
                # eight bytes at most: a longer name may be cut within a letter
                name = events[index].id.string.decode("utf-8", errors="ignore").strip()
                self._events.append((events[index].sample, name))
            index += 1
        return 0


def timed_phones(events: Sequence[tuple[float, str]], samples: NDArray[np.float64], rate: int) -> tuple[Phone, ...]:
    """Phones from espeak-ng's events (start in seconds, IPA) and its sound (N,) in -1..1 at ``rate``.

    An event without a name is a pause, or where it sounds the onset of the next phone. The silent closure before
    the burst of a stop goes to the stop, the silence after a last sound to the pause.
    """
    level = _level(samples, rate)
    pause_level = max(_QUIET, _ECHO_SHARE * float(np.max(level, initial=0.0)))
    # a change of language within the text is announced as a phoneme "(en)"
    named = [event for event in events if "(" not in event[1]]
    ends = [start for start, _ in named[1:]] + [len(samples) / rate]
    phones: list[Phone] = []
    onset: float | None = None
    for (start, name), end in zip(named, ends, strict=True):
        if end <= start:
            continue
        if not name and np.median(_part(level, start, end)) >= pause_level:
            onset = start if onset is None else onset
            continue
        phones.append(Phone(name or SILENCE_NAME, start if onset is None else onset, end))
        onset = None
    return _with_silences(_without_gaps(phones, len(samples) / rate), level)


def _without_gaps(phones: Sequence[Phone], seconds: float) -> list[Phone]:
    # pauses in a row become one, and what no event covers is silence
    joined: list[Phone] = []
    for phone in [*phones, Phone(SILENCE_NAME, seconds, seconds)]:
        reached = joined[-1].end_seconds if joined else 0.0
        if phone.start_seconds > reached:
            joined.append(Phone(SILENCE_NAME, reached, phone.start_seconds))
        if joined and joined[-1].name == phone.name == SILENCE_NAME:
            phone = Phone(SILENCE_NAME, joined.pop().start_seconds, phone.end_seconds)
        joined.append(phone)
    return [phone for phone in joined if phone.end_seconds > phone.start_seconds]


def _with_silences(phones: Sequence[Phone], level: NDArray[np.float64]) -> tuple[Phone, ...]:
    moved: list[Phone] = []
    for phone in phones:
        if moved and (phone.name == SILENCE_NAME or _starts_with_stop(phone.name)):
            start = _silence_start(moved[-1], phone, level)
            moved[-1] = replace(moved[-1], end_seconds=start)
            phone = replace(phone, start_seconds=start)
        moved.append(phone)
    return tuple(moved)


def _starts_with_stop(name: str) -> bool:
    try:
        return articulations_of_ipa(name)[0].manner in ("stop", "affricate")
    except ValueError:
        # what the alphabet lacks stays as it came; frame labels leave it out
        return False


def _silence_start(before: Phone, phone: Phone, level: NDArray[np.float64]) -> float:
    # where the silence that ends at the phone's start begins, within the phone before; the start where there is none
    paused = before.name == SILENCE_NAME
    longest = _LONGEST_CLOSURE_AFTER_PAUSE_SECONDS if paused else _LONGEST_CLOSURE_SECONDS
    burst = phone.start_seconds
    earliest = max(burst - longest, before.start_seconds + _SHORTEST_PHONE_SECONDS)
    loudest = float(np.max(_part(level, before.start_seconds, before.end_seconds)))
    quiet = max(_QUIET, _ECHO_SHARE * loudest)
    end = round(burst / _STEP_SECONDS)
    # the burst itself may begin a little before its event
    for step in range(end, round((burst - _BURST_SLACK_SECONDS) / _STEP_SECONDS), -1):
        if level[step - 1] < quiet:
            end = step
            break
    start = end
    while start * _STEP_SECONDS > earliest and level[start - 1] < quiet:
        start -= 1
    return burst if start == end else max(start * _STEP_SECONDS, min(earliest, burst))


def _level(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    # (steps,) root mean square of every 2 ms
    size = round(rate * _STEP_SECONDS)
    edges = np.round(np.arange(0, len(samples) / rate, _STEP_SECONDS) * rate).astype(int)
    windows = [samples[edge : edge + size] for edge in edges]
    return np.array([np.sqrt(np.mean(window**2)) if len(window) else 0.0 for window in windows])


def _part(level: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    first = min(int(start / _STEP_SECONDS), max(len(level) - 1, 0))
    return level[first : max(int(end / _STEP_SECONDS), first + 1)]


def _open_library() -> Any:
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise EngineSetupError(
            "Synthetic speech needs espeak-ng, which this machine does not have.",
            "Install it: sudo apt-get install espeak-ng",
        ) from error


def _at_16_khz(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    common = int(np.gcd(rate, SAMPLE_RATE))
    if len(samples) == 0:
        return samples
    sound = resample_poly(samples.astype(np.float64), SAMPLE_RATE // common, rate // common)
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)
