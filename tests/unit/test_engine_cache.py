# SPDX-License-Identifier: GPL-3.0-or-later
"""Kept results: found again by content, never wrong, never more than the limit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.engine.cache import ArtifactCache, content_hash, reference_key, style_key
from core.errors import CancelledError, MediaError
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


@pytest.mark.parametrize("cut", [0, 1, 10, 100])
def test_archive_cut_anywhere_is_made_again(tmp_path: Path, cut: int) -> None:
    cache = ArtifactCache(tmp_path)
    cache.store("a.npz", lambda path: np.savez(path.open("wb"), x=np.arange(50)))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: len(data) - cut - 1] if cut else data[:-1])
    assert cache.load("a.npz", read_x) is None
    assert not (tmp_path / "a.npz").exists()


def read_x(path: Path) -> int:
    with np.load(path, allow_pickle=False) as data:
        return int(data["x"].sum())


def test_entry_over_the_limit_leaves_the_others_alone(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=100)
    cache.store("small", lambda path: path.write_bytes(bytes(50)))
    cache.store("huge", lambda path: path.write_bytes(bytes(500)))
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_folder_that_refuses_everything_costs_only_the_keeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArtifactCache(tmp_path)
    cache.store("a", lambda path: path.write_text("kept"))

    def refuse(*arguments: object, **named: object) -> None:
        raise PermissionError(13, "Read-only file system")

    for name in ("utime", "unlink", "replace", "mkdir"):
        monkeypatch.setattr(os, name, refuse)
    for name in ("unlink", "replace", "mkdir"):
        monkeypatch.setattr(Path, name, refuse)
    assert cache.load("a", text_of) == "kept"
    cache.store("b", lambda path: path.write_text("lost"))
    assert cache.load("a", lambda path: int(path.read_text())) is None


def test_file_in_place_of_the_folder_costs_only_the_keeping(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = ArtifactCache(tmp_path / "cache")
    cache.store("a", lambda path: path.write_text("x"))
    assert cache.load("a", text_of) is None


def test_entry_that_vanishes_while_the_folder_is_tidied_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=100)
    cache.store("a", lambda path: path.write_bytes(bytes(60)))
    real = Path.is_file
    monkeypatch.setattr(
        Path, "is_file", lambda self: (self.name == "a" and self.unlink(missing_ok=True)) or real(self)
    )
    cache.store("b", lambda path: path.write_bytes(bytes(60)))
    assert cache.load("b", lambda path: len(path.read_bytes())) == 60


def test_half_written_file_of_a_killed_engine_goes_in_time(tmp_path: Path) -> None:
    (tmp_path / ".old.npz.77").write_bytes(b"half")
    os.utime(tmp_path / ".old.npz.77", (1000, 1000))
    (tmp_path / ".young.npz.78").write_bytes(b"half")
    ArtifactCache(tmp_path).store("a", lambda path: path.write_text("x"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".young.npz.78", "a"]


def test_the_key_of_a_large_file_says_that_it_goes_on_and_can_be_cancelled(tmp_path: Path) -> None:
    clip = tmp_path / "large.mp4"
    with clip.open("wb") as file:
        file.truncate(100 << 20)
    told: list[int] = []
    reference_key(MediaRange(clip), "model", lambda: told.append(1))
    assert len(told) >= 6

    def cancel() -> None:
        raise CancelledError("Cancelled.")

    os.utime(clip, (1, 1))
    with pytest.raises(CancelledError):
        reference_key(MediaRange(clip), "model", cancel)
