# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of speech in bounded memory: decoded once, spoken in pieces that meet unheard."""

from __future__ import annotations

import itertools
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.audio.level import frame_level
from core.audio.placed import PlacedSound
from core.audio.speech import SAMPLE_RATE, Speech
from core.checkpoint import checked_by, checkpoint
from core.engine import long_speech
from core.engine.long_speech import OVERLAP_SECONDS, PIECE_SECONDS, joined, pieces_of, speak_in_pieces
from core.engine.resting import frame_count
from core.errors import CancelledError
from core.face.motion import Motion
from core.face.resting import resting_motion
from core.models.speech.mel import power_spectrogram
from core.models.speech.prosody import prosody


def hum(seconds: float, pauses: tuple[float, ...] = ()) -> Speech:
    samples = np.full(round(seconds * SAMPLE_RATE), 0.2, np.float32)
    for at in pauses:
        samples[round((at - 1.5) * SAMPLE_RATE) : round((at + 1.5) * SAMPLE_RATE)] = 0.0
    return Speech(samples, "hum.wav", 7.0)


def test_short_speech_is_one_piece_and_goes_through_untouched() -> None:
    speech = hum(PIECE_SECONDS)
    (piece,) = pieces_of(speech)
    assert piece.speech is speech and piece.frames == frame_count(speech)


@pytest.mark.parametrize("seconds", [PIECE_SECONDS + 0.03, 2.5 * PIECE_SECONDS, 4 * PIECE_SECONDS + 1.011])
def test_pieces_cover_the_speech_overlap_and_copy_nothing(seconds: float) -> None:
    speech = hum(seconds)
    pieces = pieces_of(speech)
    overlap = round(OVERLAP_SECONDS * 25)
    assert pieces[0].first == 0 and pieces[-1].first + pieces[-1].frames == frame_count(speech)
    for left, right in itertools.pairwise(pieces):
        assert left.first + left.frames - right.first == overlap
    for piece in pieces:
        assert np.shares_memory(piece.speech.samples, speech.samples)
        assert frame_count(piece.speech) == piece.frames
        assert piece.speech.start_seconds == pytest.approx(7.0 + piece.first / 25)
        assert piece.speech.seconds < PIECE_SECONDS + OVERLAP_SECONDS + 20


def test_pieces_meet_in_a_pause_where_there_is_one_near() -> None:
    pieces = pieces_of(hum(2 * PIECE_SECONDS, pauses=(PIECE_SECONDS - 7.0,)))
    middle = pieces[1].first + round(OVERLAP_SECONDS * 25 / 2)
    assert middle / 25 == pytest.approx(PIECE_SECONDS - 7.0, abs=0.6)


def test_motion_that_pieces_agree_on_is_joined_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_speech, "PIECE_SECONDS", 30.0)
    speech = hum(100.0)
    longest = []

    def speak(part: Speech, progress: object) -> Motion:
        longest.append(part.seconds)
        first = round((part.start_seconds - 7.0) * 25)
        motion = resting_motion(frame_count(part))
        course = np.sin(np.arange(first, first + len(motion)) / 9)[:, None]
        return motion.replace(jaw=np.repeat(course, 3, axis=1).astype(np.float32))

    told: list[float] = []
    motion = speak_in_pieces(speak, speech, told.append)
    assert len(motion) == 2500 and len(longest) == 4 and max(longest) < 50
    np.testing.assert_allclose(motion.jaw[:, 0], np.sin(np.arange(2500) / 9), atol=1e-6)


def test_pieces_that_disagree_meet_without_a_jump() -> None:
    pieces = pieces_of(hum(2 * PIECE_SECONDS))
    parts = [np.full((piece.frames, 2), value, np.float32) for piece, value in zip(pieces, (0.0, 1.0), strict=True)]
    whole = joined(parts, pieces)
    assert whole[0, 0] == 0.0 and whole[-1, 0] == 1.0
    # a raised cosine over two seconds rises by at most pi / 2 over their frames
    assert np.abs(np.diff(whole[:, 0])).max() < np.pi / 2 / (OVERLAP_SECONDS * 25) + 1e-6


def test_an_hour_lies_in_memory_once_while_it_is_decoded(tmp_path: Path) -> None:
    seconds = 240.0
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.sin(np.arange(round(seconds * SAMPLE_RATE)) / 20) * 9000).astype("<i2").tobytes())
    tracemalloc.start()
    speech = load_speech(path)
    frame_level(speech, 25.0, frame_count(speech))
    speech.hash  # noqa: B018 (read for what it costs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert speech.seconds == seconds
    # one array that grows by a quarter at a time, and what is under way
    assert peak < 1.4 * speech.samples.nbytes + 8e6


@pytest.mark.parametrize("seed", range(6))
def test_placed_blocks_are_what_one_array_would_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    placed: PlacedSound[str] = PlacedSound()
    gains = {"a": np.float32(0.5), "b": np.float32(2.0)}
    expected, length, at = np.zeros(40_000, np.float32), 0, -300
    for _ in range(40):
        block = rng.normal(size=int(rng.integers(1, 900))).astype(np.float32)
        kind = "ab"[int(rng.integers(2))]
        placed.add(at, kind, block)
        kept = block[max(-at, 0) :]
        first = max(at, 0)
        expected[first : first + len(kept)] = kept * gains[kind]
        if len(kept):
            length = max(length, first + len(kept))
        at += int(rng.integers(-200, 1200))
        at = max(at, -300)
    np.testing.assert_array_equal(placed.finish(gains.__getitem__), expected[:length])


def test_placed_sound_ends_where_it_is_told_and_may_be_empty() -> None:
    placed: PlacedSound[str] = PlacedSound()
    placed.add(3, "a", np.ones(10, np.float32))
    assert placed.finish(lambda kind: np.float32(1), last=5).tolist() == [0, 0, 0, 1, 1]
    assert len(placed.finish(lambda kind: np.float32(1))) == 0


def test_level_of_many_minutes_is_the_level_of_each_frame() -> None:
    speech = Speech(np.random.default_rng(0).normal(0, 0.1, 450 * SAMPLE_RATE).astype(np.float32), "n")
    level = frame_level(speech, 25.0, frame_count(speech) + 30)
    frames = speech.samples.reshape(-1, 640).astype(np.float64)
    np.testing.assert_allclose(level[: len(frames)], 10 * np.log10((frames**2).mean(axis=1) + 1e-12), atol=1e-6)
    assert (level[len(frames) :] == -120).all()


@pytest.mark.parametrize("compute", [power_spectrogram, prosody], ids=["mel", "prosody"])
def test_long_computations_ask_whether_they_are_still_wanted(compute: object) -> None:
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise CancelledError("Cancelled.")

    samples = np.random.default_rng(0).normal(0, 0.1, 130 * SAMPLE_RATE).astype(np.float32)
    with pytest.raises(CancelledError), checked_by(check):
        compute(samples)  # type: ignore[operator]
    # outside a job nobody is asked
    checkpoint()
    assert len(asked) == 2
