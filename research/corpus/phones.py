# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones with their times by pocketsphinx (English); cached under build/phones. Training and evaluation only.

With a transcript: forced alignment. Without: words are recognised with the bundled language model and then aligned;
where both ways of aligning fail, phones are recognised freely. pocketsphinx fails on some clips: those are dropped
and counted.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import EngineSetupError
from research.corpus.clips import Clip
from research.paths import BUILD, DATA_ROOT

CACHE_ROOT = BUILD / "phones"
FRAMES_PER_SECOND = 100
# the aligner gives up on some clips with its own settings and finds them with narrower or wider beams, or louder
_ATTEMPTS = ((1.0, 1e-48), (3.0, 1e-48), (1.0, 1e-80), (1.0, 1e-30), (3.0, 1e-100))
_SILENCES = frozenset({"SIL", "<sil>", "<s>", "</s>", "+NSN+", "+SPN+", "(NULL)"})


@dataclass(frozen=True, slots=True)
class Phone:
    """name: ARPAbet without stress, ``SIL`` where nobody speaks."""

    name: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class PhoneTrack:
    """phones in order; method: how they were found (``transcript``, ``words`` or ``phones``)."""

    phones: tuple[Phone, ...]
    method: str


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """text: lower case, without the number of its pronunciation."""

    text: str
    start_seconds: float
    end_seconds: float


def grid_transcript(clip: Clip, data: Path = DATA_ROOT) -> str | None:
    """The words of a GRID clip, or None where the corpus' alignment does not have it."""
    words = _grid_words(data).get(f"{clip.person}/{clip.path.stem}")
    return None if words is None else " ".join(word for _, _, word in words if word not in ("sil", "sp"))


@functools.lru_cache(maxsize=2)
def _grid_words(data: Path) -> dict[str, list[tuple[float, float, str]]]:
    path = data / "grid" / "words.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def aligned_phones(key: str, speech: Speech, transcript: str | None, cache: Path = CACHE_ROOT) -> PhoneTrack | None:
    """Phones of a clip, from the cache where they are; None where pocketsphinx cannot find them."""
    digest = hashlib.sha256(speech.samples.tobytes() + (transcript or "?").encode()).hexdigest()[:12]
    path = cache / f"{key}-{digest}.json"
    if not path.is_file():
        track = _find_phones(speech, transcript)
        cache.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(None if track is None else _to_json(track)))
    stored = json.loads(path.read_text())
    return None if stored is None else PhoneTrack(tuple(Phone(*p) for p in stored["phones"]), stored["method"])


def _to_json(track: PhoneTrack) -> dict[str, object]:
    phones = [(phone.name, phone.start_seconds, phone.end_seconds) for phone in track.phones]
    return {"method": track.method, "phones": phones}


def _find_phones(speech: Speech, transcript: str | None) -> PhoneTrack | None:
    if transcript is not None:
        return _first_success(lambda gain, beam: _align(speech, transcript, gain, beam), "transcript")
    words = " ".join(word.text for word in recognise_words(speech))
    found = _first_success(lambda gain, beam: _align(speech, words, gain, beam), "words") if words else None
    return found or _align_recognised(speech) or _free_phones(speech)


def _first_success(attempt: Callable[[float, float], tuple[Phone, ...]], method: str) -> PhoneTrack | None:
    for gain, beam in _ATTEMPTS:
        try:
            return PhoneTrack(attempt(gain, beam), method)
        except RuntimeError:
            # pocketsphinx's own word for "no path reaches the end"
            continue
    return None


def _decoder(**options: object) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise EngineSetupError(
            "The viseme baseline needs pocketsphinx, which this Python does not have.",
            "Run make setup, or pip install pocketsphinx==5.1.1.",
        ) from error
    return Decoder(loglevel="FATAL", samprate=SAMPLE_RATE, cmn="batch", **options)


def _decode(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _pcm(speech: Speech, gain: float = 1.0) -> bytes:
    return (np.clip(speech.samples * gain, -1, 1) * 32767).astype(np.int16).tobytes()


def _align(speech: Speech, words: str, gain: float, beam: float) -> tuple[Phone, ...]:
    decoder = _decoder(lm=None, beam=beam)
    pcm = _pcm(speech, gain)
    try:
        decoder.set_align_text(words)
    except RuntimeError:
        # a word that the dictionary lacks
        return _raise_unaligned(words)
    _decode(decoder, pcm)
    decoder.set_alignment()
    _decode(decoder, pcm)
    alignment = decoder.get_alignment()
    if alignment is None:
        return _raise_unaligned(words)
    return _phones((p.name, p.start, p.duration) for word in alignment for p in word)


def _align_recognised(speech: Speech) -> PhoneTrack | None:
    # the recogniser aligns its own path through the lattice where the text alone finds none
    decoder, pcm = _decoder(), _pcm(speech)
    try:
        _decode(decoder, pcm)
        decoder.set_alignment()
        _decode(decoder, pcm)
    except RuntimeError:
        return None
    alignment = decoder.get_alignment()
    if alignment is None:
        return None
    return PhoneTrack(_phones((p.name, p.start, p.duration) for word in alignment for p in word), "words")


def _raise_unaligned(words: str) -> tuple[Phone, ...]:
    raise RuntimeError(f"no alignment of: {words}")


def _phones(entries: Any) -> tuple[Phone, ...]:
    return tuple(
        Phone(
            "SIL" if name in _SILENCES else name.rstrip("012"),
            start / FRAMES_PER_SECOND,
            (start + duration) / FRAMES_PER_SECOND,
        )
        for name, start, duration in entries
    )


@functools.lru_cache(maxsize=1)
def _word_decoder() -> Any:
    return _decoder()


def recognise_words(speech: Speech) -> tuple[RecognisedWord, ...]:
    """What pocketsphinx's bundled language model hears; empty where it gives up."""
    decoder = _word_decoder()
    try:
        _decode(decoder, _pcm(speech))
    except RuntimeError:
        return ()
    # fillers and numbered pronunciations ("the(2)") are no text to align
    return tuple(
        RecognisedWord(
            segment.word.split("(")[0],
            segment.start_frame / FRAMES_PER_SECOND,
            (segment.end_frame + 1) / FRAMES_PER_SECOND,
        )
        for segment in decoder.seg() or ()
        if segment.word[0] not in "<[+("
    )


def _free_phones(speech: Speech) -> PhoneTrack | None:
    import pocketsphinx

    model = Path(pocketsphinx.get_model_path()) / "en-us" / "en-us-phone.lm.bin"
    decoder = _decoder(lm=None, allphone=str(model), lw=2.0, pip=0.3, beam=1e-20, pbeam=1e-20)
    try:
        _decode(decoder, _pcm(speech))
    except RuntimeError:
        return None
    entries = [(s.word, s.start_frame, s.end_frame - s.start_frame + 1) for s in decoder.seg() or ()]
    return PhoneTrack(_phones(entries), "phones") if entries else None
