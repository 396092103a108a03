# SPDX-License-Identifier: GPL-3.0-or-later
"""``import``: a recording of Live Link Face, MediaPipe or ARKit onto a character. Runs in Blender."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
from pathlib import Path

from ..errors import EngineSetupError, SettingsError
from ..settings import BakeSettings
from .commands import Commands
from .console import require_writable
from .generate import engine_client, watched
from .outcome import Outcome, add_json_option
from .setting_options import add_setting_options, read_settings


def add_command(commands: Commands) -> None:
    """``import`` and its options."""
    parser = commands.add_parser("import", help="key a recording (Live Link Face, MediaPipe, ARKit) on a character")
    parser.add_argument("recording", type=Path, help=".csv or .json with Apple's 52 shapes")
    parser.add_argument("--rig", type=Path, help=".blend with the character, else the file that is open in Blender")
    parser.add_argument("--scene", metavar="NAME", help="scene to work in, else the one that the file was saved in")
    parser.add_argument("--object", help="name of the mesh; needed when several could carry the motion")
    parser.add_argument("--frame", type=float, help="frame of the recording's first one, else the scene's first")
    parser.add_argument("--fps", type=float, help="the recording's rate, where its times do not tell (29.97)")
    parser.add_argument("--keep-head-pose", action="store_true", help="turn the head as recorded, not from its mean")
    parser.add_argument("--solve", action="store_true", help="fit faces with Apple's own keys as well")
    parser.add_argument("--python", type=Path, default=None, help="Python of the engine, for a mesh not seen before")
    parser.add_argument("--work", type=Path, default=None, help="folder for the engine's cache, else none is kept")
    add_setting_options(parser, BakeSettings)
    parser.add_argument("--out", type=Path, required=True, help=".blend to write; may be the one that was opened")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Open, read, key, save. Nothing is written when any of it fails."""
    if importlib.util.find_spec("bpy") is None:
        raise EngineSetupError(
            "This Python has no bpy module, which import needs.", "Run it as blender -c mimesh import."
        )
    require_writable(options.out, ".blend")
    if options.rig is None and not options.in_blender:
        raise SettingsError("No .blend is named.", "Name the one with the character with --rig.")
    from ..arkit.read import read_recording
    from ..blender.blend_file import find_character, open_blend, open_scene, save_blend
    from ..blender.import_recording import ImportSettings, import_steps, needs_engine

    # before Blender is troubled with a large file
    read_recording(options.recording, options.fps)
    if options.rig is not None:
        open_blend(options.rig)
    scene = open_scene(options.scene)
    settings = ImportSettings(
        object_name=find_character(options.object),
        path=options.recording.absolute(),
        first_frame=scene.frame_start if options.frame is None else options.frame,
        fps=options.fps,
        from_rest=not options.keep_head_pose,
        solve=options.solve,
        bake=read_settings(options, BakeSettings),
    )
    with contextlib.ExitStack() as stack:
        known = not needs_engine(settings)
        client = None if known else stack.enter_context(engine_client(options))
        report = watched(import_steps(scene, settings, client))
    save_blend(options.out)
    facts = {
        "object": report.object_name,
        "out": str(options.out.absolute()),
        "motion_seconds": report.motion_seconds,
        "keys": report.keys_written,
        "actions": list(report.actions),
        "notes": list(report.notes),
    }
    return Outcome("done", "\n".join((report.describe(), f"Saved {options.out}.")), facts)
