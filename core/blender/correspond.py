# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a mesh's landmark correspondence with the mesh, and finds it where none is known. Main thread only.

The picture for the tracker is drawn by :mod:`core.rig.raster` from plain arrays, so that nothing in the
user's scene, view layers or render result is touched.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.landmarks import LANDMARK_COUNT
from ..rig.correspond import FaceSurface, LandmarkSearch, search_landmarks
from ..rig.description import LandmarkBinding, RigDescription, flame_binding

_TRIANGLES, _BARYCENTRIC = "mimesh_landmark_triangles", "mimesh_landmark_barycentric"
_VALID, _SOURCE, _VERTICES = "mimesh_landmark_valid", "mimesh_landmark_source", "mimesh_landmark_vertices"
PROPERTIES = (_TRIANGLES, _BARYCENTRIC, _VALID, _SOURCE, _VERTICES)
# a share of the largest movement: what less than this moves is not the face
_FOCUS_SHARE = 0.2


def store_binding(obj: bpy.types.Object, binding: LandmarkBinding) -> None:
    """Write the correspondence to the mesh as custom properties; it travels with the file."""
    mesh = obj.data
    if mesh.library is not None:
        raise RigError(f'The mesh "{mesh.name}" is linked, so its landmarks cannot be stored.', "Make it local.")
    mesh[_TRIANGLES] = binding.triangles.ravel().tolist()
    mesh[_BARYCENTRIC] = binding.barycentric.ravel().astype(float).tolist()
    mesh[_VALID] = binding.valid.astype(int).tolist()
    mesh[_SOURCE] = binding.source
    mesh[_VERTICES] = len(mesh.vertices)


def load_binding(obj: bpy.types.Object, triangles: NDArray[np.int32]) -> LandmarkBinding | None:
    """The stored correspondence if the mesh still has the same vertices, else FLAME's by topology, else None."""
    stored = _stored_binding(obj.data)
    if stored is not None and stored.fits(len(obj.data.vertices), triangles):
        return stored
    return flame_binding(len(obj.data.vertices), triangles)


def landmark_search(rig: RigDescription) -> LandmarkSearch:
    """A search for a tracker that answers later: yields RGB pictures, wants (478, 3) landmarks or None sent back."""
    return search_landmarks(_face_surface(rig))


def _face_surface(rig: RigDescription) -> FaceSurface:
    moved = np.linalg.norm(rig.key_deltas, axis=2).max(axis=0)
    focus = moved > _FOCUS_SHARE * moved.max(initial=0.0)
    return FaceSurface(rig.object_name, rig.vertices, rig.triangles, focus)


def _stored_binding(mesh: Any) -> LandmarkBinding | None:
    if any(name not in mesh for name in PROPERTIES) or mesh[_VERTICES] != len(mesh.vertices):
        return None
    return LandmarkBinding(
        triangles=np.array(mesh[_TRIANGLES], np.int32).reshape(LANDMARK_COUNT, 3),
        barycentric=np.array(mesh[_BARYCENTRIC], np.float32).reshape(LANDMARK_COUNT, 3),
        valid=np.array(mesh[_VALID], bool),
        source=str(mesh[_SOURCE]),
    )
