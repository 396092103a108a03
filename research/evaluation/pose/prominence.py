# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the head move with the speech? Over minutes, beside the same head with the speech of another time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.models.pose.generate import PoseGenerator
from core.pose.reference import PoseReference
from core.settings import HeadSettings
from research.evaluation.pose.length import long_speech, plain_entries
from research.evaluation.pose.metrics import OTHER_TIMES, Following, following
from research.evaluation.tables import Table, number
from research.training.pose.data import PoseClip

SPEECH_SECONDS = 240.0
_MIN_SECONDS = 15.0


def stress_table(generator: PoseGenerator, clips: Sequence[PoseClip], data: Path) -> tuple[Table, dict[str, Any]]:
    """Recorded heads, and generated ones in the style of each lively clip to speech of people without a head."""
    lively = [clip for clip in clips if clip.lively and clip.seconds >= _MIN_SECONDS]
    real = [following(clip.name, clip.head, clip.heard.loudness) for clip in lively]
    heard = generator.encode(long_speech(data, SPEECH_SECONDS))
    still = np.zeros((1, 3), np.float32)
    made = []
    for entry in plain_entries(generator, clips):
        head = generator.generate(heard, PoseReference(still, entry.matrix), HeadSettings()).head
        made.append(following(entry.name, head, heard.loudness))
    average = following("average person", generator.generate(heard, None, HeadSettings()).head, heard.loudness)
    rows = [mean_of("recorded heads", real), *made, average, mean_of("generated heads", [*made, average])]
    table = Table(
        "Motion with speech: correlation of the head's speed with prominent syllables and with phrases",
        ("head", "with prominence", "other speech", "with phrases", "other speech", "ahead, ms"),
        tuple(
            (row.name, *map(number, (row.stress, row.stress_chance, row.phrase, row.phrase_chance)), _ms(row))
            for row in rows
        ),
        f"Generated to {SPEECH_SECONDS / 60:.0f} minutes of LibriSpeech. Best shift within 0.4 s; beside each the "
        f"same head with speech of {OTHER_TIMES} other times, which shows what a best shift gives by chance.",
    )
    return table, {"rows": [asdict(row) for row in rows]}


def mean_of(name: str, rows: Sequence[Following]) -> Following:
    """Every head the same weight."""
    values = np.mean([[r.stress, r.stress_chance, r.phrase, r.phrase_chance, r.lead_seconds] for r in rows], axis=0)
    return Following(name, *map(float, values))


def _ms(row: Following) -> str:
    return number(1000 * row.lead_seconds, 0, sign=True)
