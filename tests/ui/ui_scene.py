# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender for ``make ui-check``: makes the scene, opens our tab, and reports its state to a file."""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import bpy

TALK, SPEECH, REFERENCE = (Path(argument) for argument in sys.argv[sys.argv.index("--") + 1 :])
EXTENSION = "bl_ext.user_default.mimesh"
ROOTS = ("MIMESH_PT_lip_sync", "MIMESH_PT_sequencer_lip_sync")
obeyed = drawn = ticks = 0
# of another check that runs this one's scene: its commands by their first word, and what its robot wants to know
more_commands: dict[str, Callable[[str], None]] = {}
more_state: dict[str, Callable[[], object]] = {}


def make_scene() -> None:
    """The demo head, a sound strip and a movie strip; strips chosen by our own button."""
    for leftover in list(bpy.data.objects):
        if leftover.type == "MESH":
            bpy.data.objects.remove(leftover)
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    editor.sequences.new_sound("speech", str(SPEECH), channel=1, frame_start=1)
    editor.sequences.new_movie("reference", str(REFERENCE), channel=2, frame_start=1)
    bpy.ops.mimesh.add_demo_head()
    bpy.ops.mimesh.pick_sources()


def show_panel() -> None:
    """Sidebar on our tab, wide enough to read, viewport at the head."""
    window = bpy.context.window_manager.windows[0]
    area = viewport()
    area.spaces.active.show_region_ui = True
    head = bpy.context.scene.mimesh.target
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.object.select_all(action="DESELECT")
        head.select_set(True)
        bpy.context.view_layer.objects.active = head
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()


def choose_tab() -> None:
    """Possible only after the sidebar was drawn once."""
    sidebar(viewport()).active_panel_category = "Mimesh"
    viewport().tag_redraw()
    bpy.ops.ed.undo_push(message="Scene for the check")


def viewport() -> bpy.types.Area:
    """The 3D View."""
    window = bpy.context.window_manager.windows[0]
    return next(area for area in window.screen.areas if area.type == "VIEW_3D")


def sidebar(area: bpy.types.Area) -> bpy.types.Region:
    """The region with the tabs."""
    return next(region for region in area.regions if region.type == "UI")


def narrow(pixels: int) -> None:
    """Make the sidebar this wide, in Blender's own notes of its regions: Python may only read them.

    There a region's width and height are followed by whether it is seen, its kind (4 is the sidebar), its side
    (4 is the right), flags, and the size that it is wished to have.
    """
    region, space = sidebar(viewport()), viewport().spaces.active
    notes = (ctypes.c_short * 400).from_address(region.as_pointer())
    # the view in the region notes its size as well, without the rest
    sizes = [place for place in range(380) if notes[place : place + 2] == [region.width, region.height]]
    kind = next(place for size in sizes for place in range(size + 2, size + 12) if notes[place : place + 2] == [4, 4])
    notes[kind + 3] = pixels
    space.show_region_ui = False
    space.show_region_ui = True


def state(ready: bool) -> dict[str, object]:
    """Everything that the robot checks."""
    run = bpy.context.window_manager.mimesh_run
    region, settings = sidebar(viewport()), bpy.context.scene.mimesh
    generate = importlib.import_module(f"{EXTENSION}.operators.generate")
    return {
        "ready": ready,
        "obeyed": obeyed,
        "ticks": ticks,
        "drawn": drawn,
        "running": run.running,
        "stage": run.stage,
        "fraction": run.fraction,
        "result": run.result,
        "outcome": run.outcome,
        "keys": count_keys(),
        "actions": len(bpy.data.actions),
        "scene": fingerprint(),
        "light_x": bpy.data.objects["Light"].location.x,
        "speech": settings.speech_strip or settings.speech_file,
        "playing": bpy.context.window_manager.windows[0].screen.is_animation_playing,
        "reason": generate.generate_disabled_reason(bpy.context),
        "clipboard": bpy.context.window_manager.clipboard,
        "sidebar": {"x": region.x, "y": region.y, "width": region.width, "height": region.height},
        **{name: tell() for name, tell in more_state.items()},
    }


