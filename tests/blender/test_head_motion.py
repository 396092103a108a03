# SPDX-License-Identifier: GPL-3.0-or-later
"""Regenerating the head motion, as a script calls it: the face keeps its keys throughout."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    failing,
    part,
    talking,
    use_engine,
)
from tests.blender.refusals import refused  # noqa: E402

pytestmark = pytest.mark.slow


def nodding(request: Any) -> Any:
    """A regenerated head: nods as far as its seed says, like two people of a bank."""
    results, bank = part("core.exchange.results"), part("core.pose.bank")
    head = np.zeros((50, 3), np.float32)
    head[:, 0] = 0.01 * request.head.seed * request.head.amount * np.sin(np.arange(50) / 5)
    provenance = talking(request).provenance
    found = (bank.Neighbour("Ada", 0.31, 0.75), bank.Neighbour("Bob", 0.42, 0.25))
    gaze = np.zeros((50, 2, 2), np.float32)
    gaze[:, :, 0] = -0.5 * head[:, None, 0]
    return results.HeadResult(head, gaze, found, provenance)


@pytest.fixture
def engine(ready: Any) -> FakeEngine:
    """A face that talks already; the engine answers head requests too."""
    return use_engine(FakeEngine(talking, regenerate=nodding))


def curves(owner: Any) -> dict[tuple[str, int], list[float]]:
    """Every key of an owner's action."""
    found = part("core.blender.compat").owner_curves(owner)
    return {(c.data_path, c.array_index): [v for k in c.keyframe_points for v in k.co] for c in found}


def face() -> dict[tuple[str, int], list[float]]:
    return curves(bpy.data.shape_keys[0])


def bones() -> dict[tuple[str, int], list[float]]:
    return curves(bpy.data.objects["MimeshHeadRig"])


def test_regenerating_changes_the_head_alone(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    keys, before = face(), bones()
    actions = sorted(action.name for action in bpy.data.actions)
    assert bpy.ops.mimesh.regenerate_head(seed=7) == {"FINISHED"}
    after = bones()
    assert face() == keys
    assert {key for key in before if "jaw" in key[0]} <= after.keys()
    for key, values in after.items():
        assert (values == before.get(key)) == ("jaw" in key[0]) or key[1] != 0
    assert {key[0].split('"')[1] for key in after} >= {"jaw", "neck", "left_eye", "right_eye"}
    assert sorted(action.name for action in bpy.data.actions) == actions
    assert ready.pose.seed == 7
    assert engine.head_requests[0].head.seed == 7
    action = bpy.data.objects["MimeshHeadRig"].animation_data.action
    assert json.loads(action["mimesh"])["head"]["seed"] == 7


def test_regenerating_without_a_seed_draws_a_new_one(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    for _ in range(2):
        assert bpy.ops.mimesh.regenerate_head() == {"FINISHED"}
    first, second = (request.head.seed for request in engine.head_requests)
    assert first != second == ready.pose.seed


def test_a_regenerated_head_can_be_regenerated_and_the_face_generated_again(ready: Any, engine: FakeEngine) -> None:
    """What regenerating writes counts as ours and unedited."""
    bpy.ops.mimesh.generate_lip_sync()
    bpy.ops.mimesh.regenerate_head(seed=7)
    assert bpy.ops.mimesh.regenerate_head(seed=8) == {"FINISHED"}
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert engine.requests[-1].head.seed == 8


def test_keys_edited_by_hand_survive_regenerating_the_head(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    curve = part("core.blender.compat").owner_curves(bpy.data.shape_keys[0])[0]
    curve.keyframe_points[3].co.y = 0.123
    edited = face()
    assert bpy.ops.mimesh.regenerate_head(seed=7) == {"FINISHED"}
    assert face() == edited


def test_bones_that_were_edited_by_hand_keep_those_keys(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    curves = part("core.blender.compat").owner_curves
    edited = [curve.data_path for curve in curves(bpy.data.objects["MimeshHeadRig"])]
    for curve in curves(bpy.data.objects["MimeshHeadRig"]):
        curve.keyframe_points[30].co.y = 0.123
    assert bpy.ops.mimesh.regenerate_head(seed=7) == {"FINISHED"}
    after = [curve for curve in curves(bpy.data.objects["MimeshHeadRig"]) if curve.data_path in edited]
    assert len(after) == len(edited)
    for curve in after:
        assert curve.keyframe_points[30].co.y == pytest.approx(0.123)


def test_regenerating_needs_a_face_that_talks(ready: Any, engine: FakeEngine) -> None:
    assert not bpy.ops.mimesh.regenerate_head.poll()
    refused(bpy.ops.mimesh.regenerate_head, "Generate first")


def test_other_speech_is_refused(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()

    def other(request: Any) -> Any:
        result = nodding(request)
        return dataclasses.replace(result, provenance=dataclasses.replace(result.provenance, audio_hash="f" * 64))

    engine.regenerate = other
    refused(bpy.ops.mimesh.regenerate_head, "talks to other speech", seed=7)
    assert ready.pose.seed == 0


def test_an_engine_that_fails_changes_nothing(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    engine.regenerate = failing("model", "The pose bank was made for another pose prior.", "Choose the bundled bank.")
    refused(bpy.ops.mimesh.regenerate_head, "another pose prior")
    assert all(job.cancelled for job in engine.jobs[1:])


def test_one_undo_takes_a_regenerated_head_back(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    bpy.ops.ed.undo_push(message="before")
    before = bones()
    bpy.ops.mimesh.regenerate_head("EXEC_DEFAULT", True, seed=7)
    assert bones() != before
    bpy.ops.ed.undo()
    assert bones() == before
    assert bpy.context.scene.mimesh.pose.seed == 0


def test_retrieved_styles_are_named_with_their_distances(ready: Any, engine: FakeEngine) -> None:
    bpy.ops.mimesh.generate_lip_sync()
    assert bpy.context.window_manager.mimesh_run.neighbours == ""
    bpy.ops.mimesh.regenerate_head(seed=7)
    shown = bpy.context.window_manager.mimesh_run.neighbours
    assert shown.splitlines() == ["Ada: distance 0.31, 75%", "Bob: distance 0.42, 25%"]


def test_settings_of_the_panel_reach_the_engine(ready: Any, engine: FakeEngine, tmp_path: Path) -> None:
    pose = ready.pose
    bank = tmp_path / "bank.safetensors"
    bank.write_bytes(b"only its name counts here")
    pose.source, pose.k, pose.temperature, pose.top_p = "reference", 3, 0.5, 0.75
    pose.stillness, pose.bank, ready.head_amount = 0.0625, str(bank), 1.5
    bpy.ops.mimesh.generate_lip_sync()
    expected = part("core.settings").HeadSettings("reference", 1.5, 3, 0.5, 0.75, 0, 0.0625, bank)
    assert engine.requests[0].head == expected


def test_a_bank_that_is_gone_is_one_sentence(ready: Any, engine: FakeEngine, tmp_path: Path) -> None:
    ready.pose.bank = str(tmp_path / "gone.safetensors")
    refused(bpy.ops.mimesh.generate_lip_sync, r"bank file .*gone\.safetensors does not exist")
    assert bpy.ops.mimesh.use_bundled_bank() == {"FINISHED"}
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}


def test_a_folder_that_is_no_model_pack_is_one_sentence(ready: Any, engine: FakeEngine, tmp_path: Path) -> None:
    ready.model_pack = str(tmp_path)
    refused(bpy.ops.mimesh.generate_lip_sync, r"is no model pack: it has no pack\.json")
    ready.model_pack = ""
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
