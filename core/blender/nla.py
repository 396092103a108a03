# SPDX-License-Identifier: GPL-3.0-or-later
"""What every writer of NLA strips needs."""

from __future__ import annotations

from typing import Any


def place_strip(strip: Any, played: tuple[float, float], shown: tuple[float, float]) -> None:
    """Let a strip play the frames ``played`` of its action at the frames ``shown``: the first and the last of both."""
    # the ends must not pass each other on their way
    strip.action_frame_end = max(played[1], strip.action_frame_end)
    strip.action_frame_start, strip.action_frame_end = played
    strip.frame_end = max(shown[1], strip.frame_end)
    strip.frame_start, strip.frame_end = shown
