# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recognised m, b or p is worth: how many are in the text, before and after three decodings must agree.

On recordings whose words are known: LJSpeech's reader and VCTK's four talkers. No face takes part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from research.corpus.asr_consensus import agreed_phones
from research.corpus.phones import Phone, PhoneTrack, aligned_phones
from research.corpus.speech import Utterance, aligned_utterances
from research.evaluation.gestures import TOLERANCE_SECONDS, Gesture, gestures
from research.evaluation.tables import Table, number

# LJSpeech has one reader: every sixth of her recordings is enough
_EVERY = {"ljspeech": 6, "vctk": 1}


@dataclass(frozen=True, slots=True)
class BelievedCount:
    """m, b and p (neighbours as one): recognised, of these also in the text; the same of those agreed on."""

    recordings: int = 0
    recognised: int = 0
    recognised_true: int = 0
    agreed: int = 0
    agreed_true: int = 0

    def __add__(self, other: BelievedCount) -> BelievedCount:
        return BelievedCount(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def count_believed(text: Sequence[Phone], recognised: Sequence[Phone], agreed: Sequence[Phone]) -> BelievedCount:
    """One recording; a recognised closure is true where the text has one within 60 ms of it."""
    true = gestures(text, "arpabet", "closure")
    found, kept = (gestures(phones, "arpabet", "closure") for phones in (recognised, agreed))
    return BelievedCount(1, len(found), _true_ones(found, true), len(kept), _true_ones(kept, true))


def measure_agreement(data: Path) -> dict[str, BelievedCount]:
    """By corpus, over the recordings whose text can be aligned and whose words can be recognised."""
    totals: dict[str, BelievedCount] = {}
    for utterance, text in _with_text(data):
        speech = utterance.load()
        recognised = aligned_phones(utterance.key, speech, None)
        if recognised is None or recognised.method != "words":
            continue
        agreed = agreed_phones(utterance.key, speech, recognised)
        count = count_believed(text.phones, recognised.phones, agreed.phones)
        totals[utterance.corpus] = totals.get(utterance.corpus, BelievedCount()) + count
    return totals


def agreement_table(totals: dict[str, BelievedCount]) -> Table:
    """Precision before and after, and what share is left out."""
    rows = tuple(
        (
            corpus,
            str(count.recordings),
            str(count.recognised),
            number(count.recognised_true / max(count.recognised, 1)),
            str(count.agreed),
            number(count.agreed_true / max(count.agreed, 1)),
            number(1 - count.agreed / max(count.recognised, 1)),
        )
        for corpus, count in totals.items()
    )
    return Table(
        "Recognised m b p that are in the text (± 60 ms), before and after three decodings must agree on the word",
        ("corpus", "recordings", "m b p", "true", "agreed", "true", "left out"),
        rows,
    )


def _with_text(data: Path) -> Iterator[tuple[Utterance, PhoneTrack]]:
    for corpus, every in _EVERY.items():
        for utterance in [u for u in aligned_utterances(data) if u.corpus == corpus and u.transcript][::every]:
            track = aligned_phones(utterance.key, utterance.load(), utterance.transcript)
            if track is not None:
                yield utterance, track


def _true_ones(found: Sequence[Gesture], true: Sequence[Gesture]) -> int:
    return sum(any(_near(gesture, other) for other in true) for gesture in found)


def _near(first: Gesture, second: Gesture) -> bool:
    apart = max(first.start_seconds, second.start_seconds) - min(first.end_seconds, second.end_seconds)
    return apart <= TOLERANCE_SECONDS
