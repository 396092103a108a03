# SPDX-License-Identifier: GPL-3.0-or-later
"""``sheet``: all lines of a dialogue sheet in one pass, as *Generate All* does it in Blender's panel.

The lines are those that the .blend holds, or those of a JSON file (:mod:`core.exchange.sheet`).
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineSetupError, MimeshError, SettingsError
from ..exchange.sheet import STALE, SheetLine, read_sheet, write_sheet
from ..settings import BakeSettings
from .commands import Commands
from .console import require_writable, style_path
from .exit_codes import ExitCode
from .generate import engine_client, watched
from .outcome import Outcome, add_json_option
from .request_options import add_motion_options, motion_request, reference_file
from .setting_options import add_setting_options, read_settings

if TYPE_CHECKING:
    from ..blender.sheet.generate_all import SheetPass
    from ..client.choices import GenerateSettings


def add_command(commands: Commands) -> None:
    """``sheet`` and its options."""
    parser = commands.add_parser("sheet", help="make every stale line of a dialogue sheet, for several characters")
    parser.add_argument("--rig", type=Path, help=".blend with edit and characters, else the file open in Blender")
    parser.add_argument("--scene", metavar="NAME", help="scene to work in, else the one that the file was saved in")
    parser.add_argument("--sheet", type=Path, help="lines as JSON, in place of those in the .blend")
    parser.add_argument("--collect", action="store_true", help="add a line for every sound strip that has none")
    parser.add_argument("--export-sheet", type=Path, metavar="FILE", help="write the lines as JSON")
    add_motion_options(parser)
    parser.add_argument("--python", type=Path, default=None, help="Python of the engine, else one is looked for")
    parser.add_argument("--work", type=Path, default=None, help="folder for the engine's cache, else none is kept")
    add_setting_options(parser, BakeSettings)
    parser.add_argument("--out", type=Path, help=".blend to write; may be the one that was opened")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write curves, pictures and settings as HTML")
    parser.add_argument("--dry-run", action="store_true", help="tell the state of every line; nothing is generated")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Open, make what is stale, save. A line that cannot be made keeps none of the others from being made."""
    _require_sense(options)
    if importlib.util.find_spec("bpy") is None:
        raise EngineSetupError(
            "This Python has no bpy module, which sheet needs.", "Run it as blender -c mimesh sheet."
        )
    scene = _opened(options)
    lines = _lines(scene, options)
    work = _work(options, lines)
    if options.export_sheet is not None:
        write_sheet(options.export_sheet, lines)
    if options.dry_run:
        return _told(scene, work)
    with engine_client(options) as client:
        return _made(options, scene, work, client)


def _require_sense(options: argparse.Namespace) -> None:
    if options.out is None and not options.dry_run:
        raise SettingsError("No output is named.", "Name the .blend to write with --out, or ask with --dry-run.")
    if options.out is not None:
        require_writable(options.out, ".blend")
    if options.export_sheet is not None:
        require_writable(options.export_sheet, ".json")
    if options.report is not None:
        require_writable(options.report, ".html")
    if options.rig is None and not options.in_blender:
        raise SettingsError("No .blend is named.", "Name the one with the edit with --rig.")


def _opened(options: argparse.Namespace) -> Any:
    from ..blender.blend_file import open_blend, open_scene
    from ..blender.sheet.properties import ensure_sheet

    ensure_sheet()
    if options.rig is not None:
        open_blend(options.rig)
    return open_scene(options.scene)


def _lines(scene: Any, options: argparse.Namespace) -> tuple[SheetLine, ...]:
    from ..blender.sheet.collect import collect_lines
    from ..blender.sheet.properties import lines_of, replace_lines

    if options.sheet is not None:
        replace_lines(scene, read_sheet(options.sheet))
    if options.collect:
        collect_lines(scene)
    lines = lines_of(scene)
    if not lines:
        raise SettingsError(
            f'The scene "{scene.name}" has no dialogue sheet.', "Give one with --sheet, or make one with --collect."
        )
    return lines


def _work(options: argparse.Namespace, lines: tuple[SheetLine, ...]) -> SheetPass:
    from ..blender.sheet.digests import FileDigests
    from ..blender.sheet.generate_all import SheetPass

    return SheetPass(lines, _base(options), lambda name: str(style_path(options, name)), FileDigests())


def _base(options: argparse.Namespace) -> GenerateSettings:
    from ..client.choices import GenerateSettings, SourceChoice
    from ..exchange.media_range import MediaRange

    # of no sound yet: the request is what checks the options together
    request = motion_request(options, MediaRange(Path("line")), reference_file(options))
    reference = SourceChoice("none")
    if options.style is not None:
        reference = SourceChoice("style", str(request.style))
    elif options.reference is not None:
        if options.reference_start or options.reference_end is not None:
            raise SettingsError("A sheet takes a whole reference clip.", "Cut the clip, or save its style first.")
        reference = SourceChoice("file", str(options.reference.absolute()))
    return GenerateSettings(
        object_name="",
        speech=SourceChoice("none"),
        reference=reference,
        second_style=str(request.second_style) if request.second_style else "",
        bake=read_settings(options, BakeSettings),
        **request.groups(),
    )


def _told(scene: Any, work: SheetPass) -> Outcome:
    from ..blender.sheet.survey import survey_sheet

    states = survey_sheet(scene, work.lines, work.base, work.resolve, work.files, {})
    told = [
        {**line.to_json(), "state": status.state, "edited": status.edited, "description": status.description}
        for line, status in zip(work.lines, states, strict=True)
    ]
    words = [
        f"{line.source} ({line.character or 'nobody'}): {status.state}. {status.description}"
        for line, status in zip(work.lines, states, strict=True)
    ]
    stale = sum(status.state in STALE or status.state == "moved" for status in states)
    return Outcome(
        "planned", "\n".join([*words, f"{stale} of {len(states)} lines are not up to date."]), {"lines": told}
    )


def _reference_picture(options: argparse.Namespace, client: Any) -> bytes:
    """The reference clip with its landmarks, which the engine has in its cache where it keeps one."""
    from ..blender.watch import watch_job

    clip = reference_file(options)
    if clip is None:
        return b""
    job = client.track(clip)
    try:
        return bytes(watched(watch_job(job)).picture)
    except MimeshError:
        # the lines are made and saved, and the report can do without
        return b""
    finally:
        job.cancel()


def _made(options: argparse.Namespace, scene: Any, work: SheetPass, client: Any) -> Outcome:
    from ..blender.blend_file import save_blend
    from ..blender.report import write_report
    from ..blender.session import find_object
    from ..blender.sheet.generate_all import pass_steps

    started = time.monotonic()
    report = watched(pass_steps(scene, work, client))
    if report.failed and not report.changed and not report.unchanged:
        name, why = next(iter(report.failed.items()))
        raise MimeshError(f'The line "{name}" cannot be made. {why}')
    save_blend(options.out)
    if options.report is not None:
        faces = map(find_object, dict.fromkeys(line.character for line in work.lines if line.character))
        write_report(options.report, faces, _reference_picture(options, client))
    facts = {
        "out": str(options.out.absolute()),
        "generated": report.generated,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "locked": report.locked,
        "failed": report.failed,
        "elapsed_seconds": time.monotonic() - started,
    }
    code = ExitCode.PARTLY if report.failed else ExitCode.DONE
    return Outcome("partly" if report.failed else "done", f"{report.describe()}\nSaved {options.out}.", facts, code)
