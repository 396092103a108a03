# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys: within an error at the lips, on ones, twos or threes; lips that shut stay shut."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.adjust_settings import AdjustSettings
from core.direct.bezier import evaluate_keys
from core.direct.edits import bent, find_edits
from core.direct.refit import refitted
from core.direct.tidy import tidied
from core.direct.tidy_lips import jaw_rotvec
from core.direct.written import WrittenCurve
from core.errors import RigError
from core.face.basis import open_basis
from core.face.landmarks import LANDMARK_COUNT, LIPS
from core.face.rotations import matrix_from_rotvec
from core.rig.correspond import LIP_PAIRS
from core.rig.curves import key_path
from core.rig.description import BoneDescription, LandmarkBinding, RigDescription
from core.rig.existing import ExistingAnimation
from core.rig.frames import bone_channels, local_rotations
from core.rig.names import FaceBones
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests.face_fixtures import talking_motion

AXES = np.eye(3)


def landmark_rig(mode: str = "QUATERNION") -> RigDescription:
    """The basis itself as a rig: a small triangle for each landmark, its 50 directions as keys, a jaw bone."""
    basis = open_basis()
    corner = np.array([[0.0, 0.05, 0.0], [0.05, -0.03, 0.0], [-0.05, -0.03, 0.0]])
    rest = np.eye(4)
    rest[:3, 3] = basis.hinge_point
    weights = np.tile(np.array([0.375, 0.3125, 0.3125], np.float32), (LANDMARK_COUNT, 1))
    triangles = np.arange(3 * LANDMARK_COUNT, dtype=np.int32).reshape(-1, 3)
    return RigDescription(
        object_name="Head",
        armature_name="Rig",
        vertices=(basis.neutral[:, None] + corner).reshape(-1, 3).astype(np.float32),
        triangles=triangles,
        key_names=tuple(f"Exp{i + 1}" for i in range(len(basis.directions))),
        key_deltas=np.repeat(basis.directions, 3, axis=1).astype(np.float32),
        key_ranges=np.tile(np.array([-10, 10], np.float32), (len(basis.directions), 1)),
        bones=(BoneDescription("jaw", None, rest, rotation_mode=mode),),
        face_bones=FaceBones(jaw="jaw"),
        jaw_weights=np.repeat(basis.jaw_weights, 3).astype(np.float32),
        object_to_armature=np.eye(4),
        binding=LandmarkBinding(triangles, weights, np.ones(LANDMARK_COUNT, bool), "test"),
    )


@cache
def dense() -> CurvePlan:
    motion = talking_motion(open_basis(), 75)
    eyes = np.zeros((75, 2, 3), np.float32)
    solved = RigMotion(25.0, (0.3 * motion.expression).astype(np.float32), motion.jaw, motion.head, eyes, AXES)
    return plan_curves(landmark_rig(), solved, SceneTiming(24.0, 1), ApplySettings(), ExistingAnimation(), "{}")


