# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitting a style and applying it: it moves the face towards the person and never opens closed lips."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import ModelError
from core.face.basis import open_basis
from core.face.closures import SHUT_CM, closedness, keep_closures, lip_gap
from core.face.motion import Motion
from core.models.affine.apply import apply_style
from core.models.affine.fit import GAIN_RANGE, fit_gain, fit_style
from core.style.style import Style, StyleProvenance
from core.tracking.face_track import FaceTrack
from core.tracking.quality import QualityReport
from core.tracking.reference import TrackedReference

FRAMES = 250


def talking(seed: int = 0, frames: int = FRAMES) -> Motion:
    """A mouth that opens about three times a second and closes in between, with other dimensions alive."""
    basis = open_basis()
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / 25.0
    swing = np.maximum(np.sin(2 * np.pi * 2.7 * time), 0.0)[:, None]
    expression = 0.3 * np.cumsum(rng.normal(0, 0.2, (frames, 50)), axis=0) / np.sqrt(frames) * swing
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = 0.12 * swing[:, 0]
    return Motion(
        25.0,
        expression.astype(np.float32),
        jaw.astype(np.float32),
        np.zeros((frames, 3), np.float32),
        np.zeros((frames, 2, 2), np.float32),
        basis.name,
        basis.hash,
    )


def any_style(**changes: object) -> Style:
    rng = np.random.default_rng(1)
    values = {
        "name": "Ada",
        "gain": rng.uniform(0.6, 1.8, 53).astype(np.float32),
        "offset": rng.normal(0, 0.5, 53).astype(np.float32) * np.r_[np.ones(50), 0.02, 0, 0].astype(np.float32),
        "head": rng.normal(0, 0.05, (100, 3)).astype(np.float32),
        "provenance": StyleProvenance("clip.mp4", 0.0, 4.0, 4.0, 0.8, "model", open_basis().hash),
    }
    return Style(**{**values, **changes})  # type: ignore[arg-type]


def test_strength_zero_is_exactly_the_base() -> None:
    base = talking()
    found = apply_style(base, any_style(), strength=0.0)
    np.testing.assert_array_equal(found.face_vector(), base.face_vector())


def test_no_style_changes_nothing() -> None:
    base = talking()
    assert apply_style(base, None, 1.0) is base


def test_strength_scales_gain_and_offset() -> None:
    base, style = talking(), any_style()
    open_frames = closedness(lip_gap(open_basis(), base)) == 0.0
    assert open_frames.sum() > 20
    for strength in (0.5, 1.0, 1.5):
        found = apply_style(base, style, strength).expression[open_frames]
        gain, offset = 1 + strength * (style.gain[:50] - 1), strength * style.offset[:50]
        np.testing.assert_allclose(found, gain * base.expression[open_frames] + offset, atol=1e-5)


def test_the_head_is_left_as_it_is() -> None:
    base = talking()
    turned = base.replace(head=np.full((len(base), 3), 0.1, np.float32))
    np.testing.assert_array_equal(apply_style(turned, any_style(), 1.0).head, turned.head)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_style_never_opens_closed_lips(strength: float) -> None:
    base, basis = talking(), open_basis()
    # an offset that opens the mouth: a person whose lips hang open
    opener = np.zeros(53, np.float32)
    opener[50] = 0.06
    found = apply_style(base, any_style(offset=opener), strength)
    wanted, got = lip_gap(basis, base), lip_gap(basis, found)
    shut = wanted <= SHUT_CM
    assert shut.sum() > 50
    assert np.abs(got[shut] - wanted[shut]).max() < 0.01
    assert got[~shut].mean() > wanted[~shut].mean() + 0.05


def test_closing_keeps_what_the_gap_does_not_need() -> None:
    base, basis = talking(), open_basis()
    smile = np.zeros(50, np.float32)
    smile[3] = 1.0
    styled = base.replace(expression=base.expression + smile)
    kept = keep_closures(base, styled, basis)
    shut = lip_gap(basis, base) <= SHUT_CM
    # least change: the smile loses no more than the gap's own direction asks for
    change = kept.face_vector()[shut] - styled.face_vector()[shut]
    assert np.linalg.norm(change, axis=1).max() < 0.8
    assert np.abs(lip_gap(basis, kept)[shut] - lip_gap(basis, base)[shut]).max() < 0.01


def test_jaw_stays_within_what_a_mouth_can_do() -> None:
    base = talking()
    wide = base.replace(jaw=base.jaw * 3)
    found = apply_style(wide, any_style(gain=np.full(53, 2.0, np.float32)), 1.5)
    assert found.jaw[:, 0].max() <= 0.6 + 1e-6 and found.jaw[:, 0].min() >= -0.05 - 1e-6


def test_style_of_another_basis_is_refused() -> None:
    foreign = StyleProvenance("clip.mp4", 0.0, 4.0, 4.0, 0.8, "model", "another basis")
    with pytest.raises(ModelError, match="face basis"):
        apply_style(talking(), any_style(provenance=foreign), 1.0)


def test_gain_and_offset_are_found_where_the_model_explains_the_face() -> None:
    predicted = np.random.default_rng(0).normal(size=(2500, 53))
    fit = fit_gain(predicted, 1.6 * predicted + 0.3, np.ones(2500), 25.0)
    # 100 s of perfect agreement: nearly all of it is believed
    np.testing.assert_allclose(fit.gain, 1.6, atol=0.03)
    np.testing.assert_allclose(fit.offset, 0.3, atol=0.03)


