# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine answers, and its way through a job's folder: ``write_*`` runs in the engine, ``read_*`` outside."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..face.motion import LARGEST_RADIANS, Motion
from ..pose.bank import Codes, Neighbour
from ..weights import require_sane
from .protocol import JsonObject
from .provenance import Provenance

if TYPE_CHECKING:
    from ..style.style import Style
    from ..tracking.quality import QualityReport
    from ..tracking.reference import TrackedReference

# in a job's folder: what is there before the person has been learnt
FIRST_FOLDER = "first"
MOTION_FILE = "motion.npz"
PLAIN_FILE = "plain.npz"
HEAD_FILE = "head.npz"
STYLE_FILE = "style.safetensors"
REFERENCE_FILE = "reference.npz"
OVERLAY_FILE = "landmarks.png"
PICTURE_FILE = "picture.npz"
LANDMARKS_FILE = "landmarks.npz"


@dataclass(frozen=True, slots=True, eq=False)
class MotionResult:
    """A finished motion and what to tell the user about it.

    ``style`` is what the reference left behind, to be saved and used again. ``notes`` are sentences.
    ``neighbours``: the pose styles that the head was retrieved from, nearest first. ``plain``: the same line with
    style strength 0, head and eyes alike; None where no style has a part in the face.
    """

    motion: Motion
    style: Style | None
    reference_report: QualityReport | None
    stage_seconds: dict[str, float]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    codes: Codes = ()
    plain: Motion | None = None

    @property
    def style_name(self) -> str | None:
        """Name of the style that was applied, if any."""
        return self.style.name if self.style else None


@dataclass(frozen=True, slots=True, eq=False)
class HeadResult:
    """A head motion alone, for a face that is there already.

    head: (T, 3) radians relative to rest, 25 fps. gaze: (T, 2, 2) as in ``Motion``: the eyes hold their aim
    against the head.
    """

    head: NDArray[np.float32]
    gaze: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    codes: Codes = ()


@dataclass(frozen=True, slots=True)
class BankResult:
    """What a bank holds after an addition: the new style's name and all of them."""

    added: str
    names: tuple[str, ...]


def write_motion_result(folder: Path, result: MotionResult) -> JsonObject:
    """Arrays into ``folder``, the rest as JSON values."""
    result.motion.save(folder / MOTION_FILE)
    if result.plain is not None:
        result.plain.save(folder / PLAIN_FILE)
    if result.style is not None:
        result.style.save(folder / STYLE_FILE)
    return {
        "has_style": result.style is not None,
        "has_plain": result.plain is not None,
        "report": result.reference_report.to_json() if result.reference_report else None,
        "stage_seconds": result.stage_seconds,
        "provenance": result.provenance.to_json(),
        "notes": list(result.notes),
        "neighbours": _neighbours_json(result.neighbours),
        "codes": result.codes,
    }


def read_motion_result(folder: Path, result: JsonObject) -> MotionResult:
    """Inverse of :func:`write_motion_result`."""
    from ..style.style import Style
    from ..tracking.quality import QualityReport

    return MotionResult(
        motion=Motion.load(folder / MOTION_FILE),
        style=Style.load(folder / STYLE_FILE) if result["has_style"] else None,
        reference_report=QualityReport.from_json(result["report"]) if result["report"] else None,
        stage_seconds={str(name): float(value) for name, value in result["stage_seconds"].items()},
        provenance=Provenance.from_json(result["provenance"]),
        notes=tuple(result["notes"]),
        neighbours=_neighbours(result),
        codes=_codes(result),
        plain=Motion.load(folder / PLAIN_FILE) if result.get("has_plain") else None,
    )


def write_head_result(folder: Path, result: HeadResult) -> JsonObject:
    """Head and gaze into ``folder``, the rest as JSON values."""
    np.savez(folder / HEAD_FILE, head=result.head, gaze=result.gaze)
    return {
        "provenance": result.provenance.to_json(),
        "notes": list(result.notes),
        "neighbours": _neighbours_json(result.neighbours),
        "codes": result.codes,
    }


def read_head_result(folder: Path, result: JsonObject) -> HeadResult:
    """Inverse of :func:`write_head_result`."""
    with np.load(folder / HEAD_FILE, allow_pickle=False) as data:
        head, gaze = data["head"], data["gaze"]
    for name, array in (("head", head), ("gaze", gaze)):
        require_sane(name, array, LARGEST_RADIANS)
    return HeadResult(
        head,
        gaze,
        _neighbours(result),
        Provenance.from_json(result["provenance"]),
        tuple(result["notes"]),
        _codes(result),
    )


def read_bank_result(folder: Path, result: JsonObject) -> BankResult:
    """What a bank holds after a :class:`BankJob`."""
    return BankResult(str(result["added"]), tuple(result["names"]))


def _codes(result: JsonObject) -> Codes:
    return tuple(tuple(int(code) for code in row) for row in result.get("codes", ()))


def _neighbours_json(neighbours: tuple[Neighbour, ...]) -> list[JsonObject]:
    """JSON has no infinity, which is the distance of a style that was named without a reference."""
    return [
        dataclasses.asdict(found) | {"distance": found.distance if math.isfinite(found.distance) else None}
        for found in neighbours
    ]


def _neighbours(result: JsonObject) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(str(values["name"]), _distance(values["distance"]), float(values["share"]))
        for values in result["neighbours"]
    )


def _distance(value: float | None) -> float:
    return math.inf if value is None else float(value)


def read_reference_result(folder: Path, result: JsonObject) -> TrackedReference:
    """The tracked reference of a finished :class:`TrackJob`, with a picture of it where one could be drawn."""
    from ..tracking.reference_file import load_reference

    reference = load_reference(folder / REFERENCE_FILE)
    picture = folder / OVERLAY_FILE
    return dataclasses.replace(reference, picture=picture.read_bytes()) if picture.is_file() else reference


def write_picture(folder: Path, rgb: NDArray[np.uint8]) -> None:
    """Leave the picture (height, width, 3) where the worker looks for it."""
    np.savez(folder / PICTURE_FILE, rgb=np.ascontiguousarray(rgb, np.uint8))


def read_landmarks_result(folder: Path, result: JsonObject) -> NDArray[np.float32] | None:
    """(478, 3) pixels, or None where the picture shows no face."""
    if not result["found"]:
        return None
    with np.load(folder / LANDMARKS_FILE, allow_pickle=False) as data:
        landmarks: NDArray[np.float32] = data["landmarks"]
        return landmarks
