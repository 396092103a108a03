# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes to a line: the playhead, the strip and the character. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...exchange.sheet import SheetLine
from .. import compat
from ..read_scene import find_strip, sound_strips_on_channel
from ..session import find_object


def show_line(scene: bpy.types.Scene, line: SheetLine) -> None:
    """Raises :class:`MimeshError` where the strip or the character is gone."""
    strips = _strips(scene, line)
    face = find_object(line.character) if line.character else None
    for other in compat.sequencer_strips(scene) if strips else ():
        other.select = other in strips
    if strips and scene.sequence_editor is not None:
        scene.sequence_editor.active_strip = strips[0]
    first = min(map(compat.strip_left, strips)) if strips else line.first_frame or scene.frame_start
    scene.frame_set(round(first))
    layer = bpy.context.view_layer
    if face is not None and layer is not None and face.name in layer.objects:
        layer.objects.active = face


def _strips(scene: bpy.types.Scene, line: SheetLine) -> list[Any]:
    if line.kind == "strip":
        return [find_strip(scene, line.source)]
    if line.kind == "channel" and line.source.isdecimal():
        return sound_strips_on_channel(scene, int(line.source))
    return []
