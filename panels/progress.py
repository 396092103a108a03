# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run stands, and the button that ends it: the same in every sub-panel that starts one."""

from __future__ import annotations

import bpy

from ..operators.properties import MimeshRun
from ..operators.sentences import translated
from .words import draw_words


def draw_progress(layout: bpy.types.UILayout, run: MimeshRun) -> None:
    """Stage, bar and Cancel."""
    column = layout.column(align=True)
    draw_words(column, f"{translated(run.stage)}…", bpy.context)
    column.progress(factor=run.fraction, text=_progress_text(run))
    column.operator("mimesh.cancel", text="Cancel (Esc)", icon="CANCEL")


def _progress_text(run: MimeshRun) -> str:
    percent = f"{run.fraction:.0%}"
    return percent if run.seconds_left < 0 else translated(f"{percent}, {run.seconds_left:.0f} s left")
