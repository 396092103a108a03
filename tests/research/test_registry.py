# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of clips: whose they are, and by how much each one's picture is late."""

from __future__ import annotations

from pathlib import Path

import pytest

from research.corpus.clips import heldout_clips, registry


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("s33/bbac2p", "s33/bbac3a", "s34/bbaczs", "s5/bbae8n"):
        path = tmp_path / "grid" / "heldout" / f"{name}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_clip_that_is_out_of_step_alone_has_its_own_offset_and_is_there_once(data: Path) -> None:
    delays = {clip.path.stem: clip.picture_delay_seconds for clip in heldout_clips(data)}
    assert delays == {"bbac2p": 0.02, "bbac3a": -0.29, "bbaczs": -0.24, "bbae8n": 0.02}
    assert len(heldout_clips(data)) == 4


def test_every_row_says_how_its_offset_was_found() -> None:
    assert all(row.fitted_by for row in registry())
    assert {row.use for row in registry()} == {"train", "score"}