def open_all() -> None:
    """Every sub-panel open, and only those whose name is asked for shown (no name: all)."""
    ours = [panel for panel in bpy.types.Panel.__subclasses__() if panel.__name__.startswith("MIMESH_PT_")]
    children = [panel for panel in ours if getattr(panel, "bl_parent_id", "")]
    for panel in children:
        bpy.utils.unregister_class(panel)
    for panel in sorted(children, key=lambda panel: panel.bl_parent_id not in ROOTS):
        panel.bl_options = set(getattr(panel, "bl_options", ())) - {"DEFAULT_CLOSED"}
        panel.poll = classmethod(is_wanted)
        bpy.utils.register_class(panel)


def in_window(operator: str, **options: object) -> None:
    """Press a button of ours, as if over the 3D View."""
    window, area = bpy.context.window_manager.windows[0], viewport()
    with bpy.context.temp_override(window=window, area=area, region=sidebar(area)):
        getattr(bpy.ops.mimesh, operator)("INVOKE_DEFAULT", **options)


def sequencer() -> bpy.types.Area:
    """The Sequencer, which is put below the 3D View where there is none."""
    window = bpy.context.window_manager.windows[0]
    found = [area for area in window.screen.areas if area.type == "SEQUENCE_EDITOR"]
    if not found:
        before = set(window.screen.areas)
        with bpy.context.temp_override(window=window, area=viewport()):
            bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.7)
        found = [area for area in window.screen.areas if area not in before]
        found[0].type = "SEQUENCE_EDITOR"
        found[0].spaces.active.show_region_ui = True
    return found[0]


def empty_view() -> None:
    """Nothing behind the sidebar, so that its panels can be cut out of the picture."""
    space = viewport().spaces.active
    space.overlay.show_overlays = space.show_gizmo = False
    # looks away: of hidden objects the panel says that nobody sees the result
    space.region_3d.view_perspective = "ORTHO"
    space.region_3d.view_location = (1e5, 1e5, 1e5)
    space.region_3d.view_distance = 1.0


def is_wanted(panel: type, context: bpy.types.Context) -> bool:
    """The panel that is asked for, its parent, and its own sub-panels."""
    only = context.window_manager.get("only", "")
    lineage = {panel.__name__, panel.bl_parent_id} if panel.bl_parent_id not in ROOTS else {panel.__name__}
    return not only or only in lineage


def count_draw() -> None:
    """One more drawing of the 3D View."""
    global drawn
    drawn += 1


def count_keys() -> int:
    """Keyframes in all actions (4.3 knows only the classic curves)."""
    return sum(len(curve.keyframe_points) for action in bpy.data.actions for curve in action.fcurves)


