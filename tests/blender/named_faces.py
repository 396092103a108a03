# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces whose keys do what their names say, in the naming of every family of rigs, for tests in a real Blender."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from core.blender.correspond import store_binding
from core.face.motion import Motion
from core.rig.correspond import LIP_PAIRS
from tests import face_fixtures
from tests.blender import builders
from tests.face_fixtures import SyntheticFace

_CORNER_CM = (2.5, -3.5)
# how far (cm) each vowel or viseme drops the jaw, draws the corners out, and pushes the lips forward
_MOUTHS = {
    "a|aa|aaahax|ai|open|jawopen|jawdrop|mouthopen|あ|ア": (1.6, 0.0, 0.0),
    "e|ee|eh|え|c|ay": (0.7, 0.5, 0.0),
    "i|ih|iy|い|wide|b": (0.3, 0.6, 0.0),
    "o|oh|ow|お|affricate|ch|shchjhzh": (1.0, -0.6, 0.3),
    "u|uw|wuw|ou|う|wq|f|pucker|tighto|w": (0.4, -0.9, 0.6),
    "pp|mbp|pbm|m|close|explosive|plosive|ん": (-0.1, 0.0, 0.0),
    "ff|fv|g|dentallip": (0.1, 0.1, -0.2),
    "th|l|h|dd|nn": (0.35, 0.1, 0.0),
    "kk|k|kgng|d|rr|er": (0.5, 0.0, 0.0),
    "ss|s|t|etc": (0.15, 0.2, 0.0),
}


@dataclass(frozen=True, slots=True)
class Placing:
    """How a head stands in its scene: metres per centimetre of the mesh, and what its object does to it."""

    unit: float = 0.01
    scale: float = 1.0
    turn_degrees: float = 0.0
    parented: bool = False


def named_head(
    face: SyntheticFace,
    names: Sequence[str],
    with_armature: bool = False,
    placing: Placing | None = None,
    strangers: Sequence[str] = ("Body_Fat",),
) -> bpy.types.Object:
    """A head with a key for each name that moves the mesh as the name says; ``strangers`` move all of it."""
    placing = placing or Placing()
    choice = builders.RigChoice(key_names=(), with_armature=with_armature, name="Face")
    obj = builders.build_rig(face, choice)
    bpy.data.shape_keys[obj.data.shape_keys.name].key_blocks[0].name = "Neutral pose"
    fields = [deformation(name, face.vertices) for name in names]
    fields += [np.ones_like(face.vertices) * 0.8 for _ in strangers]
    axes = placing.unit * builders.FLAME_IN_BLENDER
    for vertex, place in zip(obj.data.vertices, face.vertices @ axes.T, strict=True):
        vertex.co = place
    base = obj.data.shape_keys.key_blocks[0]
    base.data.foreach_set("co", (face.vertices @ axes.T).astype(np.float32).ravel())
    for name, field in zip((*names, *strangers), fields, strict=True):
        block = obj.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", ((face.vertices + field) @ axes.T).astype(np.float32).ravel())
        block.value = 0.0
    _place(obj, placing)
    store_binding(obj, builders.own_binding(face))
    return obj


