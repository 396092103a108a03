# SPDX-License-Identifier: GPL-3.0-or-later
"""Style over time: several styles whose weights are keyed along the shot, and an engine that speaks with all of them.

The weights are properties of the scene, so that they have F-curves, are saved, and take part in undo.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..client.engine_port import Engine, EngineJob
from ..client.job import JobStatus
from ..errors import SettingsError
from ..exchange.media_range import MediaRange
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import BankResult, HeadResult, MotionResult
from ..face.blend import blend_over_time, normalised
from ..face.motion import Motion
from . import compat

if TYPE_CHECKING:
    from ..exchange.protocol import Ready

_LEAST_STYLES = 2


@dataclass(frozen=True, slots=True)
class WeightCurve:
    """The weight of a style over the scene's frames, as it was when the run began.

    values: at ``first`` and every frame after it; before and behind, the first and the last hold.
    """

    style: Path
    first: float
    values: tuple[float, ...]

    def at(self, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """(T,) weights."""
        return np.interp(frames, self.first + np.arange(len(self.values)), self.values)


def read_mix(scene: bpy.types.Scene, resolve: Callable[[str], str]) -> tuple[WeightCurve, ...]:
    """The styles that are mixed in this scene; empty where no mix is used. Raises :class:`MimeshError`."""
    mix = getattr(scene, "mimesh_style_mix", None)
    if mix is None or not mix.use:
        return ()
    chosen = [(index, item) for index, item in enumerate(mix.styles) if item.style]
    if len(chosen) < _LEAST_STYLES:
        raise SettingsError("Style over Time needs two styles or more.", "Add them in its panel, or switch it off.")
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.owner_curves(scene)}
    found = []
    for index, item in chosen:
        curve = curves.get((f"mimesh_style_mix.styles[{index}].weight", 0))
        first, values = (0.0, (float(item.weight),)) if curve is None else _sampled(curve)
        found.append(WeightCurve(Path(resolve(item.style)), first, values))
    return tuple(found)


def mixing(engine: Engine, curves: tuple[WeightCurve, ...], first_frame: float, fps: float) -> Engine:
    """The engine itself without curves; else one whose motions are mixed by them.

    first_frame: where the speech begins, on the frames of the curves; fps: of them.
    """
    return StyleMixEngine(engine.python, engine, curves, first_frame, fps) if curves else engine


@dataclass(slots=True)
class StyleMixEngine:
    """An engine that speaks in several styles and mixes what it gets; everything else is the other engine's."""

    python: Path
    engine: Engine
    curves: tuple[WeightCurve, ...]
    first_frame: float
    fps: float

    @property
    def ready(self) -> Ready | None:
        """As the engine says."""
        return self.engine.ready

    def submit(self, request: MotionRequest, first: bool = False) -> MixJob:
        """One motion for each style, and one more that tells the blinks of the leading one; known styles have no first
        version."""
        plain = dataclasses.replace(request.eyes, blinks=False)
        base = dataclasses.replace(request, reference=None, second_style=None, eyes=plain)
        requests = [dataclasses.replace(base, style=curve.style) for curve in self.curves]
        if request.eyes.blinks:
            requests.append(dataclasses.replace(requests[self._leading(request)], eyes=request.eyes))
        return MixJob(self, requests, request.eyes.blinks)

    def regenerate_head(self, request: MotionRequest) -> EngineJob[HeadResult]:
        """Of the first style."""
        return self.engine.regenerate_head(request)

    def add_to_bank(self, request: BankRequest) -> EngineJob[BankResult]:
        """Not mixed."""
        return self.engine.add_to_bank(request)

    def track(self, source: MediaRange) -> EngineJob[Any]:
        """Not mixed."""
        return self.engine.track(source)

    def track_picture(self, rgb: NDArray[np.uint8]) -> EngineJob[NDArray[np.float32] | None]:
        """Not mixed."""
        return self.engine.track_picture(rgb)

    def close(self, wait: bool = False) -> None:
        """The engine's end."""
        self.engine.close(wait)

    def shares(self, frames: int, fps: float) -> NDArray[np.float64]:
        """(frames, N) shares of the styles at ``fps``."""
        at = self.first_frame + np.arange(frames) / fps * self.fps
        return normalised(np.stack([curve.at(at) for curve in self.curves], axis=1))

    def _leading(self, request: MotionRequest) -> int:
        seconds = request.audio.seconds or 1.0
        return int(self.shares(max(round(25 * seconds), 1), 25.0).mean(axis=0).argmax())


