# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled demo head's file: closed where it should be, true to the face basis."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.face.basis import FaceBasis, open_basis
from core.weights import TensorFile, bundled, read_tensors

# parts that end under the skin instead of closing
OPEN_MATERIALS = {"hair", "shirt"}
LANDMARK_TOLERANCE_CM = 0.02


@pytest.fixture(scope="module")
def head() -> TensorFile:
    return read_tensors(bundled("demo_head.safetensors"))


@pytest.fixture(scope="module")
def basis() -> FaceBasis:
    return open_basis()


def _deltas(head: TensorFile) -> np.ndarray:
    """(50, V, 3) cm."""
    deltas = np.zeros((50, len(head.tensors["vertices"]), 3), np.float32)
    levels = head.tensors["delta_levels"].astype(np.float32) - 128.0
    deltas[:, head.tensors["moving"]] = levels * head.tensors["delta_steps"][:, None, None]
    return deltas


def _directed_edges(faces: np.ndarray) -> Counter[tuple[int, int]]:
    edges: Counter[tuple[int, int]] = Counter()
    for face in faces.tolist():
        corners = [corner for corner in face if corner >= 0]
        edges.update(zip(corners, corners[1:] + corners[:1], strict=True))
    return edges


def test_head_was_built_from_the_bundled_basis(head: TensorFile, basis: FaceBasis) -> None:
    assert head.metadata["basis_hash"] == basis.hash


def test_every_edge_has_two_faces_except_under_hair_and_shirt(head: TensorFile) -> None:
    faces, materials = head.tensors["faces"], head.tensors["materials"]
    edges = _directed_edges(faces)
    # the same direction twice would be a flipped or doubled face
    assert max(edges.values()) == 1
    border = {edge[0] for edge in edges if (edge[1], edge[0]) not in edges}
    names = head.metadata["materials"].split()
    open_faces = np.isin(faces, list(border)).any(axis=1)
    assert {names[index] for index in materials[open_faces]} == OPEN_MATERIALS


def test_landmarks_are_vertices_of_the_head(head: TensorFile, basis: FaceBasis) -> None:
    corners = head.tensors["landmark_triangles"]
    found = head.tensors["vertices"][corners[:, 0]]
    assert np.linalg.norm(found - basis.neutral, axis=1).max() < LANDMARK_TOLERANCE_CM


def test_landmark_triangles_are_faces_of_the_mesh(head: TensorFile) -> None:
    edges = {tuple(sorted(edge)) for edge in _directed_edges(head.tensors["faces"])}
    shared = [
        sum(tuple(sorted(pair)) in edges for pair in ((a, b), (b, c), (c, a)))
        for a, b, c in head.tensors["landmark_triangles"].tolist()
    ]
    assert min(shared) >= 2


def test_keys_move_the_landmarks_by_the_basis_directions(head: TensorFile, basis: FaceBasis) -> None:
    moved = _deltas(head)[:, head.tensors["landmark_triangles"][:, 0]]
    # the iris turns with its bone and is no part of the directions
    error = np.linalg.norm(moved[:, :468] - basis.directions[:, :468], axis=2)
    assert error.max() < 0.005


def test_landmarks_follow_the_jaw_by_the_basis_weights(head: TensorFile, basis: FaceBasis) -> None:
    jaw = head.metadata["bones"].split().index("jaw")
    weights = head.tensors["weights"][head.tensors["landmark_triangles"][:, 0], jaw].astype(np.float32)
    assert np.abs(weights[:468] - basis.jaw_weights[:468]).max() < 1e-3


def test_bone_shares_add_to_one(head: TensorFile) -> None:
    weights = head.tensors["weights"].astype(np.float64)
    assert weights.min() >= 0
    assert np.abs(weights.sum(axis=1) - 1).max() < 2e-3


def test_head_turns_as_a_whole_and_the_shoulders_stay(head: TensorFile) -> None:
    root = head.metadata["bones"].split().index("root")
    height, stays = head.tensors["vertices"][:, 1], head.tensors["weights"][:, root].astype(np.float32)
    assert stays[height > -8.0].max() == 0
    assert stays[height < -22.0].min() == 1


def test_only_the_face_and_its_surroundings_move_with_keys(head: TensorFile) -> None:
    moving = head.tensors["vertices"][head.tensors["moving"]]
    assert moving[:, 2].min() > -14.5
    assert moving[:, 1].min() > -20.0
