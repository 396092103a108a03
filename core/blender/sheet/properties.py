# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet as it is kept in the scene: saved with the file, part of undo. Registered by whoever needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from ...engines import engines
from ...errors import SettingsError
from ...exchange.sheet import SheetLine

KINDS = (
    ("strip", "Strip", "A strip of the sequencer; its place and trim are followed"),
    ("channel", "Channel", "All sound strips of a channel, taken as one speech"),
    ("file", "File", "A sound or video file that begins at a frame"),
)
AS_PANEL = "panel"
_ENGINES = (
    (AS_PANEL, "As in Panel", "The engine that the Lip Sync panel names"),
    *((entry.name, entry.label, entry.help) for entry in engines()),
)


def _is_mesh(self: MimeshSheetLine, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


class MimeshSheetLine(bpy.types.PropertyGroup):
    """One line of dialogue; see :class:`core.exchange.sheet.SheetLine`."""

    kind: bpy.props.EnumProperty(name="Source", items=KINDS)
    source: bpy.props.StringProperty(name="Sound", description="Name of the strip, number of the channel, or file")
    character: bpy.props.PointerProperty(
        name="Character", description="The mesh of the face that speaks", type=bpy.types.Object, poll=_is_mesh
    )
    engine: bpy.props.EnumProperty(name="Engine", items=_ENGINES)
    style: bpy.props.StringProperty(
        name="Style", description="Style of this line; empty takes the reference of the Lip Sync panel"
    )
    note: bpy.props.StringProperty(name="Note", description="A note of your own")
    first_frame: bpy.props.FloatProperty(name="Begins At", description="Frame at which the file begins", default=1.0)
    locked: bpy.props.BoolProperty(name="Lock", description="Leave this line's keys alone, whatever changes")


class MimeshSheet(bpy.types.PropertyGroup):
    """The lines of a scene."""

    lines: bpy.props.CollectionProperty(type=MimeshSheetLine)
    active: bpy.props.IntProperty(name="Line")


_CLASSES = (MimeshSheetLine, MimeshSheet)


def register_sheet() -> None:
    """Attach the sheet to scenes."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.mimesh_sheet = bpy.props.PointerProperty(type=MimeshSheet)  # type: ignore


def ensure_sheet() -> None:
    """Attach it where no extension has: in a plain bpy."""
    if not hasattr(bpy.types.Scene, "mimesh_sheet"):
        register_sheet()


def unregister_sheet() -> None:
    """Detach it; the lines stay in the file as custom properties."""
    with contextlib.suppress(AttributeError):
        del bpy.types.Scene.mimesh_sheet  # type: ignore[attr-defined]
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)


def scene_sheet(scene: bpy.types.Scene) -> MimeshSheet:
    """The sheet of a scene."""
    return scene.mimesh_sheet  # type: ignore[attr-defined, no-any-return]


def line_of(item: MimeshSheetLine) -> SheetLine:
    """A line as plain data."""
    return SheetLine(
        kind=item.kind,
        source=item.source,
        character=item.character.name if item.character is not None else "",
        engine="" if item.engine == AS_PANEL else item.engine,
        style=item.style,
        note=item.note,
        first_frame=float(item.first_frame) if item.kind == "file" else None,
        locked=item.locked,
    )


def lines_of(scene: bpy.types.Scene) -> tuple[SheetLine, ...]:
    """All lines of the scene."""
    return tuple(map(line_of, scene_sheet(scene).lines))


def fill_item(item: MimeshSheetLine, line: SheetLine, scene: bpy.types.Scene) -> None:
    """Write plain data into a line of the scene; see :func:`require_usable`."""
    item.kind, item.source, item.note, item.locked = line.kind, line.source, line.note, line.locked
    item.character = bpy.data.objects.get(line.character) if line.character else None
    item.engine, item.style = line.engine or AS_PANEL, line.style
    item.first_frame = float(scene.frame_start) if line.first_frame is None else line.first_frame


def require_usable(lines: Iterable[SheetLine]) -> None:
    """Raises :class:`SettingsError` for a character or an engine that is not there, before anything is written."""
    known = {entry.name for entry in engines()}
    for line in lines:
        found: Any = bpy.data.objects.get(line.character) if line.character else None
        if line.character and (found is None or found.type != "MESH"):
            raise SettingsError(
                f'The sheet names the character "{line.character}" for {Path(line.source).name}, and there is no such '
                "mesh in this file.",
                "Correct the name in the sheet, or rename the mesh.",
            )
        if line.engine and line.engine not in known:
            raise SettingsError(
                f'The sheet names the engine "{line.engine}" for {Path(line.source).name}.',
                f"Use one of {', '.join(sorted(known))}.",
            )


def replace_lines(scene: bpy.types.Scene, lines: tuple[SheetLine, ...]) -> None:
    """Make these the lines of the scene. Raises :class:`SettingsError` before anything is written."""
    require_usable(lines)
    sheet = scene_sheet(scene)
    sheet.lines.clear()
    for line in lines:
        fill_item(sheet.lines.add(), line, scene)
    sheet.active = 0
