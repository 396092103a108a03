# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts work into batches of what is alike. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def alike(keys: Sequence[Hashable], most: int) -> Iterator[list[int]]:
    """Positions of equal keys together, at most so many at once, in the order of their first appearance."""
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    for group in groups.values():
        for first in range(0, len(group), most):
            yield group[first : first + most]


def map_alike(
    items: Sequence[T], key: Callable[[T], Hashable], most: int, work: Callable[[list[T]], Sequence[R]]
) -> list[R]:
    """``work`` on batches of alike items; the answers in the items' order."""
    found: dict[int, R] = {}
    for places in alike([key(item) for item in items], most):
        found.update(zip(places, work([items[place] for place in places]), strict=True))
    return [found[place] for place in range(len(items))]
