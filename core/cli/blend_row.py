# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of a batch in Blender: opens the row's .blend, keys its character, saves a copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.row import Row
from ..client.choices import GenerateSettings, SourceChoice
from ..errors import SettingsError
from .generate import read_speech_of, speech_choice, watched

if TYPE_CHECKING:
    from ..client.client import EngineClient


def generate_row(row: Row, partial: Path, client: EngineClient) -> dict[str, Any]:
    """Write the keyed file to ``partial``; returns what is told of it. Raises :class:`MimeshError`."""
    from ..blender.blend_file import find_character, open_blend, open_scene, save_blend
    from ..blender.session import request_steps
    from ..blender.sheet.noted import CommandedLine
    from ..blender.sources import read_reference

    if row.blend is None:
        raise SettingsError(f"Row {row.number} has no blend to key.", "Name the .blend in the column blend.")
    open_blend(row.blend)
    scene = open_scene(row.scene)
    choice = speech_choice(row.strips, row.channel, row.audio.path if row.audio else None)
    speech, _, notes = read_speech_of(scene, choice, row.audio, row.first_frame)
    reference = None
    if row.reference_strip is not None:
        reference, _ = read_reference(scene, SourceChoice("strip", row.reference_strip))
    settings = GenerateSettings(
        object_name=find_character(row.object_name), speech=choice, bake=row.bake, **row.groups
    )
    request = row.request(speech.media, reference)
    report = watched(request_steps(scene, settings, request, speech.first_frame, client))
    line = CommandedLine(settings, request, row.audio, row.first_frame, row.reference_strip)
    line.note(scene, report.actions)
    save_blend(partial)
    return {
        "object": report.object_name,
        "keys": report.keys_written,
        "actions": list(report.actions),
        "seconds": report.motion_seconds,
        "style": report.style.name if report.style else None,
        "notes": [*report.notes, *notes],
    }
