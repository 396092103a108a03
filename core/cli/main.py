# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the command line, runs one command, turns errors into one sentence and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ..engines import mixing_engines
from ..errors import CancelledError, MimeshError, SettingsError
from ..settings import MOTION_GROUPS, BakeSettings
from .console import quiet_libraries
from .generate import run as run_generate
from .motion import run as run_motion
from .setting_options import add_setting_options
from .styles import add_commands as add_style_commands
from .track import run as run_track

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 a failure, 2 wrong usage, 130 cancelled."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if options.verbose else logging.ERROR)
    try:
        with contextlib.nullcontext() if options.verbose else quiet_libraries():
            options.run(options)
    except (KeyboardInterrupt, CancelledError):
        print("mimesh: cancelled.", file=sys.stderr)
        return EXIT_CANCELLED
    except SettingsError as error:
        print(f"mimesh: {error}", file=sys.stderr)
        return EXIT_USAGE
    except MimeshError as error:
        print(f"mimesh: {error}", file=sys.stderr)
        return EXIT_FAILURE
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m core", description="Speech and a reference video in, motion out.")
    parser.add_argument("--verbose", action="store_true", help="say what happens inside")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_track(commands.add_parser("track", help="track the face in a video"))
    _add_motion(commands.add_parser("motion", help="make motion from speech, without Blender"))
    _add_generate(commands.add_parser("generate", help="make motion and key a rig in a .blend (in a bpy Python)"))
    add_style_commands(commands.add_parser("styles", help="list, rename, delete, export and import saved styles"))
    return parser


def _add_track(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True, help=".npz to write")
    parser.add_argument("--start", type=float, default=0.0, help="seconds")
    parser.add_argument("--end", type=float, default=None, help="seconds")
    parser.set_defaults(run=run_track)


def _add_motion(parser: argparse.ArgumentParser) -> None:
    _add_request_options(parser)
    parser.add_argument("--save-style", type=Path, help="keep the reference's style as .safetensors")
    parser.add_argument("--out", type=Path, required=True, help=".npz to write")
    parser.set_defaults(run=run_motion)


def _add_generate(parser: argparse.ArgumentParser) -> None:
    _add_request_options(parser)
    parser.add_argument("--rig", type=Path, required=True, help=".blend with the character")
    parser.add_argument("--object", help="name of the mesh; needed when several could carry the motion")
    parser.add_argument("--fps", type=float, default=None, help="set the scene's rate, else the scene's own is kept")
    parser.add_argument("--python", type=Path, default=None, help="Python of the engine, else one is looked for")
    add_setting_options(parser, BakeSettings)
    parser.add_argument("--out", type=Path, required=True, help=".blend to write")
    parser.set_defaults(run=run_generate)


def _add_request_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audio", type=Path, required=True, help="speech: any sound file, or a video with sound")
    parser.add_argument("--start", type=float, default=0.0, help="start of the speech in seconds")
    parser.add_argument("--end", type=float, default=None, help="end of the speech in seconds")
    parser.add_argument("--audio-track", type=int, default=None, help="which sound track of the file, from 1")
    parser.add_argument("--reference", type=Path, help="video of the person to talk like")
    parser.add_argument("--reference-start", type=float, default=0.0, help="seconds")
    parser.add_argument("--reference-end", type=float, default=None, help="seconds")
    parser.add_argument("--style", help="a saved style instead of a reference: its file, or its name in the library")
    parser.add_argument("--library", type=Path, help="folder of the styles, else $MIMESH_STYLES")
    able = " or ".join(entry.name for entry in mixing_engines())
    parser.add_argument("--second-style", help=f"another saved style to mix into the face ({able} only)")
    add_setting_options(parser, *MOTION_GROUPS.values())
