# SPDX-License-Identifier: GPL-3.0-or-later
"""``RigDescription``: a rig as plain arrays, and ``LandmarkBinding``: where the 478 landmarks sit on its mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import LANDMARK_COUNT
from ..face.rotations import FloatArray
from ..weights import bundled, read_tensors, write_tensors
from .conventions.base import GazeKey, RigConvention
from .conventions.flame import CONVENTION as FLAME
from .curves import ARMATURE, controls_of, key_path
from .names import BoneLink, FaceBones, descendants

FLAME_VERTICES = 5023
FLAME_BINDING_FILE = "flame_landmarks.safetensors"
# vertices that follow the jaw bone by this share of the greatest weight are chin and lower lip
_SURELY_JAW = 0.9
# of the face's size: a key that moves chin and lower lip farther on average opens the mouth
_OPENING_SHARE = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkBinding:
    """The landmarks as points on a mesh's surface, so that they follow every deformation.

    triangles: (478, 3) vertex indices. barycentric: (478, 3) weights, rows sum to one.
    valid: (478,) False where no place was found. source: how it was found, for the user.
    """

    triangles: NDArray[np.int32]
    barycentric: NDArray[np.float32]
    valid: NDArray[np.bool_]
    source: str

    def points(self, vertices: FloatArray) -> FloatArray:
        """(..., V, 3) per-vertex values to (..., 478, 3) at the landmarks."""
        corners = np.asarray(vertices)[..., self.triangles, :]
        return np.einsum("...nck,nc->...nk", corners, self.barycentric.astype(np.float64))

    def weights(self, per_vertex: FloatArray) -> FloatArray:
        """(V,) to (478,)."""
        return (np.asarray(per_vertex)[self.triangles] * self.barycentric).sum(axis=1)

    def fits(self, vertex_count: int, triangles: NDArray[np.int32]) -> bool:
        """Whether the bound vertices lie on common faces of this mesh (quads are split differently by tools)."""
        if self.triangles.shape != (LANDMARK_COUNT, 3) or self.triangles.max() >= vertex_count:
            return False
        bound = self.triangles[self.valid]
        edges = _edge_codes(triangles, vertex_count)
        shared = np.isin(_edge_codes(bound, vertex_count), edges).reshape(-1, 3)
        # a triangle cut along a quad's other diagonal still has two of its three edges
        return bool((shared.sum(axis=1) >= 2).mean() > 0.98)

    def save(self, path: Path, metadata: dict[str, str]) -> None:
        """Write as safetensors."""
        tensors: dict[str, NDArray[np.generic]] = {
            "triangles": self.triangles,
            "barycentric": self.barycentric,
            "valid": self.valid.astype(np.uint8),
        }
        write_tensors(path, tensors, {**metadata, "source": self.source})

    @classmethod
    def load(cls, path: Path) -> LandmarkBinding:
        """Read what :meth:`save` wrote."""
        file = read_tensors(path)
        return cls(
            triangles=file.tensors["triangles"].astype(np.int32),
            barycentric=file.tensors["barycentric"].astype(np.float32),
            valid=file.tensors["valid"].astype(bool),
            source=file.metadata["source"],
        )


@dataclass(frozen=True, slots=True, eq=False)
class BoneDescription:
    """rest_matrix: (4, 4) in armature space, columns are the bone's own axes and its head.

    inherits_rotation: whether it turns along with its parent.
    """

    name: str
    parent: str | None
    rest_matrix: FloatArray
    rotation_mode: str = "QUATERNION"
    inherits_rotation: bool = True


@dataclass(frozen=True, slots=True)
class FacePart:
    """A mesh of its own that goes with the face: teeth, tongue, lashes, eyes.

    keys: names of the face's keys to those of its own that mean the same and may be keyed.
    """

    object_name: str
    keys: Mapping[str, str]

    @property
    def paths(self) -> Mapping[str, str]:
        """Paths of the face's keys to those of its own."""
        return {key_path(name): key_path(own) for name, own in self.keys.items()}


@dataclass(frozen=True, slots=True)
class KeyControl:
    """A channel that drives a shape key: the key's value is ``factor`` times its own.

    owner: the object that has it, empty for the face's armature. one_sided: below zero the key stays at rest, so that
    another key may have the channel's other side.
    """

    path: str
    index: int
    factor: float
    owner: str = ""
    one_sided: bool = False

    @property
    def datablock(self) -> str:
        """Where it is keyed."""
        return controls_of(self.owner) if self.owner else ARMATURE


