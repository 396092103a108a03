# SPDX-License-Identifier: GPL-3.0-or-later
"""Lip sync language by language, from sounds whose times are known: synthetic speech, and aligned English recordings.

The synthetic sentences and voices are those that no training has seen. Of the recordings, GRID's people are filmed:
their own tracked lips, judged by the same rules, show what can be reached.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.face.basis import FaceBasis, open_basis
from core.face.motion import INTERNAL_FPS
from research.corpus.asr_consensus import AgreedTrack, agreed_phones
from research.corpus.clips import heldout_clips
from research.corpus.frame_labels import Symbols
from research.corpus.languages import languages as known_languages
from research.corpus.phones import Phone, PhoneTrack, aligned_phones, grid_transcript
from research.corpus.speech import aligned_utterances, is_heldout, phones_of
from research.corpus.synthetic_speech import heldout_utterances
from research.evaluation.accuracy import Generate, truth
from research.evaluation.gestures import KINDS, GestureScore, Kind, LipSignals, lip_signals, score_gestures
from research.evaluation.report import SEED
from research.evaluation.tables import Section, Table, number
from research.evaluation.word_agreement import agreement_table, measure_agreement
from research.paths import DATA_ROOT

ALL_SYNTHETIC = "all synthetic"
GRID_GENERATED, GRID_FILMED = "English, GRID (unseen)", "  their own filmed lips"


@dataclass(frozen=True, slots=True)
class _Recordings:
    """A corpus' held-out speakers.

    method: how phones must have been found. agreed_name: of a second row, with the words three decodings agree on.
    """

    name: str
    corpus: str
    method: str
    agreed_name: str = ""


_RECORDED = (
    _Recordings("English, VCTK (known words)", "vctk", "transcript"),
    _Recordings(
        "English, LibriSpeech (words as recognised)",
        "librispeech",
        "words",
        "English, LibriSpeech (words three decodings agree on)",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class SpokenClip:
    """signals: the lips to judge; phones: what is said and when, in the alphabet ``symbols``."""

    signals: LipSignals
    phones: tuple[Phone, ...]
    symbols: Symbols


@dataclass(frozen=True, slots=True, eq=False)
class _HeardClip:
    """A recording without a face, its phones, and the lips that were generated for it."""

    key: str
    speech: Speech
    track: PhoneTrack
    lips: LipSignals

    def agreed(self) -> AgreedTrack:
        """Its phones in words that three decodings agree on."""
        return agreed_phones(self.key, self.speech, self.track)


@dataclass(frozen=True, slots=True, eq=False)
class _FilmedClip:
    speech: Speech
    phones: tuple[Phone, ...]
    lips: LipSignals

    def with_lips(self, signals: LipSignals) -> SpokenClip:
        return SpokenClip(signals, self.phones, "arpabet")


@dataclass(frozen=True, slots=True)
class LanguageScore:
    """One row: sums over the clips of one language or source."""

    name: str
    clips: int
    seconds: float
    closure: GestureScore
    rounding: GestureScore
    opening: GestureScore


def score_clips(name: str, clips: Iterable[SpokenClip]) -> LanguageScore | None:
    """Add up; None without clips. The random times are the same in every run."""
    rng = np.random.default_rng(SEED)
    sums: dict[Kind, GestureScore] = dict.fromkeys(KINDS, GestureScore())
    count, seconds = 0, 0.0
    for clip in clips:
        for kind, score in score_gestures(clip.signals, clip.phones, clip.symbols, rng).items():
            sums[kind] += score
        count, seconds = count + 1, seconds + clip.signals.seconds
    return LanguageScore(name, count, seconds, sums["closure"], sums["rounding"], sums["opening"]) if count else None


def measure_languages(data: Path, generate: Generate) -> list[LanguageScore]:
    """Every language's held-out synthetic speech, then the recordings that are in ``data``.

    Raises :class:`EngineSetupError` without espeak-ng or flite.
    """
    basis = open_basis()
    rows = [score_clips(name, clips) for name, clips in _synthetic(generate, basis).items()]
    if (data / "grid").is_dir():
        rows += _recorded_rows(data, generate, basis)
    return [row for row in rows if row is not None]


def languages_table(rows: Iterable[LanguageScore]) -> Table:
    """Shares beside their chance levels, and timing in milliseconds: mean (positive: late) and mean size."""
    columns: tuple[str, ...] = ("language", "s")
    for gesture, made in (("m b p", "closed"), ("rounded", "narrow"), ("open", "wide")):
        columns += (gesture, made, "chance", "late ms")
    return Table(
        "Lips at the right time (± 60 ms) for the sounds of each language",
        columns,
        tuple((row.name, number(row.seconds, 0), *_cells(row)) for row in rows),
        "m b p: the lips' gap has a minimum under a tenth of the clip's opening range above its smallest, from 60 ms "
        "before the sound to 60 ms after.\nrounded, open: over the sound's time, moved by up to 60 ms, the mean mouth "
        "width is below (the mean opening above) the clip's median while speaking.\nchance: the same at random times "
        "of the same clips. late: from the middle of the sound to the extremum within 150 ms, mean / mean size.",
    )


def languages(data: Path) -> Section:
    """The benchmark's section."""
    from research.evaluation.sections import our_generator

    rows = measure_languages(data, our_generator())
    return Section("languages", (languages_table(rows),), {"rows": [dataclasses.asdict(row) for row in rows]})


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation languages", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument(
        "--check-words", action="store_true", help="instead: how many recognised m b p are in texts that are known"
    )
    chosen = parser.parse_args(argv)
    if chosen.check_words:
        print(agreement_table(measure_agreement(chosen.data)).text())
        return 0
    for table in languages(chosen.data).tables:
        print(table.text())
    return 0


