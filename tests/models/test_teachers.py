# SPDX-License-Identifier: GPL-3.0-or-later
"""Teachers for free speech: what they say is averaged, kept, and taken as it is by the network that ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.adamesh.network import ExpressionNetwork, NetworkConfig
from core.adamesh.speaker import run_windows
from core.training import teachers as module
from core.training.expression import ExpressionSettings, teacher_settings
from core.training.expression_data import FaceSource, SamplingSettings
from core.training.feature_bank import FacePair
from core.training.teachers import TeachingSettings, taught_pairs

FEATURES = 6
TINY = NetworkConfig(
    feature_size=FEATURES,
    width=16,
    heads=2,
    hidden=32,
    encoder_blocks=1,
    decoder_blocks=1,
    style_blocks=1,
    style_hidden=32,
    postnet_channels=8,
)


def _network(seed: int) -> ExpressionNetwork:
    torch.manual_seed(seed)
    return ExpressionNetwork(TINY).eval()


def _spoken(lengths: tuple[int, ...]) -> list[FacePair]:
    rng = np.random.default_rng(0)
    return [
        FacePair(
            f"voice {index}",
            rng.normal(size=(2, 2 * frames, FEATURES)).astype(np.float16),
            np.zeros((frames, 53), np.float32),
            np.zeros(12, np.float32),
        )
        for index, frames in enumerate(lengths)
    ]


def test_a_recording_is_given_the_mean_of_what_the_teachers_say_to_its_own_voice(tmp_path: Path) -> None:
    spoken, teachers = _spoken((40, 25)), [_network(1), _network(2)]
    taught = taught_pairs(spoken, teachers, tmp_path)
    for before, after in zip(spoken, taught, strict=True):
        said = [run_windows(teacher, torch.from_numpy(before.features[0].astype(np.float32))) for teacher in teachers]
        np.testing.assert_allclose(after.motion, np.mean(said, axis=0), atol=1e-6)
        assert (after.features is before.features, after.person) == (True, before.person)


def test_what_a_teacher_said_is_kept_until_it_or_the_speech_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken, asked = _spoken((30,)), []
    run = run_windows
    monkeypatch.setattr(module, "run_windows", lambda network, heard: asked.append(len(heard)) or run(network, heard))
    for _ in range(2):
        taught_pairs(spoken, [_network(1)], tmp_path)
    assert asked == [60]
    taught_pairs(spoken, [_network(2)], tmp_path)
    taught_pairs(_spoken((31,)), [_network(1)], tmp_path)
    assert asked == [60, 60, 62]


def test_teachers_differ_and_half_of_them_saw_filmed_faces_alone() -> None:
    teaching = TeachingSettings()
    teachers = list(teaching.teachers())
    assert len({teacher.name for teacher in teachers}) == len({teacher.seed for teacher in teachers}) == 4
    assert sum("retimed" in dict(teacher.shares) for teacher in teachers) == 2
    assert {teacher.reach for teacher in teachers} == {8, None}
    settings = teacher_settings(ExpressionSettings(), teaching, teachers[1])
    assert (settings.network.reach, settings.schedule.steps, settings.sampling.batch) == (None, 300, 8)
    assert settings.loss == ExpressionSettings().loss


def test_taught_motion_is_the_average_talkers_already_and_not_moved_again() -> None:
    """A filmed talker of mean 4 among one of mean 0 is to speak at 2 where no style is shown; taught motion stays."""
    sampling = SamplingSettings(batch=16, crop_frames=20, reference_frames=10, varied_share=0.0, style_share=0.0)
    rng = np.random.default_rng(1)
    filmed = [
        replace(pair, motion=(mean + rng.normal(size=(80, 53))).astype(np.float32))
        for pair, mean in zip(_spoken((80, 80)), (0.0, 4.0), strict=True)
    ]
    taught = [replace(pair, motion=np.full((80, 53), 7.0, np.float32)) for pair in _spoken((80,))]
    for group, pairs, expected in (("grid", filmed, 2.0), ("taught", taught, 7.0)):
        source = FaceSource({"grid": filmed, group: pairs}, replace(sampling, shares=((group, 1.0),)))
        drawn = source.draw(np.random.default_rng(0)).motion
        assert drawn.mean().item() == pytest.approx(expected, abs=0.3)
