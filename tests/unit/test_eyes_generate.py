# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated blinks and gaze: the person's numbers over ten minutes, the same for the same seed, off is off."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.audio.speech import Speech
from core.errors import ModelError, SettingsError
from core.face.basis import open_basis
from core.face.blink_events import find_blinks
from core.face.landmarks import BROW_LEFT, BROW_RIGHT, IRIS_LEFT, IRIS_RIGHT, LIPS
from core.face.lids import SHUT_LIDS_CM, lid_chart, lid_gaps, lid_opening
from core.face.motion import EXPRESSION_SIZE
from core.models.eyes.apply import eyes_for
from core.models.eyes.blinks import blink_closure, closure_of, plan_blinks
from core.models.eyes.gaze import LIMITS_RADIANS, NATURAL_SPREAD_RADIANS, gaze_motion, look_about
from core.models.eyes.measure import NATURAL_EYES, burstiness
from core.models.eyes.pauses import speech_pauses
from core.settings import EyesSettings
from core.style.parts import EyesPart
from tests.eyes_fixtures import FPS, resting, talk

pytestmark = pytest.mark.slow

TEN_MINUTES = 15_000
PEOPLE = {
    "natural": NATURAL_EYES,
    "often and short": EyesPart(40.0, 0.17, 0.37, 1.9, 1.0),
    "long, evenly, while speaking": EyesPart(50.0, 0.38, 0.25, 0.75, 1.0),
    "in bursts": EyesPart(24.0, 0.22, 0.55, 1.0, 1.0),
}


@pytest.fixture(scope="module")
def pauses() -> np.ndarray:
    return speech_pauses(talk(600.0), FPS, TEN_MINUTES)


@pytest.mark.parametrize("part", PEOPLE.values(), ids=PEOPLE.keys())
def test_ten_minutes_show_the_person_s_numbers(part: EyesPart, pauses: np.ndarray) -> None:
    plans = [plan_blinks(part, pauses, FPS, np.random.default_rng(seed)) for seed in range(4)]
    opening = [1.0 - closure_of(plan, TEN_MINUTES, FPS) for plan in plans]
    found = [find_blinks(lids, np.ones(TEN_MINUTES, bool), FPS) for lids in opening]
    starts = [np.array([blink.start_seconds for blink in blinks]) for blinks in found]
    assert np.mean([len(blinks) / 10 for blinks in found]) == pytest.approx(part.blinks_per_minute, rel=0.1)
    seconds = np.mean([blink.seconds for blinks in found for blink in blinks])
    assert seconds == pytest.approx(part.blink_seconds, rel=0.1)
    assert np.mean([burstiness(np.diff(times)) for times in starts]) == pytest.approx(part.clustering, abs=0.06)
    inside = np.concatenate([pauses[(times * FPS).astype(int)] for times in starts]).mean()
    assert inside / pauses.mean() == pytest.approx(part.pause_share, rel=0.2)


def test_blinks_do_not_thin_out_or_gather_over_ten_minutes(pauses: np.ndarray) -> None:
    part = EyesPart(30.0, 0.2, 0.3, 1.0, 1.0)
    times = [
        blink.start_seconds
        for seed in range(6)
        for blink in plan_blinks(part, pauses, FPS, np.random.default_rng(seed))
    ]
    per_minute = np.histogram(times, bins=10, range=(0, 600))[0] / 6
    assert np.abs(per_minute - 30).max() < 5


def test_blinks_never_overlap_and_none_is_cut_by_the_ends(pauses: np.ndarray) -> None:
    hurried = EyesPart(90.0, 0.3, 0.6, 2.5, 1.0)
    for seed in range(20):
        frames = 60 + 37 * seed
        plan = plan_blinks(hurried, pauses[:frames], FPS, np.random.default_rng(seed))
        assert all(b.start_seconds > a.mostly_open_seconds for a, b in itertools.pairwise(plan))
        closure = closure_of(plan, frames, FPS)
        assert closure[0] == closure[-1] == 0.0
        assert 0.0 <= closure.min() <= closure.max() <= 1.0


