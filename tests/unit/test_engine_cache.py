# SPDX-License-Identifier: GPL-3.0-or-later
"""Kept results: found again by content, never wrong, never more than the limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.engine.cache import ArtifactCache, content_hash, reference_key, style_key
from core.errors import MediaError
from core.exchange.media_range import MediaRange


def text_of(path: Path) -> str:
    return path.read_text()


def test_stored_value_is_found_again(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path / "cache")
    assert cache.load("a", text_of) is None
    cache.store("a", lambda path: path.write_text("kept"))
    assert cache.load("a", text_of) == "kept"


def test_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=250)
    for age, name in enumerate(("old", "used", "new")):
        cache.store(name, lambda path: path.write_bytes(bytes(80)))
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    os.utime(tmp_path / "old", (5000, 5000))
    cache.store("newest", lambda path: path.write_bytes(bytes(80)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "newest", "old"]


def test_entry_over_the_limit_is_not_kept(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=100)
    cache.store("small", lambda path: path.write_bytes(bytes(50)))
    cache.store("huge", lambda path: path.write_bytes(bytes(500)))
    assert not (tmp_path / "huge").exists()


def test_damaged_entry_counts_as_absent_and_is_removed(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    cache.store("a", lambda path: path.write_text("not a number"))
    assert cache.load("a", lambda path: int(path.read_text())) is None
    assert not (tmp_path / "a").exists()


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    ArtifactCache(tmp_path).store("a", fail)
    assert list(tmp_path.iterdir()) == []


def test_key_follows_content_range_and_model(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"one")
    key = reference_key(MediaRange(clip), "model")
    assert reference_key(MediaRange(clip), "model") == key
    assert reference_key(MediaRange(clip, 1.0), "model") != key
    assert reference_key(MediaRange(clip, 0.0, 2.0), "model") != key
    assert reference_key(MediaRange(clip), "other model") != key
    assert style_key(MediaRange(clip), "model") != key
    moved = tmp_path / "there" / "clip.mp4"
    moved.parent.mkdir()
    moved.write_bytes(b"one")
    assert reference_key(MediaRange(moved), "model") == key
    clip.write_bytes(b"another")
    assert reference_key(MediaRange(clip), "model") != key


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4 does not exist"):
        content_hash(tmp_path / "gone.mp4")
