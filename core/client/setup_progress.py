# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what pip and uv print: which package, how many bytes of how many."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

_DECIMAL = {"B": 1.0, "bytes": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_UNITS = {**_DECIMAL, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3}
_SIZE = r"\(?([\d.]+) ?(kB|KB|KiB|MB|MiB|GB|GiB|bytes|B)\)?"
# pip: "Downloading torch-2.13.0-cp311-....whl (191.8 MB)"; uv: "Downloading torch (182.9MiB)"
_DOWNLOADING = re.compile(rf"\s*Downloading (?:\S*/)?([A-Za-z0-9_.]+?)(?:-\d\S*)? {_SIZE}")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_UNPACKING = re.compile(r"(Installing collected packages|Prepared \d+ package)")
# the rest of the bar is unpacking and checking
_DOWNLOAD_SHARE = 0.9


@dataclass(slots=True)
class SetupProgress:
    """Bytes that have come, of those that are expected in all; the bar only rises.

    expected_bytes: what all downloads together take, measured when the versions were chosen.
    """

    expected_bytes: float
    stage: str = "Starting"
    fraction: float = 0.0
    _finished: float = 0.0
    _current: float = 0.0
    _name: str = ""
    _size: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    def begin(self, stage: str) -> None:
        """Another step of the set-up."""
        self._finish_download()
        self.stage, self._since = stage, time.monotonic()

    def take(self, line: str) -> None:
        """One line of the installer's."""
        if found := _DOWNLOADING.match(line):
            self._finish_download()
            self._name, self._size = found[1], float(found[2]) * _UNITS[found[3]]
            self._show(0.0)
        elif found := _PROGRESS.match(line):
            self._size = float(found[2]) or self._size
            self._show(float(found[1]))
        elif _UNPACKING.match(line):
            self.begin("Unpacking the packages")

    def words(self) -> str:
        """The stage as a person reads it; a step without a measure counts its seconds."""
        if self._name:
            return f"Downloading {self._name}, {self._current / 1e6:.0f} of {self._size / 1e6:.0f} MB"
        seconds = time.monotonic() - self._since
        return f"{self.stage} ({seconds:.0f} s)" if seconds >= 2.0 else self.stage

    def _show(self, current: float) -> None:
        self._current = min(current, self._size) if self._size else current
        share = (self._finished + self._current) / max(self.expected_bytes, 1.0)
        self.fraction = max(self.fraction, _DOWNLOAD_SHARE * min(share, 1.0))

    def _finish_download(self) -> None:
        if self._name:
            self._finished += self._size
            self._show(0.0)
        self._name, self._size, self._current = "", 0.0, 0.0
