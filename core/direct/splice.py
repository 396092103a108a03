# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of which only some frames are new: outside of them they are as they were, whoever made them."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..face.series import smoothstep
from ..rig.curves import PlannedCurve
from ..rig.plan import CurvePlan
from .bezier import evaluate_keys
from .written import CurveName, WrittenCurve

# what a lead or a smoothing carries over the ends is faded out within so long
_FADE_SECONDS = 0.12


def spliced(
    keys: Mapping[CurveName, WrittenCurve],
    before: CurvePlan,
    plan: CurvePlan,
    only: tuple[float, float],
    fps: float,
) -> CurvePlan:
    """The line's present ``keys``, changed between two frames by as much as ``plan`` differs from ``before``.

    keys: all of them, the artist's too. An end of the line that lies in the frames needs no fading. Where keys are
    few, those inside lie on the frames of ``plan``.
    """
    first, last = only
    first = -np.inf if first <= plan.first else first
    last = np.inf if last >= plan.last else last
    fade = max(min(_FADE_SECONDS * fps, (last - first) / 4), 1.0)
    known = {(curve.datablock, curve.path, curve.index): curve for curve in before.curves}
    curves = []
    for curve in plan.curves:
        name = (curve.datablock, curve.path, curve.index)
        if name in known and name in keys and len(keys[name].frames):
            curve = _spliced(keys[name], known[name], curve, _Fade(first, last, fade), plan)
        curves.append(curve)
    return dataclasses.replace(plan, curves=tuple(curves), only=(first, last))


@dataclasses.dataclass(frozen=True, slots=True)
class _Fade:
    first: float
    last: float
    frames: float

    def share(self, at: NDArray[np.float32]) -> NDArray[np.float64]:
        """0 outside and on the ends, 1 inside."""
        found: NDArray[np.float64] = smoothstep(np.minimum(at - self.first, self.last - at) / self.frames)
        return found

    def edges(self) -> NDArray[np.float32]:
        """The whole frames at the ends that are not the line's."""
        ends = (np.ceil(self.first), np.floor(self.last))
        return np.array([end for end in ends if np.isfinite(end)], np.float32)


def _spliced(
    keys: WrittenCurve, before: PlannedCurve, new: PlannedCurve, fade: _Fade, plan: CurvePlan
) -> PlannedCurve:
    bezier = plan.interpolation == "BEZIER"
    same = np.array_equal(before.frames, new.frames)
    if same and np.array_equal(before.values, new.values):
        return dataclasses.replace(new, frames=keys.frames, values=keys.values)
    there = keys.frames
    if same:
        frames = np.union1d(new.frames, there)
    else:
        inside = new.frames[(new.frames > fade.first) & (new.frames < fade.last)]
        outside = there[(there <= fade.first) | (there >= fade.last)]
        frames = np.union1d(np.union1d(outside, inside), fade.edges())
    share = fade.share(frames)
    change = evaluate_keys(new.frames, new.values, frames, bezier and not same)
    change = change - evaluate_keys(before.frames, before.values, frames, bezier and not same)
    values = evaluate_keys(there, keys.values, frames, bezier)
    place = np.clip(np.searchsorted(there, frames), 0, len(there) - 1)
    values = np.where(there[place] == frames, keys.values[place], values)
    mixed = np.where(share == 0, values, values + share * change)
    return dataclasses.replace(new, frames=frames.astype(np.float32), values=mixed.astype(np.float32))


def pack_keys(curves: Mapping[CurveName, WrittenCurve]) -> bytes:
    """Keys as bytes, exactly."""
    header = json.dumps([[*name, len(curve.frames)] for name, curve in curves.items()]).encode()
    body = b"".join(curve.frames.tobytes() + curve.values.tobytes() for curve in curves.values())
    return len(header).to_bytes(4, "little") + header + zlib.compress(body, 1)


def unpack_keys(data: bytes) -> dict[CurveName, WrittenCurve]:
    """Inverse of :func:`pack_keys`."""
    end = 4 + int.from_bytes(data[:4], "little")
    body = np.frombuffer(zlib.decompress(data[end:]), "<f4")
    found: dict[CurveName, WrittenCurve] = {}
    at = 0
    for datablock, path, index, count in json.loads(data[4:end]):
        found[datablock, path, index] = WrittenCurve(body[at : at + count], body[at + count : at + 2 * count])
        at += 2 * count
    return found
