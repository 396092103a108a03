# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast this machine is at the moment, so that tests can bound work in units of other work instead of seconds."""

from __future__ import annotations

import time


def pace_seconds() -> float:
    """Processor seconds of one fixed piece of Python work (about 0.1 s on a quiet core of 2024), the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        total = 0
        for number in range(1_500_000):
            total += number & 7
        best = min(best, time.process_time() - started)
    return best
