# SPDX-License-Identifier: GPL-3.0-or-later
"""Priors that have never seen one person: what figures on that person are measured with."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from core.models.pose.generate import PoseGenerator
from core.models.speech.encoder import SpeechEncoder
from core.pose.bank import BANK_FILE, PRIOR_FILE
from research.paths import BUILD
from research.training.pose.data import PoseClip
from research.training.pose.train import PoseTrainingSettings, train_pose

FOLDS = BUILD / "pose" / "folds"


def lively_people(clips: Sequence[PoseClip]) -> list[str]:
    """Those that are held out in turn."""
    return sorted({clip.person for clip in clips if clip.lively})


def without(
    person: str,
    clips: Sequence[PoseClip],
    encoder: SpeechEncoder,
    settings: PoseTrainingSettings,
    speech: Sequence[Path],
) -> PoseGenerator:
    """A generator trained on everybody else, and with nobody else in its bank; kept under build/pose/folds."""
    name = f"{person}-{_key(settings, encoder)}"
    folder = FOLDS / name
    if not (folder / BANK_FILE).is_file():
        others = [clip for clip in clips if clip.person != person]
        train_pose(others, encoder, settings, f"fold-{name}", folder, speech)
    return PoseGenerator.load(bank=folder / BANK_FILE, prior=folder / PRIOR_FILE)


def _key(settings: PoseTrainingSettings, encoder: SpeechEncoder) -> str:
    # threads change last bits only
    made_with = dataclasses.replace(settings, threads=0)
    return hashlib.sha256((json.dumps(dataclasses.asdict(made_with)) + encoder.hash).encode()).hexdigest()[:12]
