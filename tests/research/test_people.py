# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of one's own people: who is found, whose offset is believed, what the card says, and a pack in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.context import open_context
from core.errors import ModelError, SettingsError
from core.model_pack import pack_of
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator
from core.tracking.sync import SyncOffset
from core.weights import bundled
from research.corpus.clips import Clip
from research.evaluation.protocol.scores import PersonFigures
from research.training.people.card import Card, HeldoutFigures
from research.training.people.clips import CheckedClip, find_clips, with_offsets


def checked(person: str, name: str, seconds: float, offset: float | None, problem: str = "") -> CheckedClip:
    clip = Clip("people", person, Path(f"{name}.mp4"))
    measured = None if offset is None else SyncOffset(offset, 0.5, True)
    return CheckedClip(clip, seconds, measured, problem)


def test_sub_folders_name_people_and_a_video_beside_them_is_one_of_its_own(tmp_path: Path) -> None:
    for name in ("ada/one.mp4", "ada/take 2/two.mov", "bob.mkv", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(clip.person, clip.path.name) for clip in find_clips(tmp_path)] == [
        ("ada", "one.mp4"),
        ("ada", "two.mov"),
        ("bob", "bob.mkv"),
    ]


def test_folders_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="holds no video"):
        find_clips(tmp_path)
    for folder in ("ada/a", "ada/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "clip.mp4").touch()
    with pytest.raises(SettingsError, match="two clips of ada with one name"):
        find_clips(tmp_path)


def test_a_short_clip_takes_its_persons_median_offset_and_a_long_one_its_own() -> None:
    found = with_offsets(
        [
            checked("ada", "long", 20, 0.12),
            checked("ada", "short", 3, 0.4),
            checked("ada", "other", 12, 0.08),
            checked("bob", "quiet", 20, None),
            checked("ada", "bad", 20, 0.1, "it has no sound"),
        ]
    )
    assert [(clip.path.stem, clip.picture_delay_seconds) for clip in found] == [
        ("long", 0.12),
        ("short", 0.12),
        ("other", 0.08),
    ]


def test_the_card_shows_everybody_before_and_after_and_what_was_left_out() -> None:
    before = PersonFigures(0.31, 0.3, 0.96, 1.3, 0.5, 0.5)
    after = PersonFigures(0.62, 0.6, 0.81, 1.0, 0.9, 0.9)
    clips = (checked("ada", "one", 20, 0.12), checked("bob", "two", 3, None, "it has no sound"))
    text = Card("studio", "bundled", False, 200, clips, (HeldoutFigures("ada", before, after),)).text()
    assert "| ada | 0.31 / 0.96 / 1.30 | 0.62 / 0.81 / 1.00 | 0 / 1.00 / 0 |" in text
    assert "bob / two.mp4: it has no sound" in text
    assert "1 clips of 1 people" in text


@pytest.mark.slow
def test_a_packs_network_takes_the_bundled_ones_place_and_its_encoder_is_required(tmp_path: Path) -> None:
    other = ExpressionGenerator.load()
    source = bundled(EXPRESSION_FILE).read_bytes()
    (tmp_path / EXPRESSION_FILE).write_bytes(source)
    pack_of(tmp_path, "studio", "bundled", (EXPRESSION_FILE,))
    context = open_context("cpu", pack=tmp_path)
    assert context.weights(EXPRESSION_FILE) == tmp_path / EXPRESSION_FILE
    assert context.encoder.hash == other.encoder.hash
    with pytest.raises(ModelError, match=r"trained on the speech encoder bundled, not on whisper"):
        open_context("cpu", "whisper", tmp_path)
