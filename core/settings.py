# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of Mimesh, each declared once; see :mod:`core.settings_schema` for what is made of a declaration.

A new slider is one field here and the code that reads it: checks, JSON, the command line, Blender's property, the
provenance of a motion and, where a panel draws the whole group, its row follow. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from .engines import DEFAULT_ENGINE, engines
from .settings_schema import Choice, SettingsGroup, setting

OnExisting = Literal["refuse", "push_down"]


def _engine_choices() -> tuple[Choice, ...]:
    return tuple(Choice(entry.name, entry.label, entry.help) for entry in engines())


@dataclass(frozen=True, slots=True)
class FaceSettings(SettingsGroup):
    """How the face talks."""

    engine: str = setting(
        DEFAULT_ENGINE, label="Engine", help="What makes the face", choices=_engine_choices, affects=("face",)
    )
    speech_encoder: str = setting(
        "auto",
        label="Speech Encoder",
        help="Speech encoder; AdaMesh and Mimic have a network for each",
        choices=(
            Choice("auto", "Automatic", "Whisper where Set Up Engine has put it, else the bundled one"),
            Choice("bundled", "Bundled", "Small and fast, comes with Mimesh"),
            Choice("whisper", "Whisper", "Whisper-base: larger, more robust to noise; Set Up Engine fetches it"),
        ),
        pattern=r".*[/\\].*",
        affects=("face",),
    )
    model_pack: Path | None = setting(
        None,
        label="Model Pack",
        help="Folder with networks trained on your own people; empty is what comes with Mimesh",
        subtype="DIR_PATH",
        affects=("face", "head"),
    )
    style_strength: float = setting(
        1.0,
        label="Style Strength",
        help="How far to follow the reference: 0 is neutral, 1 is like the reference",
        low=0.0,
        high=1.5,
        step=0.05,
        affects=("face",),
    )
    style_mix: float = setting(
        0.5,
        label="Mix",
        help="Share of the second style in the face; head and eyes stay the first's",
        low=0.0,
        high=1.0,
        step=0.05,
        subtype="FACTOR",
        affects=("face",),
    )


@dataclass(frozen=True, slots=True)
class HeadSettings(SettingsGroup):
    """How the head moves. seed is added to the run's, so that another one changes the head and nothing else."""

    prefix: ClassVar[str] = "head"
    place: ClassVar[str] = "pose"

    source: str = setting(
        "bank",
        label="Head Pose",
        help="Where the head motion comes from",
        choices=(
            Choice(
                "bank",
                "Retrieved Style",
                "New head motion for this speech, in the style of the most similar speakers of the pose bank",
            ),
            Choice("reference", "From Reference", "The head motion of the reference clip itself"),
        ),
        affects=("head", "eyes"),
    )
    amount: float = setting(
        1.0,
        label="Head Motion",
        help="How much the head moves: 0 is still, 1 is like the reference",
        low=0.0,
        high=2.0,
        step=0.05,
        prop="head_amount",
        affects=("head", "eyes"),
        aliases=("head_amount",),
    )
    neighbours: int = setting(
        1,
        label="People Mixed",
        help="How many of the nearest people in the bank are mixed (k); 1 follows the nearest alone",
        low=1,
        high=16,
        prop="pose.k",
        affects=("head", "eyes"),
        aliases=("k",),
    )
    temperature: float = setting(
        1.0,
        label="Liveliness",
        help="How freely the motion is drawn (temperature): 0 is always the likeliest, above 1 is restless",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("head", "eyes"),
    )
    top_p: float = setting(
        0.95,
        label="Surprises",
        help="Only motion that is together this likely is drawn (top-p); lower is tamer",
        low=0.01,
        high=1.0,
        step=0.01,
        affects=("head", "eyes"),
    )
    seed: int = setting(
        0,
        label="Head Seed",
        help="Another number gives another head motion and changes nothing else",
        low=0,
        affects=("head", "eyes"),
    )
    dead_zone_radians: float = setting(
        0.0,
        label="Dead Zone",
        help="Head motion smaller than this is removed",
        unit="radians",
        low=0.0,
        high=0.1,
        step=0.1,
        subtype="ANGLE",
        cli="--head-stillness",
        prop="pose.stillness",
        affects=("head", "eyes"),
        aliases=("stillness_radians",),
    )
    bank: Path | None = setting(
        None,
        label="Bank",
        help="File of pose styles, its own pose prior beside it where it has one; empty is the bundled bank",
        subtype="FILE_PATH",
        cli="--pose-bank",
        affects=("head", "eyes"),
    )
    follow: str = setting(
        "",
        label="Follow",
        help="Name of the bank's pose style to follow, instead of the one nearest to the reference",
        cli="--head-like",
        affects=("head", "eyes"),
    )


