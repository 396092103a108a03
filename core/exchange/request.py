# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is asked for and what it answers, as plain data. numpy only: built and read inside Blender."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..engines import DEFAULT_ENGINE, find_engine, mixing_engines
from ..errors import SettingsError
from ..face.motion import Motion
from ..models.eyes.apply import GAZE_AMOUNT_LIMIT, EyesSettings
from ..pose.bank import Neighbour
from ..pose.settings import AMOUNT_LIMIT, PoseSettings

if TYPE_CHECKING:
    from ..style.style import Style
    from ..tracking.quality import QualityReport

DEVICES = ("auto", "cpu", "cuda")
STYLE_STRENGTH_LIMIT = 1.5
HEAD_AMOUNT_LIMIT = AMOUNT_LIMIT


@dataclass(frozen=True, slots=True)
class MediaRange:
    """Part of a media file: [start, end) in seconds; an ``end_seconds`` of None is the file's end.

    track: which of its sound tracks, counted from 1; None takes the default one, else the one most like speech.
    """

    path: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None
    track: int | None = None

    def __post_init__(self) -> None:
        if not self.start_seconds >= 0.0:
            raise SettingsError(f"The start of {self.path.name} is {self.start_seconds} s; it cannot be negative.")
        if self.end_seconds is not None and not self.end_seconds > self.start_seconds:
            raise SettingsError(
                f"The range of {self.path.name} ends at {self.end_seconds:g} s, "
                f"which is not after its start at {self.start_seconds:g} s.",
                "Check the trim or the range options.",
            )

    def to_json(self) -> dict[str, Any]:
        """Absolute, because the worker runs in another folder."""
        path = str(self.path.expanduser().absolute())
        media = {"path": path, "start_seconds": self.start_seconds, "end_seconds": self.end_seconds}
        return media if self.track is None else {**media, "track": self.track}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(Path(data["path"]), float(data["start_seconds"]), data["end_seconds"], data.get("track"))
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no media range: {data!r:.80} ({error}).") from error


