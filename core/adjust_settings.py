# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders after the bake, each declared once as those of :mod:`core.settings`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .settings_schema import SettingsGroup, setting


@dataclass(frozen=True, slots=True)
class AdjustSettings(SettingsGroup):
    """How a line that is baked already is changed, from its kept motion and without the engine.

    The amounts are shares of the motion as it was generated; with all at their defaults it is exactly that.
    """

    prefix: ClassVar[str] = "adjust"
    place: ClassVar[str] = "adjust"

    style_strength: float = setting(
        1.0,
        label="Style Strength",
        help="From the line without any style (0) to the line as it was generated (1) and past it",
        low=0.0,
        high=1.5,
        step=0.05,
        affects=("bake",),
    )
    mouth: float = setting(
        1.0, label="Mouth", help="How much the lips move", low=0.0, high=2.0, step=0.05, affects=("bake",)
    )
    jaw: float = setting(
        1.0, label="Jaw", help="How far the jaw opens", low=0.0, high=2.0, step=0.05, affects=("bake",)
    )
    brows: float = setting(
        1.0,
        label="Brows",
        help="How much the brows and the upper face move",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )
    blinks: float = setting(
        1.0, label="Blinks", help="How far the lids close", low=0.0, high=2.0, step=0.05, affects=("bake",)
    )
    gaze: float = setting(
        1.0, label="Gaze", help="How much the eyes wander", low=0.0, high=2.0, step=0.05, affects=("bake",)
    )
    head: float = setting(
        1.0, label="Head", help="How much the head moves", low=0.0, high=2.0, step=0.05, affects=("bake",)
    )
    balance: float = setting(
        0.0,
        label="Upper to Lower",
        help="-1 moves the upper face alone, 1 the lower face alone, 0 both",
        low=-1.0,
        high=1.0,
        step=0.05,
        affects=("bake",),
    )
    asymmetry: float = setting(
        1.0,
        label="Asymmetry",
        help="How much left and right differ: 0 is the same on both sides, 1 is like the reference",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )
    smoothing_ms: float = setting(
        0.0,
        label="Smoothing",
        help="Time over which the face is averaged; closures of the lips, blinks, eyes and head are left",
        unit="ms",
        low=0.0,
        high=300.0,
        step=5.0,
        affects=("bake",),
    )
    lead_frames: float = setting(
        0.0,
        label="Lead",
        help="How many frames the mouth is ahead of the sound; below 0 it comes later",
        unit="frames",
        low=-10.0,
        high=10.0,
        step=0.5,
        affects=("bake",),
    )
    closure_emphasis: float = setting(
        0.0,
        label="Closures",
        help="How much longer and firmer the lips shut at m, b and p",
        low=0.0,
        high=1.0,
        step=0.05,
        affects=("bake",),
    )
    ease_in_seconds: float = setting(
        0.25,
        label="Ease In",
        help="How long the face takes from rest to the first frame of the line",
        unit="s",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )
    ease_out_seconds: float = setting(
        0.25,
        label="Ease Out",
        help="How long the face takes back to rest after the line's last frame",
        unit="s",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )
    tidy_mm: float = setting(
        0.0,
        label="Tidy",
        help="As few keys as move the lips by no more than this; 0 is a key on every frame. Yours stay",
        unit="mm",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )
    keys_on: int = setting(
        1,
        label="Keys On",
        help="Tidy keys lie on ones (1), twos (2) or threes (3), but where a closure needs them",
        low=1,
        high=3,
        affects=("bake",),
    )


@dataclass(frozen=True, slots=True)
class TidyMiss:
    """Tidied keys that move the lips by more than was allowed. reached_mm: the most, on the scene's ``frame``."""

    reached_mm: float
    frame: float

    def sentence(self, settings: AdjustSettings) -> str:
        """What is off and what helps."""
        grid = {2: "On twos", 3: "On threes"}.get(settings.keys_on, "With few keys")
        return (
            f"{grid} the lips are up to {self.reached_mm:.2f} mm off (frame {self.frame:g}), not "
            f"{settings.tidy_mm:.2f} mm: add a key there by hand, or set Keys On to 1."
        )
