# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a face that a line's layers are of, from the bottom up, and what they are called."""

from __future__ import annotations

LABELS = {
    "face": "Face",
    "lips": "Lips",
    "jaw": "Jaw",
    "brows": "Brows",
    "lids": "Lids",
    "gaze": "Gaze",
    "head": "Head",
}
PARTS = tuple(LABELS)
