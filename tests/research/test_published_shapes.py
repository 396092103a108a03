# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins for published networks have the published sizes and do their work on any length of speech."""

from __future__ import annotations

import pytest
import torch

from research.evaluation.published_shapes import MEASURED_THERE, SHAPES, PublishedShape
from research.evaluation.speech_towers import SpeechTower, TowerSize, noise

# millions of values, docs/papers.md 5
PUBLISHED_SIZE = {"FaceFormer": 96, "CodeTalker": 319, "DiffPoseTalk": 129, "HuBERT-large + AdaMesh release": 365}


@pytest.mark.parametrize("name", list(SHAPES))
def test_shape_has_the_published_number_of_values(name: str) -> None:
    with torch.device("meta"):
        model = SHAPES[name]()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(PUBLISHED_SIZE[name], rel=0.06)
    assert name in MEASURED_THERE


def test_speech_tower_gives_fifty_frames_a_second() -> None:
    tower = SpeechTower(TowerSize(32, 1, 2, 64)).eval()
    with torch.inference_mode():
        assert tower(noise(2.0)).shape == (1, 99, 32)


@pytest.mark.parametrize("name", ["FaceFormer", "DiffPoseTalk"])
def test_shape_runs_from_features_to_its_end(name: str) -> None:
    model: PublishedShape = SHAPES[name]().eval()
    width = model.encoder.project[1].out_features
    with torch.inference_mode():
        model.decode(torch.randn(1, 24, width), 0.5)
    assert 0 < model.share <= 1
