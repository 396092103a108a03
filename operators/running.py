# SPDX-License-Identifier: GPL-3.0-or-later
"""The generators that run in a window just now, so that disabling the extension ends them too."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

_running: list[Generator[Any, None, Any]] = []


def begin(steps: Generator[Any, None, Any]) -> None:
    """A run has begun."""
    _running.append(steps)


def end(steps: Generator[Any, None, Any]) -> None:
    """A run has ended, or ends here; it leaves the scene as it was."""
    steps.close()
    if steps in _running:
        _running.remove(steps)


def stop_runs() -> None:
    """End them all."""
    while _running:
        _running.pop().close()
