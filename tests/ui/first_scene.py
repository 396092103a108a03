# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender for the check of the first minute: nothing prepared, dropped files, the asset browser.

Says its state and obeys as ui_scene.py does, so that the same robot can drive it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

TALK, _SPEECH, _REFERENCE = (Path(argument) for argument in sys.argv[sys.argv.index("--") + 1 :])
EXTENSION = "bl_ext.user_default.mimesh"
obeyed = drawn = ticks = 0


def area_of(kind: str) -> bpy.types.Area:
    """The largest editor of a kind."""
    areas = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == kind]
    return max(areas, key=lambda area: area.width * area.height)


def sidebar() -> bpy.types.Region:
    """The 3D View's region with the tabs."""
    return next(region for region in area_of("VIEW_3D").regions if region.type == "UI")


def over(kind: str) -> contextlib.AbstractContextManager[object]:
    """As if the pointer were over an editor of this kind."""
    area = area_of(kind)
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(
        window=bpy.context.window_manager.windows[0], area=area, region=region, space_data=area.spaces.active
    )


def part(name: str) -> Any:
    """A module of the extension."""
    return importlib.import_module(f"{EXTENSION}.{name}")


def open_sidebar() -> None:
    """Key N."""
    area_of("VIEW_3D").spaces.active.show_region_ui = True


def choose_tab() -> None:
    """Possible only after the sidebar was drawn once."""
    sidebar().active_panel_category = "Mimesh"


def find_engine(python: str) -> None:
    """As if this were the engine's Python; empty where it is not set up."""
    os.environ["MIMESH_ENGINE_PYTHON"] = python
    part("operators.engine_access").forget_engine_python()


def show_sequencer() -> None:
    """In place of the timeline."""
    area_of("DOPESHEET_EDITOR").type = "SEQUENCE_EDITOR"
    bpy.context.scene.sequence_editor_create()


def make_assets() -> None:
    """A style under a name, and everything into the asset browser."""
    bpy.ops.mimesh.keep_style(name="Lively Ada")
    bpy.ops.mimesh.add_assets()


def show_assets() -> None:
    """The asset browser in place of the properties."""
    area_of("PROPERTIES").ui_type = "ASSETS"


def choose_library() -> None:
    """Ours."""
    for area in bpy.context.window_manager.windows[0].screen.areas:
        if area.ui_type == "ASSETS":
            area.spaces.active.params.asset_library_reference = "Mimesh"


def append_style() -> None:
    """What Blender does with an asset that is dragged into the scene."""
    (path,) = Path(bpy.context.preferences.filepaths.asset_libraries["Mimesh"].path).glob("styles/*.blend")
    bpy.context.scene.mimesh.reference_kind = "none"
    with over("VIEW_3D"):
        bpy.ops.wm.append(directory=f"{path}/Object/", filename="Lively Ada", autoselect=True)
        bpy.context.view_layer.objects.active = bpy.context.selected_objects[0]


def forget_style() -> None:
    """Before another way of choosing it."""
    bpy.context.scene.mimesh.reference_kind = "none"


def use_chosen_asset() -> None:
    """The entry of the asset browser's menu, on what is selected there."""
    with over("FILE_BROWSER"):
        bpy.ops.mimesh.use_style_asset()


def new_file() -> None:
    """File > New."""
    bpy.ops.wm.read_homefile()


ENGINE_PYTHON = os.environ["MIMESH_ENGINE_PYTHON"]
COMMANDS: dict[str, Callable[[], None]] = {
    "open_sidebar": open_sidebar,
    "choose_tab": choose_tab,
    "without_engine": lambda: find_engine(""),
    "with_engine": lambda: find_engine(ENGINE_PYTHON),
    "show_sequencer": show_sequencer,
    "choose_mimic": lambda: setattr(bpy.context.scene.mimesh, "engine", "mimic"),
    "stop": lambda: bpy.ops.screen.animation_cancel(restore_frame=True),
    "mid_speech": lambda: bpy.context.scene.frame_set(60),
    "make_assets": make_assets,
    "show_assets": show_assets,
    "choose_library": choose_library,
    "append_style": append_style,
    "forget_style": forget_style,
    "use_chosen_asset": use_chosen_asset,
    "new_file": new_file,
    "forget_clipboard": lambda: setattr(bpy.context.window_manager, "clipboard", ""),
    "redraw": lambda: None,
}


def state() -> dict[str, object]:
    """Everything that the robot checks."""
    run, settings, region = bpy.context.window_manager.mimesh_run, bpy.context.scene.mimesh, sidebar()
    return {
        "ready": True,
        "obeyed": obeyed,
        "ticks": ticks,
        "drawn": drawn,
        "running": run.running,
        "fraction": run.fraction,
        "outcome": run.outcome,
        "result": run.result,
        "engine": part("operators.engine_access").has_engine(bpy.context),
        "keys": sum(len(curve.keyframe_points) for action in bpy.data.actions for curve in action.fcurves),
        "playing": bpy.context.window_manager.windows[0].screen.is_animation_playing,
        "frame": bpy.context.scene.frame_current,
        "strips": list(editor.sequences.keys()) if (editor := bpy.context.scene.sequence_editor) else [],
        "speech": settings.speech_strip or settings.speech_file,
        "reference": [settings.reference_kind, settings.reference_file, settings.style_file],
        "objects": sorted(bpy.data.objects.keys()),
        "clipboard": bpy.context.window_manager.clipboard,
        "areas": {
            area.ui_type: [area.x, area.y, area.width, area.height]
            for area in bpy.context.window_manager.windows[0].screen.areas
        },
        "sidebar": {"x": region.x, "y": region.y, "width": region.width, "height": region.height},
    }


def count_draw() -> None:
    """One more drawing of the 3D View."""
    global drawn
    drawn += 1


def tick() -> float:
    """Report and obey, ten times a second."""
    global obeyed, ticks
    ticks += 1
    command = TALK / "command"
    if command.exists():
        COMMANDS[command.read_text()]()
        command.unlink()
        obeyed += 1
        for area in bpy.context.window_manager.windows[0].screen.areas:
            area.tag_redraw()
    (TALK / "state.new").write_text(json.dumps(state()))
    (TALK / "state.new").replace(TALK / "state.json")
    return 0.1


bpy.types.SpaceView3D.draw_handler_add(count_draw, (), "WINDOW", "POST_PIXEL")
bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
