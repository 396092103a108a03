# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that knows phones alone (``python -m research.training phonetic``): where the bundled encoder began."""

from __future__ import annotations

from pathlib import Path

from core.models.speech.phonetic import PHONETIC_FILE, PhoneticEncoder
from core.models.speech.phonetic_network import PhoneticNetwork
from research.paths import BUILD
from research.training.history import shipped_at

# it shipped until 2026-11-26
COMMIT = "1e55131"
MADE_HERE = BUILD / "first_stage" / PHONETIC_FILE


def first_stage_path() -> Path:
    """The one that was trained here, else the one that shipped once."""
    return MADE_HERE if MADE_HERE.is_file() else shipped_at(COMMIT, PHONETIC_FILE)


def first_stage_encoder() -> PhoneticEncoder:
    """As face networks heard with it once."""
    return PhoneticEncoder.load(path=shipped_at(COMMIT, PHONETIC_FILE))


def first_stage() -> PhoneticNetwork:
    """The network alone."""
    return PhoneticEncoder.load(path=first_stage_path()).network
