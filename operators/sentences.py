# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in the language of the interface, sentences with names and numbers in them too.

Blender looks up whole texts only. A row of ``translations.csv`` with ``{}`` stands for every sentence of that form;
what stands in the places of ``{}`` is translated by itself where it can be.
"""

from __future__ import annotations

import csv
import functools
import re
from pathlib import Path

import bpy

# it lies with the panels, who show most of the words
TABLE = Path(__file__).resolve().parent.parent / "panels" / "translations.csv"

_PLACE = re.compile(re.escape(re.escape("{}")))
_BETWEEN_SENTENCES = re.compile(r"(?<=\.) +(?=[A-Z])")


def translated(words: str) -> str:
    """In the language of the interface; English where there is no translation."""
    locale = bpy.app.translations.locale
    if not words or not locale or locale.startswith("en") or not bpy.context.preferences.view.use_translate_interface:
        return words
    return _in_language(words, locale)


@functools.lru_cache(maxsize=1024)
def _in_language(words: str, locale: str) -> str:
    found = look_up(words)
    if found != words:
        return found
    sentences = _BETWEEN_SENTENCES.split(words)
    if len(sentences) > 1:
        return " ".join(_in_language(sentence, locale) for sentence in sentences)
    for form, pattern in _patterns():
        if match := pattern.fullmatch(words):
            return look_up(form).format(*(_in_language(part, locale) for part in match.groups()))
    return words


def forms() -> tuple[str, ...]:
    """Rows that stand for sentences with names and numbers in them: those with ``{}``."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(row["en_US"] for row in csv.DictReader(file) if "{}" in row["en_US"])


def look_up(words: str) -> str:
    """Blender's own look-up of a whole text."""
    found: str = bpy.app.translations.pgettext_iface(words)  # type: ignore[func-returns-value]
    return found


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    # the longest first: they say most of what is meant
    ordered = sorted(forms(), key=len, reverse=True)
    return tuple((form, re.compile(_PLACE.sub("(.*?)", re.escape(form)), re.DOTALL)) for form in ordered)
