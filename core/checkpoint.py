# SPDX-License-Identifier: GPL-3.0-or-later
"""Where long computations let themselves be cancelled, without a callback handed through every layer.

The engine's process runs one job at a time; it says with :func:`checked_by` who is to be asked while a job runs.
Standard library only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class _Asked:
    """Who is asked; nobody outside a job."""

    check: Callable[[], None] | None = None


_asked = _Asked()


def checkpoint() -> None:
    """Called several times a second by whatever computes for long; raises :class:`CancelledError` when cancelled."""
    if _asked.check is not None:
        _asked.check()


@contextlib.contextmanager
def checked_by(check: Callable[[], None]) -> Iterator[None]:
    """``check`` is called at every checkpoint inside."""
    before, _asked.check = _asked.check, check
    try:
        yield
    finally:
        _asked.check = before
