# SPDX-License-Identifier: GPL-3.0-or-later
"""Rhubarb Lip Sync's mouths: ``A`` (shut) to ``F``, ``G``, ``H``, and ``X`` at rest."""

from __future__ import annotations

from .controls import NamedControls
from .visemes import LIMITS

_PREFIXES = ("", "mouth_", "rhubarb_", "lip_", "viseme_", "shape_")

CONVENTION = NamedControls(
    label="Rhubarb mouths",
    controls={f"{prefix}{name}": f"mouth shape {name}" for prefix in _PREFIXES for name in "ABCDEFGH"},
    sided={"eyeBlink": "eyeBlink", "blink": "eyeBlink"},
    unused=tuple(f"{prefix}X" for prefix in _PREFIXES),
    markers=tuple(f"mouth shape {name}" for name in "ABCDEF"),
    needed=6,
    limits=LIMITS,
)
