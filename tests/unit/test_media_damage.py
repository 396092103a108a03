# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decoder must survive: damaged, cut and foreign files, and pictures of every kind."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.audio.decode import load_speech, require_sound
from core.errors import MediaError
from core.tracking.video import read_frames
from tests.media import babble, tone, write_audio, write_float_wav, write_video

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)


FORMATS = {"a.wav": "pcm_s16le", "a.flac": "flac", "a.mp3": "libmp3lame", "a.ogg": "libopus", "a.m4a": "aac"}


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_cut_and_empty_sound_gives_samples_or_one_sentence(tmp_path: Path, name: str) -> None:
    whole = write_audio(tmp_path / name, babble(2.0)[None], 48000 if name == "a.ogg" else 16000, FORMATS[name])
    raw = whole.read_bytes()
    for trial in range(24):
        damaged = bytearray(raw)
        if trial % 3 == 0:
            damaged = damaged[: int(len(raw) * RNG.random())]
        elif trial % 3 == 1:
            for at in RNG.integers(0, len(raw), 20):
                damaged[at] = int(RNG.integers(256))
        else:
            at = int(RNG.integers(0, len(raw)))
            damaged[at : at + 500] = bytes(min(500, len(raw) - at))
        path = tmp_path / f"{trial}{whole.suffix}"
        path.write_bytes(damaged)
        _reads_or_says_why(path, lambda path: load_speech(path).samples)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_damaged_cut_and_empty_video_gives_frames_or_one_sentence(tmp_path: Path, name: str) -> None:
    frames = [np.full((64, 96, 3), 2 * i, np.uint8) for i in range(50)]
    whole = write_video(tmp_path / name, frames, sound=tone(2.0))
    raw = whole.read_bytes()
    for trial in range(12):
        damaged = bytearray(raw)
        if trial % 2 == 0:
            damaged = damaged[: int(len(raw) * RNG.random())]
        else:
            for at in RNG.integers(0, len(raw), 20):
                damaged[at] = int(RNG.integers(256))
        path = tmp_path / f"{trial}{whole.suffix}"
        path.write_bytes(damaged)
        _reads_or_says_why(path, lambda path: np.array([frame.seconds for frame in read_frames(path)]))
        _reads_or_says_why(path, lambda path: load_speech(path).samples)


def _reads_or_says_why(path: Path, read) -> None:  # type: ignore[no-untyped-def]
    try:
        assert np.isfinite(read(path)).all()
    except MediaError as error:
        assert path.name in error.message
        assert error.hint
        assert "Errno" not in str(error)


def test_empty_files_folders_and_other_files_are_refused_in_our_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(MediaError, match=r"empty\.wav is empty \(0 bytes\)"):
        load_speech(empty)
    with pytest.raises(MediaError, match="is a folder"):
        load_speech(tmp_path)
    text = tmp_path / "notes.mp3"
    text.write_text("no sound at all " * 100)
    with pytest.raises(MediaError, match=r"notes\.mp3") as refused:
        load_speech(text)
    assert "Invalid data" not in str(refused.value)


def _grey(level: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(4, 3), (48, 85)), (Fraction(3, 4), (64, 64))])
def test_pixels_that_are_not_square_are_made_square(tmp_path: Path, aspect: Fraction, shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "sar.mp4", [_grey(90)] * 3, pixel_aspect=aspect)
    assert next(read_frames(path)).rgb.shape[:2] == shape


def test_a_cover_picture_is_skipped(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", [_grey(i) for i in range(50)])
    path = _with_cover(video, tmp_path / "cover.mkv")
    with av.open(str(path)) as container:
        assert any(stream.disposition & av.stream.Disposition.attached_pic for stream in container.streams.video)
    assert len(list(read_frames(path))) == 50


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    sound = write_audio(tmp_path / "s.mp3", tone(1.0)[None], 16000, "libmp3lame").read_bytes()
    with av.open(str(tmp_path / "c.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(_grey(90), format="rgb24")))
    picture = (tmp_path / "c.png").read_bytes()
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes([(len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0)])
    path = tmp_path / "cover.mp3"
    path.write_bytes(b"ID3\3\0\0" + size + frame + sound)
    with pytest.raises(MediaError, match=r"cover\.mp3 has only a cover picture"):
        next(read_frames(path))
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.1)


def test_raw_video_without_timestamps_has_its_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", [_grey(2 * i) for i in range(50)])
    seconds = np.array([frame.seconds for frame in read_frames(path)])
    assert len(seconds) == 50
    np.testing.assert_allclose(np.diff(seconds), 0.04, atol=1e-3)


def test_a_range_after_a_long_stretch_without_keyframes_has_every_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", [_grey(i % 200) for i in range(400)])
    seconds = [frame.seconds for frame in read_frames(path, 12.0, 12.4)]
    np.testing.assert_allclose(seconds, np.arange(300, 310) / 25, atol=0.002)


def test_a_jump_in_the_picture_of_an_hour_is_refused(tmp_path: Path) -> None:
    times = [i / 25 + (3600.0 if i >= 25 else 0.0) for i in range(50)]
    path = write_video(tmp_path / "jump.mkv", [_grey(i) for i in range(50)], times=times)
    with pytest.raises(MediaError, match=r"jump\.mkv jump from 1\.0 s to 3601\.0 s; no picture"):
        list(read_frames(path))
    assert len(list(read_frames(path, 0.0, 1.0))) == 25


def _with_cover(video: Path, path: Path) -> Path:
    """Remux with a cover picture that is larger than the video."""
    with av.open(str(path.with_suffix(".jpg")), "w", format="image2") as single:
        stream = single.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        single.mux(stream.encode(av.VideoFrame.from_ndarray(_grey(200, (480, 640)), format="rgb24")))
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        target.add_attachment("cover.jpg", "image/jpeg", path.with_suffix(".jpg").read_bytes())
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def test_require_sound_still_refuses_silence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is silent"):
        require_sound(load_speech(write_float_wav(tmp_path / "z.wav", np.zeros(16000, np.float32))))
