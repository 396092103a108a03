# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame labels: the class of frame i is that of the phone at i / fps seconds."""

from __future__ import annotations

import numpy as np

from core.models.speech.articulation import ARPABET, FEATURES
from research.corpus.frame_labels import articulation_frames, phone_frames
from research.corpus.phones import Phone

NAMES = [feature.name for feature in FEATURES]


def _classes(frames: np.ndarray, feature: str) -> list[str]:
    column = NAMES.index(feature)
    classes = FEATURES[column].classes
    return ["?" if index < 0 else classes[index] for index in frames[:, column]]


def test_frames_change_exactly_at_the_boundary() -> None:
    phones = [Phone("SIL", 0.0, 0.04), Phone("M", 0.04, 0.10), Phone("AA", 0.10, 0.14)]
    frames = articulation_frames(phones, "arpabet", 7)
    assert _classes(frames, "lips") == ["apart", "apart", "closed", "closed", "closed", "apart", "apart"]
    assert _classes(frames, "manner") == ["silence"] * 2 + ["nasal"] * 3 + ["vowel"] * 2


def test_a_boundary_between_frames_counts_from_the_next_frame() -> None:
    frames = phone_frames([Phone("P", 0.0, 0.041), Phone("T", 0.041, 0.1)], 5)
    assert [ARPABET[i] for i in frames] == ["P", "P", "P", "T", "T"]


def test_diphthongs_are_split_in_the_middle() -> None:
    frames = articulation_frames([Phone("aʊ", 0.0, 0.2)], "ipa", 10)
    assert _classes(frames, "rounding") == ["unrounded"] * 5 + ["rounded"] * 5
    assert np.array_equal(frames, articulation_frames([Phone("AW", 0.0, 0.2)], "arpabet", 10))


def test_unknown_names_and_uncovered_time_are_marked() -> None:
    frames = articulation_frames([Phone("§", 0.0, 0.04), Phone("m", 0.04, 0.08)], "ipa", 6)
    assert _classes(frames, "voicing") == ["?", "?", "voiced", "voiced", "?", "?"]
    assert list(phone_frames([Phone("xx", 0.0, 0.04), Phone("M", 0.04, 0.08)], 6)) == [
        *(-1, -1, ARPABET.index("M"), ARPABET.index("M"), -1, -1)
    ]


def test_phones_beyond_the_last_frame_are_cut() -> None:
    frames = articulation_frames([Phone("M", 0.0, 9.0)], "arpabet", 3)
    assert _classes(frames, "lips") == ["closed"] * 3


def test_other_frame_rates() -> None:
    phones = [Phone("M", 0.0, 0.4), Phone("AA", 0.4, 0.8)]
    assert _classes(articulation_frames(phones, "arpabet", 20, fps=25), "lips") == ["closed"] * 10 + ["apart"] * 10
