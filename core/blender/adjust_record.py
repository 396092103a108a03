# SPDX-License-Identifier: GPL-3.0-or-later
"""How a line is adjusted, as it is noted with the line's action. Main thread only."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import bpy

from ..adjust_settings import AdjustSettings, TidyMiss
from ..direct.tidy import tidied
from ..rig.description import RigDescription
from ..rig.plan import CurvePlan
from ..settings import BakeSettings
from .kept import KeptLine, kept_lines
from .tags import ADJUST_PROPERTY, record


def adjust_json(settings: AdjustSettings, missed: TidyMiss | None = None, rough: bool = False) -> str:
    """For the line's action. rough: its keys have new values and wait to be tidied anew."""
    noted: dict[str, Any] = {"adjust": settings.to_json()}
    if missed is not None:
        noted["missed"] = dataclasses.asdict(missed)
    if rough:
        noted["rough"] = True
    return json.dumps(noted)


def line_adjust(line: KeptLine) -> AdjustSettings:
    """How a line is adjusted at present: as it was generated, where nothing was changed."""
    noted = _noted(line).get("adjust")
    if noted is not None:
        return AdjustSettings.from_json(noted, lenient=True)
    ease = bake_of(line).ease_seconds
    return AdjustSettings(ease_in_seconds=ease, ease_out_seconds=ease)


def tidy_miss(line: KeptLine) -> TidyMiss | None:
    """Where the line's tidied keys are further off than was allowed."""
    noted = _noted(line).get("missed")
    return None if noted is None else TidyMiss(**noted)


def is_rough(line: KeptLine) -> bool:
    """Whether the line waits to be tidied anew."""
    return bool(_noted(line).get("rough", False))


def carried_adjust(obj: bpy.types.Object, sound: str, bake: BakeSettings) -> AdjustSettings | None:
    """How the line of this sound is adjusted, for the same line made again; None where it is not."""
    line = next((found for found in kept_lines(obj) if found.line.sound == sound), None)
    if line is None or ADJUST_PROPERTY not in bpy.data.actions[line.action]:
        return None
    settings = line_adjust(line)
    if bake.ease_seconds == bake_of(line).ease_seconds:
        return settings
    # chosen anew since
    return dataclasses.replace(settings, ease_in_seconds=bake.ease_seconds, ease_out_seconds=bake.ease_seconds)


def adjusted_plan(plan: CurvePlan, rig: RigDescription, settings: AdjustSettings) -> CurvePlan:
    """The plan of a line that is made again, as tidy as the line was, with a note of how it is adjusted."""
    plan = tidied(plan, rig, settings.tidy_mm, settings.keys_on)
    told = () if plan.missed is None else (plan.missed.sentence(settings),)
    return dataclasses.replace(plan, adjust_json=adjust_json(settings, plan.missed), warnings=(*plan.warnings, *told))


def bake_of(line: KeptLine) -> BakeSettings:
    """How the line was written."""
    noted = json.loads(line.provenance_json) if line.provenance_json else {}
    return BakeSettings.from_json(noted.get("bake", {}), lenient=True)


def _noted(line: KeptLine) -> dict[str, Any]:
    action = bpy.data.actions.get(line.action)
    return {} if action is None else record(action, ADJUST_PROPERTY)
