# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a line goes among what is there: nobody's work is lost, corrections stay above, and the face comes to rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import RigError
from core.rig.curves import KEY, PlannedCurve
from core.rig.ease import eased_curves
from core.rig.existing import ExistingAction, ExistingDatablock, ExistingStrip, ExistingTrack, Line
from core.rig.layers import Layer, Span, StripPlace, decide_layer
from core.settings import OnExisting

PATH = 'key_blocks["Exp1"].value'
TOUCHED = frozenset({PATH})
SPAN = Span(100.0, 200.0, 6)
LINE = Line("take2.wav", "Head")


def action(name: str = "Walk", first: float = 1.0, last: float = 50.0, **fields: object) -> ExistingAction:
    values: dict[str, object] = {"ours": False, "paths": TOUCHED, **fields}
    return ExistingAction(name, first=first, last=last, **values)  # type: ignore[arg-type]


def ours(first: float, last: float, sound: str = "take1.wav", **fields: object) -> ExistingAction:
    return action("Mimesh Head", first, last, ours=True, line=Line(sound, "Head"), **fields)


def track(name: str, *strips: ExistingAction, replaces: bool = True, **fields: bool) -> ExistingTrack:
    found = tuple(ExistingStrip(a, a.first, a.last, replaces, **fields) for a in strips)
    return ExistingTrack(name, found)


def decide(block: ExistingDatablock, on_existing: OnExisting = "refuse", line: Line = LINE) -> Layer:
    return decide_layer(KEY, 'shape keys of "Head"', block, TOUCHED, SPAN, line, on_existing)


def test_a_bare_face_gets_the_active_action() -> None:
    assert decide(ExistingDatablock()) == Layer(KEY, "active")


def test_a_second_line_pushes_the_first_onto_a_track_of_ours() -> None:
    layer = decide(ExistingDatablock(ours(1, 50)))
    assert (layer.place, layer.pushes, layer.retires, layer.replaced) == ("active", True, False, ())
    assert layer.pushed_holds


def test_an_edited_line_of_another_sound_is_no_matter() -> None:
    layer = decide(ExistingDatablock(edited(1, 50)))
    assert (layer.place, layer.pushes, layer.mutes_pushed) == ("active", True, False)


def edited(first: float, last: float, sound: str = "take1.wav") -> ExistingAction:
    return dataclasses.replace(ours(first, last, sound), ours=False, edited=True)


@pytest.mark.parametrize("there", [ours(500, 600, "take2.wav"), ours(90, 190), ours(95, 205, "")])
def test_the_same_sound_or_the_same_place_is_the_same_line(there: ExistingAction) -> None:
    layer = decide(ExistingDatablock(there))
    assert (layer.place, layer.retires, layer.pushes) == ("active", True, False)
    assert layer.replaced == ("Mimesh Head",)


def test_two_lines_that_only_touch_are_two_lines() -> None:
    layer = decide(ExistingDatablock(ours(1, 120)))
    assert (layer.place, layer.pushes, layer.retires) == ("strip", True, False)
    assert layer.blends == 6


def test_a_line_made_again_takes_its_own_strip_and_leaves_what_lies_above() -> None:
    corrections = track("Corrections", action("Fix", 1, 300), replaces=False)
    block = ExistingDatablock(tracks=(track("Mimesh", ours(1, 50), ours(100, 200, "take2.wav")), corrections))
    layer = decide(block)
    assert (layer.place, layer.swap, layer.drops) == ("swap", StripPlace(0, 1), ())
    assert layer.warnings == ()


def test_a_line_that_moved_past_another_leaves_its_strip() -> None:
    block = ExistingDatablock(tracks=(track("Mimesh", ours(1, 50, "take2.wav"), ours(60, 90)),))
    layer = decide(block)
    assert (layer.place, layer.drops) == ("active", (StripPlace(0, 0),))


def test_additive_corrections_stay_above_a_new_line() -> None:
    block = ExistingDatablock(tracks=(track("Mimesh", ours(1, 50)), track("Fix", action("Fix"), replaces=False)))
    layer = decide(block)
    assert (layer.place, layer.track) == ("strip", 0)
    block = ExistingDatablock(action("Fix"), replaces=False)
    layer = decide(block)
    assert (layer.place, layer.pushes) == ("strip", False)