def deformation(name: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) cm that a key of this name moves the skin by."""
    word = re.sub(
        r"[^a-zぁ-んァ-ヶ]",
        "",
        re.sub(r"(?i)ectrlv(?=[A-Z])|ectrl|ctrl|expressions|viseme|fcl_mth|mouth_|vrc|^v_|^ev", "", name).lower(),
    )
    low, side = name.lower(), _side(name)
    if "blink" in low or "eyeclose" in low.replace("_", "") or "wink" in low or "ウィンク" in name:
        return _lids(points, side)
    if "smile" in low or "cornerpull" in low.replace("_", ""):
        return _corners(points, (0.4, 0.5, -0.1), side)
    if "frown" in low:
        return _corners(points, (0.1, -0.5, 0.0), side)
    for words, mouth in _MOUTHS.items():
        if word in words.split("|"):
            return _mouth(points, *mouth)
    if "funnel" in low or "pucker" in low or "purse" in low or "narrow" in low:
        return _mouth(points, 0.2, -0.5, 0.5) * _half(points, side)[:, None]
    centre = np.array([*_seeded(name, points), 2.5])
    near = np.exp(-((points - centre) ** 2).sum(axis=1) / 1.5**2)
    return near[:, None] * np.array([0.0, 0.15, 0.1]) * _half(points, side)[:, None]


def _mouth(points: NDArray[np.float64], drop: float, wide: float, out: float) -> NDArray[np.float64]:
    share = _below_the_mouth(len(points) // 3, points)
    lips = np.exp(-(((points - [0, -3.5, 3]) / [3.0, 1.3, 2.0]) ** 2).sum(axis=1))
    moved = np.zeros_like(points)
    moved[:, 1] -= drop * share
    moved[:, 0] += wide * lips * points[:, 0] / 2.5
    moved[:, 2] += out * lips
    return moved


def _below_the_mouth(count: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) one on the lower lip and the chin: a landmark's triangle belongs to one lip as a whole."""
    centres = points.reshape(count, 3, 3).mean(axis=1)
    below = centres[:, 1] < -3.51
    below[LIP_PAIRS[:, 0]], below[LIP_PAIRS[:, 1]] = False, True
    return np.repeat(below.astype(float), 3)


def _corners(points: NDArray[np.float64], move: tuple[float, float, float], side: str) -> NDArray[np.float64]:
    moved = np.zeros_like(points)
    for sign, name in ((1.0, "left"), (-1.0, "right")):
        if side in ("", name):
            away = (points - [sign * _CORNER_CM[0], _CORNER_CM[1], 2.5]) / 1.5
            moved += np.exp(-(away**2).sum(axis=1))[:, None] * np.array([sign * move[0], move[1], move[2]])
    return moved


def _lids(points: NDArray[np.float64], side: str) -> NDArray[np.float64]:
    moved = np.zeros_like(points)
    for sign, name in ((1.0, "left"), (-1.0, "right")):
        if side in ("", name):
            away = (points - [sign * 3.0, 3.0, 2.5]) / 0.8
            moved[:, 1] -= 0.6 * np.exp(-(away**2).sum(axis=1))
    return moved


def _half(points: NDArray[np.float64], side: str) -> NDArray[np.float64]:
    if not side:
        return np.ones(len(points))
    sign = 1.0 if side == "left" else -1.0
    return 1.0 / (1.0 + np.exp(-4.0 * sign * points[:, 0]))


def _side(name: str) -> str:
    if re.search(r"(?i)left|[._]l$|[a-z][UD]?L$|[._][UD]?L\b", name):
        return "left"
    return "right" if re.search(r"(?i)right|[._]r$|[a-z][UD]?R$|右", name) else ""


def _seeded(name: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Somewhere on the face, the same for the same name."""
    rng = np.random.default_rng(sum(map(ord, name)))
    place: NDArray[np.float64] = points[rng.integers(len(points)), :2]
    return place


def _place(obj: bpy.types.Object, placing: Placing) -> None:
    if placing.parented:
        parent = bpy.data.objects.new("Parent", None)
        bpy.context.scene.collection.objects.link(parent)
        parent.scale = (placing.scale,) * 3
        parent.rotation_euler.z = np.radians(placing.turn_degrees)
        parent.location = (1.0, -2.0, 3.0)
        obj.parent = parent
        return
    obj.scale = (placing.scale,) * 3
    obj.rotation_euler.z = np.radians(placing.turn_degrees)


def opening_of(obj: bpy.types.Object) -> float:
    """The evaluated mouth's opening as a share of the mouth's width, as the mesh stands now."""
    moved = builders.evaluated_vertices(obj).reshape(-1, 3, 3).mean(axis=1)
    gaps = np.linalg.norm(moved[13] - moved[14]), np.linalg.norm(moved[61] - moved[291])
    return float(gaps[0] / gaps[1])


def talking(face: SyntheticFace) -> Motion:
    """Speech that mostly opens and shuts the mouth, the rest of the face alive a little."""
    motion = face_fixtures.talking_motion(face.basis, frames=50)
    expression, jaw = (0.15 * motion.expression).astype(np.float32), (0.4 * motion.jaw).astype(np.float32)
    return motion.replace(expression=expression, jaw=jaw)
