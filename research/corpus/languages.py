# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary sentences in many languages, written for this project; rich in lip closures, rounded and open vowels.

They are read by espeak-ng to train the speech encoder and to score lip sync. The last three sentences of each
language are for scoring only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HELDOUT_SENTENCES = 3
# "# name/voice of espeak-ng" and then one sentence a line
_SENTENCES = Path(__file__).with_name("sentences.txt")


@dataclass(frozen=True, slots=True)
class Language:
    """name: for tables; voice: espeak-ng's; sentences: to train on; heldout: never trained on."""

    name: str
    voice: str
    sentences: tuple[str, ...]
    heldout: tuple[str, ...]


def languages() -> tuple[Language, ...]:
    """All of them, English first."""
    blocks = _SENTENCES.read_text(encoding="utf-8").strip().split("\n\n")
    return tuple(_language(block.splitlines()) for block in blocks)


def _language(block: list[str]) -> Language:
    name, voice = block[0].removeprefix("# ").split("/")
    lines = tuple(block[1:])
    return Language(name, voice, lines[:-HELDOUT_SENTENCES], lines[-HELDOUT_SENTENCES:])
