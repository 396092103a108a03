# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished run tells the artist, from all that it has made."""

from __future__ import annotations

import bpy

from ..client.report import GenerateReport
from ..exchange.results import MotionResult
from ..rig.description import RigDescription
from ..rig.explain import describe_match
from ..rig.plan import CurvePlan
from .apply import ApplyReport


def summed_up(
    rig: RigDescription, result: MotionResult, plan: CurvePlan, applied: ApplyReport, elapsed_seconds: float
) -> GenerateReport:
    """What a finished run has to say."""
    quality = result.reference_report
    along = tuple(line for line in describe_match(rig) if line.startswith("Keyed along"))
    notes = (*result.notes, *(quality.warnings if quality else ()), *plan.warnings)
    return GenerateReport(
        object_name=rig.object_name,
        motion_seconds=result.motion.seconds,
        keys_written=applied.keys_written,
        actions=applied.actions,
        style=result.style,
        mixed_in=result.provenance.mixed_in,
        neighbours=result.neighbours,
        codes=result.codes,
        reference=quality.summary() if quality else None,
        quality=quality,
        elapsed_seconds=elapsed_seconds,
        details=along,
        # the same sentence can come from the clip and from the style fitted on it
        notes=tuple(dict.fromkeys(note for note in notes if not quality or note not in quality.summary())),
    )


def beyond_the_end(scene: bpy.types.Scene, plan: CurvePlan) -> tuple[str, ...]:
    """A note where keys lie behind the scene's end."""
    last = round(plan.last * scene.render.frame_map_new / scene.render.frame_map_old)
    if last <= scene.frame_end:
        return ()
    return (f"The keys go on to frame {last}; the scene ends at frame {scene.frame_end}.",)
