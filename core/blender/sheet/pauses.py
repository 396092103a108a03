# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills what lies between a character's lines: attending to whoever speaks, or breath and idle motion.

Each stretch is a line of its own on the face, named after its frames, and made anew as a whole: a pass takes the
earlier ones away.
"""

from __future__ import annotations

import dataclasses
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ...client.choices import GenerateSettings, SourceChoice
from ...client.engine_port import Engine
from ...client.steps import StepStatus, part_of
from ...errors import MimeshError, SettingsError
from ...exchange.media_range import MediaRange
from ...exchange.pauses import Pause, Spoken, find_pauses
from ...exchange.request import MotionRequest
from ...exchange.sheet import SheetLine
from ..clear import clear_lines
from ..kept import kept_lines
from ..read_scene import scene_fps
from ..session import find_object, find_scene, motion_request, request_steps
from ..sources import PlacedMedia
from ..watch import Steps
from .generate_all import line_speech
from .survey import ResolveStyle, line_settings

# of the sounds of such lines
PREFIX = "pause "
_RATE = 16_000


@dataclass(slots=True)
class PauseReport:
    """What a pass did: stretches attending and idle, by character; notes: what could not be made."""

    attending: dict[str, int] = field(default_factory=dict)
    idle: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Lines for the panel."""
        attending, idle = sum(self.attending.values()), sum(self.idle.values())
        first = f"Filled {attending + idle} pauses: {attending} attending to others, {idle} idle."
        return "\n".join([first, *self.notes])


def fill_steps(
    scene: bpy.types.Scene, lines: Sequence[SheetLine], base: GenerateSettings, resolve: ResolveStyle, engine: Engine
) -> Steps[PauseReport]:
    """Key every pause of every character of the sheet. Raises :class:`MimeshError` before anything is written."""
    name, report = scene.name, PauseReport()
    yield StepStatus("Looking for pauses", 0.0)
    scene = find_scene(name)
    speeches = _speeches(scene, lines, base, resolve, report)
    work = _work(scene, lines, speeches, base)
    if not work:
        raise SettingsError(
            "There is no pause to fill.", "Give the lines their characters, or make the scene longer than its lines."
        )
    for character in dict.fromkeys(line.character for line in lines if line.character):
        clear_lines(find_object(character), lambda line: line.sound.startswith(PREFIX))
    for number, pause in enumerate(work):
        here = find_scene(name)
        media = _sound(here, pause, speeches)
        line = next(line for line in lines if line.character == pause.character)
        # the style tells how the character moves, whatever is said
        settings = dataclasses.replace(
            line_settings(base, line, resolve), speech=SourceChoice("file", f"{PREFIX}{pause.first:g}-{pause.last:g}")
        )
        request = attentive(motion_request(here, settings, PlacedMedia(media, pause.first)))
        steps = request_steps(here, settings, request, pause.first, engine)
        yield from part_of(steps, f"{pause.character} ({number + 1} of {len(work)})", number, len(work))
        counts = report.idle if pause.number is None else report.attending
        counts[pause.character] = counts.get(pause.character, 0) + 1
    return report


def attentive(request: MotionRequest) -> MotionRequest:
    """The same request for who does not speak."""
    return dataclasses.replace(request, listener=True)


def _speeches(
    scene: bpy.types.Scene,
    lines: Sequence[SheetLine],
    base: GenerateSettings,
    resolve: ResolveStyle,
    report: PauseReport,
) -> dict[int, PlacedMedia]:
    found = {}
    for number, line in enumerate(lines):
        if not line.character:
            continue
        try:
            found[number] = line_speech(scene, line, line_settings(base, line, resolve))
        except MimeshError as error:
            report.notes.append(f"{line.source}: {error}")
    return found


def _work(
    scene: bpy.types.Scene, lines: Sequence[SheetLine], speeches: dict[int, PlacedMedia], base: GenerateSettings
) -> list[Pause]:
    fps = scene_fps(scene)
    spoken = []
    for number, speech in speeches.items():
        line = lines[number]
        spoken.append(
            Spoken(number, line.character, speech.first_frame, speech.first_frame + _frames(line, speech, fps))
        )
    ease = round(base.bake.ease_seconds * fps)
    first, last = float(scene.frame_start + ease), float(scene.frame_end - ease)
    characters = dict.fromkeys(line.character for line in spoken)
    return [pause for name in characters for pause in find_pauses(spoken, name, first, last, fps, ease)]


def _frames(line: SheetLine, speech: PlacedMedia, fps: float) -> float:
    """How long a line is; of a whole file its keys tell."""
    if speech.media.seconds is not None:
        return speech.media.seconds * fps
    made = [kept for kept in kept_lines(find_object(line.character)) if kept.line.sound == line.source]
    if not made:
        raise SettingsError(f"The length of {speech.media.path.name} is not known.", "Generate its line first.")
    return made[0].last - made[0].first


def _sound(scene: bpy.types.Scene, pause: Pause, speeches: dict[int, PlacedMedia]) -> MediaRange:
    fps = scene_fps(scene)
    seconds = (pause.last - pause.first) / fps
    if pause.number is None:
        return MediaRange(_silence(seconds))
    speech = speeches[pause.number]
    start = speech.media.start_seconds + (pause.first - speech.first_frame) / fps
    return dataclasses.replace(speech.media, start_seconds=max(start, 0.0), end_seconds=start + seconds)


def _silence(seconds: float) -> Path:
    """A file without a sound, in Blender's temporary folder of this session."""
    folder = Path(bpy.app.tempdir) / "mimesh"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"silence {seconds:.3f}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, _RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(seconds * _RATE)))
    return path
