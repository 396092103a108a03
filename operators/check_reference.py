# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Reference: what can be learned from the clip, second by second, before anything is generated."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import bpy

from .engine_access import engine_client
from .generate import engine_disabled_reason, reference_disabled_reason
from .properties import busy_reason, freeze_reference, run_state, scene_settings
from .reference_picture import keep_picture
from .stepping import SteppedOperator, Steps, Told
from .stubs import classes_factory, explain

if TYPE_CHECKING:
    from ..core.client.quality_bar import QualityBar


class MIMESH_OT_check_reference(SteppedOperator, bpy.types.Operator):
    """Look at the reference and show which seconds of it are good to learn from, and why others are not"""

    bl_idname = "mimesh.check_reference"
    bl_label = "Check Reference"
    bl_options = {"INTERNAL"}

    task = "Check Reference"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        reason = check_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.sources and core.tracking.reference."""
        from ..core.blender.sources import read_reference
        from ..core.blender.watch import watch_job

        run_state(context).quality = ""
        source, _ = read_reference(context.scene, freeze_reference(scene_settings(context)))
        assert source is not None  # see poll
        job = engine_client(context).track(source)
        try:
            reference = yield from watch_job(job)
        finally:
            job.cancel()
        report = reference.report
        run_state(context).quality = json.dumps(report.to_json())
        keep_picture(reference.picture, run_state(context).quality)
        return Told(report.summary(), report.warnings)


def check_disabled_reason(context: bpy.types.Context) -> str:
    """Why the reference cannot be looked at, in one sentence; empty when it can."""
    if reason := busy_reason(context):
        return reason
    assert context.scene is not None  # busy_reason
    settings = scene_settings(context)
    if settings.reference_kind not in ("strip", "file"):
        return "Only a clip can be checked: choose a strip or a file."
    return reference_disabled_reason(context.scene, settings) or engine_disabled_reason(context)


def reference_bar(context: bpy.types.Context, most: int) -> QualityBar | None:
    """What was seen of the last reference, in at most so many cells; None before the first run."""
    return _bar_of(run_state(context).quality, most)


@functools.lru_cache(maxsize=2)
def _bar_of(text: str, most: int) -> QualityBar | None:
    # drawn with every redraw, and always the same
    if not text:
        return None
    from ..core.client.quality_bar import quality_bar

    return quality_bar(text, most)


register, unregister = classes_factory((MIMESH_OT_check_reference,))
