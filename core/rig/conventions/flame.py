# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME as MPI's Blender add-on builds it (2020 and 2023): ``Exp1..``, a jaw bone, and a neck that turns the head."""

from __future__ import annotations

from .base import BoneNames
from .components import NumberedComponents

CONVENTION = NumberedComponents(
    label="FLAME",
    signed=True,
    opens_with_bone=True,
    first=True,
    bones=BoneNames(jaw=("jaw",), neck=("neck",), left_eye=("left_eye",), right_eye=("right_eye",)),
    first_index=1,
)
