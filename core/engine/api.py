# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: speech and a reference in, motion out. Knows nothing of Blender.

The dataclasses need numpy only, so that callers inside Blender can build and read them; models and
media libraries are imported by the functions that use them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import SettingsError
from ..face.motion import Motion
from .stages import StageMeter, StagePlan

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..style.style import Style
    from ..tracking.quality import QualityReport
    from ..tracking.reference import TrackedReference
    from .cache import ArtifactCache
    from .models import OnceEach

# (stage, fraction of the whole job 0..1); raising CancelledError from it cancels
Progress = Callable[[str, float], None]
ENGINES = ("adamesh",)
DEVICES = ("auto", "cpu", "cuda")
STYLE_STRENGTH_LIMIT = 1.5
HEAD_AMOUNT_LIMIT = 2.0


def ignore_progress(stage: str, fraction: float) -> None:
    """The default for callers that do not watch."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """Part of a media file: [start, end) in seconds; an ``end_seconds`` of None is the file's end."""

    path: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None

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
        return {"path": path, "start_seconds": self.start_seconds, "end_seconds": self.end_seconds}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(Path(data["path"]), float(data["start_seconds"]), data["end_seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no media range: {data!r:.80} ({error}).") from error


@dataclass(frozen=True, slots=True)
class MotionRequest:
    """Everything that decides a generated motion; the same request gives the same motion."""

    audio: MediaRange
    reference: MediaRange | None = None
    style: Path | None = None
    engine: str = "adamesh"
    seed: int = 0
    style_strength: float = 1.0
    head_amount: float = 1.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SettingsError(f"There is no engine called {self.engine!r}; there is: {', '.join(ENGINES)}.")
        if self.device not in DEVICES:
            raise SettingsError(f"There is no device called {self.device!r}; there are: {', '.join(DEVICES)}.")
        if self.reference is not None and self.style is not None:
            raise SettingsError("Both a reference clip and a style file are given.", "Choose one of them.")
        _require_within("style strength", self.style_strength, STYLE_STRENGTH_LIMIT)
        _require_within("head amount", self.head_amount, HEAD_AMOUNT_LIMIT)

    def to_json(self) -> dict[str, Any]:
        """Plain values for one protocol line."""
        data = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        data["audio"] = self.audio.to_json()
        data["reference"] = self.reference.to_json() if self.reference else None
        data["style"] = str(self.style.expanduser().absolute()) if self.style else None
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
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
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no motion request ({type(error).__name__}: {error}).") from error


def _require_within(name: str, value: float, limit: float) -> None:
    if not 0.0 <= value <= limit:
        raise SettingsError(f"The {name} is {value:g}; it must lie between 0 and {limit:g}.")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a motion came from: enough to make it again, and to know our keys from an artist's."""

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

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, eq=False)
class MotionResult:
    """A finished motion and what to tell the user about it.

    ``style`` is what the reference left behind, to be saved and used again. ``notes`` are sentences.
    """

    motion: Motion
    style: Style | None
    reference_report: QualityReport | None
    stage_seconds: dict[str, float]
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def style_name(self) -> str | None:
        """Name of the style that was applied, if any."""
        return self.style.name if self.style else None


def track_reference(
    source: MediaRange, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> TrackedReference:
    """Track a talking person, or take the earlier result for the same file and range from ``cache``."""
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, StagePlan({"track": 1.0}))
    with meter.stage("track"):
        return _tracked(source, OnceEach(expression_generator("auto")), meter, cache)


def generate_motion(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> MotionResult:
    """Speech in, motion out. Raises a :class:`MimeshError` whose sentence names what is wrong."""
    from ..audio.decode import load_speech, require_sound
    from ..style.apply import apply_style
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, _plan(request))
    with meter.stage("audio"):
        speech = load_speech(request.audio.path, request.audio.start_seconds, request.audio.end_seconds)
        require_sound(speech)
        generator = expression_generator(request.device)
    listener = OnceEach(generator)
    reference = None
    if request.reference is not None:
        with meter.stage("track"):
            reference = _tracked(request.reference, listener, meter, cache)
    with meter.stage("style"):
        style = _style(request, reference, listener, cache)
    with meter.stage("motion"):
        base = generator.generate(speech, meter.within_stage)
        motion = apply_style(base, style, request.style_strength, request.head_amount, request.seed)
    return MotionResult(
        motion=motion,
        style=style,
        reference_report=reference.report if reference else None,
        stage_seconds=meter.seconds,
        provenance=_provenance(request, speech, style, generator.hash, motion.basis_hash),
        notes=_notes(style, generator.hash),
    )


def _plan(request: MotionRequest) -> StagePlan:
    # rough shares of the time on two cores: tracking takes most of it
    expected = {"audio": 0.3, "track": 2.0, "style": 0.4, "motion": 0.4}
    if request.reference is None:
        del expected["track"]
    return StagePlan(expected)


def _tracked(
    source: MediaRange, listener: OnceEach, meter: StageMeter, cache: ArtifactCache | None
) -> TrackedReference:
    from ..face.basis import open_basis
    from ..style.closures import lip_gap
    from ..tracking.reference import track_reference as run_tracker
    from .cache import reference_key
    from .reference_file import load_reference, save_reference

    key = reference_key(source, listener.hash) if cache else ""
    if cache and (hit := cache.load(key, load_reference)) is not None:
        return hit
    reference = run_tracker(
        source.path,
        source.start_seconds,
        source.end_seconds,
        meter.within_stage,
        expected_opening=lambda speech: lip_gap(open_basis(), listener.generate(speech)),
    )
    if cache:
        cache.store(key, lambda path: save_reference(path, reference))
    return reference


def _style(
    request: MotionRequest,
    reference: TrackedReference | None,
    listener: OnceEach,
    cache: ArtifactCache | None,
) -> Style | None:
    from ..style.fit import fit_style
    from ..style.style import Style
    from .cache import style_key

    if request.style is not None:
        return Style.load(request.style)
    if reference is None or request.reference is None:
        return None
    key = style_key(request.reference, listener.hash) if cache else ""
    if cache and (hit := cache.load(key, Style.load)) is not None:
        return hit
    style = fit_style(listener, reference)
    if cache:
        cache.store(key, style.save)
    return style


def _provenance(
    request: MotionRequest, speech: Speech, style: Style | None, model_hash: str, basis_hash: str
) -> Provenance:
    return Provenance(
        audio_source=str(request.audio.path),
        audio_hash=speech.hash,
        audio_seconds=speech.seconds,
        engine=request.engine,
        model_hash=model_hash,
        basis_hash=basis_hash,
        style_name=style.name if style else None,
        style_id=style.id if style else None,
        seed=request.seed,
        style_strength=request.style_strength,
        head_amount=request.head_amount,
    )


def _notes(style: Style | None, model_hash: str) -> tuple[str, ...]:
    if style is None:
        return ("No reference or style was given, so the head does not move.",)
    notes = list(style.provenance.warnings)
    if style.provenance.model_hash != model_hash:
        notes.append(f"The style {style.name} was fitted with another speech model; fit it again for the best match.")
    return tuple(notes)
