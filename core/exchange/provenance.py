# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a motion came from; it is kept with the keys that were made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Self

from ..errors import SettingsError
from ..settings import MOTION_GROUPS, MotionSettings, groups_from_json, groups_to_json
from ..settings_schema import Affected, kept_settings

# beside the settings, what is said of the face and not of the whole motion
_OF_THE_FACE = ("model_hash", "second_style_name", "second_style_id", "reference_quality", "first_version")


@dataclass(frozen=True, slots=True)
class Provenance(MotionSettings):
    """Where a motion came from: enough to make it again, and to know our keys from an artist's.

    pose_hash: of the pose prior that moved the head, empty where the reference's own motion was taken.
    second_style_name, second_style_id: what was mixed into the face by ``face.style_mix``. reference_quality: what was
    seen of the reference clip, with its bar and reasons; empty without one. first_version: made before the person had
    been learnt; such keys are replaced a few seconds later.
    """

    audio_source: str
    audio_hash: str
    audio_seconds: float
    model_hash: str
    basis_hash: str
    style_name: str | None = None
    style_id: str | None = None
    pose_hash: str = ""
    second_style_name: str | None = None
    second_style_id: str | None = None
    reference_quality: str = ""
    first_version: bool = False

    @property
    def mixed_in(self) -> str:
        """What was mixed into the face, in words; empty for one style alone."""
        return f"{self.face.style_mix:.0%} of {self.second_style_name}" if self.second_style_name else ""

    def with_kept(self, before: Provenance, made_again: Set[Affected]) -> Provenance:
        """Of keys of which only a part was made again: what decided the other parts is as it was ``before``."""
        kept = {name: kept_settings(getattr(before, name), getattr(self, name), made_again) for name in MOTION_GROUPS}
        facts = {} if "face" in made_again else {name: getattr(before, name) for name in _OF_THE_FACE}
        return dataclasses.replace(self, **kept, **facts)

    def to_json(self) -> dict[str, Any]:
        """Plain values, one object for each group of settings."""
        return {**{name: getattr(self, name) for name in _facts()}, **groups_to_json(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`, also of older versions': the first knew neither blinks nor gaze.

        Raises :class:`SettingsError` where it is none.
        """
        known = {name: data[name] for name in _facts() if name in data}
        try:
            return cls(**known, **groups_from_json({"blinks": False, "gaze_amount": 0.0, **data}, lenient=True))
        except (TypeError, AttributeError) as error:
            raise SettingsError(f"This tells nothing of where a motion came from ({error}).") from error


def _facts() -> list[str]:
    return [item.name for item in dataclasses.fields(Provenance) if item.name not in MOTION_GROUPS]
