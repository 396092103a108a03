# SPDX-License-Identifier: GPL-3.0-or-later
"""The style library's listing for the panel.

It lies in the window manager, so that drawing never reads the disk; it is made again after every change, after a
file is loaded and when Blender has started.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import bpy

from ..core.engines import style_part_labels
from .preferences import style_folder
from .stubs import classes_factory

if TYPE_CHECKING:
    from ..core.style.library import StyleEntry, StyleLibrary

# of the parts that every engine shares; each engine names its own
_SHARED_PARTS = {"pose": "head pose", "eyes": "eyes"}


class MimeshStyleItem(bpy.types.PropertyGroup):
    """One style as the panel shows it; ``name`` comes with every group."""

    summary: bpy.props.StringProperty(description="Clip, seconds and date")
    parts: bpy.props.StringProperty()
    notes: bpy.props.StringProperty(description="Lines in plain words")
    problem: bpy.props.StringProperty(description="Why the file cannot be used; empty when it can")


class MimeshStyleList(bpy.types.PropertyGroup):
    """The library's listing; never saved, not part of undo."""

    items: bpy.props.CollectionProperty(type=MimeshStyleItem, options={"SKIP_SAVE"})
    active: bpy.props.IntProperty(name="Style", options={"SKIP_SAVE"})
    known: bpy.props.BoolProperty(description="Whether the folder was looked at", options={"SKIP_SAVE"})


def style_library(context: bpy.types.Context) -> StyleLibrary:
    """The library in the folder that the preferences name."""
    from ..core.style.library import StyleLibrary

    return StyleLibrary(style_folder(context))


def style_list(context: bpy.types.Context) -> MimeshStyleList:
    """The listing as the panel shows it."""
    return context.window_manager.mimesh_styles


def active_style(context: bpy.types.Context) -> MimeshStyleItem | None:
    """The selected line, if there is one."""
    listing = style_list(context)
    return listing.items[listing.active] if 0 <= listing.active < len(listing.items) else None


def refresh_styles(context: bpy.types.Context, select: str = "") -> None:
    """Read the folder and fill the listing; keeps the selected style unless ``select`` names another."""
    listing, before = style_list(context), active_style(context)
    select = select or (before.name if before else "")
    listing.items.clear()
    for entry in style_library(context).entries():
        _fill(listing.items.add(), entry)
    names = [item.name for item in listing.items]
    listing.active = names.index(select) if select in names else min(listing.active, max(len(names) - 1, 0))
    listing.known = True


def _fill(item: MimeshStyleItem, entry: StyleEntry) -> None:
    item.name, item.problem = entry.name, entry.problem
    if not entry.problem:
        item.summary = ", ".join(filter(None, (entry.source, f"{entry.seconds:.1f} s", entry.created[:10])))
        labels = {**_SHARED_PARTS, **style_part_labels()}
        item.parts = ", ".join(["face", "head", *(labels.get(part, part) for part in entry.parts)])
        item.notes = "\n".join(entry.warnings)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _after_load(*_: object) -> None:
    _refresh_when_possible()


def _refresh_when_possible() -> None:
    # a timer's function too: registration itself must stay light. An unreadable folder shows at the first use.
    with contextlib.suppress(OSError):
        refresh_styles(bpy.context)


_CLASSES = (MimeshStyleItem, MimeshStyleList)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """Attach the listing; it is filled as soon as Blender is ready, and after each file."""
    _register_classes()
    bpy.types.WindowManager.mimesh_styles = bpy.props.PointerProperty(type=MimeshStyleList)  # type: ignore
    bpy.app.handlers.load_post.append(_after_load)
    bpy.app.timers.register(_refresh_when_possible, first_interval=0.0)


def unregister() -> None:
    """Detach it again."""
    if bpy.app.timers.is_registered(_refresh_when_possible):
        bpy.app.timers.unregister(_refresh_when_possible)
    bpy.app.handlers.load_post.remove(_after_load)
    del bpy.types.WindowManager.mimesh_styles  # type: ignore[attr-defined]
    _unregister_classes()
