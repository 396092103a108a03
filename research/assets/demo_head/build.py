# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training demo-head``: build the bundled demo head from the open face basis.

It uses the basis alone (trained on GRID, CC BY 4.0); everything else about the head is computed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import LANDMARK_COUNT, SKIN_COUNT
from core.weights import VENDOR_MODELS, record_checksum, write_tensors
from research.assets.demo_head.colour import skin_colours
from research.assets.demo_head.ears import build_ears
from research.assets.demo_head.eyes import Eye, build_eyes
from research.assets.demo_head.face import build_skin
from research.assets.demo_head.mouth import build_mouth
from research.assets.demo_head.offset_surfaces import build_brows, build_hair, build_shirt
from research.assets.demo_head.parts import BONES, MATERIALS, Piece, as_triangles, merge, weld

DEMO_HEAD_FILE = "demo_head.safetensors"
_NECK_JOINT = np.array([0.0, -9.5, -8.6])
_ROOT_JOINT = np.array([0.0, -19.0, -9.5])
# movement under this (cm per unit of a key) is not stored
_STILL = 5e-4


def run(data_root: Path) -> None:
    """Write ``vendor_models/demo_head.safetensors``; needs no data beyond the bundled basis."""
    del data_root
    basis = open_basis()
    head, landmark_vertices = build_head(basis)
    write_tensors(VENDOR_MODELS / DEMO_HEAD_FILE, _tensors(basis, head, landmark_vertices), _metadata(basis))
    record_checksum(DEMO_HEAD_FILE)
    print(f"demo head: {len(head.vertices)} vertices, {len(head.faces)} faces")


def build_head(basis: FaceBasis) -> tuple[Piece, NDArray[np.int64]]:
    """The whole head, and which vertex is which landmark (478,)."""
    skin = build_skin(basis)
    skin.piece.colours[:] = skin_colours(basis, skin.piece.vertices)
    left_eye, right_eye = build_eyes(basis, skin)
    bag, teeth = build_mouth(skin)
    body = skin.piece
    for part, border in (
        (left_eye.lids, skin.left_eye_rim),
        (right_eye.lids, skin.right_eye_rim),
        (bag, skin.lip_rim),
    ):
        body = weld(body, part, border)
    pieces = [body, left_eye.ball, right_eye.ball, teeth, build_ears(), build_hair(skin), build_shirt(skin)]
    head = merge([*pieces, *build_brows(basis, skin)])
    return head, _landmark_vertices(pieces, left_eye, right_eye)


def _landmark_vertices(pieces: list[Piece], left_eye: Eye, right_eye: Eye) -> NDArray[np.int64]:
    left_start = len(pieces[0].vertices)
    right_start = left_start + len(pieces[1].vertices)
    # the tracker numbers the right iris first
    return np.concatenate(
        [np.arange(SKIN_COUNT), right_start + right_eye.iris_vertices, left_start + left_eye.iris_vertices]
    )


def _tensors(basis: FaceBasis, head: Piece, landmark_vertices: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    assert len(landmark_vertices) == LANDMARK_COUNT
    moving = np.where(np.abs(head.deltas).max(axis=(0, 2)) > _STILL)[0]
    joints = np.stack([_ROOT_JOINT, _NECK_JOINT, basis.hinge_point, *basis.eye_centres])
    return {
        "vertices": head.vertices.astype(np.float32),
        "faces": head.faces.astype(np.int32),
        "materials": head.materials.astype(np.uint8),
        "colours": np.round(head.colours * 255).astype(np.uint8),
        "weights": head.weights.astype(np.float16),
        "moving": moving.astype(np.int32),
        **_packed(head.deltas[:, moving]),
        "landmark_triangles": _triangles_at(head, landmark_vertices).astype(np.int32),
        "joints": joints.astype(np.float32),
    }


def _triangles_at(head: Piece, landmark_vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    """(478, 3) a triangle of the mesh at each landmark, turned so that its first corner is the landmark."""
    triangles = as_triangles(head.faces)
    rows = []
    for vertex in landmark_vertices:
        triangle = triangles[(triangles == vertex).any(axis=1)][0]
        rows.append(np.roll(triangle, -int(np.where(triangle == vertex)[0][0])))
    return np.stack(rows)


def _packed(deltas: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    """Deltas as bytes round 128 with one step size per key: an error of at most half a step (0.02 mm)."""
    steps = np.maximum(np.abs(deltas).max(axis=(1, 2)) / 127.0, 1e-9)
    levels = np.round(deltas / steps[:, None, None]) + 128.0
    return {"delta_steps": steps.astype(np.float32), "delta_levels": levels.astype(np.uint8)}


def _metadata(basis: FaceBasis) -> dict[str, str]:
    return {
        "basis_name": basis.name,
        "basis_hash": basis.hash,
        "bones": " ".join(BONES),
        "materials": " ".join(MATERIALS),
        "units": "centimetres; x right in the picture, y up, z towards the viewer",
    }
