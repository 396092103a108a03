# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import MediaError
from core.tracking.video import pictures_near, read_frames
from tests.media import tone, write_audio, write_video


def _grey(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def test_frames_carry_the_files_own_times_when_the_rate_varies(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.3, 0.34, 0.5]
    path = write_video(tmp_path / "vfr.mp4", [_grey(40 * i) for i in range(6)], times=times)
    frames = list(read_frames(path))
    np.testing.assert_allclose([f.seconds for f in frames], times, atol=0.002)
    np.testing.assert_allclose([f.rgb.mean() for f in frames], [40 * i for i in range(6)], atol=6)


def test_a_range_keeps_only_the_frames_shown_in_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "r.mp4", [_grey(2 * i) for i in range(100)])
    seconds = [f.seconds for f in read_frames(path, 2.0, 2.4)]
    np.testing.assert_allclose(seconds, np.arange(50, 60) / 25, atol=0.002)


def test_large_pictures_are_shrunk_and_small_ones_are_not(tmp_path: Path) -> None:
    path = write_video(tmp_path / "big.mp4", [np.zeros((240, 640, 3), np.uint8)] * 2)
    assert next(read_frames(path, longest_side=320)).rgb.shape == (120, 320, 3)
    assert next(read_frames(path)).rgb.shape == (240, 640, 3)


def test_sound_without_picture_is_refused_by_name(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "only.wav", tone(0.5)[None], 16000, "pcm_s16le")
    with pytest.raises(MediaError, match=r"only\.wav has no picture"):
        next(read_frames(path))


def test_a_truncated_file_is_refused_by_name(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mp4", [_grey(i) for i in range(50)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"cut\.mp4"):
        list(read_frames(path))


def test_a_rotation_flag_is_applied(tmp_path: Path) -> None:
    top_white = np.zeros((64, 96, 3), np.uint8)
    top_white[:32] = 255
    path = write_video(tmp_path / "turned.mp4", [top_white] * 3)
    _set_rotation_matrix(path)
    frame = next(read_frames(path))
    assert frame.rgb.shape == (96, 64, 3)
    left, right = frame.rgb[:, :24].mean(), frame.rgb[:, -24:].mean()
    # the flag says: turn clockwise by a quarter to see it upright, so its top comes to the right
    assert right > 200 > 50 > left


def _set_rotation_matrix(path: Path) -> None:
    """Write a 90 degree clockwise display matrix into the video track's header."""
    raw = bytearray(path.read_bytes())
    identity = b"\x00\x01\x00\x00" + b"\x00" * 12 + b"\x00\x01\x00\x00" + b"\x00" * 12 + b"\x40\x00\x00\x00"
    turned = b"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00" + b"\x00" * 16 + b"\x40\x00\x00\x00"
    header = raw.index(b"tkhd")
    at = raw.index(identity, header)
    raw[at : at + 36] = turned
    path.write_bytes(raw)


def test_moments_of_a_long_video_are_looked_at_near_by_and_waiting_can_be_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", [_grey(i % 200) for i in range(200)])
    # no keyframe is so near: what lies between is decoded
    found = list(pictures_near(path, [1.0, 6.0], 0.02))
    pictures = [frame for frame in found if frame is not None]
    assert len(pictures) == 2
    for frame, moment in zip(pictures, (1.0, 6.0), strict=True):
        assert frame.seconds == pytest.approx(moment, abs=0.03)
    assert found.count(None) > 3
    near = [frame for frame in pictures_near(path, [1.0, 6.0], 2.0) if frame is not None]
    assert all(moment - 2.0 <= frame.seconds <= moment for frame, moment in zip(near, (1.0, 6.0), strict=True))


def test_a_moment_behind_the_end_has_no_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", [_grey(i) for i in range(50)])
    assert all(frame is None for frame in pictures_near(path, [9.0], 1.0))
