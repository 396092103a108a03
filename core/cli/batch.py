# SPDX-License-Identifier: GPL-3.0-or-later
"""``batch``: many results from a manifest or a folder; run again after a kill, it goes on where it was."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..batch.journal import Journal
from ..batch.manifest import DEFAULT_PATTERN, read_manifest
from ..batch.page import write_page
from ..batch.processes import ProcessRunner, processes_for
from ..batch.row import Row
from ..batch.run import Batch, BatchCount, RowRunner
from ..errors import CancelledError, SettingsError
from .commands import Commands
from .console import LIBRARY_VARIABLE, style_library
from .exit_codes import ExitCode, exit_code
from .generate import engine_client
from .outcome import Outcome, add_json_option
from .row_runners import (
    MOTION_WRITERS,
    BlendRunner,
    ClientRunner,
    MakeMotionRunner,
    Refused,
    likeness,
    no_blender,
    require_request,
)


def add_command(commands: Commands) -> None:
    """``batch`` and its options."""
    parser = commands.add_parser("batch", help="make many results from a manifest or a folder")
    parser.add_argument("source", type=Path, help="manifest (.csv, .json, .yaml), or a folder with sounds")
    parser.add_argument("--out", type=Path, help="folder of the results, else the manifest's")
    parser.add_argument("--pattern", help=f"names of the folder's files (default: {DEFAULT_PATTERN})")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="a column for rows that lack it; {other} in the value is the row's own",
    )
    parser.add_argument("--part", default="1/1", metavar="I/N", help="make only every Nth row, from the Ith on")
    parser.add_argument("--retries", type=int, default=1, help="of rows that fail by the engine (default: 1)")
    parser.add_argument("--again", action="store_true", help="make rows again that are done")
    parser.add_argument("--no-thumbnails", action="store_true", help="leave the pictures out of the summary")
    parser.add_argument("--library", type=Path, help="folder of the styles, else $MIMESH_STYLES")
    parser.add_argument("--python", type=Path, default=None, help="Python of the engine, where Blender is needed")
    parser.add_argument("--work", type=Path, default=None, help="folder for the engine's cache, else none is kept")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="share out by this Dask scheduler (tcp://HOST:8786)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="share out to N processes here, by Dask")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="of this machine for rows of motion (default: one for each core)"
    )
    parser.add_argument("--dry-run", action="store_true", help="check the manifest and say what would be made")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Read all, make what is not done, tell."""
    rows = read_rows(options)
    index, total = _part(options.part)
    mine = rows[index - 1 :: total]
    out = _out_folder(options)
    if options.dry_run:
        return _planned(rows, mine, out)
    for folder in sorted({row.out.parent for row in mine}):
        folder.mkdir(parents=True, exist_ok=True)
    journal = Journal.open(out, f"{index}-of-{total}")
    line = _Line()
    try:
        with _runners(options, mine, journal) as runners:
            batch = Batch(mine, runners, journal, max(options.retries, 0), line)
            count = batch.run(options.again)
    except (KeyboardInterrupt, CancelledError):
        journal.write("cancelled")
        raise
    finally:
        line.end()
        page = write_page(journal, rows)
    journal.write("finished", done=count.done, skipped=count.skipped, failed=count.failed)
    return told(count, journal, page, mine)


def read_rows(options: argparse.Namespace) -> tuple[Row, ...]:
    """The manifest's rows, checked. Raises SettingsError."""
    source: Path = options.source
    if not source.exists():
        raise SettingsError(f"The manifest {source} does not exist.")
    library = style_library(options) if options.library or os.environ.get(LIBRARY_VARIABLE) else None
    rows = read_manifest(source, _out_folder(options), _defaults(options.set), options.pattern, library)
    kinds = (*MOTION_WRITERS, ".blend")
    for row in rows:
        if row.kind not in kinds:
            raise SettingsError(f"Row {row.number}: its output {row.out.name} ends in none of {', '.join(kinds)}.")
        if row.kind in MOTION_WRITERS:
            require_request(row)
    return rows


def told(count: BatchCount, journal: Journal, page: Path, rows: Sequence[Row]) -> Outcome:
    """The summary: exit code 0 when every row is done, 5 when some are."""
    made = count.done + count.skipped
    words = [f"{count.done} made", f"{count.skipped} were done already", f"{count.failed} failed"]
    rate = 60.0 * count.done / max(count.seconds, 1e-3)
    text = [f"{len(rows)} rows: {', '.join(words)}, in {count.seconds:.1f} s ({rate:.0f} a minute).", f"See {page}."]
    code, status = ExitCode.DONE, "done"
    if count.failed and count.first_error is not None:
        code, status = (ExitCode.PARTLY, "partly") if made else (exit_code(count.first_error), "failed")
        text.insert(1, f"First failure: {count.first_error}")
    facts = {
        "rows": len(rows),
        "made": count.done,
        "skipped": count.skipped,
        "failed": count.failed,
        "seconds": round(count.seconds, 3),
        "rows_per_minute": round(rate, 1),
        "log": str(journal.path),
        "summary": str(page),
    }
    return Outcome(status, "\n".join(text), facts, code)


