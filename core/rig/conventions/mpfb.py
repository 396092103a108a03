# SPDX-License-Identifier: GPL-3.0-or-later
"""MPFB2 and MakeHuman: face units in ARKit's words and Meta's visemes as keys, and MakeHuman's own bones.

Keys are matched by :mod:`.arkit` or :mod:`.visemes`; ``$md-`` and ``macrodetail`` keys are the person's identity.
"""

from __future__ import annotations

from .base import BoneNames, BonesOnly

CONVENTION = BonesOnly(
    label="MPFB2",
    bones=BoneNames(
        jaw=("jaw",),
        head=("head",),
        neck=("neck03", "neck02", "neck01"),
        left_eye=("eye_l",),
        right_eye=("eye_r",),
    ),
)
