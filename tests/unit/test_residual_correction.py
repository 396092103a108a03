# SPDX-License-Identifier: GPL-3.0-or-later
"""The gain and offset that low-rank pairs leave: found where they are, drawn to nothing where little is known."""

from __future__ import annotations

import numpy as np

from core.models.adamesh.residual_correction import ResidualCorrection, fit_residual_correction


def _spoken(frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(frames, 53)).astype(np.float32)


def test_a_gain_is_found_and_an_offset_shrunk_to_a_half() -> None:
    spoken = _spoken(3000)
    fit = fit_residual_correction(
        spoken, 1.3 * (spoken - spoken.mean(axis=0)) + spoken.mean(axis=0) + 0.2, np.ones(3000)
    )
    np.testing.assert_allclose(fit.gain, 1.3, atol=0.01)
    shifted = fit.gain * spoken + fit.offset - spoken
    # two minutes: 120 / (120 + 20)
    np.testing.assert_allclose(shifted.mean(axis=0), 0.2 * 120 / 140, atol=0.01)


def test_the_less_is_known_the_less_is_done() -> None:
    spoken = _spoken(3000)
    wanted = 1.3 * spoken + 0.2
    short, long = (fit_residual_correction(spoken[:n], wanted[:n], np.ones(n)) for n in (50, 3000))
    assert np.abs(short.offset).mean() < np.abs(long.offset).mean()
    assert np.abs(short.gain - 1).mean() < np.abs(long.gain - 1).mean()
    assert (fit_residual_correction(spoken, wanted, np.zeros(3000)).gain == 1).all()


def test_unreliable_frames_do_not_count() -> None:
    spoken = _spoken(500)
    wrong = spoken.copy()
    wrong[250:] = 9.0
    weights = np.repeat([1.0, 0.0], 250)
    fit = fit_residual_correction(spoken, wrong, weights)
    np.testing.assert_allclose(fit.gain, 1.0, atol=1e-4)
    np.testing.assert_allclose(fit.offset, 0.0, atol=1e-4)


def test_strength_scales_it_and_zero_takes_it_away() -> None:
    fit = ResidualCorrection(np.full(53, 1.4, np.float32), np.full(53, 0.2, np.float32))
    nothing, half = fit.at(0.0), fit.at(0.5)
    assert (nothing.gain == 1).all() and (nothing.offset == 0).all()
    np.testing.assert_allclose(half.gain, 1.2)
    np.testing.assert_allclose(half.offset, 0.1)


def test_values_that_never_move_keep_their_gain() -> None:
    spoken = np.zeros((200, 53), np.float32)
    assert (fit_residual_correction(spoken, spoken + 0.1, np.ones(200)).gain == 1).all()
