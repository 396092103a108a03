# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for tests, with settings named without their group."""

from __future__ import annotations

from pathlib import Path

from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.settings import MOTION_GROUPS
from core.settings_schema import setting_fields


def ask(
    audio: MediaRange,
    reference: MediaRange | None = None,
    style: Path | None = None,
    second_style: Path | None = None,
    **settings: object,
) -> MotionRequest:
    """The request with ``engine="mimic"``, ``head_amount=0.5``, ``temperature=...``, ``head=HeadSettings(...)``."""
    groups = {name: settings.pop(name) for name in MOTION_GROUPS if name in settings}
    for name, group in MOTION_GROUPS.items():
        known = [item for item in setting_fields(group) if name != "head" or item.name != "seed"]
        values = {
            item.name: settings.pop(word)
            for item in known
            for word in (item.name, *item.setting.aliases)
            if word in settings
        }
        groups.setdefault(name, group(**values))
    assert not settings, f"no settings: {', '.join(settings)}"
    return MotionRequest(audio, reference, style, second_style, **groups)  # type: ignore[arg-type]
