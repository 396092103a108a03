# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks found in lids, and a manner drawn to the natural default in proportion to what was seen."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from core.face.blink_events import find_blinks, lid_noise
from core.face.series import runs
from core.models.eyes.measure import NATURAL_EYES, EyesEvidence, TrackedEyes, burstiness, eyes_part, observe
from core.models.eyes.pauses import speech_pauses
from core.style.parts import EyesPart
from tests.eyes_fixtures import FPS, blinking_lids, talk


def everywhere(lids: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.ones(len(lids), bool)


def tracked(lids: NDArray[np.float64], seed: int = 0, **changes: object) -> TrackedEyes:
    """Lids with steady eyes and head, and speech of the same length."""
    still = np.zeros((len(lids), 3))
    eyes = TrackedEyes(lids, still[:, :2], still, np.ones(len(lids)), talk(len(lids) / FPS, seed), FPS)
    return dataclasses.replace(eyes, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [1.0, 0.55])
def test_blinks_and_half_blinks_are_found_where_they_are(depth: float) -> None:
    starts = [0.5, 2.02, 2.5, 7.31, 9.6]
    lids = blinking_lids(12.0, starts, depth)
    found = find_blinks(lids, everywhere(lids), FPS)
    np.testing.assert_allclose([blink.start_seconds for blink in found], starts, atol=0.05)
    np.testing.assert_allclose([blink.depth for blink in found], depth, atol=0.15)
    # a fifth of the depth down, four fifths of the way up: 0.8 * 0.08 + 0.8 * 0.2 s
    np.testing.assert_allclose([blink.seconds for blink in found], 0.224, atol=0.05)


def test_looking_down_slowly_and_nodding_are_no_blinks() -> None:
    time = np.arange(250) / FPS
    slow = 1.0 - 0.6 * np.exp(-(((time - 4.0) / 0.6) ** 2))
    nodding = 1.0 - 0.15 * np.sin(2 * np.pi * 1.5 * time)
    for lids in (slow, nodding):
        assert find_blinks(lids, everywhere(lids), FPS) == ()


def test_eyes_that_stay_shut_are_no_blink() -> None:
    lids = blinking_lids(10.0, [1.0])
    lids[100:200] = 0.15
    assert len(find_blinks(lids, everywhere(lids), FPS)) == 1


def test_frames_without_a_face_count_neither_as_blinks_nor_as_time() -> None:
    lids = blinking_lids(10.0, [1.0, 6.0])
    weights = np.ones(len(lids))
    weights[125:] = 0.0
    seen = observe(tracked(lids, weights=weights))
    assert len(seen.blinks) == 1
    assert seen.seconds == pytest.approx(5.0)


def test_pauses_lie_where_nobody_speaks() -> None:
    speech = talk(30.0)
    frames = 750
    loud = np.abs(speech.samples[: frames * 640].reshape(frames, 640)).max(axis=1) > 0.05
    found = speech_pauses(speech, FPS, frames)
    assert (found == ~loud).mean() > 0.95
    assert all(end - start >= 5 for start, end in runs(found))


def test_sound_without_pauses_has_none_and_after_the_sound_there_is_silence() -> None:
    speech = talk(5.0)
    steady = dataclasses.replace(speech, samples=np.full(80_000, 0.1, np.float32))
    assert not speech_pauses(steady, FPS, 125).any()
    assert speech_pauses(steady, FPS, 150)[125:].all()


def test_no_evidence_is_the_default_and_much_evidence_is_the_person() -> None:
    assert eyes_part([]) == NATURAL_EYES
    lids = blinking_lids(300.0, list(np.arange(2.0, 298.0, 1.5)))
    part = eyes_part([observe(tracked(lids))])
    assert part.blinks_per_minute == pytest.approx(40, rel=0.06)
    assert part.clustering < 0.05
    assert part.gaze_activity < 0.3


def test_short_clips_move_the_default_a_little() -> None:
    lids = blinking_lids(4.0, [0.5, 1.5, 2.5, 3.2])
    short = eyes_part([observe(tracked(lids))])
    long = eyes_part([observe(tracked(lids, seed)) for seed in range(20)])
    assert NATURAL_EYES.blinks_per_minute < short.blinks_per_minute < 33
    assert long.blinks_per_minute > 50


def test_jittery_lids_weigh_nothing() -> None:
    lids = blinking_lids(20.0, [1.0, 5.0])
    noisy = lids + np.random.default_rng(0).normal(0, 0.12, len(lids))
    assert lid_noise(lids, everywhere(lids)) < 0.03
    assert observe(tracked(lids)).weight == 1.0
    assert observe(tracked(noisy)).weight < 0.3


def test_blinks_in_pauses_are_told_from_blinks_in_speech() -> None:
    speech = talk(120.0)
    pauses = runs(speech_pauses(speech, FPS, 3000))
    talking = [(a, b) for (_, a), (b, _) in itertools.pairwise(pauses)]
    in_pauses = blinking_lids(120.0, [start / FPS + 0.06 for start, _ in pauses[1:-1]])
    in_speech = blinking_lids(120.0, [(a + b) / 2 / FPS for a, b in talking])
    fond, averse = (eyes_part([observe(tracked(lids, speech=speech))]) for lids in (in_pauses, in_speech))
    assert fond.pause_share > 2.0
    assert averse.pause_share < 0.5


def test_eyes_that_only_hold_their_aim_do_not_look_about() -> None:
    time = np.arange(750) / FPS
    head = np.stack([0.1 * np.sin(time), 0.2 * np.sin(0.7 * time), 0 * time], axis=1)
    about = np.where((time % 4 < 1)[:, None], np.radians([3.0, 8.0]), 0.0)
    lids = blinking_lids(30.0, [3.0])
    holding = observe(tracked(lids, gaze=-0.5 * head[:, :2], head=head))
    looking = observe(tracked(lids, gaze=about - 0.5 * head[:, :2], head=head))
    assert np.degrees(holding.gaze_spread_radians) < 0.1
    assert np.degrees(looking.gaze_spread_radians) == pytest.approx(2.6, rel=0.2)


def test_clip_without_sound_still_gives_the_rate() -> None:
    lids = blinking_lids(60.0, list(np.arange(1.0, 58.0, 2.0)))
    part = eyes_part([observe(tracked(lids, speech=None))])
    assert part.pause_share == pytest.approx(NATURAL_EYES.pause_share)
    assert part.blinks_per_minute > 26


def test_empty_clip_is_the_default() -> None:
    seen = observe(tracked(np.zeros(0), speech=None))
    assert isinstance(seen, EyesEvidence)
    assert eyes_part([seen]) == NATURAL_EYES


def test_burstiness_is_nothing_when_even_and_a_half_by_chance() -> None:
    assert burstiness(np.full(9, 3.0)) == 0.0
    assert burstiness(np.random.default_rng(0).exponential(1.0, 20_000)) == pytest.approx(0.5, abs=0.01)


def test_part_survives_the_style_file_s_form() -> None:
    part = eyes_part([observe(tracked(blinking_lids(20.0, [1.0, 5.0])))])
    assert EyesPart.from_tensors(part.to_tensors()) == part
