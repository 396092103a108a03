# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM avatars: VRoid's ``Fcl_MTH_A`` with whatever prefix, VRM 0's ``A I U E O``, VRM 1's ``aa ih ou ee oh``."""

from __future__ import annotations

from .base import BoneNames
from .controls import NamedControls

_LIMITS = (
    "This rig has {keys} keys of a VRM avatar: it opens, rounds and shuts the mouth; what its five vowels "
    "cannot blend to (m against a shut smile, one-sided smiles, cheeks) does not show."
)
_MOUTHS = ("A", "I", "U", "E", "O", "Close", "Up", "Down", "Small", "Large")

CONVENTION = NamedControls(
    label="VRM",
    bones=BoneNames(
        head=("j_bip_c_head",),
        neck=("j_bip_c_neck",),
        left_eye=("j_adj_l_faceeye",),
        right_eye=("j_adj_r_faceeye",),
    ),
    controls={
        **{f"Fcl_MTH_{name}": f"mouth{name}" for name in _MOUTHS},
        **{f"lip_{name}": f"mouth{name}" for name in _MOUTHS[:5]},
        **{f"mouth_{name}": f"mouth{name}" for name in _MOUTHS[:5]},
        **{name: f"mouth{name}" for name in _MOUTHS[:5]},
        "aa": "mouthA",
        "ih": "mouthI",
        "ou": "mouthU",
        "ee": "mouthE",
        "oh": "mouthO",
    },
    sided={
        "Fcl_EYE_Close": "eyeBlink",
        "blink": "eyeBlink",
        "eye_close": "eyeBlink",
        "wink": "eyeBlink",
        "Fcl_EYE_Spread": "eyeWide",
    },
    markers=("mouthA", "mouthI", "mouthU", "mouthE", "mouthO"),
    needed=4,
    limits=_LIMITS,
)
