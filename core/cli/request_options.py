# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that describe a motion, and the request that they make; shared by the commands that generate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..engines import mixing_engines
from ..errors import SettingsError
from ..exchange.media_range import MediaRange
from ..exchange.request import MotionRequest
from ..settings import MOTION_GROUPS, FaceSettings
from .console import style_path
from .setting_options import add_setting_options, given_settings, read_settings


def add_speech_file_options(
    parser: argparse.ArgumentParser, among: argparse._MutuallyExclusiveGroup | None = None
) -> None:
    """A sound file, one of several sources where ``among`` is their group, and the part of it."""
    told = "speech: any sound file, or a video with sound"
    if among is None:
        parser.add_argument("--audio", type=Path, required=True, help=told)
    else:
        among.add_argument("--audio", type=Path, help=told)
    parser.add_argument("--start", type=float, default=0.0, help="start of the speech in seconds")
    parser.add_argument("--end", type=float, default=None, help="end of the speech in seconds")
    parser.add_argument("--audio-track", type=int, default=None, help="which sound track of the file, from 1")


def add_motion_options(parser: argparse.ArgumentParser) -> None:
    """Whose way of talking, and every declared setting of a motion."""
    parser.add_argument("--reference", type=Path, help="video of the person to talk like")
    parser.add_argument("--reference-start", type=float, default=0.0, help="seconds")
    parser.add_argument("--reference-end", type=float, default=None, help="seconds")
    add_clip_choices(parser, "--reference-track", "--reference-person")
    parser.add_argument("--style", help="a saved style instead of a reference: its file, or its name in the library")
    parser.add_argument("--library", type=Path, help="folder of the styles, else $MIMESH_STYLES")
    able = " or ".join(entry.name for entry in mixing_engines())
    parser.add_argument("--second-style", help=f"another saved style to mix into the face ({able} only)")
    add_setting_options(parser, *MOTION_GROUPS.values())


def add_clip_choices(parser: argparse.ArgumentParser, track: str, person: str) -> None:
    """Which sound and whom of a clip with several."""
    parser.add_argument(track, type=int, default=None, help="which sound track of the video, from 1")
    parser.add_argument(person, type=int, default=None, help="which of several people, from 1; else who speaks")


def speech_file(options: argparse.Namespace) -> MediaRange:
    """The sound of :func:`add_speech_file_options`. Raises SettingsError."""
    return MediaRange(options.audio, options.start, options.end, options.audio_track)


def reference_file(options: argparse.Namespace) -> MediaRange | None:
    """The clip of the options, if there is one. Raises SettingsError."""
    if options.reference is None:
        return None
    chosen = (options.reference_track, options.reference_person)
    return MediaRange(options.reference, options.reference_start, options.reference_end, *chosen)


def motion_request(
    options: argparse.Namespace, audio: MediaRange, reference: MediaRange | None = None
) -> MotionRequest:
    """The request that the shared options describe for this sound. Raises SettingsError."""
    _require_second_style(options)
    groups: dict[str, Any] = {name: read_settings(options, group) for name, group in MOTION_GROUPS.items()}
    return MotionRequest(
        audio=audio,
        reference=reference,
        style=style_path(options, options.style),
        second_style=style_path(options, options.second_style),
        **groups,
    )


def _require_second_style(options: argparse.Namespace) -> None:
    mix = given_settings(options, FaceSettings).get("style_mix")
    if mix and options.second_style is None:
        raise SettingsError(f"A style mix of {mix:g} needs a second style.", "Name one with --second-style.")
