# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands share: progress on a terminal, the style library, files written whole or not at all."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import files
from ..checkpoint import checked_by
from ..engine.stages import TimeEstimate
from ..errors import SettingsError
from ..exchange.stage_labels import stage_label
from ..style.library import SUFFIX, StyleLibrary

LIBRARY_VARIABLE = "MIMESH_STYLES"


@dataclass(slots=True)
class ProgressLine:
    """One line on a terminal that is written over; silent where stderr is a file or a pipe."""

    _estimate: TimeEstimate = field(default_factory=TimeEstimate)
    _shown: bool = False
    _stage: str = "start"
    _fraction: float = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        self.show(stage, fraction, self._estimate.seconds_left(fraction))

    def show(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """Draw the line."""
        if not sys.stderr.isatty():
            return
        self._stage, self._fraction = stage, fraction
        self._draw("" if seconds_left is None else f", about {seconds_left:.0f} s left")

    def explain(self, why: str) -> None:
        """Why nothing moves for a while."""
        if sys.stderr.isatty():
            self._draw(f", {why}")

    def _draw(self, more: str) -> None:
        text = f"{stage_label(self._stage)}: {self._fraction:4.0%}{more}"
        print(f"\r{text:<70}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def clear(self) -> None:
        """Remove the line, so that what follows stands alone."""
        if self._shown:
            print(f"\r{'':<70}\r", end="", file=sys.stderr, flush=True)
            self._shown = False


@contextlib.contextmanager
def progress_line() -> Iterator[ProgressLine]:
    """A progress line that is gone at the end, also after an error."""
    line = ProgressLine()
    try:
        with checked_by(lambda: None, line.explain):
            yield line
    finally:
        line.clear()


def style_library(options: argparse.Namespace) -> StyleLibrary:
    """The library of ``--library`` or the environment. Raises SettingsError when neither names a folder."""
    folder = options.library or os.environ.get(LIBRARY_VARIABLE, "")
    if not folder:
        raise SettingsError("No style library is chosen.", f"Name its folder with --library or in {LIBRARY_VARIABLE}.")
    return StyleLibrary(Path(folder))


def style_path(options: argparse.Namespace, style: str | None) -> Path | None:
    """The file of a style that is named or given by its path; without a library only a path makes sense."""
    if style is None:
        return None
    if options.library or os.environ.get(LIBRARY_VARIABLE, ""):
        return style_library(options).resolve(style)
    path = Path(style)
    if path.suffix != SUFFIX and not path.is_file():
        raise SettingsError(
            f'No style library is chosen, in which "{style}" could be looked for.',
            f"Name its folder with --library or in {LIBRARY_VARIABLE}, or give the style's file.",
        )
    return path


def require_writable(path: Path, suffix: str) -> None:
    """Refuse an output that could not be written, before any work is done."""
    if path.suffix != suffix:
        raise SettingsError(f"The output {path} should end in {suffix}.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise SettingsError(f"The folder {folder} for the output does not exist.", "Make it first.")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise SettingsError(f"The output {path} cannot be written.", "Choose another place.")


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what the tracker's native code prints to fd 2; our own words still reach the real stderr.

    Nothing happens where stderr is no plain descriptor 2 (inside test runners and notebooks).
    """
    try:
        redirectable = sys.stderr.fileno() == 2
    except (OSError, ValueError, AttributeError):
        redirectable = False
    if not redirectable:
        yield
        return
    real, saved = sys.stderr, os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        with os.fdopen(os.dup(saved), "w", buffering=1) as sys.stderr:
            yield
    finally:
        sys.stderr = real
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """As :func:`core.files.whole_file`, with one sentence when it cannot be written."""
    try:
        with files.whole_file(path) as partial:
            yield partial
    except OSError as error:
        raise SettingsError(f"The output {path} cannot be written ({error.strerror or error}).") from error