@dataclass(slots=True)
class MixJob:
    """The motions of all styles one after the other, then their mix."""

    owner: StyleMixEngine
    requests: list[MotionRequest]
    has_blinks: bool
    results: list[MotionResult] = field(default_factory=list)
    _job: Any = None

    def poll(self) -> JobStatus:
        """Where the whole stands; begins the next motion where one is done."""
        if len(self.results) == len(self.requests):
            return JobStatus("motion", 1.0, 0.0, done=True)
        if self._job is None:
            self._job = self.owner.engine.submit(self.requests[len(self.results)])
        status: JobStatus = self._job.poll()
        done, count = len(self.results), len(self.requests)
        if status.done:
            self.results.append(self._job.result())
            self._job = None
            return JobStatus(status.stage, (done + 1) / count, None, done=done + 1 == count)
        return dataclasses.replace(status, fraction=(done + status.fraction) / count, seconds_left=None)

    def first(self) -> MotionResult | None:
        """None."""
        return None

    def result(self) -> MotionResult:
        """The mix, with the first style's report and provenance. Raises the engine's error."""
        motions = [result.motion for result in self.results[: len(self.owner.curves)]]
        shares = self.owner.shares(len(motions[0]), motions[0].fps)
        mixed = blend_over_time(motions, shares)
        if self.has_blinks:
            mixed = _with_blinks(mixed, self.results[-1].motion, motions[int(shares.mean(axis=0).argmax())])
        note = f"Mixed over time: {', '.join(curve.style.stem for curve in self.owner.curves)}."
        return dataclasses.replace(self.results[0], motion=mixed, plain=None, notes=(*self.results[0].notes, note))

    def cancel(self) -> None:
        """Stop what runs."""
        if self._job is not None:
            self._job.cancel()


def _with_blinks(mixed: Motion, blinking: Motion, open_eyed: Motion) -> Motion:
    """Blinks are added whole: mixed by their shares, the eyes would shut by half."""
    if len(blinking) != len(mixed):
        return mixed
    return mixed.replace(expression=mixed.expression + blinking.expression - open_eyed.expression)


def _sampled(curve: Any) -> tuple[float, tuple[float, ...]]:
    """The first key's frame and the values from there to the last: the curve may be gone before the run ends."""
    first, last = (float(frame) for frame in curve.range())
    frames = np.arange(np.floor(first), np.ceil(last) + 1)
    return float(frames[0]), tuple(round(float(curve.evaluate(frame)), 5) for frame in frames)


def remove_style(scene: bpy.types.Scene, index: int) -> None:
    """Take a style out of the mix; its weight's curve goes, and those of the ones behind it move up."""
    mix: Any = scene.mimesh_style_mix  # type: ignore[attr-defined]
    data = scene.animation_data
    action = data.action if data is not None else None
    if action is not None:
        paths = {f"mimesh_style_mix.styles[{number}].weight": number for number in range(len(mix.styles))}
        ours = [(paths[curve.data_path], curve) for curve in compat.owner_curves(scene) if curve.data_path in paths]
        for number, curve in sorted(ours, key=lambda pair: pair[0]):
            if number == index:
                compat.remove_curve(action, scene, curve)
            elif number > index:
                curve.data_path = f"mimesh_style_mix.styles[{number - 1}].weight"
    mix.styles.remove(index)
    mix.active = max(min(mix.active, len(mix.styles) - 1), 0)
