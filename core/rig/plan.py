# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans every curve before anything is written. Pure data in, pure data out; all refusals happen here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..adjust_settings import TidyMiss
from ..errors import RigError
from ..face.rotations import FloatArray
from ..settings import BakeSettings
from .curves import (
    ARMATURE,
    BONE_PATH,
    KEY,
    PlannedCurve,
    SliderRange,
    bone_path,
    controls_of,
    key_path,
    part_keys,
    unquoted,
)
from .description import KeyControl, RigDescription
from .ease import Rest, eased_curves, rest_value
from .existing import ExistingAnimation, ExistingDatablock, Line
from .frames import rotation_field
from .layer_reading import Span
from .layers import Layer, decide_layer
from .plan_bones import TurnMemory, Turns, plan_bones, plan_gaze_keys
from .resample import sample_monotone
from .solve import RigMotion
from .timing import SceneTiming

Interpolation = Literal["BEZIER", "LINEAR"]

# Blender's hard limit of a shape key's slider
SLIDER_LIMIT = 10.0
GROUP = "Mimesh keys"
# new motion meets an artist's key, and leaves it, over so long a time
BEND_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ApplySettings(BakeSettings):
    """The artist's choices for writing, and what they are applied to.

    head, eyes: whether to key those bones. interpolation: BEZIER with automatic clamped handles by default. Keys sit
    on every frame, so both are the same there; Bezier keeps a curve smooth when the artist thins it out or moves a
    key, never overshoots an extreme (lips stay shut), and gives motion blur a curve and not corners. line: which sound
    is spoken (the strip's name or the file): the same line made again takes the place of the earlier one.
    ease_out_seconds: of the way back to rest, None for ``ease_seconds`` as on the way in.
    """

    head: bool = True
    eyes: bool = True
    interpolation: Interpolation = "BEZIER"
    line: str = ""
    ease_out_seconds: float | None = None

    def ease_frames(self, fps: float) -> tuple[int, int]:
        """Frames of ease before and after the line."""
        behind = self.ease_seconds if self.ease_out_seconds is None else self.ease_out_seconds
        return round(self.ease_seconds * fps), round(behind * fps)


@dataclass(frozen=True, slots=True, eq=False)
class CurvePlan:
    """All that will be written to one face, its armature and the meshes that go with it.

    layers: where the line goes on each datablock. line, first, last: the speech and its frames without the ease.
    rest: values before anything of ours. bend_frames: over which the motion bends to an artist's key. adjust_json: how
    the line is adjusted, which stays when it is made again; empty for not at all.
    thinned: its keys are few, so that what Blender draws between them matters. missed: how far these are off, where it
    is more than was allowed. only: frames outside of which the line is as it was, None for all of it being new. notes:
    which way each bone's axes were handled.
    """

    object_name: str
    curves: tuple[PlannedCurve, ...]
    widen: tuple[SliderRange, ...]
    existing: ExistingAnimation
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    provenance_json: str
    interpolation: Interpolation
    line: Line
    first: float
    last: float
    rest: Rest
    bend_frames: float = 5.0
    adjust_json: str = ""
    thinned: bool = False
    missed: TidyMiss | None = None
    only: tuple[float, float] | None = None

    @property
    def key_count(self) -> int:
        """Keyframes in all curves."""
        return sum(len(curve.frames) for curve in self.curves)

    @property
    def replaces(self) -> tuple[str, ...]:
        """Names of our own earlier actions of this line."""
        return tuple(dict.fromkeys(name for layer in self.layers for name in layer.replaced))

    @property
    def pushes_down(self) -> tuple[str, ...]:
        """Names of actions that move to an NLA track."""
        return tuple(dict.fromkeys(layer.pushed for layer in self.layers if layer.pushed))

    def curves_of(self, datablock: str) -> tuple[PlannedCurve, ...]:
        """The curves that go to one datablock."""
        return tuple(curve for curve in self.curves if curve.datablock == datablock)


