# SPDX-License-Identifier: GPL-3.0-or-later
"""``export``: a talking character out to other programs, lips and head in one animation. Runs in Blender."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from ..errors import EngineSetupError, SettingsError
from .commands import Commands
from .outcome import Outcome, add_json_option


def add_command(commands: Commands) -> None:
    """``export`` and its options."""
    parser = commands.add_parser("export", help="write a talking character as .glb, .gltf, .fbx, .usdc or .bvh")
    parser.add_argument("--rig", type=Path, help=".blend with the character, else the file that is open in Blender")
    parser.add_argument("--scene", metavar="NAME", help="scene whose frames are written")
    parser.add_argument("--object", help="name of the face's mesh; needed when there are several")
    parser.add_argument("--out", type=Path, required=True, help="file to write; its ending says how")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Open, write, tell; the .blend stays as it is."""
    if importlib.util.find_spec("bpy") is None:
        raise EngineSetupError(
            "This Python has no bpy module, which export needs.", "Run it as blender -c mimesh export."
        )
    if options.rig is None and not options.in_blender:
        raise SettingsError("No .blend is named.", "Name the one with the character with --rig.")
    out = options.out.absolute()
    if not out.parent.is_dir():
        raise SettingsError(f"The folder {out.parent} for the output does not exist.", "Make it first.")
    from ..blender.blend_file import find_character, open_blend, open_scene
    from ..blender.export_scene import export_character

    if options.rig is not None:
        open_blend(options.rig)
    found = export_character(open_scene(options.scene), find_character(options.object), out)
    first, last = found.frames
    text = f"Wrote {', '.join(found.objects)}, frames {first} to {last}, to {out}."
    return Outcome("done", text, {"out": str(out), "objects": list(found.objects), "frames": list(found.frames)})
