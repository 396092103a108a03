# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``vendor_models/flame_landmarks.safetensors``: where the 478 landmarks lie on FLAME's topology.

Drawn from the neutral template and tracked, with the routine that serves any other mesh. The file holds
vertex numbers and weights only, nothing of FLAME's model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.rig.correspond import FaceSurface, find_landmarks
from core.rig.description import FLAME_BINDING_FILE, FLAME_VERTICES, LandmarkBinding
from core.tracking.tracker import track_image
from core.weights import VENDOR_MODELS, record_checksum

_HEADER_END = b"end_header\n"
_VERTEX_BYTES = 12


def run(data_root: Path) -> LandmarkBinding:
    """Track the template, write the bundled file and note its checksum."""
    surface = read_flame_template(data_root / "meshes" / "flame_template.ply")
    binding = find_landmarks(surface, track_image)
    binding.save(
        VENDOR_MODELS / FLAME_BINDING_FILE,
        {"made_by": "research.assets.flame_landmarks", "topology": f"FLAME, {FLAME_VERTICES} vertices"},
    )
    record_checksum(FLAME_BINDING_FILE)
    return binding


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
