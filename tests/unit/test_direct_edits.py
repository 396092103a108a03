# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the artist are told from ours, and new motion bends through them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.direct.edits import bent, find_edits
from core.direct.written import WrittenCurve, pack_written, unpack_written

FRAMES = np.arange(100, dtype=np.float32)
WAVE = np.sin(FRAMES / 9).astype(np.float32)
NOTHING = np.zeros(0, np.float32)


def curve(frames: NDArray[np.float32] = FRAMES, values: NDArray[np.float32] = WAVE) -> WrittenCurve:
    return WrittenCurve(frames.astype(np.float32), values.astype(np.float32))


def test_the_record_crosses_bytes_and_still_knows_every_key_as_ours() -> None:
    curves = {("key", 'key_blocks["A"].value', 0): curve(), ("armature", "x", 1): curve(FRAMES[::3], 5 * WAVE[::3])}
    known = unpack_written(pack_written(curves))
    assert list(known) == list(curves)
    for name, found in curves.items():
        assert known[name].holds(found.frames, found.values).all()
    assert unpack_written(b"nonsense") == unpack_written(pack_written(curves)[:90]) == {}


def test_moved_added_removed_and_marked_keys_are_the_artists() -> None:
    frames, values = FRAMES.copy(), WAVE.copy()
    values[10] += 0.01
    frames[20] += 0.5
    marked = np.zeros(100, bool)
    marked[30] = True
    keep = np.arange(100) != 40
    edits = find_edits(frames[keep], values[keep], marked[keep], curve())
    assert frames[keep][edits.theirs].tolist() == [10.0, 20.5, 30.0]
    assert edits.removed.tolist() == [20.0, 40.0]


def test_a_curve_that_we_never_wrote_is_the_artists_altogether() -> None:
    assert find_edits(FRAMES, WAVE, np.zeros(100, bool), None).theirs.all()


def test_without_edits_the_new_motion_is_written_as_planned() -> None:
    new = bent(curve(), curve(NOTHING, NOTHING), NOTHING, 5.0)
    assert np.array_equal(new.frames, FRAMES) and np.array_equal(new.values, WAVE)
    assert (new.source == -1).all()


def test_new_motion_bends_through_a_key_and_leaves_it_smoothly() -> None:
    keys = curve(np.array([50.0]), np.array([2.0]))
    new = bent(curve(values=0 * WAVE), keys, NOTHING, 5.0)
    assert new.values[50] == 2.0 and new.source[50] == 0
    assert (new.values[:46] == 0).all() and (new.values[55:] == 0).all()
    assert (np.diff(new.values[45:51]) > 0).all() and (np.diff(new.values[50:56]) < 0).all()
    assert np.abs(np.diff(new.values)).max() < 0.7


def test_between_two_near_keys_the_difference_passes_from_one_to_the_other() -> None:
    keys = curve(np.array([50.0, 54.0]), np.array([1.0, 1.0]))
    new = bent(curve(values=0 * WAVE), keys, NOTHING, 5.0)
    assert new.values[50:55] == pytest.approx(1.0)


def test_deleted_frames_stay_without_a_key_and_what_is_ours_is_remembered_alone() -> None:
    keys = curve(np.array([10.0, 10.5]), np.array([1.0, 0.5]))
    new = bent(curve(), keys, np.array([20.0, 21.0], np.float32), 5.0)
    assert len(new.frames) == 100 + 1 - 2
    assert not {20.0, 21.0} & set(new.frames.tolist())
    assert not {10.0, 10.5} & set(new.ours.frames.tolist())
    assert (np.diff(new.frames) > 0).all()
    # and not at the next change either
    later = find_edits(new.frames, new.values, np.zeros(len(new.frames), bool), new.ours)
    assert later.removed.tolist() == [20.0, 21.0]


def test_bending_twice_gives_the_same() -> None:
    keys = curve(np.array([50.0]), np.array([2.0]))
    once = bent(curve(), keys, NOTHING, 5.0)
    edits = find_edits(once.frames, once.values, np.zeros(len(once.frames), bool), once.ours)
    assert once.frames[edits.theirs].tolist() == [50.0]
    again = bent(curve(), curve(once.frames[edits.theirs], once.values[edits.theirs]), edits.removed, 5.0)
    assert np.array_equal(again.values, once.values)
