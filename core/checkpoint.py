# SPDX-License-Identifier: GPL-3.0-or-later
"""Where long computations say that they go on and let themselves be cancelled, without a callback through every layer.

The engine's process runs one job at a time; it says with :func:`checked_by` who is to be told while a job runs.
Standard library only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class _Told:
    """Who is told; nobody outside a job."""

    check: Callable[[], None] | None = None
    explain: Callable[[str], None] | None = None


_told = _Told()


def checkpoint() -> None:
    """Called several times a second by whatever computes for long; raises :class:`CancelledError` when cancelled."""
    if _told.check is not None:
        _told.check()


@contextlib.contextmanager
def uninterrupted(why: str) -> Iterator[None]:
    """Around one call that can neither say a word nor be cancelled, such as the import of a large library.

    why: what a user reads meanwhile, such as "loading PyTorch". Raises :class:`CancelledError` before and after it.
    """
    if _told.explain is not None:
        _told.explain(why)
    yield
    checkpoint()


@contextlib.contextmanager
def checked_by(check: Callable[[], None], explain: Callable[[str], None] | None = None) -> Iterator[None]:
    """Inside, ``check`` is called at every checkpoint, and ``explain`` with the reason before each silence."""
    before = _told.check, _told.explain
    _told.check, _told.explain = check, explain
    try:
        yield
    finally:
        _told.check, _told.explain = before