def fingerprint() -> str:
    """Changes when something in the scene changes that a run could change."""
    parts: list[object] = [sorted(action.name for action in bpy.data.actions)]
    for item in sorted(bpy.data.objects, key=lambda item: item.name):
        parts.append((item.name, bool(item.animation_data), [round(v, 6) for v in item.matrix_world.to_euler()]))
    for key in bpy.data.shape_keys:
        parts.append([(block.name, block.value, block.slider_min, block.slider_max) for block in key.key_blocks])
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def obey(command: str) -> None:
    """Change the scene for the robot."""
    editor = bpy.context.scene.sequence_editor
    strips = editor.sequences if editor else {}
    if command.split(" ")[0] in more_commands:
        more_commands[command.split(" ")[0]](command.partition(" ")[2])
    elif command.startswith("only "):
        bpy.context.window_manager["only"] = command.partition(" ")[2]
    elif command.startswith("press "):
        in_window(command.partition(" ")[2])
    elif command.startswith("adjust "):
        _, name, value = command.split(" ")
        setattr(bpy.context.scene.mimesh_adjust, name, float(value))
        # the keys follow a moment later
        bpy.context.view_layer.update()
    elif command == "preview_range":
        scene = bpy.context.scene
        scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 40, 80
    elif command == "cast_lines":
        for line in bpy.context.scene.mimesh_sheet.lines:
            line.character = bpy.context.scene.mimesh.target
    elif command.startswith("narrow "):
        narrow(int(command.partition(" ")[2]))
    elif command == "show_sidebar":
        viewport().spaces.active.show_region_ui = True
    elif command == "choose_tab":
        choose_tab()
    elif command == "drop_speech":
        bpy.ops.mimesh.drop_speech(filepath=str(SPEECH))
    elif command == "stop":
        bpy.ops.screen.animation_cancel(restore_frame=True)
    elif command == "try_head":
        in_window("regenerate_head", follow=bpy.context.window_manager.mimesh_poses.items[-1].name)
    elif command == "save_and_reopen":
        bpy.ops.wm.save_as_mainfile(filepath=str(TALK / "saved.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(TALK / "saved.blend"))
    elif command.startswith("speak "):
        view = bpy.context.preferences.view
        view.language = command.partition(" ")[2]
        view.use_translate_interface = view.use_translate_tooltips = True
    elif command == "sequencer":
        sequencer()
    elif command == "sequencer_tab":
        sidebar(sequencer()).active_panel_category = "Mimesh"
    elif command == "empty_view":
        empty_view()
    elif command.startswith("scale "):
        bpy.context.preferences.view.ui_scale = float(command.partition(" ")[2])
    elif command.startswith("set "):
        _, name, value = command.split(" ", 2)
        setattr(bpy.context.scene.mimesh, name, value)
    elif command == "list_bank":
        bpy.ops.mimesh.refresh_poses()
    elif command == "check_rig":
        bpy.ops.mimesh.check_face_rig()
    elif command.startswith("trim_movie "):
        strip = next(strip for strip in strips if strip.type == "MOVIE")
        strip.frame_offset_start = int(command.partition(" ")[2])
    elif command == "open_all":
        open_all()
    elif command == "trim":
        # another range is another reference, so that it is tracked again
        strips["reference"].frame_offset_start = 7
    elif command == "trim_more":
        strips["reference"].frame_offset_start = 13
    elif command == "choose_mimic":
        bpy.context.scene.mimesh.engine = "mimic"
        bpy.ops.ed.undo_push(message="Mimic")
    elif command == "nudge":
        bpy.data.objects["Light"].location.x += 1.0
        bpy.ops.ed.undo_push(message="Nudge")
    elif command == "choose_face":
        bpy.context.scene.mimesh.target = bpy.data.objects["MimeshHead"]
        strips["reference"].frame_offset_start = 17
    elif command == "preferences":
        bpy.ops.screen.userpref_show(section="EXTENSIONS")
        bpy.context.window_manager.addon_search = "mimesh"
        bpy.context.preferences.active_section = "ADDONS"
        bpy.ops.preferences.addon_expand(module=EXTENSION)
    elif command == "new_file":
        bpy.ops.wm.read_homefile()
    elif command == "mid_speech":
        bpy.context.scene.frame_set(60)
    elif command == "forget_clipboard":
        bpy.context.window_manager.clipboard = ""
    elif command == "forget_face":
        bpy.context.scene.mimesh.target = None
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.tag_redraw()


def tick() -> float:
    """Report and obey, ten times a second."""
    global obeyed, ticks
    ticks += 1
    command = TALK / "command"
    if command.exists():
        obey(command.read_text())
        command.unlink()
        obeyed += 1
    if to_prepare:
        to_prepare.pop(0)()
    text = json.dumps(state(ready=not to_prepare))
    (TALK / "state.new").write_text(text)
    (TALK / "state.new").replace(TALK / "state.json")
    return 0.1


# one a tick, with a redraw between them
to_prepare = [make_scene, show_panel, choose_tab]
if "MIMESH_UI_OPEN" in os.environ:
    # a panel's state is made when it is first drawn
    to_prepare.insert(1, open_all)
bpy.types.SpaceView3D.draw_handler_add(count_draw, (), "WINDOW", "POST_PIXEL")
bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
