# SPDX-License-Identifier: GPL-3.0-or-later
"""Style-varied copies: what was asked for is what a measurement finds, and lips that touch stay touching."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.face.basis import open_basis
from core.face.closures import SHUT_CM, gap_of_vectors
from core.face.landmarks import BROW_LEFT, BROW_RIGHT, MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE, Motion
from core.face.region_chart import SIGNALS, region_chart
from research.evaluation.regions import REGIONS, region_signals
from research.training.style_variation import StyleParameters, draw_parameters, smoothed, vary

FRAMES = 200


@pytest.fixture(scope="module")
def speech_like() -> NDArray[np.float32]:
    """(T, 53): an opening mouth whose width, lips, brows and lids move too, each at its own pace; never shut."""
    chart = region_chart(open_basis())
    seconds = np.arange(FRAMES) / 25.0
    signals = np.zeros((FRAMES, len(SIGNALS)))
    signals[:, 0] = 0.6 + 0.35 * np.sin(2 * np.pi * 2.3 * seconds)
    signals[:, 1] = 0.15 * np.sin(2 * np.pi * 1.7 * seconds + 1)
    signals[:, 2] = 0.08 * np.sin(2 * np.pi * 1.1 * seconds + 2)
    signals[:, 3] = 0.05 * np.sin(2 * np.pi * 0.4 * seconds)
    signals[:, 4] = 0.05 * np.sin(2 * np.pi * 0.3 * seconds)
    signals[:, 5] = 0.06 + 0.03 * np.sin(2 * np.pi * 2.3 * seconds)
    return (signals @ chart.directions).astype(np.float32)


def landmarks(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    basis = open_basis()
    still = np.zeros((len(vectors), 3), np.float32)
    gaze = np.zeros((len(vectors), 2, 2), np.float32)
    expression, jaw = vectors[:, :EXPRESSION_SIZE], vectors[:, EXPRESSION_SIZE:]
    return basis.landmarks(Motion(25.0, expression, jaw, still, gaze, basis.name, basis.hash))


def amplitudes(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    return region_signals(landmarks(vectors)).std(axis=0)


def test_no_variation_gives_the_input_bit_for_bit(speech_like: NDArray[np.float32]) -> None:
    copy = vary(speech_like, StyleParameters())
    assert copy is not speech_like
    np.testing.assert_array_equal(copy, speech_like)
    assert draw_parameters(np.random.default_rng(0), amount=0.0) == StyleParameters()


@pytest.mark.parametrize(
    ("region", "parameter", "gain"),
    [
        ("opening", "opening_gain", 1.4),
        ("opening", "opening_gain", 0.6),
        ("width", "width_gain", 1.5),
        ("rounding", "rounding_gain", 0.6),
        ("brows", "brow_gain", 2.0),
        ("lids", "lid_gain", 1.3),
    ],
)
def test_the_measured_amplitude_grows_by_the_gain(
    speech_like: NDArray[np.float32], region: str, parameter: str, gain: float
) -> None:
    ratio = amplitudes(vary(speech_like, StyleParameters(**{parameter: gain}))) / amplitudes(speech_like)
    index = REGIONS.index(region)
    assert ratio[index] == pytest.approx(gain, rel=0.05)
    # the chin follows the opening, and the lips' profile its jaw; everything else stays
    kept = [i for i, name in enumerate(REGIONS) if i != index and name not in ("jaw", "rounding")]
    np.testing.assert_allclose(ratio[kept], 1.0, rtol=0.02)


def test_jaw_share_turns_the_jaw_at_equal_opening(speech_like: NDArray[np.float32]) -> None:
    varied = vary(speech_like, StyleParameters(jaw_share=1.5))
    ratio = varied[:, EXPRESSION_SIZE].std() / speech_like[:, EXPRESSION_SIZE].std()
    assert ratio == pytest.approx(1.5, rel=0.02)
    before, after = (gap_of_vectors(open_basis(), v) for v in (speech_like, varied))
    np.testing.assert_allclose(after, before, atol=0.005)


def test_asymmetry_moves_one_side_more(speech_like: NDArray[np.float32]) -> None:
    points = landmarks(vary(speech_like, StyleParameters(asymmetry=0.2)))
    corners = np.abs(points[:, [MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT], 0]).std(axis=0)
    assert corners[0] / corners[1] == pytest.approx(1.2 / 0.8, rel=0.05)
    left, right = (points[:, brow, 1].mean(axis=1).std() for brow in (BROW_LEFT, BROW_RIGHT))
    assert left / right == pytest.approx(1.2 / 0.8, rel=0.05)


def test_spreading_and_brow_activity_follow_the_opening(speech_like: NDArray[np.float32]) -> None:
    before = region_signals(landmarks(speech_like))
    after = region_signals(landmarks(vary(speech_like, StyleParameters(spreading=0.2, brow_activity=0.3))))
    change = after - before
    opening = speech_like @ region_chart(open_basis()).signals[:, 0]
    np.testing.assert_allclose(change[:, 1], 0.2 * opening, atol=0.02)
    np.testing.assert_allclose(change[:, 3], 0.3 * smoothed(opening, 6.0), atol=0.02)


def test_offsets_move_the_resting_face_only(speech_like: NDArray[np.float32]) -> None:
    parameters = StyleParameters(width_offset=0.1, rounding_offset=0.05, brow_offset=-0.05, lid_offset=0.03)
    before, after = (region_signals(landmarks(v)) for v in (speech_like, vary(speech_like, parameters)))
    change = (after - before)[:, 1:5]
    np.testing.assert_allclose(change.mean(axis=0), [0.1, 0.05, -0.05, 0.03], atol=0.005)
    np.testing.assert_allclose(change.std(axis=0), 0.0, atol=0.005)


def test_smoothing_slows_and_sharpening_quickens(speech_like: NDArray[np.float32]) -> None:
    def speed(vectors: NDArray[np.float32]) -> float:
        return float(np.abs(np.diff(gap_of_vectors(open_basis(), vectors))).mean())

    lazy, crisp = (vary(speech_like, StyleParameters(smoothing=value)) for value in (0.6, -0.4))
    assert speed(lazy) < 0.95 * speed(speech_like) < 0.95 * speed(crisp)


def test_lips_that_touch_stay_touching_whatever_is_drawn() -> None:
    chart = region_chart(open_basis())
    seconds = np.arange(FRAMES) / 25.0
    signals = np.zeros((FRAMES, len(SIGNALS)))
    signals[:, 0] = 0.5 * np.maximum(np.sin(2 * np.pi * 2.7 * seconds), 0.0)
    signals[:, 1] = 0.1 * np.sin(2 * np.pi * 1.3 * seconds)
    signals[:, 5] = 0.1 * signals[:, 0]
    closing = (signals @ chart.directions).astype(np.float32)
    gap = gap_of_vectors(chart.basis, closing)
    shut = gap < SHUT_CM
    assert shut.sum() > 50
    rng = np.random.default_rng(3)
    for _ in range(40):
        varied = gap_of_vectors(chart.basis, vary(closing, draw_parameters(rng)))
        np.testing.assert_allclose(varied[shut], gap[shut], atol=0.01)
        assert varied[~shut].min() > SHUT_CM - 0.01


def test_the_same_generator_state_draws_the_same_style() -> None:
    first, second = (draw_parameters(np.random.default_rng(5)) for _ in range(2))
    assert first == second != draw_parameters(np.random.default_rng(6))


@pytest.mark.parametrize("changes", [{"opening_gain": -1.0}, {"asymmetry": 2.0}, {"width_offset": float("nan")}])
def test_impossible_parameters_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"gains|asymmetry|finite"):
        StyleParameters(**changes)


def test_motion_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="53"):
        vary(np.zeros((10, MOTION_SIZE - 1), np.float32), StyleParameters(width_gain=2.0))
