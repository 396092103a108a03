# SPDX-License-Identifier: GPL-3.0-or-later
"""Another head for a face that is keyed already: the rest stays key for key, and nobody's work is lost."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import RigError
from core.rig.description import RigDescription
from core.rig.existing import CurvePoints, ExistingAction, ExistingAnimation, ExistingDatablock
from core.rig.head_plan import HeadMotion, plan_head
from core.rig.plan import ApplySettings, CurvePlan
from core.rig.timing import SceneTiming
from tests.unit.test_rig_plan import FLAME_IN_BLENDER, make_motion, make_rig, planned, ramp

TIMING = SceneTiming(25.0, 1.0)
OURS = ExistingAnimation(
    key=ExistingDatablock(ExistingAction("Artist", ours=False)),
    armature=ExistingDatablock(ExistingAction("Mimesh Head Bones", ours=True)),
)


def points_of(plan: CurvePlan) -> list[CurvePoints]:
    """The armature's curves as they lie in the action after the plan was written."""
    return [
        CurvePoints(curve.path, curve.index, np.stack([curve.frames, curve.values], axis=1))
        for curve in plan.curves_of("armature")
    ]


def rolled(
    rig: RigDescription, level: float, present: list[CurvePoints], existing: ExistingAnimation = OURS
) -> CurvePlan:
    head = HeadMotion(25.0, np.full((26, 3), level, np.float32), FLAME_IN_BLENDER)
    return plan_head(rig, head, TIMING, ApplySettings(), existing, present, '{"seed": 2}')


def test_the_jaw_stays_key_for_key_and_the_head_changes() -> None:
    rig = make_rig()
    before = points_of(planned(rig, make_motion(ramp()), TIMING))
    plan = rolled(rig, 0.4, before)
    after = {(curve.path, curve.index): curve for curve in plan.curves}
    assert after.keys() == {(curve.path, curve.index) for curve in before}
    for curve in before:
        values = after[curve.path, curve.index].values
        if '"jaw"' in curve.path:
            np.testing.assert_array_equal(values, curve.points[:, 1])
        elif curve.index == 1:
            assert not np.allclose(values, curve.points[:, 1])


def test_no_shape_key_is_touched_even_under_an_artists_action() -> None:
    plan = rolled(make_rig(), 0.4, [])
    assert plan.curves_of("key") == () and plan.widen == () and plan.pushes_down == ()
    assert plan.existing == OURS
    assert plan.replaces == ("Mimesh Head Bones",)
    assert plan.provenance_json == '{"seed": 2}'


def test_a_still_head_takes_the_old_heads_curves_away() -> None:
    rig = make_rig()
    plan = rolled(rig, 0.0, points_of(planned(rig, make_motion(ramp()), TIMING)))
    assert {curve.path.split('"')[1] for curve in plan.curves} == {"jaw"}


@pytest.mark.parametrize("edited", [False, True])
def test_an_artists_or_an_edited_armature_action_is_refused(edited: bool) -> None:
    action = ExistingAction("Walk", ours=False, edited=edited)
    with pytest.raises(RigError, match="Walk"):
        rolled(make_rig(), 0.4, [], ExistingAnimation(armature=ExistingDatablock(action)))


def test_what_cannot_turn_is_refused() -> None:
    with pytest.raises(RigError, match="no head or neck bone"):
        rolled(make_rig(with_bones=False), 0.4, [])
    with pytest.raises(RigError, match="would not move"):
        rolled(make_rig(), 0.0, [])