@dataclass(frozen=True, slots=True, eq=False)
class RigDescription:
    """A face rig, units and axes as the artist made them.

    vertices: (V, 3) object space, neutral expression with the artist's identity keys applied.
    triangles: (F, 3). key_deltas: (K, V, 3) per unit key value. key_ranges: (K, 2) slider minimum, maximum.
    convention: whose names the keys have, and with them bounds, jaw policy and lids; key_meanings: (K,) in its words.
    jaw_weights: (V,) share of the jaw bone's rotation each vertex follows; zeros without a jaw bone.
    object_to_armature: (4, 4). basis_hash: face basis that the keys are components of, "" if unknown.
    gaze_keys: keys that show where the eyes look; none of ``key_names``. left_out: expression keys that are not keyed.
    rest: value of each channel (path, index) before anything of ours. parts: meshes that are keyed along;
    followers: names of meshes that the bones move. controls: key names to what is keyed in their place.
    """

    object_name: str
    armature_name: str | None
    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    key_names: tuple[str, ...]
    key_deltas: NDArray[np.float32]
    key_ranges: NDArray[np.float32]
    bones: tuple[BoneDescription, ...]
    face_bones: FaceBones
    jaw_weights: NDArray[np.float32]
    object_to_armature: FloatArray
    binding: LandmarkBinding | None
    convention: RigConvention = FLAME
    key_meanings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    basis_hash: str = ""
    warnings: tuple[str, ...] = ()
    gaze_keys: tuple[GazeKey, ...] = ()
    rest: Mapping[tuple[str, int], float] = field(default_factory=dict)
    parts: tuple[FacePart, ...] = ()
    followers: tuple[str, ...] = ()
    controls: Mapping[str, KeyControl] = field(default_factory=dict)

    @property
    def part_spellings(self) -> Mapping[str, str]:
        """Paths of keys of parts, where spelt otherwise than the face's, to the face's."""
        pairs = [pair for part in self.parts for pair in part.paths.items()]
        return {own: path for path, own in pairs if own != path}

    @property
    def control_owners(self) -> tuple[str, ...]:
        """Names of objects beside the armature whose controls are keyed."""
        return tuple(dict.fromkeys(control.owner for control in self.controls.values() if control.owner))

    @property
    def jaw_bone(self) -> str | None:
        """Name of the bone that opens the mouth."""
        return self.face_bones.jaw

    @property
    def head_bone(self) -> str | None:
        """Name of the bone that takes head motion (SMPL-X head, FLAME neck)."""
        return self.face_bones.head_motion

    @property
    def neck_bone(self) -> str | None:
        """Name of the neck bone."""
        return self.face_bones.neck

    @property
    def left_eye_bone(self) -> str | None:
        """Name of the person's left eye bone."""
        return self.face_bones.left_eye

    @property
    def right_eye_bone(self) -> str | None:
        """Name of the person's right eye bone."""
        return self.face_bones.right_eye

    def bone(self, name: str) -> BoneDescription:
        """The bone of this name."""
        return next(bone for bone in self.bones if bone.name == name)

    def neck_carries_head(self) -> bool:
        """Whether neck and head are two bones, and turning the one turns the other along."""
        neck, head = self.face_bones.neck, self.face_bones.head
        if neck is None or head is None or head not in descendants(bone_links(self.bones), neck)[1:]:
            return False
        bone = self.bone(head)
        while bone.name != neck:
            if not bone.inherits_rotation or bone.parent is None:
                return False
            bone = self.bone(bone.parent)
        return True

    def turns_jaw(self) -> bool:
        """Whether the jaw bone is keyed: never beside keys that open the mouth, which would open it twice."""
        always = self.convention.opens_with_bone
        return self.has_deforming_jaw() and (always or self.convention.turns_jaw(self._keys_open_mouth()))

    def _keys_open_mouth(self) -> bool:
        """Whether a key moves what the jaw carries about as far as a mouth opens."""
        moved = np.linalg.norm(self.key_deltas, axis=2)
        of_jaw = self.jaw_weights > _SURELY_JAW * self.jaw_weights.max(initial=0.0)
        face = np.asarray(self.vertices)[moved.max(axis=0, initial=0.0) > 0.05 * moved.max(initial=0.0)]
        size = float(np.linalg.norm(np.ptp(face, axis=0))) if len(face) else 0.0
        return bool(moved[:, of_jaw].mean(axis=1).max(initial=0.0) > _OPENING_SHARE * size)

    def has_deforming_jaw(self) -> bool:
        """Whether turning the jaw bone moves the mesh at all."""
        return self.jaw_bone is not None and bool(self.jaw_weights.max(initial=0.0) > 0.05)


def bone_links(bones: tuple[BoneDescription, ...]) -> tuple[BoneLink, ...]:
    """Names and parents only."""
    return tuple(BoneLink(bone.name, bone.parent) for bone in bones)


def flame_binding(vertex_count: int, triangles: NDArray[np.int32]) -> LandmarkBinding | None:
    """The bundled correspondence when the mesh has FLAME's topology, else None."""
    if vertex_count != FLAME_VERTICES:
        return None
    binding = LandmarkBinding.load(bundled(FLAME_BINDING_FILE))
    return binding if binding.fits(vertex_count, triangles) else None


def _edge_codes(triangles: NDArray[np.int32], vertex_count: int) -> NDArray[np.int64]:
    """(F * 3,) one number per undirected edge, triangle by triangle."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
    return edges[:, 0] * vertex_count + edges[:, 1]
