# SPDX-License-Identifier: GPL-3.0-or-later
"""iClone's fifteen visemes as Character Creator 4 bakes them: ``B_M_P``, ``K_G_H_NG``, ``W_OO``."""

from __future__ import annotations

from .controls import NamedControls
from .visemes import LIMITS

_VISEMES = (
    *("AE", "Ah", "B_M_P", "Ch_J", "EE", "Er", "F_V", "IH", "K_G_H_NG", "Oh", "R", "S_Z", "T_L_D_N", "TH", "W_OO"),
)

CONVENTION = NamedControls(
    label="iClone visemes",
    controls={name: name for name in _VISEMES},
    sided={"Eye_Blink": "eyeBlink", "Eyes_Blink": "eyeBlink"},
    unused=("None",),
    markers=("B_M_P", "K_G_H_NG", "T_L_D_N", "W_OO", "Ch_J", "S_Z", "F_V"),
    needed=4,
    limits=LIMITS,
)
