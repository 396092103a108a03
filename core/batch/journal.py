# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a batch: JSON lines that survive a kill at any moment, and what they say of each row."""

from __future__ import annotations

import heapq
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..weights import file_hash
from .row import Row

FOLDER = "mimesh-batch"
_LEFT_IN_FILE = ("provenance",)


@dataclass(frozen=True, slots=True)
class RowState:
    """The last that is known of a row: ``written`` just before its file got its name, ``done``, or ``failed``."""

    event: str
    fingerprint: str
    sha256: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Journal:
    """One process' file in the batch's folder; all files of the folder are read. Lines are written whole and flushed.

    A process that is killed while it writes leaves half a line, which readers skip.
    """

    folder: Path
    part: str = "1"
    _states: dict[str, RowState] = field(default_factory=dict)
    _begun: bool = False

    @classmethod
    def open(cls, out: Path, part: str = "1") -> Journal:
        """The journal of the batch that writes below ``out``."""
        folder = out / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder, part)
        for event in journal.events():
            journal._take(event)
        return journal

    @property
    def path(self) -> Path:
        """This process' own file."""
        return self.folder / f"log-{self.part}.jsonl"

    def events(self) -> Iterator[dict[str, Any]]:
        """All events of all processes, in the order of their time; a line of each file is in memory at once."""
        files = [_events_of(path) for path in sorted(self.folder.glob("log-*.jsonl"))]
        return heapq.merge(*files, key=lambda event: float(event.get("time", 0.0)))

    def write(self, event: str, row: Row | None = None, **facts: Any) -> None:
        """Append one event; a kill from now on does not lose it."""
        line: dict[str, Any] = {"time": time.time(), "event": event, "part": self.part, "pid": os.getpid()}
        if row is not None:
            line |= {"row": row.number, "name": row.name, "out": str(row.out)}
        line |= facts
        with self.path.open("ab") as file:
            # one write, so that a kill can only cut this line short
            file.write(self._start() + json.dumps(line, allow_nan=False).encode() + b"\n")
        self._take(line)

    def is_done(self, row: Row) -> bool:
        """Whether the row's file is there as it was written, from the inputs as they are now.

        A kill between the file's naming and the word ``done`` is seen by the file's checksum.
        """
        state = self._states.get(str(row.out))
        if state is None or state.event not in ("written", "done") or state.fingerprint != row.fingerprint():
            return False
        return row.out.is_file() and file_hash(row.out) == state.sha256

    def state(self, row: Row) -> RowState | None:
        """What is known of the row."""
        return self._states.get(str(row.out))

    def _start(self) -> bytes:
        """A line feed where an earlier process was killed in the middle of its last line."""
        first, self._begun = not self._begun, True
        return b"\n" if first and self.path.stat().st_size and not _ends_line(self.path) else b""

    def _take(self, event: Mapping[str, Any]) -> None:
        if event["event"] in ("written", "done", "failed"):
            out = str(event.get("out", ""))
            before = self._states.get(out)
            facts = event.get("facts") or (before.facts if before else {})
            # where a result came from stays in the file: ten thousand rows of it would fill the memory
            facts = {name: value for name, value in facts.items() if name not in _LEFT_IN_FILE}
            self._states[out] = RowState(
                str(event["event"]), str(event.get("fingerprint", "")), str(event.get("sha256", "")), facts
            )


def _events_of(path: Path) -> Iterator[dict[str, Any]]:
    """What a process wrote, in its order; half a line is skipped."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                yield event


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