def test_noise_is_not_taken_for_a_lively_face() -> None:
    rng = np.random.default_rng(0)
    fit = fit_gain(rng.normal(size=(250, 53)), 3.0 * rng.normal(size=(250, 53)), np.ones(250), 25.0)
    assert np.abs(fit.gain - 1.0).max() < 0.06


def test_short_clip_is_shrunk_more_than_a_long_one() -> None:
    predicted = np.random.default_rng(0).normal(size=(2500, 53))
    clips = [predicted[:n] for n in (25, 250, 2500)]
    gains = [float(fit_gain(clip, 1.8 * clip, np.ones(len(clip)), 25.0).gain.mean()) for clip in clips]
    assert 1.0 < gains[0] < gains[1] < gains[2] < 1.8


def test_gain_stays_in_its_range_and_dead_dimensions_stay_alone() -> None:
    predicted = np.random.default_rng(0).normal(size=(2500, 53))
    tracked = 50.0 * predicted
    predicted[:, 7] = 0.0
    fit = fit_gain(predicted, tracked, np.ones(2500), 25.0)
    assert fit.gain.max() <= GAIN_RANGE[1] and fit.gain[7] == 1.0


def test_unreliable_frames_do_not_count() -> None:
    predicted = np.random.default_rng(0).normal(size=(500, 53))
    tracked = 1.5 * predicted
    weights = np.ones(500)
    weights[250:] = 0.0
    spoiled = tracked.copy()
    spoiled[250:] += 100.0
    clean = fit_gain(predicted, tracked, weights, 25.0)
    found = fit_gain(predicted, spoiled, weights, 25.0)
    np.testing.assert_allclose(found.gain, clean.gain)
    np.testing.assert_allclose(found.offset, clean.offset)


@dataclass(frozen=True)
class EchoGenerator:
    """Predicts the same motion whatever it hears."""

    motion: Motion
    hash: str = "echo"

    def generate(self, speech: Speech) -> Motion:
        return self.motion


def reference_of(motion: Motion, speech: Speech | None) -> TrackedReference:
    count = len(motion)
    seconds = np.arange(count) / 25.0
    track = FaceTrack(
        np.zeros((count, 478, 3), np.float32),
        seconds,
        np.ones(count, bool),
        np.ones(1, np.int32),
        np.zeros(0, np.int64),
        64,
        64,
        "/clips/ada.mp4",
    )
    report = QualityReport("/clips/ada.mp4", motion.seconds, 25.0, 0.0, 200.0, 0.3, 2.0, 0.0, 0.9, ("One cut.",))
    points = np.zeros((count, 478, 3), np.float32)
    return TrackedReference(motion, track, speech, report, points, points[0], np.ones(count, np.float32))


def speech_of(level: float = 0.1) -> Speech:
    rng = np.random.default_rng(0)
    return Speech((level * rng.normal(size=10 * SAMPLE_RATE)).astype(np.float32), "/clips/ada.mp4")


def lively(base: Motion) -> Motion:
    head = np.random.default_rng(3).normal(0, 0.05, (len(base), 3)).astype(np.float32)
    return base.replace(expression=1.5 * base.expression, jaw=1.5 * base.jaw, head=head)


def test_reference_gives_gain_head_and_its_own_name() -> None:
    base = talking()
    person = lively(base)
    style = fit_style(EchoGenerator(base), reference_of(person, speech_of()))
    assert style.name == "ada"
    alive = base.expression.std(axis=0) > 1e-3
    assert style.gain[:50][alive].min() > 1.3
    np.testing.assert_array_equal(style.head, person.head)
    assert style.provenance.agreement > 0.95
    assert style.provenance.warnings == ("One cut.",)


def test_reference_without_sound_gives_its_head_only() -> None:
    base = talking()
    style = fit_style(EchoGenerator(base), reference_of(lively(base), None))
    assert (style.gain == 1.0).all() and not style.offset.any()
    assert style.head.any()
    # the tracker's report says it; saying it twice would not help
    assert style.provenance.warnings == ("One cut.",)


def test_silent_reference_gives_its_head_only_and_says_so() -> None:
    base = talking()
    style = fit_style(EchoGenerator(base), reference_of(lively(base), speech_of(0.0)))
    assert (style.gain == 1.0).all() and not style.offset.any()
    assert style.provenance.warnings[-1] == "Nothing is learnt from the sound of the reference: its sound is silent."


def test_reference_whose_sound_is_not_its_own_gives_its_head_only() -> None:
    dubbed = talking(frames=FRAMES).replace(jaw=np.roll(talking().jaw, 4, axis=0), expression=talking().expression * 0)
    style = fit_style(EchoGenerator(talking()), reference_of(dubbed, speech_of()))
    assert (style.gain == 1.0).all() and not style.offset.any()
    assert any("does not go with its mouth" in warning for warning in style.provenance.warnings)


def test_reference_without_a_reliable_frame_gives_its_head_only() -> None:
    base = talking()
    reference = dataclasses.replace(reference_of(lively(base), speech_of()), weights=np.zeros(len(base), np.float32))
    style = fit_style(EchoGenerator(base), reference)
    assert (style.gain == 1.0).all()
    assert any("hardly any frame" in warning for warning in style.provenance.warnings)


def test_style_brings_the_model_nearer_to_the_person() -> None:
    base = talking()
    person = lively(base)
    style = fit_style(EchoGenerator(base), reference_of(person, speech_of()))
    basis = open_basis()
    styled = apply_style(base, style, 1.0)
    before = np.abs(basis.landmarks(base) - basis.landmarks(person)).mean()
    after = np.abs(basis.landmarks(styled) - basis.landmarks(person)).mean()
    assert after < 0.5 * before
