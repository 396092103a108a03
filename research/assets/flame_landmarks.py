# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``vendor_models/flame_landmarks.safetensors``: where the 478 landmarks lie on FLAME's topology.

Drawn from the neutral template and tracked, with the routine that serves any other mesh. The file holds
vertex numbers and weights only, nothing of FLAME's model.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.rig.correspond import LIP_PAIRS, FaceSurface, find_landmarks
from core.rig.description import FLAME_BINDING_FILE, FLAME_VERTICES, LandmarkBinding
from core.rig.face import PAIRS_ACROSS
from core.rig.lips import find_lip_columns
from core.tracking.tracker import track_image
from core.weights import VENDOR_MODELS, record_checksum

_HEADER_END = b"end_header\n"
_VERTEX_BYTES = 12


def run(data_root: Path) -> LandmarkBinding:
    """Track the template, write the bundled file and note its checksum."""
    surface = read_flame_template(data_root / "meshes" / "flame_template.ply")
    binding = at_crests(find_landmarks(surface, track_image), surface)
    binding.save(
        VENDOR_MODELS / FLAME_BINDING_FILE,
        {"made_by": "research.assets.flame_landmarks", "topology": f"FLAME, {FLAME_VERTICES} vertices"},
    )
    record_checksum(FLAME_BINDING_FILE)
    return binding


def at_crests(binding: LandmarkBinding, surface: FaceSurface) -> LandmarkBinding:
    """The inner lips moved to the lips' crests, where they part.

    The tracker sees the seam of this template's lips, which lie four millimetres over each other; on FLAME 2023 and on
    other identities those very points are up to three millimetres apart while the mouth is shut. The crests meet.
    """
    vertices = 100.0 * surface.vertices.astype(np.float64)
    columns = find_lip_columns(vertices, surface.triangles, binding.points(vertices), PAIRS_ACROSS[1:-1])
    if columns is None:
        raise ModelError("The lips of the FLAME template were not found.")
    # the outermost pairs stay: so near to the corners one lip becomes the other
    inner = LIP_PAIRS[1:-1]
    heights = columns.points(vertices)[..., 1]
    triangles, barycentric = binding.triangles.copy(), binding.barycentric.copy()
    for lip, crests in enumerate((heights[0].argmin(axis=-1), heights[1].argmax(axis=-1))):
        for column, crest in enumerate(crests):
            place = lip, column, crest
            first, second, share = columns.first[place], columns.second[place], columns.share[place]
            corners = _triangle_on(surface.triangles, int(first), int(second))
            landmark = inner[column, lip]
            triangles[landmark] = corners
            barycentric[landmark] = (1 - share) * (corners == first) + share * (corners == second)
    return dataclasses.replace(binding, triangles=triangles, barycentric=barycentric)


def _triangle_on(triangles: NDArray[np.int32], first: int, second: int) -> NDArray[np.int32]:
    """(3,) any triangle that has this edge."""
    has = (triangles == first).any(axis=1) & (triangles == second).any(axis=1)
    return triangles[np.flatnonzero(has)[0]]


def read_flame_template(path: Path) -> FaceSurface:
    """The template as distributed: binary PLY, float32 positions in metres (y up, facing z), triangles."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The FLAME template {path} cannot be read ({error.strerror}).") from error
    start = raw.find(_HEADER_END) + len(_HEADER_END)
    middle = start + FLAME_VERTICES * _VERTEX_BYTES
    vertices: NDArray[np.float32] = np.frombuffer(raw[start:middle], "<f4").reshape(-1, 3)
    faces = np.frombuffer(raw[middle:], dtype=[("corners", "u1"), ("vertices", "<i4", 3)])
    triangles = np.ascontiguousarray(faces["vertices"], np.int32)
    return FaceSurface("FLAME template", vertices, triangles, np.zeros(len(vertices), bool))