def test_each_full_blink_is_shut_for_two_frames_and_falls_faster_than_it_rises(pauses: np.ndarray) -> None:
    plan = plan_blinks(NATURAL_EYES, pauses[:3000], FPS, np.random.default_rng(3))
    closure = closure_of(plan, 3000, FPS)
    full = [blink for blink in plan if blink.depth == 1.0]
    assert len(full) > 0.7 * len(plan) > 10
    for blink in full:
        shut = round(blink.shut_seconds * FPS)
        np.testing.assert_array_equal(closure[shut : shut + 2], 1.0)
        assert closure[shut - 3] < 0.05
        assert closure[shut + 3] > closure[shut - 2]


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_clips_too_short_for_a_blink_have_none(frames: int, pauses: np.ndarray) -> None:
    often = EyesPart(60.0, 0.2, 0.3, 1.0, 1.0)
    assert not blink_closure(often, pauses[:frames], FPS, np.random.default_rng(0)).any()


def test_person_who_never_blinks_does_not(pauses: np.ndarray) -> None:
    assert plan_blinks(EyesPart(0.0, 0.2, 0.3, 1.0, 1.0), pauses, FPS, np.random.default_rng(0)) == ()


def test_full_closure_shuts_the_lids_and_leaves_lips_and_brows() -> None:
    basis, chart = open_basis(), lid_chart(open_basis())
    rest = np.zeros((1, EXPRESSION_SIZE), np.float32)
    moved = np.tensordot(chart.closed(rest, np.ones(1))[0].astype(float), basis.directions, axes=1)
    assert lid_gaps(basis.neutral).max() > 0.8
    gaps = lid_gaps(basis.neutral + moved)
    assert gaps.min() > 0.0
    assert gaps.max() < 0.08
    # centimetres
    assert np.linalg.norm(moved[LIPS], axis=1).max() < 0.01
    assert np.linalg.norm(moved[np.concatenate([BROW_LEFT, BROW_RIGHT])], axis=1).max() < 0.1


def test_lids_shut_from_wherever_the_motion_has_them() -> None:
    chart = lid_chart(open_basis())
    values = np.random.default_rng(0).normal(0, 0.25, (40, EXPRESSION_SIZE))
    before, after = chart.gaps_of(values), chart.gaps_of(chart.closed(values, np.ones(40)))
    assert np.ptp(before.mean(axis=1)) > 0.2
    assert after.max() < SHUT_LIDS_CM + 0.06
    np.testing.assert_allclose(chart.closure_of(chart.closed(values, np.ones(40))), 1.0, atol=0.06)
    # opened again, no gap is under the resting one by more than what the basis cannot do
    assert (chart.gaps_of(chart.opened(values)) - chart.rest).min() > -0.1


def test_settings_off_leave_every_bit() -> None:
    motion, speech = resting(500), talk(20.0)
    off = eyes_for(motion, speech, NATURAL_EYES, EyesSettings(blinks=False, gaze_amount=0.0))
    for name in ("expression", "jaw", "head", "gaze"):
        assert getattr(off, name).tobytes() == getattr(motion, name).tobytes()
    no_gaze = eyes_for(motion, speech, None, EyesSettings(gaze_amount=0.0))
    assert no_gaze.gaze.tobytes() == motion.gaze.tobytes()
    no_blinks = eyes_for(motion, speech, None, EyesSettings(blinks=False))
    assert no_blinks.expression.tobytes() == motion.expression.tobytes()


def test_between_blinks_the_face_keeps_every_bit_and_at_blinks_the_lids_meet() -> None:
    motion, speech = resting(1500), talk(60.0)
    eyes = eyes_for(motion, speech, None, EyesSettings(), seed=2)
    basis = open_basis()
    changed = (eyes.expression != motion.expression).any(axis=1)
    assert 0.02 < changed.mean() < 0.35
    opening = lid_opening(basis.landmarks(eyes.replace(gaze=motion.gaze)))
    assert 12 <= len(find_blinks(opening, np.ones(1500, bool), FPS)) <= 30
    assert np.percentile(opening, 1) < 0.1
    lips = basis.landmarks(eyes)[:, LIPS] - basis.landmarks(motion)[:, LIPS]
    assert np.linalg.norm(lips, axis=-1).max() < 0.01
    np.testing.assert_array_equal(eyes.jaw, motion.jaw)
    np.testing.assert_array_equal(eyes.head, motion.head)