def pose(plan: CurvePlan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keys and jaw at every frame of the line, as its curves are drawn."""
    at = dense().curves[0].frames
    drawn = {(c.path, c.index): evaluate_keys(c.frames, c.values, at) for c in plan.curves}
    keys = np.stack([drawn[key_path(f"Exp{i + 1}"), 0] for i in range(50)], axis=1)
    turned = np.stack([drawn['pose.bones["jaw"].rotation_quaternion', i] for i in range(4)], axis=1)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    angle = 2 * np.arctan2(np.linalg.norm(turned[:, 1:], axis=1), turned[:, 0])
    axis = turned[:, 1:] / np.maximum(np.linalg.norm(turned[:, 1:], axis=1, keepdims=True), 1e-9)
    return keys, axis * angle[:, None]


def lips(plan: CurvePlan) -> NDArray[np.float64]:
    """(T, 478, 3) landmarks, skinned here and not by the code under test."""
    basis, (keys, jaw) = open_basis(), pose(plan)
    shaped = basis.neutral + np.tensordot(keys, basis.directions, axes=1)
    arm = shaped - basis.hinge_point
    turned = np.einsum("tij,tnj->tni", matrix_from_rotvec(jaw) - np.eye(3), arm)
    moved: NDArray[np.float64] = shaped + turned * basis.jaw_weights[:, None]
    return moved


def gaps(plan: CurvePlan) -> NDArray[np.float64]:
    """(T,) centimetres between the middle of the inner lips."""
    heights = lips(plan)[:, LIP_PAIRS, 1]
    middle: NDArray[np.float64] = (heights[..., 0] - heights[..., 1])[:, 2:7].mean(axis=1)
    return middle


def key_count(plan: CurvePlan) -> int:
    return sum(len(curve.frames) for curve in plan.curves)


@pytest.mark.parametrize("error_mm", [0.3, 0.8])
def test_the_lips_stay_within_the_error_with_a_fifth_of_the_keys(error_mm: float) -> None:
    thin = tidied(dense(), landmark_rig(), error_mm, 1)
    off = 10.0 * np.linalg.norm(lips(thin) - lips(dense()), axis=-1)
    assert off[:, LIPS].max() <= error_mm
    assert 5 * key_count(thin) <= key_count(dense())
    before = {(c.path, c.index): dict(zip(c.frames, c.values, strict=True)) for c in dense().curves}
    for curve in thin.curves:
        known = before[curve.path, curve.index]
        assert all(known[frame] == value for frame, value in zip(curve.frames, curve.values, strict=True))


def test_a_coarser_error_opens_no_closure() -> None:
    before = gaps(dense())
    shut = before < before[0] + 0.05
    assert 5 < shut.sum() < 50
    assert (gaps(tidied(dense(), landmark_rig(), 2.0, 1)) - before)[shut].max() < 0.03


@pytest.mark.parametrize("step", [2, 3])
def test_keys_lie_on_twos_and_threes_but_for_closures(step: int) -> None:
    frames, gap = dense().curves[0].frames, gaps(dense())
    thin = tidied(dense(), landmark_rig(), 0.5, step)
    chosen = np.unique(np.concatenate([c.frames for c in thin.curves]))[1:-1]
    aside = chosen[~np.isclose((chosen - dense().first) % step, 0)]
    assert len(aside) < 0.5 * len(chosen)
    assert gap[np.searchsorted(frames, aside)].max(initial=-1.0) < gap[0] + 0.15 < gap.max()


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
def test_the_jaw_is_read_back_from_any_rotation_mode(mode: str) -> None:
    rig, jaw = landmark_rig(mode), np.random.default_rng(2).normal(0, 0.2, (9, 3))
    bone = rig.bone("jaw")
    channels = bone_channels(bone, local_rotations(bone, jaw, AXES))

    class Face:
        flame_to_object = AXES

    path = f'pose.bones["jaw"].{channels.property_name}'
    assert jaw_rotvec(rig, Face(), path, channels.values) == pytest.approx(jaw, abs=1e-6)  # type: ignore[arg-type]


def test_a_rig_without_landmarks_is_refused() -> None:
    with pytest.raises(RigError, match="millimetres"):
        tidied(dense(), dataclasses.replace(landmark_rig(), binding=None), 0.3, 1)


def test_a_deleted_key_stays_away_when_few_keys_become_many_again() -> None:
    frames = np.arange(20, dtype=np.float32)
    whole, few = WrittenCurve(frames, np.sin(frames)), WrittenCurve(frames[::5], np.sin(frames[::5]))
    present = np.delete(frames, 7)
    unmarked = np.zeros(19, bool)
    edits = find_edits(present, np.sin(present), unmarked, whole)
    nothing = WrittenCurve(frames[:0], frames[:0])
    thin = bent(few, nothing, edits.removed, 5.0)
    assert thin.frames.tolist() == few.frames.tolist()
    again = find_edits(thin.frames, thin.values, np.zeros(4, bool), thin.ours)
    assert again.removed.tolist() == [7.0] and not again.theirs.any()
    assert bent(whole, nothing, again.removed, 5.0).frames.tolist() == present.tolist()


def test_on_twos_it_is_said_how_far_the_lips_are_off() -> None:
    assert tidied(dense(), landmark_rig(), 0.5, 1).missed is None
    thin = tidied(dense(), landmark_rig(), 0.05, 3)
    assert thin.missed is not None
    off = 10.0 * np.linalg.norm(lips(thin) - lips(dense()), axis=-1)[:, LIPS].max(axis=1)
    assert thin.missed.reached_mm == pytest.approx(off.max(), rel=0.1)
    assert thin.missed.frame == dense().curves[0].frames[off.argmax()]
    told = thin.missed.sentence(AdjustSettings(tidy_mm=0.05, keys_on=3))
    assert told.startswith("On threes the lips are up to") and "0.05 mm" in told


def test_new_values_on_the_keys_that_are_there_open_no_closure() -> None:
    thin = tidied(dense(), landmark_rig(), 0.3, 2)
    kept = {(c.datablock, c.path, c.index): c.frames for c in thin.curves}
    louder = dataclasses.replace(
        dense(), curves=tuple(dataclasses.replace(c, values=1.3 * c.values) for c in dense().curves)
    )
    before = gaps(louder)
    shut = before < before[0] + 0.05
    assert 5 < shut.sum() < 50
    new = refitted(louder, kept, shut)
    assert key_count(thin) <= key_count(new) < 0.6 * key_count(louder)
    assert (gaps(new) - before)[shut].max() < 0.001
    assert (gaps(refitted(louder, kept, np.zeros_like(shut))) - before)[shut].max() > 0.005
    known = {(c.path, c.index): dict(zip(c.frames, c.values, strict=True)) for c in louder.curves}
    for curve in new.curves:
        assert {curve.frames[0], curve.frames[-1]} == {louder.curves[0].frames[0], louder.curves[0].frames[-1]}
        assert all(known[curve.path, curve.index][f] == v for f, v in zip(curve.frames, curve.values, strict=True))