def test_an_action_that_shares_no_channel_stays_where_it_is() -> None:
    layer = decide(ExistingDatablock(action(paths=frozenset({"location"}))))
    assert (layer.place, layer.pushes, layer.holds) == ("strip", False, True)


def test_an_artists_action_is_refused_or_kept_below() -> None:
    with pytest.raises(RigError, match='"Walk", which Mimesh did not make'):
        decide(ExistingDatablock(action()))
    layer = decide(ExistingDatablock(action()), "push_down")
    assert (layer.place, layer.pushes, layer.holds, layer.blends) == ("strip", True, False, 6)
    assert "1 channel of it" in layer.warnings[0]


def test_an_edited_version_of_the_line_is_carried_on() -> None:
    old = dataclasses.replace(edited(100, 200, "take2.wav"), noted=True)
    layer = decide(ExistingDatablock(old))
    assert (layer.place, layer.retires, layer.pushes, layer.carries) == ("active", True, False, old.name)
    layer = decide(ExistingDatablock(tracks=(track("Mimesh", old),)))
    assert (layer.place, layer.swap, layer.mutes, layer.carries) == ("swap", StripPlace(0, 0), (), old.name)


@pytest.mark.parametrize("sound", ["take2.wav", "take7.wav"])
def test_an_edited_line_of_other_speech_or_without_a_record_is_kept_muted(sound: str) -> None:
    old = dataclasses.replace(edited(100, 200, sound), noted=sound != "take2.wav")
    layer = decide(ExistingDatablock(old))
    assert (layer.place, layer.pushes, layer.mutes_pushed, layer.carries) == ("active", True, True, "")
    assert any("kept on a muted NLA strip" in warning for warning in layer.warnings)
    layer = decide(ExistingDatablock(tracks=(track("Mimesh", old),)))
    assert (layer.mutes, layer.carries) == ((StripPlace(0, 0),), "")


def test_a_track_above_that_hides_the_line_is_named() -> None:
    block = ExistingDatablock(
        action(paths=frozenset({"x"})),
        tracks=(track("Mimesh", ours(100, 200, "take2.wav")), track("Blocking", action(first=1, last=300))),
    )
    assert any('"Blocking"' in warning for warning in decide(block).warnings)


def test_another_faces_line_is_not_replaced() -> None:
    other = ours(100, 200, "take2.wav")
    other = dataclasses.replace(other, line=Line("take2.wav", "Twin"))
    layer = decide(ExistingDatablock(other))
    assert (layer.retires, layer.pushes, layer.place) == (False, True, "strip")


def curve(path: str, index: int, values: list[float]) -> PlannedCurve:
    frames = np.arange(10, 10 + len(values), dtype=np.float32)
    return PlannedCurve(KEY, path, index, frames, np.array(values, np.float32), "g")


def test_ease_comes_from_rest_and_leaves_the_line_alone() -> None:
    (eased,) = eased_curves([curve(PATH, 0, [1.0, 2.0, 3.0])], {(PATH, 0): 0.5}, 4)
    np.testing.assert_array_equal(eased.frames, np.arange(6, 17))
    np.testing.assert_array_equal(eased.values[4:7], [1, 2, 3])
    assert (eased.values[0], eased.values[-1]) == (0.5, 0.5)
    assert (np.diff(eased.values[:5]) > 0).all() and (np.diff(eased.values[6:]) < 0).all()


def test_a_rotation_eases_on_its_short_way_and_stays_a_rotation() -> None:
    path = 'pose.bones["neck"].rotation_quaternion'
    turned = [-np.cos(0.2), -np.sin(0.2), 0.0, 0.0]
    eased = eased_curves([curve(path, i, [turned[i]] * 2) for i in range(4)], {}, 5)
    values = np.stack([c.values for c in eased], axis=1)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(values[0], [-1, 0, 0, 0], atol=1e-6)
    assert np.abs(np.diff(values[:, 1])).max() < 0.1
