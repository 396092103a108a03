# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that three decodings agree on: what stays, what is doubted, and how often what stays is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from research.corpus import asr_consensus as module
from research.corpus.asr_consensus import agreed_phones, agreed_words, at_speed, believed, heard_words
from research.corpus.phones import Phone, PhoneTrack, RecognisedWord
from research.evaluation.word_agreement import BelievedCount, agreement_table, count_believed

OWN = (RecognisedWord("big", 0.0, 0.3), RecognisedWord("map", 0.3, 0.7), RecognisedWord("big", 1.0, 1.3))
PHONES = (
    Phone("B", 0.0, 0.1),
    Phone("IH", 0.1, 0.2),
    Phone("G", 0.2, 0.3),
    Phone("M", 0.3, 0.4),
    Phone("AE", 0.4, 0.6),
    Phone("P", 0.6, 0.7),
    Phone("SIL", 0.7, 1.0),
)


def test_a_word_is_believed_when_the_other_decoding_has_it_at_the_same_time() -> None:
    other = (RecognisedWord("big", 0.05, 0.32), RecognisedWord("nap", 0.3, 0.7))
    # "nap" is another word, and the second "big" was heard only once
    assert agreed_words(OWN, other) == OWN[:1]


def test_the_same_word_at_another_time_is_no_agreement() -> None:
    assert agreed_words(OWN[:1], (RecognisedWord("big", 0.2, 0.5),)) == ()
    # nor is a much longer one that swallows its neighbours
    assert agreed_words(OWN[:1], (RecognisedWord("big", 0.0, 0.7),)) == ()


def test_phones_of_doubtful_words_are_left_out_and_counted_silences_stay() -> None:
    track = believed(PHONES, OWN[:1])
    assert [phone.name for phone in track.phones] == ["B", "IH", "G", "SIL"]
    assert track.doubtful == 3


def test_times_are_those_of_the_recording_whatever_the_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[float] = []

    def recognise(speech: Speech) -> tuple[RecognisedWord, ...]:
        # one word over the second half of whatever is played
        heard.append(speech.seconds)
        return (RecognisedWord("map", speech.seconds / 2, speech.seconds),)

    monkeypatch.setattr(module, "recognise_words", recognise)
    speech = Speech(np.sin(np.arange(2 * SAMPLE_RATE) / 9.0).astype(np.float32) * 0.5, "tone")
    for tenths in (9, 10, 11):
        for _ in range(2):
            (word,) = heard_words("tone", speech, tenths, tmp_path)
            assert (word.start_seconds, word.end_seconds) == pytest.approx((1.0, 2.0), abs=1e-3)
    # each speed was decoded once, then read from the cache
    assert heard == pytest.approx([2 / 0.9, 2.0, 2 / 1.1], abs=1e-3)


@pytest.mark.parametrize("doubting", [0.9, 1.0, 1.1])
def test_a_track_keeps_what_every_decoding_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doubting: float
) -> None:
    length = 1.4

    def recognise(speech: Speech) -> tuple[RecognisedWord, ...]:
        speed = length / speech.seconds
        second = "nap" if abs(speed - doubting) < 0.05 else "map"
        return tuple(
            RecognisedWord(text, start / speed, end / speed)
            for text, start, end in (("big", 0, 0.3), (second, 0.3, 0.7))
        )

    monkeypatch.setattr(module, "recognise_words", recognise)
    speech = Speech(np.zeros(round(length * SAMPLE_RATE), np.float32), "silence")
    agreed = agreed_phones("clip", speech, PhoneTrack(PHONES, "words"), tmp_path)
    # a word that the recording's own decoding calls otherwise is no word of the others either
    assert [phone.name for phone in agreed.phones] == ["B", "IH", "G", "SIL"]


def test_faster_is_shorter_and_higher() -> None:
    tone = Speech(np.sin(2 * np.pi * 500 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32) * 0.5, "tone")
    faster = at_speed(tone, 11)
    spectrum = np.abs(np.fft.rfft(faster.samples))
    assert faster.seconds == pytest.approx(1 / 1.1, abs=1e-3)
    assert np.argmax(spectrum) * SAMPLE_RATE / len(faster.samples) == pytest.approx(550, abs=3)
    assert at_speed(tone, 10) is tone


def test_closures_count_as_true_only_where_the_text_has_one_within_60_ms() -> None:
    text = [Phone("B", 0.02, 0.1), Phone("T", 0.3, 0.4)]
    agreed = believed(PHONES, OWN[:1]).phones
    # recognised: B (true), M and P of "map" (not in the text); agreed: B alone
    assert count_believed(text, PHONES, agreed) == BelievedCount(1, 3, 1, 1, 1)
    late = [Phone("B", 0.17, 0.2)]
    assert count_believed(late, PHONES, agreed).agreed_true == 0


def test_the_table_says_what_was_true_before_and_after_and_what_was_left_out() -> None:
    table = agreement_table({"somebody": BelievedCount(1, 8, 6, 4, 4) + BelievedCount(1, 2, 2, 1, 1)})
    assert table.rows == (("somebody", "2", "10", "0.80", "5", "1.00", "0.50"),)
