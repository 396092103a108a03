# SPDX-License-Identifier: GPL-3.0-or-later
"""A convention made up to show what one costs: this file and its test."""

from __future__ import annotations

from .controls import NamedControls

CONVENTION = NamedControls(
    label="My Studio",
    controls={"jaw_drop": "jawOpen", "lips_shut": "mouthClose"},
    sided={"smile": "mouthSmile", "wink": "eyeBlink"},
    markers=("jawOpen", "mouthClose", "mouthSmileLeft"),
)