def plan_curves(
    rig: RigDescription,
    motion: RigMotion,
    timing: SceneTiming,
    settings: ApplySettings,
    existing: ExistingAnimation,
    provenance_json: str,
    memory: TurnMemory | None = None,
) -> CurvePlan:
    """Decide every curve, slider range and layer. Raises :class:`RigError` for what must not be written.

    memory: of what turned when the same line was planned before, None for a line that is planned once.
    """
    frames = timing.frames((len(motion) - 1) / motion.fps)
    if not len(frames):
        raise RigError(
            f'No whole scene frame lies within the speech for "{rig.object_name}".', "Check the strip's length."
        )
    seconds = timing.seconds_at(frames)
    key_values = sample_monotone(motion.key_values, motion.fps, seconds)
    line, ahead, behind = Line(settings.line, rig.object_name), *settings.ease_frames(timing.fps)
    span = Span(float(frames[0]) - ahead, float(frames[-1]) + behind, min(ahead, behind))
    turns = Turns(settings.head, settings.eyes, settings.neck_share, _taken_bones(rig, existing.armature, line, span))
    keys = _plan_keys(rig, key_values, frames) + plan_gaze_keys(rig, motion, seconds, frames, turns)
    bones = plan_bones(rig, motion, seconds, frames, turns, memory)
    along = _for_parts(rig, keys)
    curves = eased_curves((*_by_controls(rig, keys), *along, *bones.curves), rig.rest, ahead, behind)
    layers = tuple(
        decide_layer(name, place, existing.of(name), _paths(curves, name), span, line, settings.on_existing)
        for name, place in _places(rig)
        if _paths(curves, name)
    )
    return CurvePlan(
        object_name=rig.object_name,
        curves=curves,
        widen=_widened(rig, np.clip(key_values, -SLIDER_LIMIT, SLIDER_LIMIT)),
        existing=existing,
        layers=layers,
        warnings=(
            *rig.warnings,
            *_held(rig, key_values),
            *bones.warnings,
            *dict.fromkeys(warning for layer in layers for warning in layer.warnings),
        ),
        notes=bones.notes,
        provenance_json=provenance_json,
        interpolation=settings.interpolation,
        line=line,
        first=float(frames[0]),
        last=float(frames[-1]),
        rest=rig.rest,
        bend_frames=BEND_SECONDS * timing.fps,
    )


def refuse_early(
    rig: RigDescription, existing: ExistingAnimation, first_frame: float, settings: ApplySettings
) -> None:
    """Raises :class:`RigError` for what is certain to be in the way, before there is a motion."""
    line, span = Line(settings.line, rig.object_name), Span(first_frame, first_frame + 1.0)
    _taken_bones(rig, existing.armature, line, span)
    touched = {KEY: frozenset(map(key_path, rig.key_names))}
    if rig.turns_jaw() and rig.jaw_bone is not None:
        field = rotation_field(rig.bone(rig.jaw_bone).rotation_mode)
        touched[ARMATURE] = frozenset({bone_path(rig.jaw_bone, field)})
    for name, place in _places(rig):
        paths = touched.get(name) or next(
            (frozenset(part.paths.values()) for part in rig.parts if part_keys(part.object_name) == name), None
        )
        if paths:
            decide_layer(name, place, existing.of(name), paths, span, line, settings.on_existing)


def _places(rig: RigDescription) -> list[tuple[str, str]]:
    """Every datablock that may be keyed, and what to call it."""
    parts = [(part_keys(part.object_name), f'shape keys of "{part.object_name}"') for part in rig.parts]
    controls = [(controls_of(name), f'controls "{name}"') for name in rig.control_owners]
    own = [(KEY, f'shape keys of "{rig.object_name}"'), (ARMATURE, f'armature "{rig.armature_name}"')]
    return [*own, *parts, *controls]


def _paths(curves: tuple[PlannedCurve, ...], datablock: str) -> frozenset[str]:
    return frozenset(curve.path for curve in curves if curve.datablock == datablock)


def _for_parts(rig: RigDescription, curves: tuple[PlannedCurve, ...]) -> list[PlannedCurve]:
    """The same curves for teeth, tongue, lashes and whatever else has the same keys."""
    return [
        dataclasses.replace(curve, datablock=part_keys(part.object_name), path=paths[curve.path])
        for part in rig.parts
        for paths in (part.paths,)
        for curve in curves
        if curve.path in paths
    ]


