# SPDX-License-Identifier: GPL-3.0-or-later
"""The side-by-side film of a clip and the head that speaks its sound."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("av") is None or importlib.util.find_spec("mediapipe") is None:
    pytest.skip("needs the engine's packages beside bpy", allow_module_level=True)

from core.tracking.video import read_frames
from research.evaluation.show import write_overlays, write_side_by_side
from research.render.preview import has_software_gl

REFERENCE = Path(__file__).resolve().parents[3] / "demo" / "input" / "reference.mp4"


def test_film_shows_clip_and_head_for_the_asked_seconds(tmp_path: Path) -> None:
    if not has_software_gl():
        pytest.skip("no software OpenGL here to render with")
    film = write_side_by_side(REFERENCE, tmp_path / "film.mp4", seconds=0.4, pixels=96, styled=False)
    frames = list(read_frames(film))
    assert len(frames) == 10
    height, width = frames[0].rgb.shape[:2]
    assert height == 96
    assert width > 2 * 90
    # both halves show something
    assert frames[0].rgb[:, : width // 2].std() > 5
    assert frames[0].rgb[:, width // 2 :].std() > 5


def test_overlays_are_drawn_on_the_clip_s_own_pictures(tmp_path: Path) -> None:
    written = write_overlays(REFERENCE, tmp_path, pictures=2)
    assert len(written) == 2
    assert all(path.stat().st_size > 1000 for path in written)
