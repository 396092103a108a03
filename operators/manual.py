# SPDX-License-Identifier: GPL-3.0-or-later
"""Right click > Online Manual: from a button to its place in the manual, which comes with the extension."""

from __future__ import annotations

from pathlib import Path

import bpy

FOLDER = Path(__file__).resolve().parent.parent / "manual"
# Blender looks them up in small letters; the first that fits counts
PAGES = (
    ("bpy.ops.mimesh.generate_lip_sync*", "panel.html#generate"),
    ("bpy.ops.mimesh.try_it*", "getting-started.html#the-first-line"),
    ("bpy.ops.mimesh.*adjust*", "panel.html#adjust"),
    ("bpy.ops.mimesh.tidy_keys*", "panel.html#adjust"),
    ("bpy.ops.mimesh.*closures*", "panel.html#adjust"),
    ("bpy.ops.mimesh.*traits*", "panel.html#adjust"),
    ("bpy.ops.mimesh.*take*", "panel.html#retake"),
    ("bpy.ops.mimesh.*sheet*", "panel.html#dialogue-sheet"),
    ("bpy.ops.mimesh.*line*", "panel.html#dialogue-sheet"),
    ("bpy.ops.mimesh.*pauses*", "panel.html#dialogue-sheet"),
    ("bpy.ops.mimesh.export_character*", "command-line.html#out-to-other-programs"),
    ("bpy.ops.mimesh.*engine*", "engine-setup.html"),
    ("bpy.ops.mimesh.*style*", "panel.html#reference-style"),
    ("bpy.ops.mimesh.*bank*", "panel.html#head-pose-codebook"),
    ("bpy.ops.mimesh.*pose*", "panel.html#head-pose-codebook"),
    ("bpy.ops.mimesh.regenerate_head*", "panel.html#head-pose-codebook"),
    ("bpy.ops.mimesh.*face*", "panel.html#face"),
    ("bpy.ops.mimesh.*", "panel.html"),
    ("bpy.types.mimeshpose.*", "reference/settings.html#the-head"),
    ("bpy.types.mimeshsettings.*", "reference/settings.html"),
    ("bpy.types.mimeshpreferences.*", "engine-setup.html#choices-in-the-preferences"),
)


def manual_map() -> tuple[str, tuple[tuple[str, str], ...]]:
    """Where the manual is, and which page a button's or a property's name leads to."""
    return f"{FOLDER.as_uri()}/", PAGES


def register() -> None:
    """Only where the manual was built: a checkout has its sources."""
    if FOLDER.is_dir():
        bpy.utils.register_manual_map(manual_map)


def unregister() -> None:
    """Blender forgets the pages."""
    if FOLDER.is_dir():
        bpy.utils.unregister_manual_map(manual_map)
