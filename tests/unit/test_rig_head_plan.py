# SPDX-License-Identifier: GPL-3.0-or-later
"""Another head for a face that is keyed already: the rest stays key for key, and nobody's work is lost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import RigError
from core.rig.conventions.base import GazeKey
from core.rig.description import KeyControl, RigDescription
from core.rig.existing import CurvePoints, ExistingAction, ExistingAnimation, ExistingDatablock
from core.rig.head_plan import HeadMotion, KeyedFace, plan_head
from core.rig.plan import ApplySettings, CurvePlan
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests.unit.test_rig_plan import FLAME_IN_BLENDER, make_motion, make_rig, planned, ramp

TIMING = SceneTiming(25.0, 1.0)
GAZE_PATHS = frozenset({'key_blocks["eyeLookOutLeft"].value'})
OURS = ExistingAnimation(
    key=ExistingDatablock(ExistingAction("Artist", ours=False, paths=GAZE_PATHS)),
    armature=ExistingDatablock(ExistingAction("Mimesh Head Bones", ours=True)),
)


def points_of(plan: CurvePlan, datablock: str) -> tuple[CurvePoints, ...]:
    """The curves as they lie in the action after the plan was written."""
    return tuple(
        CurvePoints(curve.path, curve.index, np.stack([curve.frames, curve.values], axis=1))
        for curve in plan.curves_of(datablock)
    )


def keyed(rig: RigDescription, existing: ExistingAnimation = OURS, motion: RigMotion | None = None) -> KeyedFace:
    """The face as a first run leaves it."""
    plan = planned(rig, motion or make_motion(ramp()), TIMING)
    return KeyedFace(existing, {name: points_of(plan, name) for name in ("key", "armature")})


def regenerated(rig: RigDescription, level: float, face: KeyedFace) -> CurvePlan:
    """Head and gaze at ``level``."""
    head = np.full((26, 3), level, np.float32)
    motion = HeadMotion(25.0, head, np.full((26, 2, 2), level, np.float32), FLAME_IN_BLENDER)
    return plan_head(rig, motion, TIMING, ApplySettings(ease_seconds=0.0), face, '{"seed": 2}')


def test_the_jaw_stays_key_for_key_and_the_head_changes() -> None:
    rig = make_rig()
    before = keyed(rig).curves["armature"]
    plan = regenerated(rig, 0.4, keyed(rig))
    after = {(curve.path, curve.index): curve for curve in plan.curves}
    assert after.keys() == {(curve.path, curve.index) for curve in before}
    for curve in before:
        values = after[curve.path, curve.index].values
        if '"jaw"' in curve.path:
            np.testing.assert_array_equal(values, curve.points[:, 1])
        elif curve.index == 1:
            assert not np.allclose(values, curve.points[:, 1])


def test_no_shape_key_is_touched_even_under_an_artists_action() -> None:
    plan = regenerated(make_rig(), 0.4, keyed(make_rig()))
    assert plan.curves_of("key") == () and plan.widen == () and plan.pushes_down == ()
    assert plan.existing == OURS
    assert plan.replaces == ("Mimesh Head Bones",)
    assert plan.provenance_json == '{"seed": 2}'


def test_a_still_head_takes_the_old_heads_curves_away() -> None:
    rig = make_rig()
    plan = regenerated(rig, 0.0, keyed(rig))
    assert {curve.path.split('"')[1] for curve in plan.curves} == {"jaw"}


def test_an_artists_armature_action_is_refused() -> None:
    paths = frozenset({'pose.bones["neck"].rotation_quaternion'})
    action = ExistingAction("Walk", ours=False, paths=paths)
    with pytest.raises(RigError, match="Walk"):
        regenerated(make_rig(), 0.4, keyed(make_rig(), ExistingAnimation(armature=ExistingDatablock(action))))


def test_what_cannot_turn_is_refused() -> None:
    with pytest.raises(RigError, match="no head or neck bone"):
        regenerated(make_rig(with_bones=False), 0.4, KeyedFace(OURS))
    with pytest.raises(RigError, match="would not move"):
        regenerated(make_rig(), 0.0, KeyedFace(OURS))


def gazing_rig() -> RigDescription:
    """Eyes without bones, which look to the left by keys."""
    keys = (GazeKey("eyeLookOutLeft", 0, 1, 1.0), GazeKey("eyeLookInRight", 1, 1, 1.0))
    return dataclasses.replace(make_rig(), gaze_keys=keys)


def test_gaze_by_shape_keys_follows_and_the_other_keys_stay() -> None:
    rig = gazing_rig()
    ours = dataclasses.replace(OURS, key=ExistingDatablock(ExistingAction("Mimesh Head", ours=True)))
    looking = dataclasses.replace(make_motion(ramp()), eyes=np.full((26, 2, 3), 0.1, np.float32))
    face = keyed(rig, ours, looking)
    plan = regenerated(rig, 0.2, face)
    after = {curve.path: curve.values for curve in plan.curves_of("key")}
    assert after.keys() == {curve.path for curve in face.curves["key"]}
    for curve in face.curves["key"]:
        same = np.array_equal(after[curve.path], curve.points[:, 1])
        assert same != ("eyeLook" in curve.path)
    assert plan.replaces == ("Mimesh Head", "Mimesh Head Bones")


def test_gaze_by_shape_keys_does_not_touch_an_artists_keys() -> None:
    with pytest.raises(RigError, match="Artist"):
        regenerated(gazing_rig(), 0.2, keyed(gazing_rig()))


def test_lips_that_a_control_on_the_armature_moves_stay_key_for_key() -> None:
    rig = make_rig()
    path = 'pose.bones["lip control"].location'
    rig = dataclasses.replace(rig, controls={rig.key_names[0]: KeyControl(path, 1, 2.0)})
    face = keyed(rig)
    before = [curve for curve in face.curves["armature"] if curve.path == path]
    plan = regenerated(rig, 0.4, face)
    channels = [(curve.datablock, curve.path, curve.index) for curve in plan.curves]
    assert len(channels) == len(set(channels))
    after = [curve for curve in plan.curves if curve.path == path]
    assert len(before) == len(after) == 1
    np.testing.assert_array_equal(after[0].values, before[0].points[:, 1])


def test_gaze_that_a_control_shows_changes_by_its_control() -> None:
    name, path = "eyeLookOutLeft", 'pose.bones["eye control"].location'
    rig = dataclasses.replace(
        make_rig(),
        gaze_keys=(GazeKey(name, 0, 1, 1.0),),
        controls={name: KeyControl(path, 0, 2.0)},
    )
    motion = make_motion(ramp())
    plan = regenerated(rig, 0.4, keyed(rig, motion=motion))
    curves = [curve for curve in plan.curves if curve.path == path]
    assert len(curves) == 1
    assert np.ptp(curves[0].values) < 1e-6 < curves[0].values[5]
    assert not any("eyeLook" in curve.path for curve in plan.curves)
