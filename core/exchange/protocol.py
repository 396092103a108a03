# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine process and its callers say to each other: one JSON object per line, never a pickle.

Standard library only, because the worker must be able to say that numpy is missing.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from ..errors import MimeshError, error_from_kind

PROTOCOL_VERSION = 2
# what the worker writes into its log when it begins a job; older lines say nothing of a later death
JOB_BEGINS = "begins job"
JsonObject = dict[str, Any]

_EXCERPT = 200
_LARGEST = 10**15
# checks by annotation text; a bool is an int to Python, but never a number to us
_NUMBER = (int, float)
_CHECKS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": _NUMBER,
    "float | None": (*_NUMBER, type(None)),
    "JsonObject": (dict,),
    "bool": (bool,),
}


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages; ``kind`` is the word on the wire."""

    kind: ClassVar[str] = ""

    def to_json(self) -> str:
        """One line without its line feed; NaN and infinity are refused because JSON has neither."""
        return json.dumps({"type": self.kind, **dataclasses.asdict(self)}, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, data: JsonObject) -> Self:
        """Build from a decoded object; fields that we do not know are ignored. Raises ValueError."""
        values = {}
        for item in dataclasses.fields(cls):
            if item.name in data:
                values[item.name] = _checked(item, data[item.name])
            elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                raise ValueError(f"{cls.kind} lacks {item.name}")
        return cls(**values)


def _checked(item: dataclasses.Field[Any], value: object) -> object:
    allowed = _CHECKS[str(item.type)]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ValueError(f"{item.name} is {type(value).__name__}, expected {item.type}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{item.name} is beyond any number of ours")
    return value


@dataclass(frozen=True, slots=True)
class GenerateJob(Message):
    """Ask for a motion: ``request`` is a ``MotionRequest``; arrays come back in ``folder``.

    first: a :class:`FirstResult` is welcome before the answer.
    """

    kind: ClassVar[str] = "generate"
    job: str
    folder: str
    request: JsonObject
    first: bool = False


@dataclass(frozen=True, slots=True)
class HeadJob(Message):
    """Ask for the head motion of a ``MotionRequest`` alone."""

    kind: ClassVar[str] = "head"
    job: str
    folder: str
    request: JsonObject


@dataclass(frozen=True, slots=True)
class BankJob(Message):
    """Ask for an addition to a bank of pose styles: ``request`` is a ``BankRequest``."""

    kind: ClassVar[str] = "bank"
    job: str
    folder: str
    request: JsonObject


@dataclass(frozen=True, slots=True)
class TrackJob(Message):
    """Ask for a tracked reference: ``range`` is a ``MediaRange``."""

    kind: ClassVar[str] = "track"
    job: str
    folder: str
    range: JsonObject


@dataclass(frozen=True, slots=True)
class PictureJob(Message):
    """Ask for the face landmarks of the picture in ``folder``."""

    kind: ClassVar[str] = "picture"
    job: str
    folder: str


@dataclass(frozen=True, slots=True)
class Cancel(Message):
    """Stop a job, running or waiting."""

    kind: ClassVar[str] = "cancel"
    job: str


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The worker's first words: who it is and what it found in its Python."""

    kind: ClassVar[str] = "ready"
    protocol: int
    python: str
    code_root: str
    packages: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warm(Message):
    """Imports are done and models are loaded."""

    kind: ClassVar[str] = "warm"
    seconds: float


@dataclass(frozen=True, slots=True)
class JobProgress(Message):
    """``fraction`` of the whole job, 0..1; ``seconds_left`` once it can be told.

    silent_for: why no word will come for a while, such as "loading PyTorch"; else empty.
    """

    kind: ClassVar[str] = "progress"
    job: str
    stage: str
    fraction: float
    seconds_left: float | None = None
    silent_for: str = ""


@dataclass(frozen=True, slots=True)
class FirstResult(Message):
    """What a job has before it has learnt the person, at most once: arrays in the folder's ``first``."""

    kind: ClassVar[str] = "first"
    job: str
    result: JsonObject


@dataclass(frozen=True, slots=True)
class JobDone(Message):
    """The job's arrays are in its folder; the small values are in ``result``."""

    kind: ClassVar[str] = "done"
    job: str
    result: JsonObject


@dataclass(frozen=True, slots=True)
class Failure(Message):
    """A job (or, with an empty ``job``, the worker itself) failed. Text only."""

    kind: ClassVar[str] = "error"
    job: str
    error: str
    message: str
    hint: str

    @classmethod
    def of(cls, job: str, error: MimeshError) -> Failure:
        """Translate an exception into what crosses the border."""
        return cls(job, error.kind, error.message, error.hint)

    def to_error(self) -> MimeshError:
        """The exception again, by its kind."""
        return error_from_kind(self.error, self.message, self.hint)


@dataclass(frozen=True, slots=True)
class Garbled:
    """A line that is no message: what it said and why it was not understood."""

    excerpt: str
    reason: str


_MESSAGES: dict[str, type[Message]] = {
    cls.kind: cls
    for cls in (
        GenerateJob,
        HeadJob,
        BankJob,
        TrackJob,
        PictureJob,
        Cancel,
        Ready,
        Warm,
        JobProgress,
        FirstResult,
        JobDone,
        Failure,
    )
}


def _finite(text: str) -> float:
    """A number as JSON has it: ``NaN``, ``Infinity`` and ``1e999`` are refused."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def decode(line: str) -> Message | Garbled:
    """Read one line; never raises, because the other side may be broken."""
    try:
        if "\x00" in line or "\\u0000" in line:
            raise ValueError("a null character, which no path of ours holds")
        data = json.loads(line, parse_float=_finite, parse_constant=_finite)
        if not isinstance(data, dict):
            raise ValueError("not an object")
        return _MESSAGES[data["type"]].from_json(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Garbled(line[:_EXCERPT].strip(), f"{type(error).__name__}: {error}")
