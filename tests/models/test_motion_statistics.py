# SPDX-License-Identifier: GPL-3.0-or-later
"""What a style is read against: statistics by hand, and what shows in which of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.face.basis import open_basis
from core.face.landmarks import CHIN_POINTS, STABLE
from core.face.region_chart import JAW, OPENING, region_chart
from core.models.mimic.motion_statistics import MotionStatistics
from core.models.mimic.space import REGION_COUNT, SPACE_SIZE, landmark_space

# the first coordinate is the only region, in centimetres
REGIONS = torch.eye(SPACE_SIZE)[:, :1]


def _swinging(size: float, rest: float = 0.0) -> torch.Tensor:
    motion = torch.zeros(1, 8, SPACE_SIZE)
    motion[0, :, 0] = rest + size * torch.tensor([1.0, -1.0] * 4)
    return motion


def test_mean_amplitude_and_speed_by_hand() -> None:
    course = MotionStatistics.of(_swinging(0.5, rest=3.0), REGIONS)
    assert course.mean[0, 0].item() == pytest.approx(3.0)
    assert course.amplitude.item() == pytest.approx(0.5, rel=1e-4)
    assert course.speed.item() == pytest.approx(1.0, rel=1e-4)


def test_a_single_frame_has_neither_amplitude_nor_speed() -> None:
    course = MotionStatistics.of(torch.ones(2, 1, SPACE_SIZE), REGIONS)
    assert course.amplitude.max().item() < 1e-4 and course.speed.max().item() == 0.0


def test_who_does_what_is_expected_shows_nothing() -> None:
    course = MotionStatistics.of(_swinging(0.5), REGIONS)
    assert (course.relative_to(course) == 0).all()


def test_a_neutral_face_shows_in_the_mean_and_an_amplitude_in_its_log_ratio() -> None:
    expected = MotionStatistics.of(_swinging(0.5), REGIONS)
    moved = MotionStatistics.of(_swinging(0.5, rest=2.0), REGIONS).relative_to(expected)
    assert moved[0, 0].item() == pytest.approx(2.0) and moved[0, SPACE_SIZE:].abs().max().item() < 1e-4
    doubled = MotionStatistics.of(_swinging(1.0), REGIONS).relative_to(expected)
    assert doubled[0, :SPACE_SIZE].abs().max().item() < 1e-4
    # 0.02 cm are nobody's style
    assert doubled[0, SPACE_SIZE].item() == pytest.approx(math.log(1.02 / 0.52), rel=1e-3)
    assert doubled[0, SPACE_SIZE + 1].item() == pytest.approx(math.log(2.02 / 1.02), rel=1e-3)


def test_samples_without_sound_get_the_population_statistics() -> None:
    first, other = (MotionStatistics.of(_swinging(size).expand(2, -1, -1), REGIONS) for size in (0.5, 1.0))
    chosen = first.where(torch.tensor([True, False]), other)
    assert chosen.amplitude[:, 0].tolist() == pytest.approx([0.5, 1.0], rel=1e-4)


def test_regions_of_coordinates_are_the_charts_and_the_chins_height() -> None:
    basis = open_basis()
    space, chart = landmark_space(basis), region_chart(basis)
    assert space.regions.shape == (SPACE_SIZE, REGION_COUNT)
    values = np.random.default_rng(0).normal(size=(1, SPACE_SIZE)).astype(np.float32) @ space.decode
    given = (values @ space.encode) @ space.regions
    wanted = values @ chart.signals
    assert given[0, OPENING] == pytest.approx(wanted[0, OPENING], abs=1e-4)
    shown = (values[0, :50] @ basis.directions.reshape(50, -1)).reshape(-1, 3)
    chin = shown[CHIN_POINTS, 1].mean() - shown[STABLE, 1].mean()
    jawless = given[0, JAW] - (values[0, 50:] @ basis.hinge_axis) * space.regions[50, JAW] / 0.05
    assert jawless == pytest.approx(chin, abs=1e-3)