def _by_controls(rig: RigDescription, curves: tuple[PlannedCurve, ...]) -> list[PlannedCurve]:
    """Keys that a control drives are moved by it; two keys may have a side each of one control."""
    controls = {key_path(name): control for name, control in rig.controls.items()}
    moved: dict[tuple[str, str, int], PlannedCurve] = {}
    for curve in curves:
        found = _by_control(curve, controls[curve.path]) if curve.path in controls else curve
        name = (found.datablock, found.path, found.index)
        other = moved.get(name)
        moved[name] = found if other is None else dataclasses.replace(found, values=other.values + found.values)
    return list(moved.values())


def _by_control(curve: PlannedCurve, control: KeyControl) -> PlannedCurve:
    values = (curve.values / control.factor).astype(np.float32)
    return dataclasses.replace(
        curve, datablock=control.datablock, path=control.path, index=control.index, values=values
    )


def _taken_bones(rig: RigDescription, block: ExistingDatablock, line: Line, span: Span) -> frozenset[str]:
    """Bones that another face's line keys meanwhile, or that a driver turns. Raises for a driven jaw."""
    driven = {
        unquoted(found[1]) for path in block.driven if (found := BONE_PATH.match(path)) and "rotation" in found[2]
    }
    if rig.jaw_bone in driven and rig.turns_jaw():
        raise RigError(
            f'A driver turns the jaw bone "{rig.jaw_bone}" of "{rig.armature_name}", and keys under a driver have no '
            "effect.",
            "Remove that driver, or name the control that it reads as the jaw bone in the Face Rig panel.",
        )
    others = [
        action
        for action in block.lines()
        if action.line.face not in ("", line.face) and action.first < span.last and span.first < action.last
    ]
    keyed = {unquoted(found[1]) for action in others for path in action.paths if (found := BONE_PATH.match(path))}
    return frozenset(driven | keyed)


def _plan_keys(rig: RigDescription, values: FloatArray, frames: NDArray[np.int64]) -> tuple[PlannedCurve, ...]:
    limited = np.clip(values, -SLIDER_LIMIT, SLIDER_LIMIT).astype(np.float32)
    at = frames.astype(np.float32)
    return tuple(
        PlannedCurve(KEY, key_path(name), 0, at, np.ascontiguousarray(limited[:, column]), GROUP)
        for column, name in enumerate(rig.key_names)
    )


def _held(rig: RigDescription, values: FloatArray) -> tuple[str, ...]:
    beyond = np.abs(values) > SLIDER_LIMIT
    if not beyond.any():
        return ()
    worst = rig.key_names[int(np.abs(values).max(axis=0).argmax())]
    held = f"{int(beyond.any(axis=1).sum())} frames were held at Blender's slider limit of {SLIDER_LIMIT:g}"
    return (f"{held} (worst: {worst}).",)


def _widened(rig: RigDescription, values: NDArray[np.float64]) -> tuple[SliderRange, ...]:
    """Ranges that must grow so that no value is clamped; those that are wide enough stay."""
    room = rig.convention.slider_room
    low = np.maximum(np.floor(np.minimum(values.min(axis=0), -room)), -SLIDER_LIMIT)
    high = np.minimum(np.ceil(np.maximum(values.max(axis=0), room)), SLIDER_LIMIT)
    datablocks: list[tuple[str, Mapping[str, str]]] = [(KEY, {name: name for name in rig.key_names})]
    datablocks += [(part_keys(part.object_name), part.keys) for part in rig.parts]
    return tuple(
        SliderRange(own[name], min(float(low[i]), float(least)), max(float(high[i]), float(most)), datablock)
        for datablock, own in datablocks
        for i, (name, (least, most)) in enumerate(zip(rig.key_names, rig.key_ranges, strict=True))
        if name in own and (datablock != KEY or low[i] < least or high[i] > most)
    )


def resting_value(rest: Rest, path: str, index: int) -> float:
    """The value of a channel before anything of ours: what Clear puts back."""
    return rest.get((path, index), rest_value(path, index))
