# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the states of the sheet's lines at hand, so that drawing looks at nothing.

They are told again a moment after the scene has changed; they lie outside the file, because they follow from it.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ..core.exchange.sheet import STATE_LABELS, LineStatus, SheetLine
from .adopt import adopt_now
from .stepping import redraw

if TYPE_CHECKING:
    from ..core.blender.sheet.digests import FileDigests

# the states wait until the artist lets go
_QUIET_SECONDS = 0.6
_TICK_SECONDS = 0.5
# of the time, so that telling the states never takes more
_LARGEST_SHARE = 0.1
# what a rig's digest is made of
_SHAPES = (bpy.types.Mesh, bpy.types.Key, bpy.types.Armature)


@dataclass(slots=True)
class _Watched:
    """The states by scene and line, what is known of files, and when the next look is due."""

    states: dict[tuple[str, SheetLine], LineStatus] = field(default_factory=dict)
    files: FileDigests | None = None
    rigs: dict[str, str] = field(default_factory=dict)
    edit: tuple[Any, ...] = ()
    changed_at: float = 0.0
    looked_at: float = 0.0
    seconds: float = 0.0


_watched = _Watched()


def file_digests() -> FileDigests:
    """What is known of files, kept for the session."""
    from ..core.blender.sheet.digests import FileDigests

    if _watched.files is None:
        _watched.files = FileDigests()
    return _watched.files


def line_status_of(scene: bpy.types.Scene, item: Any) -> LineStatus | None:
    """The state of a line of the scene as last told; None before, or since the line was changed."""
    from ..core.blender.sheet.properties import line_of

    return _watched.states.get((scene.name, line_of(item)))


def state_label(status: LineStatus) -> str:
    """The state in words."""
    label = STATE_LABELS[status.state]
    return f"{label}, edited by hand" if status.edited and status.state != "edited" else label


def count_states(scene: bpy.types.Scene) -> str:
    """How many lines are in which state, as last told."""
    found = Counter(status.state for (name, _), status in _watched.states.items() if name == scene.name)
    return ", ".join(f"{found[state]} {label.lower()}" for state, label in STATE_LABELS.items() if found[state])


def refresh_states(context: bpy.types.Context, thorough: bool = True) -> list[LineStatus]:
    """Tell the state of every line of the present scene now; ``thorough`` reads every rig again."""
    from ..core.blender.sheet.properties import lines_of
    from ..core.blender.sheet.survey import survey_sheet
    from ..core.errors import MimeshError
    from ..core.exchange.sheet import blocked
    from .properties import freeze_settings, resolve_style, scene_settings
    from .style_mix import mixed_styles

    scene, started = context.scene, time.perf_counter()
    adopt_now(scene)
    lines = lines_of(scene)
    if thorough:
        _watched.rigs.clear()
    try:
        base = freeze_settings(scene_settings(context))
        mix = mixed_styles(context)
        states = survey_sheet(scene, lines, base, resolve_style, file_digests(), _watched.rigs, mix)
    except MimeshError as error:
        states = [blocked(str(error))] * len(lines)
    _watched.states = {(scene.name, line): status for line, status in zip(lines, states, strict=True)}
    _watched.looked_at, _watched.seconds = time.monotonic(), time.perf_counter() - started
    return states


def _tick() -> float:
    """A timer's function: look once the scene has been left alone for a moment."""
    context, now = bpy.context, time.monotonic()
    scene: Any = context.scene
    if scene is None or not hasattr(scene, "mimesh_sheet") or not len(scene.mimesh_sheet.lines):
        return _TICK_SECONDS
    edit = _edit_of(scene)
    if edit != _watched.edit:
        # not every change of a strip makes Blender evaluate the scene
        _watched.edit, _watched.changed_at = edit, now
    due = max(_watched.changed_at + _QUIET_SECONDS, _watched.looked_at + _watched.seconds / _LARGEST_SHARE)
    playing = context.screen is not None and context.screen.is_animation_playing
    running = context.window_manager.mimesh_run.running  # type: ignore[attr-defined]
    if _watched.changed_at > _watched.looked_at and now >= due and not playing and not running:
        refresh_states(context, thorough=False)
        redraw(context)
    return _TICK_SECONDS


def _edit_of(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Names and places of the scene's strips; cheap."""
    from ..core.blender.compat import sequencer_strips, strip_content_start, strip_left, strip_right

    strips = sequencer_strips(scene)
    return tuple((s.name, s.channel, strip_content_start(s), strip_left(s), strip_right(s)) for s in strips)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _scene_changed(_scene: object, depsgraph: Any = None) -> None:
    _watched.changed_at = time.monotonic()
    # what is no evaluation (undo, a new file) may have changed anything
    if depsgraph is None or any(isinstance(update.id, _SHAPES) for update in depsgraph.updates):
        _watched.rigs.clear()


def _handlers() -> tuple[Any, ...]:
    handlers = bpy.app.handlers
    return handlers.depsgraph_update_post, handlers.undo_post, handlers.redo_post, handlers.load_post


def register() -> None:
    """Watch the scene."""
    for found in _handlers():
        found.append(_scene_changed)
    # without a window nobody looks
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=_TICK_SECONDS, persistent=True)


def unregister() -> None:
    """Stop watching."""
    for found in _handlers():
        found.remove(_scene_changed)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _watched.states.clear()
