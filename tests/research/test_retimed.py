# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit selection finds the cheapest sequence, warps it to the target's time and keeps closures shut."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from core.face.basis import open_basis
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.models.speech.articulation import ARPABET
from research.corpus.clips import Clip
from research.corpus.lip_prior import as_motion
from research.corpus.phones import Phone
from research.corpus.time_warped import RetimingSettings, mix, retime
from research.corpus.unit_selection import (
    Inventory,
    PhoneSequence,
    SelectionSettings,
    build_inventory,
    cheapest_path,
    join_cost,
    render,
    select,
    source_times,
    target_cost,
)
from research.training.motion_data import MotionPair

# how far s1 would open, as the jaw's angle in radians
JAW = {"SIL": 0.0, "M": 0.0, "B": 0.0, "AA": 0.2, "IY": 0.08, "T": 0.06}


def _phones(spelt: str, seconds: float = 0.2) -> list[Phone]:
    return [Phone(name, i * seconds, (i + 1) * seconds) for i, name in enumerate(spelt.split())]


def _clip(spelt: str, seconds: float = 0.2) -> MotionPair:
    """A talker whose jaw goes to each phone's place in the middle of the phone."""
    phones = _phones(spelt, seconds)
    times = np.arange(round(phones[-1].end_seconds * 25)) / 25
    middles = [(phone.start_seconds + phone.end_seconds) / 2 for phone in phones]
    motion = np.zeros((len(times), MOTION_SIZE), np.float32)
    motion[:, EXPRESSION_SIZE] = np.interp(times, middles, [JAW[phone.name] for phone in phones])
    displacement = open_basis().displacement(as_motion(motion, open_basis(), 25.0))
    return MotionPair(Clip("test", "a", Path(spelt)), np.zeros((0, 257), np.float16), motion, displacement)


def _inventory(*spelt: str) -> Inventory:
    return build_inventory([_clip(text) for text in spelt], [_phones(text) for text in spelt])


def test_viterbi_finds_what_trying_all_paths_finds() -> None:
    rng = np.random.default_rng(3)
    nodes = [rng.uniform(size=count) for count in (3, 4, 2, 5)]
    edges = [rng.uniform(size=(len(a), len(b))) for a, b in itertools.pairwise(nodes)]

    def cost(path: tuple[int, ...]) -> float:
        along = sum(edge[i, j] for edge, (i, j) in zip(edges, itertools.pairwise(path), strict=True))
        return float(sum(node[i] for node, i in zip(nodes, path, strict=True)) + along)

    best = min(itertools.product(*(range(len(node)) for node in nodes)), key=cost)
    assert tuple(cheapest_path(nodes, edges)) == best


def test_units_that_follow_each_other_join_for_nothing() -> None:
    inventory = _inventory("SIL M AA SIL", "SIL B IY SIL")
    everything = np.arange(len(inventory))
    cost = join_cost(inventory, everything, everything)
    assert cost[1, 2] == 0.0
    # the last unit of one clip and the first of the next do not follow each other, wide open and shut do not meet
    middle_of_aa, start_of_b = 3, 8
    assert inventory.phones.name[middle_of_aa] == ARPABET.index("AA")
    assert cost[middle_of_aa, start_of_b] > 0.05


def test_the_same_words_are_given_back_as_they_were() -> None:
    inventory = _inventory("SIL M AA T SIL", "SIL B IY T SIL")
    target = PhoneSequence.of(_phones("SIL B IY T SIL"))
    units = select(target, inventory, SelectionSettings())
    # (the silences are alike in both clips)
    np.testing.assert_array_equal(units[2:5], np.flatnonzero(inventory.clip == 1)[2:5])
    made = render(target, units, inventory, 25)
    np.testing.assert_allclose(made, _clip("SIL B IY T SIL").motion, atol=1e-6)


def test_forbidden_units_are_not_used() -> None:
    inventory = _inventory("SIL M AA T SIL", "SIL M AA T SIL")
    target = PhoneSequence.of(_phones("SIL M AA T SIL"))
    forbidden = np.tile(inventory.clip == 0, (len(target), 1))
    assert (inventory.clip[select(target, inventory, SelectionSettings(), forbidden)] == 1).all()


def test_unknown_phone_takes_the_one_that_looks_alike() -> None:
    inventory = _inventory("SIL T AA SIL", "SIL M AA SIL")
    target = PhoneSequence.of(_phones("SIL P AA SIL"))
    cost = target_cost(target, 2, inventory, SelectionSettings())
    assert ARPABET[inventory.phones.name[int(cost.argmin())]] == "M"


def test_slower_speech_stretches_the_unit() -> None:
    inventory = _inventory("SIL M AA T SIL")
    target = PhoneSequence.of(_phones("SIL M AA T SIL", seconds=0.4))
    made = render(target, np.arange(len(inventory)), inventory, 50)
    # AA's middle, 0.5 s in the clip, is at 1 s now
    assert made[25, EXPRESSION_SIZE] == pytest.approx(JAW["AA"], abs=0.02)
    assert made[:, EXPRESSION_SIZE].argmax() in (24, 25, 26)


def test_long_pause_holds_the_face_instead_of_slowing_it() -> None:
    source = PhoneSequence.of(_phones("AA SIL"))
    target = PhoneSequence.of([Phone("AA", 0.0, 0.2), Phone("SIL", 0.2, 4.2)])
    times = source_times(target, np.array([1, 1, 1]), source, np.array([1, 1, 1]), np.array([0.2, 0.25, 2.0]))
    np.testing.assert_allclose(times, [0.2, 0.25, 0.3])


def test_closed_phones_take_the_most_closed_version() -> None:
    versions = np.stack([np.full((2, MOTION_SIZE), value, np.float32) for value in (0.0, 1.0)])
    openings = np.array([[0.0, 0.0], [1.0, 1.0]])
    mixed = mix(versions, openings, np.array([0.0, 10.0]))
    assert mixed[0, 0] == pytest.approx(0.5)
    assert mixed[1, 0] < 0.001


def test_retimed_speech_shuts_at_m_and_opens_at_a() -> None:
    inventory = _inventory(*["SIL M AA T SIL", "SIL B IY T SIL", "SIL T AA M SIL"] * 3)
    target = PhoneSequence.of(_phones("SIL M IY M AA T SIL"))
    made = retime(target, inventory, open_basis(), 35, RetimingSettings())
    jaw = made[:, EXPRESSION_SIZE]
    at_m, at_a = jaw[[7, 17]], jaw[22]
    assert at_m.max() < 0.3 * at_a
    assert at_a > 0.6 * JAW["AA"]
