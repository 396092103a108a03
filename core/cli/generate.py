# SPDX-License-Identifier: GPL-3.0-or-later
"""``generate``: keys a character in a .blend. Runs in Blender (``-c mimesh``) or a Python that has ``bpy``.

The models run in the engine process, so this Python needs neither torch nor the tracker.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..client.client import EngineClient
from ..client.environment import find_engine_python
from ..errors import EngineSetupError, SettingsError
from ..settings import BakeSettings
from .commands import Commands
from .console import progress_line, require_writable
from .outcome import Outcome, add_json_option
from .request_options import add_motion_options, add_speech_file_options, motion_request, reference_file, speech_file
from .setting_options import add_setting_options, read_settings

if TYPE_CHECKING:
    from ..blender.sources import PlacedMedia
    from ..blender.watch import Steps
    from ..client.choices import GenerateSettings, SourceChoice
    from ..exchange.media_range import MediaRange
    from ..exchange.request import MotionRequest

T = TypeVar("T")
# between two looks at the engine
_STEP_SECONDS = 0.03
CODE_ROOT = Path(__file__).resolve().parents[2]


def add_command(commands: Commands) -> None:
    """``generate`` and its options."""
    parser = commands.add_parser("generate", help="make motion and key a rig in a .blend (in Blender or a bpy Python)")
    speech = parser.add_mutually_exclusive_group(required=True)
    add_speech_file_options(parser, speech)
    speech.add_argument(
        "--strip", action="append", metavar="NAME", help="speech: a strip of the sequencer; several are one speech"
    )
    speech.add_argument("--channel", type=int, metavar="N", help="speech: all sound strips on this channel")
    add_motion_options(parser)
    parser.add_argument("--reference-strip", metavar="NAME", help="movie strip of the person to talk like")
    parser.add_argument("--rig", type=Path, help=".blend with the character, else the file that is open in Blender")
    parser.add_argument("--scene", metavar="NAME", help="scene to work in, else the one that the file was saved in")
    parser.add_argument("--object", help="name of the mesh; needed when several could carry the motion")
    parser.add_argument("--fps", type=float, default=None, help="set the scene's rate, else the scene's own is kept")
    parser.add_argument("--python", type=Path, default=None, help="Python of the engine, else one is looked for")
    parser.add_argument("--work", type=Path, default=None, help="folder for the engine's cache, else none is kept")
    add_setting_options(parser, BakeSettings)
    parser.add_argument("--out", type=Path, help=".blend to write; may be the one that was opened")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be keyed on which object; nothing is loaded or written"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Open, generate, key, save. Nothing is written when any of it fails."""
    _require_sense(options)
    if importlib.util.find_spec("bpy") is None:
        raise EngineSetupError(
            "This Python has no bpy module, which generate needs.",
            "Run it as blender -c mimesh generate, use a Python with bpy, or the command motion.",
        )
    if options.dry_run:
        return _planned(_Prepared.of(options))
    with engine_client(options) as client:
        return _generated(_Prepared.of(options), client)


@contextlib.contextmanager
def engine_client(options: argparse.Namespace) -> Iterator[EngineClient]:
    """An engine that warms up while the file is read, and is gone afterwards."""
    python = find_engine_python(options.python)
    with contextlib.ExitStack() as stack:
        folder = options.work
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mimesh-", ignore_cleanup_errors=True))
        client = EngineClient(python, CODE_ROOT, Path(folder))
        stack.callback(client.close, wait=True)
        client.warm_up()
        yield client


def _require_sense(options: argparse.Namespace) -> None:
    """Refuse what needs no look into the file."""
    if options.out is None and not options.dry_run:
        raise SettingsError("No output is named.", "Name the .blend to write with --out, or ask with --dry-run.")
    if options.out is not None:
        require_writable(options.out, ".blend")
    for path, what in ((options.audio, "speech"), (options.reference, "reference")):
        if path is not None and not path.is_file():
            raise SettingsError(f"The {what} file {path} does not exist.")
    if options.reference_strip is not None and (options.reference is not None or options.style is not None):
        raise SettingsError("Two references are given.", "Choose one of --reference, --reference-strip and --style.")
    if options.rig is None and not options.in_blender:
        raise SettingsError("No .blend is named.", "Name the one with the character with --rig.")


