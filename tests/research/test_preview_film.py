# SPDX-License-Identifier: GPL-3.0-or-later
"""Films and contact sheets written by the preview."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from core.audio.decode import load_speech
from core.errors import MediaError
from core.tracking.video import read_frames
from research.render import film

FPS = 25


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Thirty grey pictures that get brighter."""
    paths = []
    for index in range(30):
        paths.append(tmp_path / f"{index:03d}.png")
        film.write_picture(np.full((64, 96, 3), 8 * index, np.uint8), paths[-1])
    return paths


def test_pictures_come_back_as_they_were_written(pictures: list[Path]) -> None:
    assert (film.read_picture(pictures[7]) == 56).all()


def test_film_keeps_every_frame_at_its_time(pictures: list[Path], tmp_path: Path) -> None:
    film.write_film(pictures, FPS, None, tmp_path / "film.mp4")
    frames = list(read_frames(tmp_path / "film.mp4"))
    assert [round(frame.seconds * FPS) for frame in frames] == list(range(30))
    assert [abs(frame.rgb.mean() - 8 * index) < 4 for index, frame in enumerate(frames)] == [True] * 30


def test_film_sound_is_in_step_with_the_picture(pictures: list[Path], tmp_path: Path) -> None:
    sound = np.zeros(round(30 / FPS * film.AUDIO_RATE), np.float32)
    click = round(0.6 * film.AUDIO_RATE)
    sound[click : click + 480] = 0.8 * np.sin(np.arange(480) * 0.3)
    film.write_film(pictures, FPS, sound, tmp_path / "film.mp4")
    heard = load_speech(tmp_path / "film.mp4")
    loud = np.abs(heard.samples)
    assert abs(int(loud.argmax()) / 16_000 - 0.605) < 0.01


def test_read_sound_cuts_and_pads_to_the_wanted_length(pictures: list[Path], tmp_path: Path) -> None:
    film.write_film(pictures, FPS, np.full(48_000, 0.25, np.float32), tmp_path / "film.mp4")
    assert len(film.read_sound(tmp_path / "film.mp4", 0.5, 3.0)) == 3 * film.AUDIO_RATE


def test_contact_sheet_fills_rows_and_leaves_white(tmp_path: Path) -> None:
    film.contact_sheet([np.zeros((20, 30, 3), np.uint8)] * 4, 3, tmp_path / "sheet.png")
    sheet = film.read_picture(tmp_path / "sheet.png")
    assert sheet.shape == (44, 98, 3)
    assert (sheet[30:, 40:] == 255).all()
    assert (sheet[:20, :30] == 0).all()


def test_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing\.png"):
        film.read_picture(tmp_path / "nothing.png")