@dataclass(frozen=True, slots=True)
class EyesSettings(SettingsGroup):
    """How lids and eyes move. Blinks are keys of the face; a gaze is held against the head."""

    blinks: bool = setting(
        True,
        label="Blinks",
        help="Blink as often as the reference does, or as people usually do",
        affects=("face",),
    )
    gaze_amount: float = setting(
        1.0,
        label="Gaze",
        help="How much the eyes wander: 0 keeps them still, 1 is natural",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("eyes",),
    )


@dataclass(frozen=True, slots=True)
class RunSettings(SettingsGroup):
    """What concerns the whole run."""

    seed: int = setting(
        0,
        label="Seed",
        help="Another number gives another motion; the same gives the same",
        low=0,
        affects=("face", "head", "eyes"),
    )
    device: str = setting(
        "auto",
        label="Device",
        help="Where the networks run; several graphics cards are told apart as cuda:0, cuda:1",
        choices=(
            Choice("auto", "Automatic", "The graphics card where it can be used, else the processor"),
            Choice("cpu", "Processor", "The central processor"),
            Choice("cuda", "CUDA", "An NVIDIA graphics card"),
            Choice("mps", "Metal", "The graphics processor of a Mac"),
        ),
        pattern=r"cuda:\d+",
    )


@dataclass(frozen=True, slots=True)
class BakeSettings(SettingsGroup):
    """How the motion is written as keys."""

    on_existing: OnExisting = setting(
        "refuse",
        label="Existing Keys",
        help="What to do when the face already has an action that Mimesh did not make",
        choices=(
            Choice("refuse", "Refuse", "Stop with a message when somebody else's action is in the way"),
            Choice("push_down", "Push Down", "Keep the other action on an NLA track below ours, where it plays on"),
        ),
        cli="--push-down",
        flag="push_down",
        affects=("bake",),
    )
    neck_share: float = setting(
        0.0,
        label="Neck Share",
        help="How much of the head's turn the neck takes, on rigs with a neck and a head bone",
        low=0.0,
        high=1.0,
        step=0.05,
        affects=("bake",),
    )
    # a mouth comes to rest about as fast as it opens
    ease_seconds: float = setting(
        0.25,
        label="Ease",
        help="How long the face takes from rest to the first frame of the line, and back to rest after the last",
        unit="s",
        low=0.0,
        high=2.0,
        step=0.05,
        affects=("bake",),
    )


MOTION_GROUPS: dict[str, type[SettingsGroup]] = {
    "face": FaceSettings,
    "head": HeadSettings,
    "eyes": EyesSettings,
    "run": RunSettings,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSettings:
    """All settings that decide a motion. Base of whatever is made, asked for or remembered with them."""

    face: FaceSettings = FaceSettings()
    head: HeadSettings = HeadSettings()
    eyes: EyesSettings = EyesSettings()
    run: RunSettings = RunSettings()

    def groups(self) -> dict[str, Any]:
        """Each group by its name."""
        return {name: getattr(self, name) for name in MOTION_GROUPS}


def groups_to_json(settings: MotionSettings) -> dict[str, Any]:
    """Plain values, one object for each group."""
    return {name: group.to_json() for name, group in settings.groups().items()}


def groups_from_json(data: dict[str, Any], lenient: bool = False) -> dict[str, Any]:
    """Inverse of :func:`groups_to_json`, also of the first versions' layout; see :meth:`SettingsGroup.from_json`."""
    nested = data if isinstance(data.get("face"), dict) else _from_flat(data)
    return {name: group.from_json(nested.get(name, {}), lenient) for name, group in MOTION_GROUPS.items()}


def _from_flat(data: dict[str, Any]) -> dict[str, Any]:
    # once all settings stood side by side, but for an object "pose" with those of the head; its seed is another one
    amount = {"head_amount": data["head_amount"]} if "head_amount" in data else {}
    return {"face": data, "head": {**amount, **data.get("pose", {})}, "eyes": data, "run": data}