@dataclasses.dataclass(frozen=True, slots=True)
class _Prepared:
    """All that the options and the open file say: nothing is left to be refused but by engine and rig."""

    options: argparse.Namespace
    scene: Any
    settings: GenerateSettings
    request: MotionRequest
    speech: PlacedMedia
    seconds: float | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, options: argparse.Namespace) -> _Prepared:
        from ..blender.blend_file import find_character, open_blend, open_scene, set_frame_rate
        from ..blender.sources import read_reference
        from ..client.choices import GenerateSettings, SourceChoice

        if options.rig is not None:
            open_blend(options.rig)
        scene = open_scene(options.scene)
        if options.fps is not None:
            set_frame_rate(scene, options.fps)
        choice = speech_choice(options.strip or (), options.channel, options.audio)
        reference = reference_file(options)
        if options.reference_strip is not None:
            reference, _ = read_reference(scene, SourceChoice("strip", options.reference_strip))
        media = speech_file(options) if options.audio is not None else None
        speech, seconds, notes = read_speech_of(scene, choice, media)
        request = motion_request(options, speech.media, reference)
        settings = GenerateSettings(
            object_name=find_character(options.object),
            speech=choice,
            bake=read_settings(options, BakeSettings),
            **request.groups(),
        )
        return cls(options, scene, settings, request, speech, seconds, notes)


def speech_choice(strips: Sequence[str], channel: int | None, audio: Path | None) -> SourceChoice:
    """Where the speech is, and what tells one line from another."""
    from ..client.choices import SourceChoice

    if strips:
        return SourceChoice("strips" if len(strips) > 1 else "strip", "\n".join(strips))
    if channel is not None:
        return SourceChoice("channel", str(channel))
    return SourceChoice("file", str(audio))


def read_speech_of(
    scene: Any, choice: SourceChoice, media: MediaRange | None, first_frame: float | None = None
) -> tuple[PlacedMedia, float | None, tuple[str, ...]]:
    """The speech, its seconds where they are known, and notes; a file (``media``) is put into the sequencer.

    first_frame: where a file begins, None for the scene's first frame.
    """
    from ..blender.blend_file import place_sound
    from ..blender.read_scene import scene_fps
    from ..blender.sources import PlacedMedia, read_speech
    from ..blender.strips.played_file import with_playback

    if media is None:
        speech = read_speech(scene, choice)
        return speech, speech.media.seconds, speech.warnings
    place = place_sound(scene, media, first_frame)
    seconds = media.seconds
    if seconds is None and place.last_frame is not None:
        seconds = (place.last_frame - place.first_frame) / scene_fps(scene)
    return PlacedMedia(with_playback(media, scene), place.first_frame), seconds, (place.note,) if place.note else ()


def _planned(prepared: _Prepared) -> Outcome:
    from ..blender.preview import preview_keys

    preview = preview_keys(prepared.scene, prepared.settings, prepared.speech.first_frame, prepared.seconds)
    text = "\n".join((preview.describe(), *prepared.notes))
    facts = {"planned": preview.to_json(), "request": prepared.request.to_json(), "notes": list(prepared.notes)}
    return Outcome("planned", text, facts)


def _generated(prepared: _Prepared, client: EngineClient) -> Outcome:
    from ..blender.blend_file import save_blend
    from ..blender.session import request_steps
    from ..blender.sheet.noted import CommandedLine

    started = time.monotonic()
    steps = request_steps(prepared.scene, prepared.settings, prepared.request, prepared.speech.first_frame, client)
    report = watched(steps)
    options = prepared.options
    audio = speech_file(options) if options.audio is not None else None
    line = CommandedLine(prepared.settings, prepared.request, audio, reference_strip=options.reference_strip)
    line.note(prepared.scene, report.actions)
    save_blend(options.out)
    bar = report.quality.bar_text() if report.quality else ""
    text = "\n".join((report.describe(), *filter(None, [bar]), *prepared.notes, f"Saved {prepared.options.out}."))
    facts = {
        "object": report.object_name,
        "out": str(prepared.options.out.absolute()),
        "motion_seconds": report.motion_seconds,
        "keys": report.keys_written,
        "actions": list(report.actions),
        "style": report.style.name if report.style else None,
        "notes": [*report.notes, *prepared.notes],
        "elapsed_seconds": time.monotonic() - started,
    }
    return Outcome("done", text, facts)


def watched(steps: Steps[T]) -> T:
    """Run to the end with a progress line; closed early, the steps leave the scene as it was."""
    with progress_line() as line, contextlib.closing(steps):
        while True:
            try:
                status = next(steps)
            except StopIteration as finished:
                value: T = finished.value
                return value
            line.show(status.stage, status.fraction, status.seconds_left)
            time.sleep(_STEP_SECONDS)
