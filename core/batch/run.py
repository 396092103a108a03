# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the rows that are not done: each file appears whole or not at all, and once."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import CancelledError, MimeshError
from ..files import process_lives
from ..weights import file_hash
from .journal import Journal
from .row import Row

# in the names of half-written files
_MARK = ".partial-"
_HOST = re.sub(r"\W+", "_", platform.node())[:20]
# failures that may be over the next time
PASSING = ("engine", "error")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one row. facts: plain values for journal and summary; thumbnail: an SVG or PNG, or nothing."""

    row: Row
    error: MimeshError | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    thumbnail: bytes = b""


# closed early it leaves no half-written file behind it
MadeStream = Generator[Made, None, None]


class RowRunner(Protocol):
    """Makes rows of some kinds."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Endings of the outputs that it writes."""

    @property
    def at_once(self) -> int:
        """Rows that it wants together."""

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Write each row's result to its partial path; yields each row once, in any order."""


@dataclass(slots=True)
class BatchCount:
    """How a batch stands. rate: lines a minute since the start."""

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    started: float = field(default_factory=time.monotonic)
    first_error: MimeshError | None = None

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started


@dataclass(slots=True)
class Batch:
    """Rows, the runners that make them, and the journal.

    retries: of failures that may be over the next time. watch: is told after each row.
    """

    rows: Sequence[Row]
    runners: Sequence[RowRunner]
    journal: Journal
    retries: int = 1
    watch: Callable[[Row, BatchCount], None] = lambda row, count: None

    def run(self, again: bool = False) -> BatchCount:
        """Make what is not done yet, or everything with ``again``. An interrupt leaves no half-written file."""
        count = BatchCount(len(self.rows))
        remove_leftovers({row.out.parent for row in self.rows})
        pending = []
        for row in self.rows:
            if not again and self.journal.is_done(row):
                count.skipped += 1
                self._confirm(row)
            else:
                pending.append(row)
        for runner in self.runners:
            mine = [row for row in pending if row.kind in runner.kinds]
            for first in range(0, len(mine), runner.at_once):
                self._piece(runner, mine[first : first + runner.at_once], count)
        return count

    def _piece(self, runner: RowRunner, rows: Sequence[Row], count: BatchCount) -> None:
        for attempt in range(self.retries + 1):
            rows = self._attempt(runner, rows, count, last=attempt == self.retries)
            if not rows:
                return

    def _attempt(self, runner: RowRunner, rows: Sequence[Row], count: BatchCount, last: bool) -> list[Row]:
        """The rows that failed and may be tried again."""
        again: list[Row] = []
        partials = [partial_path(row.out) for row in rows]
        prints = {row.number: row.fingerprint() for row in rows}
        try:
            for row in rows:
                self.journal.write("started", row)
            with contextlib.closing(runner.run(rows, partials)) as stream:
                for made in stream:
                    again += self._take(made, count, prints[made.row.number], last)
        finally:
            for partial in partials:
                partial.unlink(missing_ok=True)
        return again

    def _take(self, made: Made, count: BatchCount, fingerprint: str, last: bool) -> list[Row]:
        """Keep or tell of what was made; the row once more where it may be tried again."""
        if made.error is None:
            made = self._keep(made, partial_path(made.row.out), fingerprint)
        if isinstance(made.error, CancelledError):
            raise made.error
        if made.error is None:
            count.done += 1
        elif made.error.kind in PASSING and not last:
            self.journal.write("retried", made.row, message=str(made.error))
            return [made.row]
        else:
            self._fail(made.row, made.error, count, fingerprint)
        self.watch(made.row, count)
        return []

    def _keep(self, made: Made, partial: Path, fingerprint: str) -> Made:
        """Give the file its name. What it will be is in the journal first, so that a kill in between is understood."""
        row = made.row
        try:
            digest = file_hash(partial)
            self.journal.write("written", row, fingerprint=fingerprint, sha256=digest, facts=dict(made.facts))
            partial.replace(row.out)
        except OSError as error:
            told = MimeshError(f"The output {row.out} cannot be written ({error.strerror or error}).")
            return Made(row, told)
        keep_thumbnail(self.journal.folder, row, made.thumbnail)
        self.journal.write("done", row, fingerprint=fingerprint, sha256=digest, facts=dict(made.facts))
        return made

    def _confirm(self, row: Row) -> None:
        state = self.journal.state(row)
        if state is not None and state.event == "written":
            self.journal.write("done", row, fingerprint=state.fingerprint, sha256=state.sha256, recovered=True)

    def _fail(self, row: Row, error: MimeshError, count: BatchCount, fingerprint: str) -> None:
        count.failed += 1
        count.first_error = count.first_error or error
        told = {"error": error.kind, "message": error.message, "hint": error.hint}
        self.journal.write("failed", row, fingerprint=fingerprint, facts=told)


def partial_path(out: Path) -> Path:
    """Where a result is written before it gets its name: beside it, hidden, and of this process alone."""
    return out.with_name(f".{out.stem}{_MARK}{_HOST}-{os.getpid()}{out.suffix}")


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove what killed processes of this machine left half-written; those of living processes stay."""
    leftover = re.compile(re.escape(f"{_MARK}{_HOST}-") + r"(\d+)\.\w+$")
    for folder in folders:
        for path in folder.glob(f".*{_MARK}*") if folder.is_dir() else ():
            found = leftover.search(path.name)
            if found and (int(found[1]) == os.getpid() or process_lives(int(found[1])) is False):
                with contextlib.suppress(OSError):
                    path.unlink()


def keep_thumbnail(folder: Path, row: Row, picture: bytes) -> None:
    """For the summary page; a row can do without."""
    if not picture:
        return
    ending = "png" if picture.startswith(b"\x89PNG") else "svg"
    with contextlib.suppress(OSError):
        (folder / "thumbnails").mkdir(exist_ok=True)
        (folder / "thumbnails" / f"{row.number:05d}.{ending}").write_bytes(picture)
