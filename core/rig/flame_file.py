# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a user's own FLAME model (2020, 2023, 2023 Open; .pkl, .npz, .safetensors) into plain arrays.

FLAME (Li, Bolkart, Black, Li, Romero 2017): vertices = template + shape and expression directions + pose correctives,
then linear blend skinning about five joints. Nothing of it is bundled: its licence is between the user and its makers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..weights import read_tensors
from .flame_pickle import read_flame_pickle

SUFFIXES = (".pkl", ".npz", ".safetensors")
JOINT_NAMES = ("root", "neck", "jaw", "left_eye", "right_eye")
# the first 300 of FLAME's directions are identity, the rest expression
_SHAPE_COUNT = 300
_REGRESSOR, _TREE = "J_regressor", "kintree_table"
_NEEDED = ("v_template", "f", "shapedirs", "weights", _REGRESSOR, _TREE)
_AGAIN = "Download it again from the FLAME website."
# a head in metres; anything else is another unit or another thing
_SIZE_METRES = (0.05, 5.0)

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class FlameModel:
    """FLAME as arrays, in its own metres and axes (x right, y up, z to the viewer).

    vertices: (V, 3). triangles: (F, 3). shapes: (S, V, 3), expressions: (E, V, 3) per unit coefficient.
    pose_correctives: (P, V, 3) per entry of the joints' rotation matrices less the identity, root left out; P may be
    0. joints: (5, 3). parents: (5,), -1 for the root. weights: (V, 5).
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    shapes: NDArray[np.float32]
    expressions: NDArray[np.float32]
    pose_correctives: NDArray[np.float32]
    joints: NDArray[np.float32]
    parents: tuple[int, ...]
    weights: NDArray[np.float32]


def read_flame(path: Path) -> FlameModel:
    """Read and check a model file. Raises :class:`ModelError` naming what is wrong; no code of the file is run."""
    arrays = _read_arrays(Path(path))
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise ModelError(
            f'"{path.name}" is no FLAME model: it lacks {", ".join(missing)}.',
            "Choose generic_model.pkl of FLAME 2020, flame2023.pkl or flame2023_Open.pkl.",
        )
    try:
        return _checked(arrays, path.name)
    except (ValueError, IndexError, TypeError) as error:
        raise ModelError(f'The arrays of "{path.name}" do not fit each other ({error}).', _AGAIN) from error


def _read_arrays(path: Path) -> Arrays:
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f'"{path.name}" is none of {", ".join(SUFFIXES)}.', "Choose a FLAME model file.")
    if path.suffix.lower() == ".safetensors":
        return read_tensors(path).tensors
    try:
        if path.suffix.lower() == ".npz":
            return _read_npz(path)
        return read_flame_pickle(path.read_bytes(), path.name)
    except OSError as error:
        raise ModelError(f'"{path}" cannot be read ({error.strerror or error}).') from error


def _read_npz(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (*_NEEDED, "posedirs") if name in file.files}
    except (ValueError, EOFError, KeyError) as error:
        raise ModelError(
            f'"{path.name}" is damaged or holds pickled objects ({error}).', "Save plain arrays."
        ) from error


def _checked(arrays: Arrays, name: str) -> FlameModel:
    vertices = _floats(arrays["v_template"])
    count = len(vertices)
    directions = np.moveaxis(_floats(arrays["shapedirs"]).reshape(count, 3, -1), -1, 0)
    if len(directions) <= _SHAPE_COUNT:
        raise ModelError(
            f'"{name}" has {len(directions)} shape directions and no expressions after the first {_SHAPE_COUNT}.',
            "Choose the whole FLAME model, not a reduced one.",
        )
    tree = np.asarray(arrays[_TREE]).astype(np.int64)[0]
    weights, regressor = _floats(arrays["weights"]), _floats(arrays[_REGRESSOR])
    joints = regressor @ vertices
    triangles = np.asarray(arrays["f"]).astype(np.int64)
    if weights.shape != (count, len(JOINT_NAMES)) or joints.shape != (len(JOINT_NAMES), 3) or len(tree) != len(joints):
        raise ModelError(
            f'"{name}" has {weights.shape[-1]} joints; FLAME has {len(JOINT_NAMES)}.',
            "SMPL and SMPL-X are other models.",
        )
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.min() < 0 or triangles.max() >= count:
        raise ModelError(f'The faces of "{name}" name vertices that it does not have.', _AGAIN)
    parents = tuple(-1 if not 0 <= parent < joint else int(parent) for joint, parent in enumerate(tree))
    correctives = _pose_correctives(arrays, count)
    _require_sane(name, vertices, directions, correctives, weights, joints)
    return FlameModel(
        vertices=vertices.astype(np.float32),
        triangles=triangles.astype(np.int32),
        shapes=directions[:_SHAPE_COUNT].astype(np.float32),
        expressions=directions[_SHAPE_COUNT:].astype(np.float32),
        pose_correctives=correctives.astype(np.float32),
        joints=joints.astype(np.float32),
        parents=parents,
        weights=weights.astype(np.float32),
    )


def _pose_correctives(arrays: Arrays, count: int) -> NDArray[np.float64]:
    """(P, V, 3); the file has (V, 3, P), or flattened."""
    if "posedirs" not in arrays:
        return np.zeros((0, count, 3))
    return np.moveaxis(_floats(arrays["posedirs"]).reshape(count, 3, -1), -1, 0)


def _floats(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def _require_sane(name: str, vertices: NDArray[np.float64], *others: NDArray[np.float64]) -> None:
    if not all(np.isfinite(values).all() for values in (vertices, *others)):
        raise ModelError(f'"{name}" holds values that are no numbers.', _AGAIN)
    size = float(np.ptp(vertices, axis=0).max())
    if not _SIZE_METRES[0] < size < _SIZE_METRES[1]:
        raise ModelError(
            f'The head in "{name}" is {size:.3g} m large; FLAME is in metres.', "Choose the original file."
        )
