# SPDX-License-Identifier: GPL-3.0-or-later
"""A style never costs a closure: the bundled networks in the style of somebody whose mouth is never shut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.audio.speech import Speech
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.base import Backend, ChosenStyles
from core.engine.backends.mimic import MimicBackend
from core.engine.context import open_context
from core.engine.speaking import speak
from core.face.basis import open_basis
from core.face.closures import SHUT_CM, gap_gradient, lip_gap
from core.face.motion import Motion
from core.models.affine.fit import fit_style
from core.models.affine.likeness import ALONE, fit_likeness
from core.style.parts import ExpressionPart, MimicPart
from core.style.style import Style
from tests.adapt_made import reference

pytestmark = pytest.mark.slow
SPEECH = Path(__file__).resolve().parents[2] / "demo" / "input" / "speech.ogg"


@pytest.fixture(scope="module")
def speech() -> Speech:
    return load_speech(SPEECH, 0.0, 6.0)


@pytest.fixture(scope="module", params=["adamesh", "mimic"])
def backend(request: pytest.FixtureRequest) -> Backend:
    context = open_context("cpu", "bundled")
    return (AdaMeshBackend if request.param == "adamesh" else MimicBackend).load(context)


@pytest.fixture(scope="module")
def lively(backend: Backend, speech: Speech) -> Style:
    """Moves nearly twice as far, about a mouth that hangs open by 3 mm."""
    gradient = gap_gradient(open_basis())
    opened = (0.3 * gradient / (gradient @ gradient)).astype(np.float32)
    mean = backend.speak(speech, ChosenStyles(), lambda fraction: None).face_vector()
    face = 1.8 * mean + opened
    seen = reference(face.astype(np.float32), speech)
    everywhere = np.ones(len(mean))
    if isinstance(backend, MimicBackend):
        style = fit_style(backend.generator, seen)
        code = backend.generator.style_code(seen.motion, speech)
        likeness = fit_likeness(mean, mean, face, everywhere, ALONE)
        return _with(style, mimic=MimicPart(code, backend.hash, likeness))
    assert isinstance(backend, AdaMeshBackend)
    nobody = np.zeros(backend.generator.network.config.width, np.float32)
    gain = np.full(53, 1.8, np.float32)
    likeness = fit_likeness(mean, face, face, everywhere)
    part = ExpressionPart({}, (), 0.0, backend.hash, nobody, np.zeros(12, np.float32), gain, opened, likeness)
    return _with(fit_style(backend.generator, seen), expression=part)


def _with(style: Style, **parts: object) -> Style:
    import dataclasses

    plain = {"gain": np.ones(53, np.float32), "offset": np.zeros(53, np.float32)}
    return dataclasses.replace(style, **plain, **parts)  # type: ignore[arg-type]


def _gap(motion: Motion) -> np.ndarray:
    return lip_gap(open_basis(), motion)


def test_lips_that_shut_without_the_style_shut_in_it_however_strong(
    backend: Backend, lively: Style, speech: Speech
) -> None:
    plain = speak(backend, speech, ChosenStyles()).motion
    shut = _gap(plain) < SHUT_CM
    assert shut.sum() > 10
    for strength in (0.5, 1.0, 1.5):
        styled = speak(backend, speech, ChosenStyles(lively, strength=strength)).motion
        assert _gap(styled)[shut].max() < SHUT_CM + 0.01
        # and it is a style: elsewhere the mouth opens further
        assert np.percentile(_gap(styled), 90) > np.percentile(_gap(plain), 90)


def test_without_the_constraint_the_style_would_open_them(backend: Backend, lively: Style, speech: Speech) -> None:
    shut = _gap(speak(backend, speech, ChosenStyles()).motion) < SHUT_CM
    bare = backend.speak(speech, ChosenStyles(lively, strength=1.5), lambda fraction: None)
    assert _gap(bare)[shut].max() > SHUT_CM + 0.02


def test_strength_zero_is_exactly_the_mean_speaker(backend: Backend, lively: Style, speech: Speech) -> None:
    plain = speak(backend, speech, ChosenStyles()).motion
    none = speak(backend, speech, ChosenStyles(lively, strength=0.0))
    assert none.plain is None
    np.testing.assert_array_equal(none.motion.face_vector(), plain.face_vector())
