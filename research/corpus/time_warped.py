# SPDX-License-Identifier: GPL-3.0-or-later
"""s1's face saying what other voices say: read English by many speakers, with motion put together from s1's clips.

GRID has 51 words; the phones of LibriSpeech, LJSpeech and VCTK come in all contexts. What no GRID word shows is
answered by what looks most alike. The motion is made up, the sound is real: a teacher for the ear, not for the face.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS, MOTION_SIZE
from core.models.speech.articulation import ARPABET, SILENCE_NAME, articulations_of_arpabet
from core.models.speech.mel import power_spectrogram
from research.corpus.clips import KNOWN_TALKER, Clip, training_clips
from research.corpus.lip_prior import as_motion
from research.corpus.phones import Phone, PhoneTrack, grid_transcript
from research.corpus.speech import Utterance, aligned_utterances, is_heldout, phones_of
from research.corpus.unit_selection import Inventory, PhoneSequence, SelectionSettings, build_inventory, render, select
from research.paths import BUILD
from research.training.motion_data import MEL_PER_FRAME, MotionPair, load_pair, prosody_of

CACHE_ROOT = BUILD / "retimed"
CORPORA = ("librispeech", "ljspeech", "vctk")


@dataclass(frozen=True, slots=True)
class RetimingSettings:
    """How many selections are averaged, how firmly lips meet, and which alignments are believed.

    The mean of several selections with no unit in common is nearer to what the talker would have done than the best
    one. At closed phones it turns to the most closed of them: exp(-closing_per_cm x opening).
    """

    selection: SelectionSettings = field(default_factory=SelectionSettings)
    selections: int = 4
    closing_per_cm: float = 10.0
    longest_phone_seconds: float = 0.4
    pause_seconds: float = 0.15
    slowest_phones_per_second: float = 7.0
    fastest_phones_per_second: float = 17.0
    shortest_span_seconds: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class RetimedSpan:
    """first_frame: at 25 fps within the utterance. motion: (T, 53)."""

    first_frame: int
    motion: NDArray[np.float32]


def retimed_pairs(
    data: Path,
    basis: FaceBasis,
    minutes: float,
    seed: int = 0,
    picture_delay_seconds: float = 0.03,
    settings: RetimingSettings | None = None,
) -> list[MotionPair]:
    """About ``minutes`` of pairs (at most some 70), of utterances drawn by ``seed``; person: ``corpus-speaker``.

    Each utterance's motion is kept under build/retimed; the first call reads all of s1 (two minutes). Held-out
    speakers are left out, s1's held-out sentences too.
    """
    retimer = Retimer(data, basis, picture_delay_seconds, settings or RetimingSettings())
    pool = [u for u in aligned_utterances(data) if u.corpus in CORPORA and not is_heldout(u)]
    pairs: list[MotionPair] = []
    frames_wanted = minutes * 60 * INTERNAL_FPS
    for index in np.random.default_rng(seed).permutation(len(pool)):
        pairs += retimer.pairs(pool[index])
        if sum(len(pair.motion) for pair in pairs) >= frames_wanted:
            break
    return pairs


class Retimer:
    """Makes (or reads) the motion of utterances; s1's units are read when the first one is not in the cache."""

    def __init__(
        self,
        data: Path,
        basis: FaceBasis,
        picture_delay_seconds: float,
        settings: RetimingSettings,
        cache: Path = CACHE_ROOT,
    ) -> None:
        self._data, self._basis, self._delay, self._settings = data, basis, picture_delay_seconds, settings
        made_with = repr((settings, picture_delay_seconds, basis.hash))
        self._cache = cache / hashlib.sha256(made_with.encode()).hexdigest()[:12]
        self._inventory: Inventory | None = None

    def pairs(self, utterance: Utterance) -> list[MotionPair]:
        """One pair per believable span of the utterance, with the utterance's own sound."""
        spans = self._spans(utterance)
        if not spans:
            return []
        samples = utterance.load().samples
        power = power_spectrogram(samples)
        sounds = prosody_of(samples, len(power) // MEL_PER_FRAME)
        clip = Clip("retimed", f"{utterance.corpus}-{utterance.speaker}", utterance.path)
        pairs = []
        for span in spans:
            frames = min(len(span.motion), len(power) // MEL_PER_FRAME - span.first_frame)
            part = power[span.first_frame * MEL_PER_FRAME : (span.first_frame + frames) * MEL_PER_FRAME]
            motion = span.motion[:frames]
            displacement = self._basis.displacement(as_motion(motion, self._basis, INTERNAL_FPS))
            said = sounds[2 * span.first_frame : 2 * (span.first_frame + frames)]
            pairs.append(MotionPair(clip, np.log(part + 1e-10).astype(np.float16), motion, displacement, said))
        return pairs

    def _spans(self, utterance: Utterance) -> list[RetimedSpan]:
        path = self._cache / f"{utterance.key}.npz"
        if not path.is_file():
            self._cache.mkdir(parents=True, exist_ok=True)
            _save_spans(path, self._make_spans(utterance))
        return _load_spans(path)

    def _make_spans(self, utterance: Utterance) -> list[RetimedSpan]:
        track = phones_of(utterance)
        spans = []
        for phones in [] if track is None else believable_spans(track, self._settings):
            first = int(np.ceil(phones[0].start_seconds * INTERNAL_FPS))
            last = int(phones[-1].end_seconds * INTERNAL_FPS)
            moved = [_shifted(phone, -first / INTERNAL_FPS) for phone in phones]
            motion = retime(PhoneSequence.of(moved), self._units(), self._basis, last - first, self._settings)
            spans.append(RetimedSpan(first, motion))
        return spans

    def _units(self) -> Inventory:
        if self._inventory is None:
            self._inventory = talker_inventory(self._data, self._basis, self._delay, self._settings)
        return self._inventory


def talker_inventory(
    data: Path, basis: FaceBasis, picture_delay_seconds: float, settings: RetimingSettings
) -> Inventory:
    """Units of s1's training clips, of those whose alignment is believable."""
    pairs, tracks = [], []
    for clip in training_clips(data):
        if clip.person != KNOWN_TALKER:
            continue
        track = phones_of(Utterance("grid", clip.person, clip.path, grid_transcript(clip, data)))
        if track is None or track.method != "transcript" or any(_doubtful(p, settings) for p in track.phones):
            continue
        pair = load_pair(clip, basis, picture_delay_seconds)
        if pair is not None:
            pairs.append(pair)
            tracks.append(track.phones)
    return build_inventory(pairs, tracks)


def retime(
    target: PhoneSequence,
    inventory: Inventory,
    basis: FaceBasis,
    frame_count: int,
    settings: RetimingSettings,
    forbidden: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """(frame_count, 53) at 25 fps: the mean of several selections that share no unit, closed where phones are closed.

    forbidden: (phones, units) that must not be used, see :func:`unit_selection.select`.
    """
    used = np.zeros((len(target), len(inventory)), bool) if forbidden is None else forbidden.copy()
    versions = []
    for _ in range(settings.selections):
        units = select(target, inventory, settings.selection, used)
        used[:, units] = True
        versions.append(render(target, units, inventory, frame_count))
    openings = [mouth_opening(basis.landmarks(as_motion(version, basis, INTERNAL_FPS))) for version in versions]
    sharpness = settings.closing_per_cm * _closed_frames(target, frame_count)
    return mix(np.stack(versions), np.stack(openings), sharpness)


def mix(
    versions: NDArray[np.float32], openings: NDArray[np.floating], sharpness: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(R, T, 53) versions to their mean (T, 53), weighted by exp(-sharpness (T,) x opening (R, T))."""
    weight = np.exp(-sharpness * (openings - openings.min(axis=0)))
    weight /= weight.sum(axis=0)
    return np.asarray((weight[:, :, None] * versions).sum(axis=0), np.float32)


def believable_spans(track: PhoneTrack, settings: RetimingSettings) -> list[list[Phone]]:
    """Runs of phrases (between pauses) whose phones have likely lengths and pace; [] for freely recognised phones."""
    if track.method == "phones":
        return []
    spans: list[list[Phone]] = [[]]
    for phrase in _phrases(track.phones, settings.pause_seconds):
        if _believable(phrase, settings):
            spans[-1] += phrase
        else:
            spans.append([])
    return [span for span in spans if span and _seconds(span) >= settings.shortest_span_seconds]


def _phrases(phones: Sequence[Phone], pause_seconds: float) -> list[list[Phone]]:
    """Cut after each pause, which stays with the phrase before it."""
    phrases: list[list[Phone]] = [[]]
    for phone in phones:
        phrases[-1].append(phone)
        if phone.name == SILENCE_NAME and phone.end_seconds - phone.start_seconds >= pause_seconds:
            phrases.append([])
    return [phrase for phrase in phrases if phrase]


def _believable(phrase: list[Phone], settings: RetimingSettings) -> bool:
    spoken = [phone for phone in phrase if phone.name != SILENCE_NAME]
    if not spoken:
        return True
    if any(_doubtful(phone, settings) or phone.name not in ARPABET for phone in spoken):
        return False
    pace = len(spoken) / sum(phone.end_seconds - phone.start_seconds for phone in spoken)
    return settings.slowest_phones_per_second <= pace <= settings.fastest_phones_per_second


def _doubtful(phone: Phone, settings: RetimingSettings) -> bool:
    return phone.name != SILENCE_NAME and phone.end_seconds - phone.start_seconds > settings.longest_phone_seconds


def _seconds(span: list[Phone]) -> float:
    return span[-1].end_seconds - span[0].start_seconds


def _shifted(phone: Phone, seconds: float) -> Phone:
    return Phone(phone.name, phone.start_seconds + seconds, phone.end_seconds + seconds)


def _closed_frames(target: PhoneSequence, frame_count: int) -> NDArray[np.float64]:
    """(T,) 1 where lips are closed in the phone at that time (m, b, p), else 0."""
    closed = np.array([any(sound.lips == "closed" for sound in articulations_of_arpabet(name)) for name in ARPABET])
    seconds = np.arange(frame_count) / INTERNAL_FPS
    phone = np.clip(np.searchsorted(target.end, seconds, side="right"), 0, len(target) - 1)
    return closed[target.name[phone]].astype(np.float64)


def _save_spans(path: Path, spans: list[RetimedSpan]) -> None:
    first = np.array([span.first_frame for span in spans], np.int64)
    length = np.array([len(span.motion) for span in spans], np.int64)
    motion = np.concatenate([np.zeros((0, MOTION_SIZE), np.float32), *(span.motion for span in spans)])
    partial = path.with_suffix(".part.npz")
    np.savez(partial, first=first, length=length, motion=motion)
    partial.rename(path)


def _load_spans(path: Path) -> list[RetimedSpan]:
    with np.load(path, allow_pickle=False) as file:
        motions = np.split(file["motion"], np.cumsum(file["length"])[:-1])
        return [RetimedSpan(int(first), motion) for first, motion in zip(file["first"], motions, strict=False)]
