# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decoder must survive: channels, numbers, tracks and tags of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE
from core.errors import MediaError
from tests.media import babble, lag_seconds, tone, write_audio, write_float_wav, write_sounds


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 7, 8, 9, 12, 16, 24])
def test_any_count_of_channels_becomes_one_at_full_level(tmp_path: Path, channels: int) -> None:
    source = tone(0.5, 200.0, level=0.9)
    speech = load_speech(write_float_wav(tmp_path / "c.wav", np.repeat(source[:, None], channels, axis=1)))
    np.testing.assert_allclose(speech.samples[100:-100], source[100:-100], atol=2e-3)
    assert speech.notes == ()


@pytest.mark.parametrize("codec", ["flac", "aac", "libopus"])
def test_planar_frames_of_eight_channels_are_read(tmp_path: Path, codec: str) -> None:
    source = tone(1.0, 200.0, 48000, level=0.8)
    name = {"flac": "c.flac", "aac": "c.m4a", "libopus": "c.mka"}[codec]
    path = write_audio(tmp_path / name, np.stack([source] * 8), 48000, codec)
    middle = load_speech(path).samples[4000:12000]
    assert 0.7 < np.abs(middle).max() < 0.9


@pytest.mark.parametrize("spoken", [0, 2, 5])
def test_speech_in_one_of_six_channels_keeps_its_level(tmp_path: Path, spoken: int) -> None:
    samples = np.zeros((8000, 6), np.float32)
    samples[:, spoken] = tone(0.5, 300.0, level=0.6)
    speech = load_speech(write_float_wav(tmp_path / "one.wav", samples))
    assert np.abs(speech.samples[1000:-1000]).max() == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("other", [-1.0, -0.95])
def test_channels_that_cancel_each_other_leave_the_louder_alone_and_it_is_told(tmp_path: Path, other: float) -> None:
    source = babble(2.0)
    speech = load_speech(write_float_wav(tmp_path / "phase.wav", np.stack([source, other * source], axis=1)))
    np.testing.assert_allclose(speech.samples, source, atol=1e-3)
    assert "channels of phase.wav cancel each other; channel 1 is used alone" in speech.notes[0]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_repaired_and_told(tmp_path: Path, broken: float) -> None:
    source = babble(2.0)
    samples = source.copy()
    samples[20000:20003] = broken
    speech = load_speech(write_float_wav(tmp_path / "broken.wav", samples))
    assert np.abs(speech.samples).max() <= 1.0
    np.testing.assert_allclose(np.delete(speech.samples, np.s_[19990:20013]), np.delete(source, np.s_[19990:20013]))
    assert speech.notes == ("3 samples of broken.wav were no numbers (from 1.25 s on) and were repaired.",)


def test_sound_scaled_like_integers_is_brought_to_full_scale_and_told(tmp_path: Path) -> None:
    speech = load_speech(write_float_wav(tmp_path / "loud.wav", tone(1.0, level=32000.0)))
    assert 0.9 < np.abs(speech.samples).max() <= 1.0
    assert "loud.wav went 3.2e+04 times over full scale" in speech.notes[0]


def test_sound_that_is_mostly_no_numbers_is_refused(tmp_path: Path) -> None:
    samples = np.full(16000, np.nan, np.float32)
    samples[:4000] = tone(0.25)
    with pytest.raises(MediaError, match=r"Most samples of nan\.wav are no numbers \(from 0\.25 s on\)"):
        load_speech(write_float_wav(tmp_path / "nan.wav", samples))


def test_the_default_track_is_taken_and_told(tmp_path: Path) -> None:
    path = write_sounds(tmp_path / "two.mkv", [tone(3.0, 440.0, level=0.2), babble(3.0)], default=[1])
    speech = load_speech(path)
    assert speech.notes == (
        "two.mkv has 2 sound tracks; track 2 is used (the file's default). Another can be chosen.",
    )


@pytest.mark.parametrize("default", [[], [0, 1, 2], [0]])
def test_without_a_default_that_sounds_the_track_with_speech_is_taken(tmp_path: Path, default: list[int]) -> None:
    spoken = babble(4.0)
    sounds = [np.zeros(64000, np.float32), tone(4.0, 440.0, level=0.3), spoken]
    speech = load_speech(write_sounds(tmp_path / "three.mkv", sounds, default=default))
    assert abs(lag_seconds(speech.samples, spoken)) < 0.002
    assert "track 3 is used (the one most like speech)" in speech.notes[0]


def test_a_track_can_be_chosen_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    sounds = [tone(1.0, 300.0), tone(1.0, 600.0)]
    path = write_sounds(tmp_path / "two.mkv", sounds, default=[1])
    assert lag_seconds(load_speech(path, track=2).samples, sounds[1]) == pytest.approx(0.0, abs=0.01)
    assert lag_seconds(load_speech(path, track=1).samples, sounds[0]) == pytest.approx(0.0, abs=0.01)
    assert load_speech(path, track=1).notes == ()
    with pytest.raises(MediaError, match=r"two\.mkv has 2 sound tracks; there is no track 3"):
        load_speech(path, track=3)


def test_tags_that_are_not_utf8_never_matter(tmp_path: Path) -> None:
    body = write_audio(tmp_path / "plain.mp3", tone(1.0)[None], SAMPLE_RATE, "libmp3lame").read_bytes()
    title = "Szene fünf".encode("latin-1")
    frame = b"TIT2" + (len(title) + 1).to_bytes(4, "big") + b"\0\0\3" + title
    path = tmp_path / "tag.mp3"
    path.write_bytes(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame)]) + frame + body)
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.1)
