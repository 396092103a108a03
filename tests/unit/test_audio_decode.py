# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech, require_sound
from core.audio.speech import SAMPLE_RATE
from core.errors import MediaError
from tests.media import tone, write_audio, write_video

CONTAINERS = [
    ("a.wav", "pcm_s16le", 44100, 2e-3),
    ("a.flac", "flac", 48000, 2e-3),
    ("a.mp3", "libmp3lame", 44100, 3e-2),
    ("a.ogg", "libopus", 48000, 3e-2),
    ("a.m4a", "aac", 48000, 3e-2),
]


def _dominant_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize(("name", "codec", "rate", "tolerance"), CONTAINERS)
def test_every_common_format_decodes_to_16_khz_at_its_level(
    tmp_path: Path, name: str, codec: str, rate: int, tolerance: float
) -> None:
    source = tone(1.0, 440.0, rate)
    speech = load_speech(write_audio(tmp_path / name, source[None], rate, codec))
    assert speech.seconds == pytest.approx(1.0, abs=0.06)
    middle = speech.samples[4000:12000]
    assert _dominant_hertz(middle) == pytest.approx(440, abs=3)
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), abs=tolerance)


def test_a_click_stays_where_it_was_in_time(tmp_path: Path) -> None:
    source = np.zeros(48000, np.float32)
    source[24000] = 0.9
    for name, codec in (("c.wav", "pcm_s16le"), ("c.m4a", "aac"), ("c.mp3", "libmp3lame")):
        speech = load_speech(write_audio(tmp_path / name, source[None], 48000, codec))
        assert np.abs(speech.samples).argmax() / SAMPLE_RATE == pytest.approx(0.5, abs=0.004), name


def test_full_scale_stereo_is_averaged_never_clipped_and_one_side_alone_keeps_its_level(tmp_path: Path) -> None:
    loud = tone(0.5, 200.0, 44100, level=0.99)
    speech = load_speech(write_audio(tmp_path / "s.wav", np.stack([loud, loud]), 44100, "pcm_s16le"))
    assert 0.97 < np.abs(speech.samples[1000:-1000]).max() < 1.01
    one_sided = load_speech(write_audio(tmp_path / "o.wav", np.stack([loud, 0 * loud]), 44100, "pcm_s16le"))
    assert np.abs(one_sided.samples[1000:-1000]).max() == pytest.approx(0.99, abs=0.01)


def test_a_time_range_cuts_exactly(tmp_path: Path) -> None:
    source = np.concatenate([tone(1.0, 300.0), tone(1.0, 600.0)])
    path = write_audio(tmp_path / "r.wav", source[None], SAMPLE_RATE, "pcm_s16le")
    speech = load_speech(path, 1.0, 1.5)
    assert speech.seconds == pytest.approx(0.5)
    assert _dominant_hertz(speech.samples) == pytest.approx(600, abs=3)
    assert speech.start_seconds == 1.0


def test_the_sound_of_a_video_is_read(tmp_path: Path) -> None:
    frames = [np.zeros((48, 64, 3), np.uint8)] * 25
    path = write_video(tmp_path / "v.mp4", frames, sound=tone(1.0))
    assert _dominant_hertz(load_speech(path).samples[2000:14000]) == pytest.approx(440, abs=3)


def test_refusals_name_the_file_and_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"missing\.wav does not exist"):
        load_speech(tmp_path / "missing.wav")
    text = tmp_path / "notes.wav"
    text.write_text("this is no sound")
    with pytest.raises(MediaError, match=r"notes\.wav cannot be read"):
        load_speech(text)
    silent_video = write_video(tmp_path / "mute.mp4", [np.zeros((48, 64, 3), np.uint8)] * 5)
    with pytest.raises(MediaError, match=r"mute\.mp4 has no sound"):
        load_speech(silent_video)
    short = write_audio(tmp_path / "short.wav", tone(0.5)[None], SAMPLE_RATE, "pcm_s16le")
    with pytest.raises(MediaError, match=r"no sound between 3\.00 s"):
        load_speech(short, 3.0, 4.0)


def test_silence_is_refused_and_quiet_speech_is_not(tmp_path: Path) -> None:
    silent = write_audio(tmp_path / "z.wav", np.zeros((1, 16000), np.float32), SAMPLE_RATE, "pcm_s16le")
    with pytest.raises(MediaError, match="is silent"):
        require_sound(load_speech(silent))
    quiet = write_audio(tmp_path / "q.wav", tone(0.5, level=0.01)[None], SAMPLE_RATE, "pcm_s16le")
    require_sound(load_speech(quiet))
