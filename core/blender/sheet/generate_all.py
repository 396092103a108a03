# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over the sheet: what has moved is moved, what is stale is made again, the rest is not touched.

Each line is whole or not there: a pass that is stopped keeps the lines that it has finished, and a line that is
refused does not keep the others from being made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import bpy

from ...client.choices import GenerateSettings
from ...client.engine_port import Engine
from ...client.report import GenerateReport
from ...client.steps import StepStatus, part_of
from ...errors import CancelledError, MimeshError
from ...exchange.sheet import STALE, LineStatus, Made, SheetLine
from ..first_keys import FirstKeys
from ..read_scene import scene_fps
from ..session import find_object, find_scene, motion_request, request_steps
from ..sources import PlacedMedia, existing_file_range, read_speech
from ..style_mix import WeightCurve, mixing
from ..watch import Steps
from .digests import FileDigests
from .retime import move_line, note_made
from .survey import ResolveStyle, Survey, line_settings


@dataclass(slots=True)
class PassReport:
    """What a pass did. Lines by their sound; failed: with the reason; reports: of the lines that were generated."""

    generated: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    unchanged: int = 0
    locked: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    reports: list[GenerateReport] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether any key was written or moved."""
        return bool(self.generated or self.moved)

    def describe(self) -> str:
        """Lines for the panel; the first one says it all."""
        counts = (
            (len(self.generated), "generated"),
            (len(self.moved), "moved"),
            (self.unchanged, "up to date"),
            (self.locked, "locked"),
            (len(self.failed), "failed"),
        )
        first = ", ".join(f"{count} {word}" for count, word in counts if count) or "there is none"
        notes = dict.fromkeys(note for report in self.reports for note in report.notes)
        return "\n".join([f"Lines: {first}.", *(f"{name}: {why}" for name, why in self.failed.items()), *notes])


@dataclass(frozen=True, slots=True)
class SheetPass:
    """What to do: the lines, the panel's settings, and how a style's name is found. only: these lines alone.

    files: what is known of files. mix: styles over time, for lines without a style of their own. report: is filled as
    the pass goes, so that it tells what a stopped one has done.
    rigs, noted: digests of the characters' rigs before and after their first line.
    """

    lines: Sequence[SheetLine]
    base: GenerateSettings
    resolve: ResolveStyle
    files: FileDigests
    only: frozenset[int] | None = None
    mix: tuple[WeightCurve, ...] = ()
    report: PassReport = field(default_factory=PassReport)
    rigs: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)


def pass_steps(scene: bpy.types.Scene, work: SheetPass, engine: Engine) -> Steps[PassReport]:
    """Go through the sheet. Refusals of single lines go into the report."""
    scene_name, report = scene.name, work.report
    yield StepStatus("Looking what is stale", 0.0)
    scene = find_scene(scene_name)
    todo = _plan(scene, work)
    for number, (line, status) in enumerate(todo):
        here = find_scene(scene_name)
        try:
            if status.state == "moved":
                move_line(find_object(line.character), line.source, status.shift)
                report.moved.append(line.source)
                continue
            words = f"{line.source} ({number + 1} of {len(todo)})"
            made = yield from part_of(_line_steps(here, line, work, engine), words, number, len(todo))
        except CancelledError:
            raise
        except MimeshError as error:
            report.failed[line.source] = str(error)
            continue
        report.generated.append(line.source)
        report.reports.append(made)
    if report.moved:
        # the viewport shows the moved keys at once
        here = find_scene(scene_name)
        here.frame_set(here.frame_current, subframe=here.frame_subframe)
    return report


def noted_steps(
    scene: bpy.types.Scene,
    settings: GenerateSettings,
    engine: Engine,
    files: FileDigests,
    mix: tuple[WeightCurve, ...],
    first: FirstKeys | None = None,
) -> Steps[GenerateReport]:
    """One line outside a pass, noted so that the sheet knows what it was made from. first: as in a session."""
    scene_name = scene.name
    yield StepStatus("Reading the scene", 0.0)
    scene = find_scene(scene_name)
    speech = read_speech(scene, settings.speech)
    request = motion_request(scene, settings, speech)
    made = Survey(scene, files, mix=mix).made_from(settings)
    engine = mixing(engine, mix, speech.first_frame, scene_fps(scene))
    report = yield from request_steps(scene, settings, request, speech.first_frame, engine, first)
    rig = Survey(find_scene(scene_name), files).rig(settings.object_name)
    return _noted(report, dataclasses.replace(made, rig=rig), speech)


def _plan(scene: bpy.types.Scene, work: SheetPass) -> list[tuple[SheetLine, LineStatus]]:
    survey, report = Survey(scene, work.files, work.rigs, work.mix), work.report
    todo = []
    for number, line in enumerate(work.lines):
        if work.only is not None and number not in work.only:
            continue
        if line.locked:
            report.locked += 1
            continue
        status = survey.status(line, work.base, work.resolve)
        if status.state == "blocked":
            report.failed[line.source] = status.description
        elif status.state == "moved" or status.state in STALE:
            todo.append((line, status))
        else:
            report.unchanged += 1
    # moves first: they make room, and take no time
    return sorted(todo, key=lambda item: item[1].state != "moved")


def _line_steps(scene: bpy.types.Scene, line: SheetLine, work: SheetPass, engine: Engine) -> Steps[GenerateReport]:
    scene_name = scene.name
    settings = line_settings(work.base, line, work.resolve)
    survey = Survey(scene, work.files, work.rigs, work.mix)
    made = survey.made_from(settings, line.first_frame, bool(line.style))
    speech = line_speech(scene, line, settings)
    request = motion_request(scene, settings, speech)
    if not line.style:
        engine = mixing(engine, work.mix, speech.first_frame, scene_fps(scene))
    report = yield from request_steps(scene, settings, request, speech.first_frame, engine)
    if line.character not in work.noted:
        # the landmarks may only just have been found
        work.noted[line.character] = Survey(find_scene(scene_name), work.files).rig(line.character)
    return _noted(report, dataclasses.replace(made, rig=work.noted[line.character]), speech)


def _noted(report: GenerateReport, made: Made, speech: PlacedMedia) -> GenerateReport:
    """Note with the keys what they were made from, and say what is odd about the speech."""
    note_made(report.actions, made)
    return dataclasses.replace(report, notes=(*report.notes, *speech.warnings))


def line_speech(scene: bpy.types.Scene, line: SheetLine, settings: GenerateSettings) -> PlacedMedia:
    """The sound of a line and its place. Raises :class:`MediaError`."""
    if line.kind != "file" or line.first_frame is None:
        return read_speech(scene, settings.speech)
    return PlacedMedia(existing_file_range(line.source, scene), line.first_frame)
