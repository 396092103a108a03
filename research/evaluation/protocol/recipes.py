# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes that the protocol compares: one thing changes from one to the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.errors import SettingsError
from research.training.expression.data import shares
from research.training.expression.train import ExpressionSettings, shipped_settings, with_pseudo_labels, with_rest
from research.training.extractors import BUNDLED, WHISPER
from research.training.feature_bank import VoiceSettings
from research.training.loop import short_schedule

SHORT_STEPS = 150
SHORT_BATCH = 8
SHORT_CROP_FRAMES = 75


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way of training the expression network.

    width: of Whisper's leading values, uncorrected for noise (None: as shipped). free_seconds: at most so much of
    every person who speaks freely (None: all). grid_people: at most so many GRID talkers beside s1 (None: all).
    """

    name: str
    encoder: str
    settings: ExpressionSettings
    width: int | None = None
    free_seconds: float | None = None
    grid_people: int | None = None

    def label(self, encoder_hash: str) -> str:
        """A name for all that its result depends on but fold and seed."""
        # how often it was saved, and on how many threads, changes nothing
        settings = replace(self.settings, threads=1, schedule=replace(self.settings.schedule, save_every=200))
        described = asdict(settings)
        if settings.rest_from is None:
            # trainings from before it existed keep their names
            del described["rest_from"]
        parts = [described, self.width, self.free_seconds, self.grid_people, encoder_hash]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return f"{self.encoder}-{digest[:12]}"


def short_settings(steps: int = SHORT_STEPS, batch: int = SHORT_BATCH, **sampling: Any) -> ExpressionSettings:
    """The shipped network, trained briefly."""
    settings = ExpressionSettings()
    changed = {"batch": batch, "crop_frames": SHORT_CROP_FRAMES, "shares": shares(0.15), **sampling}
    sampled = replace(settings.sampling, **changed)
    return replace(settings, schedule=short_schedule(steps), sampling=sampled)


def recipes() -> Iterator[Recipe]:
    """All that have been compared."""
    for encoder in (BUNDLED, WHISPER):
        base = short_settings()
        yield Recipe(encoder, encoder, base)
        yield Recipe(f"{encoder}-shipped", encoder, shipped_settings(encoder))
        for steps in (300, 600):
            yield Recipe(f"{encoder}-rest{steps}", encoder, with_rest(steps))
            yield Recipe(f"{encoder}-crowd{steps}", encoder, with_rest(steps, crowd_share=0.25))
        yield Recipe(f"{encoder}-pseudo300", encoder, with_pseudo_labels(with_rest(300)))
        yield Recipe(f"{encoder}-grid", encoder, short_settings(shares=shares(0.0)))
        for free in (0.1, 0.3, 0.45):
            yield Recipe(f"{encoder}-free{round(100 * free)}", encoder, short_settings(shares=shares(free)))
        for steps in (100, 400):
            yield Recipe(f"{encoder}-steps{steps}", encoder, short_settings(steps))
        yield Recipe(f"{encoder}-own-voices", encoder, replace(base, voices=VoiceSettings(1)))
        yield Recipe(f"{encoder}-no-copies", encoder, short_settings(varied_share=0.0))
        yield Recipe(f"{encoder}-anybody", encoder, short_settings(hidden_as_average=False))
        yield Recipe(f"{encoder}-reach4", encoder, replace(base, network=replace(base.network, reach=4)))
        for seconds in (3.0, 10.0):
            yield Recipe(f"{encoder}-free-{seconds:.0f}s", encoder, base, free_seconds=seconds)
        for people in (0, 3):
            yield Recipe(f"{encoder}-s1-and-{people}", encoder, base, grid_people=people)
    for width in (16, 32, 96, 128):
        yield Recipe(f"whisper-width{width}", WHISPER, short_settings(), width)


def find_recipe(name: str) -> Recipe:
    """By name. Raises :class:`SettingsError`."""
    found = {recipe.name: recipe for recipe in recipes()}
    if name not in found:
        raise SettingsError(f"There is no recipe {name}.", f"Choose from {', '.join(found)}.")
    return found[name]
