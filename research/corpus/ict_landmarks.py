# SPDX-License-Identifier: GPL-3.0-or-later
"""ICT-FaceKit's expression shapes, sampled at the 478 landmarks and turned into the basis' frame. Training only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.face.basis import FaceBasis
from core.face.landmarks import STABLE
from core.face.rotations import FloatArray
from core.rig.correspond import FaceSurface, find_landmarks
from core.rig.description import LandmarkBinding
from research.paths import BUILD

BINDING_CACHE = BUILD / "ict_binding.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkShapes:
    """names: of S shapes; deltas: (S, 478, 3) cm of full weight, in the basis' axes and size."""

    names: tuple[str, ...]
    deltas: NDArray[np.float64]

    def delta(self, name: str) -> NDArray[np.float64]:
        """(478, 3) of one shape; of both sides where only ``name_L`` and ``name_R`` exist."""
        sides = [name] if name in self.names else [f"{name}_L", f"{name}_R"]
        total: NDArray[np.float64] = sum((self.deltas[self.names.index(side)] for side in sides), np.zeros((478, 3)))
        return total


def ict_shapes(data: Path, basis: FaceBasis, cache: Path = BINDING_CACHE) -> LandmarkShapes:
    """Read the mesh, find its landmarks (once: kept in ``cache``) and bring the shapes to the basis."""
    path = data / "meshes" / "ict_arkit.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            vertices, deltas = file["neutral"].astype(float), file["deltas"].astype(float)
            names = tuple(str(name) for name in file["names"])
            triangles = fan_triangles(file["face_vertices"], file["face_sizes"].astype(int))
    except OSError as error:
        raise ModelError(f"The ICT-FaceKit shapes {path} cannot be read ({error}).") from error
    binding = _binding(vertices, triangles, cache)
    scaled_rotation = similarity(binding.points(vertices)[STABLE], basis.neutral[STABLE])
    return LandmarkShapes(names, binding.points(deltas) @ scaled_rotation)


def fan_triangles(corners: NDArray[np.int32], sizes: NDArray[np.int_]) -> NDArray[np.int32]:
    """Faces of three or four corners, flat in ``corners``, to triangles (F, 3)."""
    starts = np.cumsum(sizes) - sizes
    fans = [corners[starts[:, None] + [0, 1, 2]], corners[starts[sizes == 4][:, None] + [0, 2, 3]]]
    return np.concatenate(fans).astype(np.int32)


def similarity(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """(3, 3) scaled rotation Q of the best fit target ~ source @ Q + shift (Umeyama 1991), both (N, 3)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, singular, vt = np.linalg.svd(a.T @ b)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turned: NDArray[np.float64] = (u * signs) @ vt * ((singular * signs).sum() / (a**2).sum())
    return turned


def _binding(vertices: FloatArray, triangles: NDArray[np.int32], cache: Path) -> LandmarkBinding:
    if cache.is_file():
        binding = LandmarkBinding.load(cache)
        if binding.fits(len(vertices), triangles):
            return binding
    from core.tracking.tracker import track_image

    surface = FaceSurface("ICT-FaceKit", np.asarray(vertices), triangles, np.zeros(len(vertices), bool))
    binding = find_landmarks(surface, track_image)
    cache.parent.mkdir(parents=True, exist_ok=True)
    binding.save(cache, {"made_by": "research.corpus.ict_landmarks"})
    return binding