def _cells(row: LanguageScore) -> tuple[str, ...]:
    cells: tuple[str, ...] = ()
    for score in (row.closure, row.rounding, row.opening):
        late = f"{number(1000 * score.error_seconds, 0, sign=True)} / {number(1000 * score.absolute_error_seconds, 0)}"
        cells += (str(score.count), number(score.share), number(score.chance), late)
    return cells


def _synthetic(generate: Generate, basis: FaceBasis) -> dict[str, list[SpokenClip]]:
    found: dict[str, list[SpokenClip]] = {language.name: [] for language in known_languages()}
    for utterance in heldout_utterances():
        signals = _lips(utterance.speech, generate, basis)
        found[utterance.language].append(SpokenClip(signals, utterance.phones, utterance.symbols))
    return found | {ALL_SYNTHETIC: [clip for clips in found.values() for clip in clips]}


def _recorded_rows(data: Path, generate: Generate, basis: FaceBasis) -> list[LanguageScore | None]:
    rows = []
    for recordings in _RECORDED:
        heard = list(_heard(data, recordings, generate, basis))
        rows.append(
            score_clips(recordings.name, (SpokenClip(clip.lips, clip.track.phones, "arpabet") for clip in heard))
        )
        if recordings.agreed_name:
            agreed = (SpokenClip(clip.lips, clip.agreed().phones, "arpabet") for clip in heard)
            rows.append(score_clips(recordings.agreed_name, agreed))
    filmed = _filmed(data, basis)
    generated = (clip.with_lips(_lips(clip.speech, generate, basis)) for clip in filmed)
    rows.append(score_clips(GRID_GENERATED, generated))
    rows.append(score_clips(GRID_FILMED, (clip.with_lips(clip.lips) for clip in filmed)))
    return rows


def _heard(data: Path, wanted: _Recordings, generate: Generate, basis: FaceBasis) -> Iterator[_HeardClip]:
    for utterance in aligned_utterances(data):
        if utterance.corpus != wanted.corpus or not is_heldout(utterance):
            continue
        speech = utterance.load()
        track = phones_of(utterance, speech)
        # phones without words are wrong too often to judge by; how often recognised words are, --check-words tells
        if track is not None and track.method == wanted.method:
            yield _HeardClip(utterance.key, speech, track, _lips(speech, generate, basis))


def _filmed(data: Path, basis: FaceBasis) -> list[_FilmedClip]:
    found = []
    for clip in heldout_clips(data):
        transcript = grid_transcript(clip, data)
        if transcript is None:
            continue
        tracked = truth(clip, basis)
        phones = aligned_phones(clip.key, tracked.speech, transcript)
        if phones is not None:
            lips = lip_signals(basis.neutral + tracked.displacement, INTERNAL_FPS)
            found.append(_FilmedClip(tracked.speech, phones.phones, lips))
    return found


def _lips(speech: Speech, generate: Generate, basis: FaceBasis) -> LipSignals:
    return lip_signals(basis.landmarks(generate(speech)), INTERNAL_FPS)
