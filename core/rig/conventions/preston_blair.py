# SPDX-License-Identifier: GPL-3.0-or-later
"""Preston Blair's mouths as Papagayo and other lip-sync tools name them: ``AI E O U etc FV L MBP WQ``.

The keys are solved for on the mesh like any others, so each takes the share that its own shape allows.
"""

from __future__ import annotations

from .controls import NamedControls
from .visemes import LIMITS

_PAPAGAYO = ("AI", "E", "O", "U", "etc", "FV", "L", "MBP", "WQ", "CDGKNRSThYZ", "CDGKNRSYZ", "TH")

CONVENTION = NamedControls(
    label="Preston Blair mouths",
    controls={
        f"{prefix}{name}": f"mouth shape {name}" for prefix in ("", "mouth_", "phoneme_", "PB_") for name in _PAPAGAYO
    },
    sided={"eyeBlink": "eyeBlink", "blink": "eyeBlink", "eyesClosed": "eyeBlink"},
    unused=("rest",),
    markers=("mouth shape AI", "mouth shape FV", "mouth shape MBP", "mouth shape WQ"),
    needed=3,
    limits=LIMITS,
)
