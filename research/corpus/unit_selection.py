# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit selection: pieces of one talker's face, one per phone, chosen and re-timed to another voice's phones.

The cheapest sequence under a target cost (does the phone and its neighbours look alike) and a join cost (do the lips
meet where the pieces meet) is found by Viterbi's algorithm, as in Hunt & Black 1996 for speech.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.landmarks import LIPS
from core.face.motion import INTERNAL_FPS
from core.face.rotations import FloatArray
from core.models.speech.articulation import ARPABET, FEATURES, SILENCE_NAME, Articulation, articulations_of_arpabet
from research.corpus.phones import Phone
from research.training.motion_data import MotionPair

SILENCE = ARPABET.index(SILENCE_NAME)
# half of the longest cross-fade between two units
FADE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """Costs; a join of 1 is a jump of the lips by 1 cm. ``candidates``: units kept per phone by target cost.

    Tuned on s1's training clips without the units of the same triphone; the optimum is flat.
    """

    candidates: int = 40
    own_weight: float = 0.6
    neighbour_weight: float = 0.6
    duration_weight: float = 0.3
    join_weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PhoneSequence:
    """Phones with their neighbours: all (N,); names as places in ``ARPABET``. A silence comes as two halves."""

    name: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @classmethod
    def of(cls, phones: Sequence[Phone]) -> PhoneSequence:
        """Raises ValueError for names outside ARPAbet."""
        parts = [part for phone in phones for part in _halved(phone)]
        name = np.array([ARPABET.index(part.name) for part in parts])
        around = np.concatenate([[SILENCE], name, [SILENCE]])
        start = np.array([part.start_seconds for part in parts])
        end = np.array([part.end_seconds for part in parts])
        return cls(name, around[:-2], around[2:], start, end)

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """All units of a talker.

    phones: the units' names, neighbours and times within their clips. clip: (U,) which clip; unit i + 1 follows unit i
    where both lie in one clip. entry, exit: (U, 2, E) lip shape (cm) and its change per frame at the unit's ends.
    frames: (F, 53) all clips' motion in a row; first, last: (U,) first and last frame of the unit's clip.
    """

    phones: PhoneSequence
    clip: NDArray[np.intp]
    entry: NDArray[np.float64]
    exit: NDArray[np.float64]
    frames: NDArray[np.float32]
    first: NDArray[np.intp]
    last: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.phones)


def build_inventory(pairs: Sequence[MotionPair], phones: Sequence[Sequence[Phone]]) -> Inventory:
    """Units of clips with their phones; the pairs' displacement gives the lips at the joins."""
    sequences = [PhoneSequence.of(track) for track in phones]
    entries, exits, firsts, lasts, clips = [], [], [], [], []
    begin = 0
    for index, (pair, sequence) in enumerate(zip(pairs, sequences, strict=True)):
        lips = lip_shape(pair.displacement[:, LIPS])
        entries.append(_edge(lips, sequence.start))
        exits.append(_edge(lips, sequence.end))
        clips.append(np.full(len(sequence), index))
        firsts.append(np.full(len(sequence), begin))
        begin += len(pair.motion)
        lasts.append(np.full(len(sequence), begin - 1))
    joined = PhoneSequence(*(np.concatenate([getattr(s, field) for s in sequences]) for field in _SEQUENCE_FIELDS))
    return Inventory(
        phones=joined,
        clip=np.concatenate(clips),
        entry=np.concatenate(entries),
        exit=np.concatenate(exits),
        frames=np.concatenate([pair.motion for pair in pairs]),
        first=np.concatenate(firsts),
        last=np.concatenate(lasts),
    )


_SEQUENCE_FIELDS = ("name", "left", "right", "start", "end")


def lip_shape(lips: FloatArray) -> NDArray[np.float64]:
    """(T, 40, 3) lip displacement to (T, 4) cm: opening, width, both lips' height, protrusion."""
    upper, lower = lips[:, _INNER_UPPER].mean(axis=1), lips[:, _INNER_LOWER].mean(axis=1)
    width = lips[:, _CORNER_LEFT, 0] - lips[:, _CORNER_RIGHT, 0]
    height = (upper[:, 1] + lower[:, 1]) / 2
    return np.stack([upper[:, 1] - lower[:, 1], width, height, lips[:, :, 2].mean(axis=1)], axis=1).astype(np.float64)


