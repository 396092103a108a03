# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations of ``panels/translations.csv``, which .ci/extract_messages.py finds the words for."""

from __future__ import annotations

import csv

import bpy

from ..core.adjust_settings import AdjustSettings
from ..core.settings import BakeSettings
from ..core.settings_schema import setting_fields
from ..operators.sentences import TABLE
from ..operators.setting_properties import shown_name
from .places import TRANSLATION_CONTEXT

# whose names have units in them
_GROUPS = (AdjustSettings, BakeSettings)
Dictionary = dict[str, dict[tuple[str, str], str]]


def dictionary() -> Dictionary:
    """By language: (context, English) to its translation. Empty cells stay English."""
    known = bpy.app.translations.contexts
    contexts = (known.default, known.operator_default, TRANSLATION_CONTEXT)
    found: Dictionary = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            english = row.pop("en_US")
            for language, words in row.items():
                if words:
                    found.setdefault(language, {}).update({(context, english): words for context in contexts})
    for table in found.values():
        words_of = {english: words for (_, english), words in table.items()}
        for item in (item for group in _GROUPS for item in setting_fields(group) if item.setting.unit):
            name = shown_name(item, lambda english, known=words_of: known.get(english, english))  # type: ignore[misc]
            table.update({(context, shown_name(item)): name for context in contexts})
    return found


def register() -> None:
    """Blender draws labels in the user's language from now on."""
    bpy.app.translations.register(__name__, dictionary())  # type: ignore[arg-type]


def unregister() -> None:
    """They are gone with the extension."""
    bpy.app.translations.unregister(__name__)
