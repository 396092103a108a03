# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet as data: JSON that is checked, and states told from digests."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.exchange.sheet import Made, SheetLine, compare, read_sheet, sheet_from_json, sheet_to_json, write_sheet

MADE = Made("sound", "settings", "rig", 101.0)
LINES = (
    SheetLine("strip", "line one", "Anna", engine="mimic", style="calm", note="whispered, “so”"),
    SheetLine("file", "take 3.wav", "Ben", first_frame=40.5, locked=True),
    SheetLine("channel", "2"),
)


def test_a_sheet_comes_back_from_its_json() -> None:
    assert sheet_from_json(sheet_to_json(LINES)) == LINES


def test_a_file_is_looked_for_beside_the_sheet(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.json", LINES)
    read = read_sheet(tmp_path / "sheet.json")
    assert read[1].source == str(tmp_path / "take 3.wav")
    assert read[0] == LINES[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no Mimesh dialogue sheet"),
        ('{"format": "mimesh-sheet-9", "lines": []}', "no Mimesh dialogue sheet"),
        ('{"format": "mimesh-sheet-1", "lines": [3]}', "no line"),
        ('{"format": "mimesh-sheet-1", "lines": [{"kind": "strip"}]}', "no source"),
        ('{"format": "mimesh-sheet-1", "lines": [{"kind": "tape", "source": "a"}]}', '"tape"'),
        ('{"format": "mimesh-sheet-1", "lines": [{"kind": "strip", "source": "a", "actor": "B"}]}', '"actor"'),
        ('{"format": "mimesh-sheet-1", "lines": [{"kind": "file", "source": "a", "first_frame": "x"}]}', "first_fra"),
        ('{"format": "mimesh-sheet-1", "lines": [{"kind": "strip", "source": 3}]}', "source"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        sheet_from_json(text)


def test_the_same_line_twice_is_refused() -> None:
    text = json.loads(sheet_to_json(LINES[:1]))
    text["lines"] *= 2
    with pytest.raises(SettingsError, match="twice"):
        sheet_from_json(json.dumps(text))


def test_a_line_without_keys_is_new() -> None:
    assert compare(None, MADE, False).state == "new"


@pytest.mark.parametrize("field", ["sound", "settings", "rig"])
def test_what_has_changed_is_named(field: str) -> None:
    now = dataclasses.replace(MADE, **{field: "other"})
    assert compare(MADE, now, False).state == field


def test_a_move_by_whole_frames_is_a_move_and_another_one_a_new_line() -> None:
    status = compare(MADE, dataclasses.replace(MADE, first_frame=94.0), True)
    assert (status.state, status.shift, status.edited) == ("moved", -7, True)
    assert compare(MADE, dataclasses.replace(MADE, first_frame=94.4), False).state == "sound"


def test_edited_keys_are_told_where_all_else_is_up_to_date() -> None:
    assert compare(MADE, MADE, True).state == "edited"
    assert compare(MADE, MADE, False).state == "done"


def test_a_note_of_another_kind_is_none() -> None:
    assert Made.from_json({"sound": "a"}) is None
    assert Made.from_json(MADE.to_json()) == MADE