def test_seed_decides_everything_and_blinks_do_not_depend_on_gaze() -> None:
    motion, speech = resting(750), talk(30.0)
    one, same = (eyes_for(motion, speech, None, EyesSettings(), seed=5) for _ in range(2))
    other = eyes_for(motion, speech, None, EyesSettings(), seed=6)
    no_gaze = eyes_for(motion, speech, None, EyesSettings(gaze_amount=0.0), seed=5)
    assert one.expression.tobytes() == same.expression.tobytes()
    assert one.gaze.tobytes() == same.gaze.tobytes()
    assert not np.allclose(one.expression, other.expression)
    assert not np.allclose(one.gaze, other.gaze)
    assert one.expression.tobytes() == no_gaze.expression.tobytes()
    # Blender's integers may be negative
    assert len(eyes_for(motion, speech, None, EyesSettings(), seed=-1)) == 750


def test_motion_of_another_basis_is_refused() -> None:
    with pytest.raises(ModelError, match="face basis"):
        eyes_for(resting(50).replace(basis_hash="f" * 64), talk(2.0), None, EyesSettings())


def test_amount_out_of_range_is_refused() -> None:
    with pytest.raises(SettingsError, match="Gaze is 3; it must lie between 0 and 2"):
        EyesSettings(gaze_amount=3.0)


def test_gaze_of_ten_minutes_stays_about_the_centre_within_what_eyes_do() -> None:
    still = np.zeros((TEN_MINUTES, 3))
    gaze = gaze_motion(still, FPS, 1.0, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(gaze[:, 0], gaze[:, 1])
    assert (np.abs(gaze) <= LIMITS_RADIANS).all()
    each_minute = gaze[:, 0].reshape(10, -1, 2).mean(axis=1)
    assert np.degrees(np.abs(each_minute)).max() < 1.5
    assert np.degrees(np.abs(gaze[:, 0].mean(axis=0))).max() < 0.4
    # most of the time it is on the synthesiser
    assert (np.linalg.norm(gaze[:, 0], axis=1) < np.radians(2.5)).mean() > 0.6
    spread = np.sqrt((gaze[:, 0].astype(float) ** 2).mean())
    assert spread == pytest.approx(NATURAL_SPREAD_RADIANS, rel=0.1)


def test_eyes_jump_between_fixations_and_rest_in_them() -> None:
    aim = look_about(3000, FPS, np.random.default_rng(4))
    steps = np.degrees(np.linalg.norm(np.diff(aim, axis=0), axis=1))
    assert (steps < 0.01).mean() > 0.85
    moves = np.flatnonzero(steps > 0.01)
    # a saccade of ten degrees lasts 50 ms: no more than two frames in a row
    longest = max(len(run) for run in np.split(moves, np.flatnonzero(np.diff(moves) > 1) + 1))
    assert longest <= 3


@pytest.mark.parametrize("amount", [0.5, 1.0, 2.0])
def test_amount_scales_the_gaze(amount: float) -> None:
    still = np.zeros((2000, 3))
    full = gaze_motion(still, FPS, 0.3, 1.0, np.random.default_rng(1))
    scaled = gaze_motion(still, FPS, 0.3, amount, np.random.default_rng(1))
    np.testing.assert_allclose(scaled, amount * full, atol=np.radians(0.5))


def test_eyes_hold_their_aim_while_the_head_turns() -> None:
    motion = resting(1000)
    gaze = gaze_motion(motion.head, FPS, 0.0, 1.0, np.random.default_rng(0))
    sum_of_both = gaze[:, 0] + motion.head[:, :2]
    assert np.abs(sum_of_both).max() < 0.35 * np.abs(motion.head).max()
    # the iris goes against the head's turn: a head turned to its left has its eyes to the right
    turned = np.zeros((1, 3))
    turned[0, 1] = 0.2
    basis = open_basis()
    shown = basis.landmarks(resting(1).replace(gaze=gaze_motion(turned, FPS, 0.0, 1.0, np.random.default_rng(0))))
    iris = np.concatenate([IRIS_LEFT, IRIS_RIGHT])
    assert (shown[0, iris, 0] < basis.landmarks(resting(1))[0, iris, 0]).all()


def test_speech_shorter_or_longer_than_the_motion_is_no_trouble() -> None:
    motion = resting(250)
    for seconds in (0.0, 3.0, 14.0):
        speech = talk(seconds) if seconds else Speech(np.zeros(0, np.float32), "nothing")
        assert len(eyes_for(motion, speech, None, EyesSettings())) == 250