# places within LIPS
_INNER_UPPER = np.flatnonzero(np.isin(LIPS, (13, 82, 312)))
_INNER_LOWER = np.flatnonzero(np.isin(LIPS, (14, 87, 317)))
_CORNER_RIGHT = int(np.flatnonzero(LIPS == 61)[0])
_CORNER_LEFT = int(np.flatnonzero(LIPS == 291)[0])


def select(
    target: PhoneSequence,
    inventory: Inventory,
    settings: SelectionSettings,
    forbidden: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """(N,) units for the target's phones. forbidden: (N, U), units that a phone must not use (for tests of it)."""
    choices, costs = [], []
    for index in range(len(target)):
        cost = target_cost(target, index, inventory, settings)
        if forbidden is not None:
            cost = np.where(forbidden[index], np.inf, cost)
        best = np.argpartition(cost, min(settings.candidates, len(cost) - 1))[: settings.candidates]
        best = best[np.isfinite(cost[best])]
        choices.append(best)
        costs.append(cost[best])
    joins = [
        settings.join_weight * join_cost(inventory, before, after) for before, after in itertools.pairwise(choices)
    ]
    path = cheapest_path(costs, joins)
    return np.array([choice[place] for choice, place in zip(choices, path, strict=True)])


def target_cost(
    target: PhoneSequence, index: int, inventory: Inventory, settings: SelectionSettings
) -> NDArray[np.float64]:
    """(U,) how badly each unit would stand for one phone of the target."""
    tables, units = _distances(), inventory.phones
    name = int(target.name[index])
    cost = settings.own_weight * tables.own[name, units.name]
    neighbours = tables.last[int(target.left[index]), units.left] + tables.first[int(target.right[index]), units.right]
    cost = cost + settings.neighbour_weight * neighbours
    if name != SILENCE:
        # silences are not stretched but held, see source_times
        ratio = (target.end[index] - target.start[index]) / np.maximum(units.end - units.start, 0.01)
        cost = cost + settings.duration_weight * np.abs(np.log(np.maximum(ratio, 0.01)))
    return np.asarray(cost)


def join_cost(inventory: Inventory, before: NDArray[np.intp], after: NDArray[np.intp]) -> NDArray[np.float64]:
    """(A, B) jump of the lips, cm, in place plus in change per frame; 0 where the units follow each other."""
    jump = np.linalg.norm(inventory.exit[before][:, None] - inventory.entry[after][None], axis=-1).sum(axis=-1)
    follows = (before[:, None] + 1 == after[None]) & (inventory.clip[before][:, None] == inventory.clip[after][None])
    return np.where(follows, 0.0, jump)


def cheapest_path(node_costs: Sequence[NDArray[np.float64]], edge_costs: Sequence[NDArray[np.float64]]) -> list[int]:
    """Viterbi: the choice per step with the least sum of node_costs[i] (K_i,) and edge_costs[i] (K_i, K_i+1)."""
    total = node_costs[0]
    came_from = []
    for node, edge in zip(node_costs[1:], edge_costs, strict=True):
        ways = total[:, None] + edge
        came_from.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + node
    path = [int(total.argmin())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return path[::-1]


def render(
    target: PhoneSequence, units: NDArray[np.intp], inventory: Inventory, frame_count: int
) -> NDArray[np.float32]:
    """(frame_count, 53) at 25 fps: each unit warped to its phone's time, cross-faded round the boundaries."""
    seconds = np.arange(frame_count) / INTERNAL_FPS
    own = np.clip(np.searchsorted(target.end, seconds, side="right"), 0, len(target) - 1)
    other, share = _cross_fade(target, own, seconds)
    mixed = (1 - share[:, None]) * _sample(target, own, units, inventory, seconds)
    mixed += share[:, None] * _sample(target, other, units, inventory, seconds)
    return mixed.astype(np.float32)


def _cross_fade(
    target: PhoneSequence, own: NDArray[np.intp], seconds: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The neighbouring phone at the nearer boundary of each time, and its share in the mix (0 to a half)."""
    nearer_left = seconds - target.start[own] < target.end[own] - seconds
    other = np.clip(np.where(nearer_left, own - 1, own + 1), 0, len(target) - 1)
    distance = np.where(nearer_left, seconds - target.start[own], target.end[own] - seconds)
    length = target.end - target.start
    half = np.minimum(FADE_SECONDS, np.minimum(length[own], length[other]) / 2)
    reach = np.clip(distance / np.maximum(half, 1e-6), 0.0, 1.0)
    # raised cosine: a half each on the boundary
    return other, np.where(other == own, 0.0, 0.5 * (1 - np.sin(np.pi / 2 * reach)))


def _sample(
    target: PhoneSequence, phone: NDArray[np.intp], units: NDArray[np.intp], inventory: Inventory, seconds: FloatArray
) -> NDArray[np.float64]:
    unit = units[phone]
    position = source_times(target, phone, inventory.phones, unit, seconds) * INTERNAL_FPS + inventory.first[unit]
    position = np.clip(position, inventory.first[unit], inventory.last[unit])
    low = np.minimum(position.astype(int), inventory.last[unit] - 1)
    blend = (position - low)[:, None]
    return np.asarray((1 - blend) * inventory.frames[low] + blend * inventory.frames[low + 1])


def source_times(
    target: PhoneSequence,
    phone: NDArray[np.intp],
    source: PhoneSequence,
    unit: NDArray[np.intp],
    seconds: FloatArray,
) -> NDArray[np.float64]:
    """Time in the unit's clip for each time of the target: linear within the phone, at natural pace outside it.

    Half a silence keeps its pace from the side where speech is, and holds its still end.
    """
    start, end = target.start[phone], target.end[phone]
    low, high = source.start[unit], source.end[unit]
    inside = np.clip((seconds - start) / np.maximum(end - start, 1e-6), 0.0, 1.0)
    warped = low + inside * (high - low)
    before, after = np.minimum(seconds - start, 0.0), np.maximum(seconds - end, 0.0)
    silent = target.name[phone] == SILENCE
    closing = silent & (target.left[phone] != SILENCE)
    opening = silent & (target.left[phone] == SILENCE)
    warped = np.where(closing, np.minimum(low + np.maximum(seconds - start, 0.0), high), warped)
    warped = np.where(opening, np.maximum(high - np.maximum(end - seconds, 0.0), low), warped)
    return np.asarray(warped + before + after)


def _halved(phone: Phone) -> list[Phone]:
    if phone.name != SILENCE_NAME:
        return [phone]
    middle = (phone.start_seconds + phone.end_seconds) / 2
    return [Phone(SILENCE_NAME, phone.start_seconds, middle), Phone(SILENCE_NAME, middle, phone.end_seconds)]


def _edge(lips: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2, 4) lip shape and its change per frame at the given times."""
    change = np.gradient(lips, axis=0)
    frame = np.clip(np.round(seconds * INTERNAL_FPS).astype(int), 0, len(lips) - 1)
    return np.stack([lips[frame], change[frame]], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _DistanceTables:
    """(40, 40) each, over ``ARPABET``: the whole phones, their last and their first sounds."""

    own: NDArray[np.float64]
    last: NDArray[np.float64]
    first: NDArray[np.float64]


@functools.lru_cache(maxsize=1)
def _distances() -> _DistanceTables:
    sounds = [articulations_of_arpabet(name) for name in ARPABET]
    first = np.array([[articulation_distance(a[0], b[0]) for b in sounds] for a in sounds])
    last = np.array([[articulation_distance(a[-1], b[-1]) for b in sounds] for a in sounds])
    # two phones of one articulation (AA and AO by some charts) are still not the same
    other = 0.1 * (1 - np.eye(len(sounds)))
    return _DistanceTables((first + last) / 2 + other, last + other, first + other)


# how much a difference in each of FEATURES shows on a face
_VISIBLE = (0.1, 0.5, 0.5, 0.6, 0.3, 1.0, 3.0)


def articulation_distance(a: Articulation, b: Articulation) -> float:
    """0 for the same articulation; features count by how much they show. Heights one step apart count a third."""
    total = 0.0
    for feature, weight, i, j in zip(FEATURES, _VISIBLE, a.indices(), b.indices(), strict=True):
        if i == j:
            continue
        steps = abs(i - j) / 3 if feature.name == "height" and min(i, j) > 0 else 1.0
        total += weight * steps
    return total
