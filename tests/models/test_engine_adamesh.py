# SPDX-License-Identifier: GPL-3.0-or-later
"""A style learned inside the engine: it is kept in the style, scales with strength, and leaves the base alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.base import ChosenStyles, ignore_fraction
from core.models.adamesh import adaptation
from core.models.adamesh.generate import ExpressionGenerator
from core.models.affine.fit import fit_style
from core.style.style import Style
from tests.adapt_made import QUICK, person, spoken, trained_base


@pytest.fixture(scope="module")
def base() -> ExpressionGenerator:
    torch.set_num_threads(1)
    return trained_base()


@pytest.fixture(scope="module")
def style(base: ExpressionGenerator) -> Style:
    """Of somebody with large movements."""
    reference = person(10, 1, gain=1.6, width=0.15)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptation, "AdaptationSettings", lambda: QUICK)
        return AdaMeshBackend(base).learn(reference, fit_style(base, reference), ignore_fraction)


def _mouth(base: ExpressionGenerator, style: Style | None, strength: float) -> np.ndarray:
    styles = ChosenStyles(style, strength=strength)
    return AdaMeshBackend(base).speak(spoken(100, 9), styles, ignore_fraction).face_vector()


def test_strength_zero_is_the_base_and_more_goes_further(base: ExpressionGenerator, style: Style) -> None:
    plain = _mouth(base, None, 1.0)
    np.testing.assert_array_equal(_mouth(base, style, 0.0), plain)
    half, full = (np.abs(_mouth(base, style, s) - plain).mean() for s in (0.5, 1.0))
    assert 0 < half < full


def test_learning_and_speaking_leave_the_base_as_it_was(base: ExpressionGenerator, style: Style) -> None:
    before = {name: value.clone() for name, value in base.network.state_dict().items()}
    _mouth(base, style, 1.0)
    assert all(torch.equal(before[name], value) for name, value in base.network.state_dict().items())


def test_gain_and_offset_give_way_to_what_was_learned(style: Style) -> None:
    assert style.expression is not None and style.expression.adapter
    assert (style.gain == 1).all() and not style.offset.any()


def test_a_saved_style_speaks_as_the_one_it_was(base: ExpressionGenerator, style: Style, tmp_path: Path) -> None:
    style.save(tmp_path / "person.safetensors")
    loaded = Style.load(tmp_path / "person.safetensors")
    np.testing.assert_array_equal(_mouth(base, loaded, 1.0), _mouth(base, style, 1.0))


def test_a_style_of_another_base_speaks_plainly(base: ExpressionGenerator, style: Style) -> None:
    assert style.expression is not None
    foreign = dataclasses.replace(style, expression=dataclasses.replace(style.expression, base_hash="older"))
    np.testing.assert_array_equal(_mouth(base, foreign, 1.0), _mouth(base, None, 1.0))