@contextlib.contextmanager
def _runners(options: argparse.Namespace, rows: Sequence[Row], journal: Journal) -> Iterator[list[RowRunner]]:
    """What the rows that are left need, and nothing else."""
    left = [row for row in rows if options.again or not journal.is_done(row)]
    kinds = {row.kind for row in left}
    pictures = not options.no_thumbnails
    with contextlib.ExitStack() as stack:
        if kinds and (options.scheduler or options.workers > 0):
            yield _shared_out(options, stack)
            return
        has_blender = importlib.util.find_spec("bpy") is not None
        through_client = options.in_blender or (".blend" in kinds and has_blender)
        client = stack.enter_context(engine_client(options)) if kinds and through_client else None
        runners: list[RowRunner] = []
        if options.in_blender and client is not None:
            runners.append(ClientRunner(client, pictures))
        elif kinds & set(MOTION_WRITERS):
            make = MakeMotionRunner(pictures, options.work)
            count = processes_for(sum(row.kind in MOTION_WRITERS for row in left), options.processes)
            runners.append(_in_processes(make, count, stack) if count > 1 else make())
        if ".blend" in kinds:
            runners.append(BlendRunner(client, pictures) if client is not None else Refused(no_blender()))
        yield runners


def _shared_out(options: argparse.Namespace, stack: contextlib.ExitStack) -> list[RowRunner]:
    """Rows of motion go to a Dask cluster, each of whose workers loads the networks once."""
    from ..batch.dask_cluster import DaskRunner, open_client

    client = open_client(options.scheduler, options.workers)
    stack.callback(client.close)
    if options.scheduler is None:
        stack.callback(client.cluster.close)
    refused = SettingsError(
        "Rows that end in .blend are not shared out by Dask, whose workers run them beside Blender's main thread.",
        "Take shares of the batch with --part.",
    )
    make = MakeMotionRunner(not options.no_thumbnails, options.work)
    return [DaskRunner(client, make, tuple(MOTION_WRITERS)), Refused(refused)]


def _in_processes(make: MakeMotionRunner, count: int, stack: contextlib.ExitStack) -> RowRunner:
    """Rows of motion go to processes of this machine."""
    runner = ProcessRunner(make, tuple(MOTION_WRITERS), count, likeness)
    stack.callback(runner.close)
    return runner


def _planned(rows: Sequence[Row], mine: Sequence[Row], out: Path) -> Outcome:
    lacking = [(row, path) for row in mine for path in row.inputs() if not path.is_file()]
    lines = [f"{len(rows)} rows; this part makes {len(mine)} below {out}."]
    lines += [f"Row {row.number}: {path} does not exist." for row, path in lacking]
    lines += [f"Row {row.number} {row.name}: {row.out}" for row in mine]
    facts = {
        "rows": [{"row": row.number, "name": row.name, "out": str(row.out)} for row in mine],
        "missing": [str(path) for _, path in lacking],
    }
    code = ExitCode.BAD_INPUT if lacking else ExitCode.DONE
    return Outcome("planned", "\n".join(lines), facts, code)


def _out_folder(options: argparse.Namespace) -> Path:
    source: Path = options.source
    chosen = options.out or (source if source.is_dir() else source.parent)
    return Path(chosen).absolute()


def _defaults(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in given:
        column, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--set {text} names no value.", "Write --set COLUMN=VALUE.")
        found[column.strip().replace("_", "-")] = value.strip()
    return found


def _part(text: str) -> tuple[int, int]:
    index, _, total = text.partition("/")
    if not (index.isdecimal() and total.isdecimal() and 1 <= int(index) <= int(total)):
        raise SettingsError(f"The part is {text!r:.20}; it must be such as 2/4.")
    return int(index), int(total)


class _Line:
    """One line on a terminal that counts the rows."""

    def __call__(self, row: Row, count: BatchCount) -> None:
        if sys.stderr.isatty():
            left = count.total - count.skipped
            text = f"{count.done + count.failed} of {left}: {row.name}"
            print(f"\r{text:<70.70}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Remove it."""
        if sys.stderr.isatty():
            print(f"\r{'':<70}\r", end="", file=sys.stderr, flush=True)
