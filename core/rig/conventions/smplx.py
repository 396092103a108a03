# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL-X as its Blender add-ons build it (MPI's, Meshcapade's): ``Exp000..``, jaw, head and neck bones of a body."""

from __future__ import annotations

from .base import BoneNames
from .components import NumberedComponents

CONVENTION = NumberedComponents(
    label="SMPL-X",
    signed=True,
    opens_with_bone=True,
    first=True,
    bones=BoneNames(
        jaw=("jaw",),
        head=("head",),
        neck=("neck",),
        left_eye=("left_eye_smplhf", "left_eye"),
        right_eye=("right_eye_smplhf", "right_eye"),
    ),
    first_index=0,
)
