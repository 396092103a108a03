# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigify's bones: the controls ``jaw_master``, ``head``, ``neck``, ``eye.L``. Rigify makes no shape keys."""

from __future__ import annotations

from .base import BoneNames, BonesOnly

CONVENTION = BonesOnly(
    label="Rigify",
    bones=BoneNames(
        jaw=("jaw_master", "jaw"),
        head=("head", "spine_006"),
        neck=("neck", "spine_005", "spine_004"),
        left_eye=("eye_l",),
        right_eye=("eye_r",),
    ),
)