@dataclass(frozen=True, slots=True)
class PoseRequest:
    """How the head moves beside its amount; see :class:`core.pose.settings.PoseSettings`.

    seed: is added to the request's own, so that another one changes the head and nothing else.
    bank: a file of pose styles; None is the bundled one.
    """

    source: str = "bank"
    k: int = 1
    temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 0
    dead_zone_radians: float = 0.0
    bank: Path | None = None

    def __post_init__(self) -> None:
        self.settings(0, 1.0)

    def settings(self, seed: int, amount: float) -> PoseSettings:
        """For the generator. Raises :class:`SettingsError` for what is out of range."""
        return PoseSettings(
            k=self.k,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=seed + self.seed,
            amount=amount,
            dead_zone_radians=self.dead_zone_radians,
            source=self.source,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; the path is absolute."""
        data = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {**data, "bank": str(self.bank.expanduser().absolute()) if self.bank else None}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; what is lacking has its default. Raises TypeError on nonsense."""
        return cls(**{**data, "bank": Path(data["bank"]) if data.get("bank") else None})


@dataclass(frozen=True, slots=True)
class MotionRequest:
    """Everything that decides a generated motion; the same request gives the same motion.

    second_style: a style file whose face is mixed into the first's, by ``style_mix`` (0 is the first alone, 1 the
    second alone); head and eyes stay the first's. Only for engines that can mix.
    """

    audio: MediaRange
    reference: MediaRange | None = None
    style: Path | None = None
    engine: str = DEFAULT_ENGINE
    seed: int = 0
    style_strength: float = 1.0
    head_amount: float = 1.0
    device: str = "auto"
    pose: PoseRequest = PoseRequest()
    blinks: bool = True
    gaze_amount: float = 1.0
    second_style: Path | None = None
    style_mix: float = 0.0

    def __post_init__(self) -> None:
        find_engine(self.engine)
        if self.device not in DEVICES:
            raise SettingsError(f"There is no device called {self.device!r}; there are: {', '.join(DEVICES)}.")
        if self.reference is not None and self.style is not None:
            raise SettingsError("Both a reference clip and a style file are given.", "Choose one of them.")
        _require_within("style strength", self.style_strength, STYLE_STRENGTH_LIMIT)
        _require_within("head amount", self.head_amount, HEAD_AMOUNT_LIMIT)
        _require_within("gaze amount", self.gaze_amount, GAZE_AMOUNT_LIMIT)
        _require_within("style mix", self.style_mix, 1.0)
        self._require_mixable()

    def _require_mixable(self) -> None:
        if self.second_style is None:
            if self.style_mix:
                raise SettingsError(f"A style mix of {self.style_mix:g} needs a second style.", "Choose one.")
            return
        if not find_engine(self.engine).can_mix:
            able = " or ".join(entry.name for entry in mixing_engines())
            raise SettingsError(
                f"The engine {self.engine} cannot mix two styles.", f"Choose {able}, or leave the second style out."
            )
        if self.reference is None and self.style is None:
            raise SettingsError(
                f"The second style {self.second_style.name} has no first to be mixed into.",
                "Choose a reference or a style as well.",
            )

    @property
    def eyes_settings(self) -> EyesSettings:
        """How the eyes blink and move."""
        return EyesSettings(self.blinks, self.gaze_amount, self.seed)

    @property
    def pose_settings(self) -> PoseSettings:
        """How the head moves."""
        return self.pose.settings(self.seed, self.head_amount)

    def to_json(self) -> dict[str, Any]:
        """Plain values for one protocol line."""
        data = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        data["audio"] = self.audio.to_json()
        data["reference"] = self.reference.to_json() if self.reference else None
        data["style"] = str(self.style.expanduser().absolute()) if self.style else None
        data["second_style"] = str(self.second_style.expanduser().absolute()) if self.second_style else None
        data["pose"] = self.pose.to_json()
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; older ones know no second style. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(
                audio=MediaRange.from_json(data["audio"]),
                reference=MediaRange.from_json(data["reference"]) if data["reference"] else None,
                style=Path(data["style"]) if data["style"] else None,
                engine=str(data["engine"]),
                seed=int(data["seed"]),
                style_strength=float(data["style_strength"]),
                head_amount=float(data["head_amount"]),
                device=str(data["device"]),
                pose=PoseRequest.from_json(data["pose"]),
                blinks=bool(data["blinks"]),
                gaze_amount=float(data["gaze_amount"]),
                second_style=Path(data["second_style"]) if data.get("second_style") else None,
                style_mix=float(data.get("style_mix", 0.0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no motion request ({type(error).__name__}: {error}).") from error


def _require_within(name: str, value: float, limit: float) -> None:
    if not 0.0 <= value <= limit:
        raise SettingsError(f"The {name} is {value:g}; it must lie between 0 and {limit:g}.")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a motion came from: enough to make it again, and to know our keys from an artist's.

    pose_hash: of the pose prior that moved the head, empty where the reference's own motion was taken.
    second_style_name, second_style_id, style_mix: what was mixed into the face, as in ``MotionRequest``.
    """

    audio_source: str
    audio_hash: str
    audio_seconds: float
    engine: str
    model_hash: str
    basis_hash: str
    style_name: str | None
    style_id: str | None
    seed: int
    style_strength: float
    head_amount: float
    pose: PoseRequest = PoseRequest()
    pose_hash: str = ""
    blinks: bool = False
    gaze_amount: float = 0.0
    second_style_name: str | None = None
    second_style_id: str | None = None
    style_mix: float = 0.0

    @property
    def mixed_in(self) -> str:
        """What was mixed into the face, in words; empty for one style alone."""
        return f"{self.style_mix:.0%} of {self.second_style_name}" if self.second_style_name else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**dataclasses.asdict(self), "pose": self.pose.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; older ones know nothing of head, eyes and mixing."""
        return cls(**{**data, "pose": PoseRequest.from_json(data.get("pose", {}))})


@dataclass(frozen=True, slots=True, eq=False)
class MotionResult:
    """A finished motion and what to tell the user about it.

    ``style`` is what the reference left behind, to be saved and used again. ``notes`` are sentences.
    ``neighbours``: the pose styles that the head was retrieved from, nearest first.
    """

    motion: Motion
    style: Style | None
    reference_report: QualityReport | None
    stage_seconds: dict[str, float]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

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


@dataclass(frozen=True, slots=True)
class BankRequest:
    """Add a person's way of moving the head to a bank of pose styles: from a clip, or from a saved style.

    bank: the file; one that does not exist yet begins as a copy of the bundled bank. name: empty takes the clip's.
    """

    bank: Path
    reference: MediaRange | None = None
    style: Path | None = None
    name: str = ""
    device: str = "auto"

    def __post_init__(self) -> None:
        if (self.reference is None) == (self.style is None):
            raise SettingsError("A pose bank takes one clip or one style at a time.", "Choose one of them.")

    def to_json(self) -> dict[str, Any]:
        """Plain values for one protocol line."""
        return {
            "bank": str(self.bank.expanduser().absolute()),
            "reference": self.reference.to_json() if self.reference else None,
            "style": str(self.style.expanduser().absolute()) if self.style else None,
            "name": self.name,
            "device": self.device,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(
                bank=Path(data["bank"]),
                reference=MediaRange.from_json(data["reference"]) if data["reference"] else None,
                style=Path(data["style"]) if data["style"] else None,
                name=str(data["name"]),
                device=str(data["device"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no bank request ({type(error).__name__}: {error}).") from error


@dataclass(frozen=True, slots=True)
class BankResult:
    """What a bank holds after an addition: the new style's name and all of them."""

    added: str
    names: tuple[str, ...]
