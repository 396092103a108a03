# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the rows of a batch: motion in this process, or keyed characters in Blender with one warm engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arkit.live_link import write_live_link
from ..arkit.solve import arkit_values
from ..batch.row import Row
from ..batch.run import Made, MadeStream
from ..batch.thumbnail import motion_thumbnail
from ..engine.together import TogetherEngine
from ..errors import EngineError, MimeshError, RigError, SettingsError
from ..exchange.results import MotionResult

if TYPE_CHECKING:
    from ..client.client import EngineClient
    from ..client.engine_port import EngineJob
    from ..engine.cache import ArtifactCache
    from ..exchange.request import MotionRequest

# motion rows in memory at once: whole passes of the networks, and no more
ROWS_AT_ONCE = 64
# between two looks at the engine
_STEP_SECONDS = 0.01
_CACHE_BYTES = 1 << 30
Writer = Callable[[MotionResult, Path], None]


def write_npz(result: MotionResult, path: Path) -> None:
    """The arrays of the command ``motion`` without the landmarks, which follow from them and take most of the room."""
    result.motion.save(path)


def write_csv(result: MotionResult, path: Path) -> None:
    """Live Link Face's CSV, at the motion's 25 frames a second: Apple's 52 values, head and eyes."""
    motion = result.motion
    text = write_live_link(arkit_values(motion), motion.fps, motion.head, motion.gaze)
    path.write_text(text, encoding="utf-8", newline="")


MOTION_WRITERS: dict[str, Writer] = {".npz": write_npz, ".csv": write_csv}


@dataclass(slots=True)
class MotionRunner:
    """Rows of motion, with the networks in this process; lines of one voice run together."""

    engine: TogetherEngine
    thumbnails: bool = True
    kinds: tuple[str, ...] = tuple(MOTION_WRITERS)
    at_once: int = ROWS_AT_ONCE

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Each row as it is ready."""
        requests = [require_request(row) for row in rows]
        for line in self.engine.generate(requests):
            row = rows[line.index]
            if line.result is None:
                yield Made(row, line.error or EngineError("The engine gave no result."))
            else:
                yield made_motion(row, line.result, partials[line.index], self.thumbnails)


@dataclass(slots=True)
class ClientRunner:
    """Rows of motion by way of the engine's process, one after the other: for Blender's own Python."""

    client: EngineClient
    thumbnails: bool = True
    kinds: tuple[str, ...] = tuple(MOTION_WRITERS)
    at_once: int = 1

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Each row in turn."""
        for row, partial in zip(rows, partials, strict=True):
            try:
                result = _waited(self.client.submit(require_request(row)))
                yield made_motion(row, result, partial, self.thumbnails)
            except MimeshError as error:
                yield Made(row, error)


@dataclass(slots=True)
class BlendRunner:
    """Rows of keyed characters: opens, keys and saves a copy of the row's .blend."""

    client: EngineClient
    thumbnails: bool = True
    kinds: tuple[str, ...] = (".blend",)
    at_once: int = 1

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Each row in turn."""
        for row, partial in zip(rows, partials, strict=True):
            try:
                yield self._made(row, partial)
            except MimeshError as error:
                yield Made(row, error)

    def _made(self, row: Row, partial: Path) -> Made:
        from ..blender.thumbnail import mesh_thumbnail
        from .blend_row import generate_row

        facts = generate_row(row, partial, self.client)
        picture = mesh_thumbnail(facts["object"]) if self.thumbnails else b""
        return Made(row, facts=facts, thumbnail=picture)


@dataclass(slots=True)
class Refused:
    """Says of rows why they cannot be made here."""

    reason: MimeshError
    kinds: tuple[str, ...] = (".blend",)
    at_once: int = ROWS_AT_ONCE

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """All of them fail."""
        yield from (Made(row, self.reason) for row in rows)


def no_blender() -> RigError:
    """For rows of keyed characters in a Python without Blender."""
    return RigError("This row needs Blender.", "Run the batch as blender -b -c mimesh batch.")


@dataclass(frozen=True, slots=True)
class MakeMotionRunner:
    """Makes what a worker of a cluster, or a process of this machine, keeps. work: folder of the engine's cache."""

    thumbnails: bool = True
    work: Path | None = None

    def __call__(self) -> MotionRunner:
        """The networks are loaded with the first row."""
        return MotionRunner(TogetherEngine(self._cache()), self.thumbnails)

    def _cache(self) -> ArtifactCache | None:
        if self.work is None:
            return None
        from ..engine.cache import ArtifactCache

        return ArtifactCache(self.work / "cache", _CACHE_BYTES)


def likeness(row: Row) -> tuple[Any, ...]:
    """Sorts rows so that those of one style, settings and length lie together: they share passes of the networks."""
    audio = row.audio
    seconds = audio.seconds if audio is not None else None
    size = 0
    if audio is not None and seconds is None:
        try:
            # sounds of one batch are of one format, as a rule
            size = audio.path.stat().st_size
        except OSError:
            size = 0
    return (str(row.style or ""), str(row.second_style or ""), repr(row.groups["face"]), seconds or 0.0, size)


def made_motion(row: Row, result: MotionResult, partial: Path, thumbnails: bool) -> Made:
    """Write the result in the row's format."""
    try:
        MOTION_WRITERS[row.kind](result, partial)
    except OSError as error:
        return Made(row, MimeshError(f"The output {row.out} cannot be written ({error.strerror or error})."))
    facts: dict[str, Any] = {
        "frames": len(result.motion),
        "seconds": round(result.motion.seconds, 3),
        "style": result.style_name,
        "notes": list(result.notes),
        "provenance": result.provenance.to_json(),
    }
    return Made(row, facts=facts, thumbnail=motion_thumbnail(result.motion) if thumbnails else b"")


def require_request(row: Row) -> MotionRequest:
    """The request of a row whose sound is a file: rows of motion have no sequencer."""
    if row.audio is None:
        raise SettingsError(
            f"Row {row.number} takes its speech from a sequencer, and its output is no .blend.",
            "Let its output end in .blend, or name its sound in the column audio.",
        )
    return row.request(row.audio)


def _waited(job: EngineJob[MotionResult]) -> MotionResult:
    while not job.poll().done:
        time.sleep(_STEP_SECONDS)
    return job.result()
