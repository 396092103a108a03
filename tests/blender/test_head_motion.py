# SPDX-License-Identifier: GPL-3.0-or-later
"""Regenerating the head motion, and the bank, as a script calls them: the face keeps its keys throughout."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.builders import snapshot  # noqa: E402
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    failing,
    part,
    talking,
    use_engine,
)

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


def refused(operator: Any, match: str, **options: Any) -> None:
    before = snapshot()
    with pytest.raises(RuntimeError, match=match) as caught:
        operator(**options)
    assert snapshot() == before
    assert "Traceback" not in str(caught.value)


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


def test_a_clip_is_added_to_a_bank_of_ones_own(ready: Any, engine: FakeEngine, tmp_path: Path) -> None:
    assert not bpy.ops.mimesh.add_to_bank.poll()
    clip = tmp_path / "ada.mp4"
    clip.write_bytes(b"only its name counts here")
    ready.reference_kind, ready.reference_file = "file", str(clip)
    assert bpy.ops.mimesh.add_to_bank(name="Ada") == {"FINISHED"}
    own = part("operators.preferences").user_folder() / "pose_bank.safetensors"
    assert ready.pose.bank == str(own)
    asked = engine.additions[0]
    assert (asked.bank, asked.reference.path, asked.style, asked.name) == (own, clip, None, "Ada")
    assert 'The bank has "Ada" now' in bpy.context.window_manager.mimesh_run.result
    ready.pose.bank = str(tmp_path / "team.safetensors")
    bpy.ops.mimesh.add_to_bank()
    assert (engine.additions[1].bank, engine.additions[1].name) == (tmp_path / "team.safetensors", "")


@pytest.fixture
def own_bank(ready: Any, tmp_path: Path) -> Path:
    """A copy of the bundled bank, chosen in the panel."""
    weights, bank = part("core.weights"), part("core.pose.bank")
    file = tmp_path / "own.safetensors"
    file.write_bytes((weights.VENDOR_MODELS / bank.BANK_FILE).read_bytes())
    ready.pose.bank = str(file)
    return file


def names_in(file: Path) -> list[str]:
    return list(part("core.pose.user_bank").bank_names(file))


def test_a_style_is_removed_from_ones_own_bank(ready: Any, own_bank: Path) -> None:
    names = names_in(own_bank)
    assert bpy.ops.mimesh.remove_from_bank(name=names[3]) == {"FINISHED"}
    assert names_in(own_bank) == names[:3] + names[4:]
    assert ready.pose.bank == str(own_bank)


def test_removing_a_style_that_the_bank_does_not_have_changes_nothing(ready: Any, own_bank: Path) -> None:
    before = own_bank.read_bytes()
    refused(bpy.ops.mimesh.remove_from_bank, "no style called nobody", name="nobody")
    refused(bpy.ops.mimesh.remove_from_bank, "No pose style is chosen")
    assert own_bank.read_bytes() == before


def test_removing_needs_a_bank_of_ones_own_and_says_so(ready: Any, own_bank: Path) -> None:
    assert bpy.ops.mimesh.remove_from_bank.poll()
    ready.pose.bank = str(own_bank.with_name("gone.safetensors"))
    refused(bpy.ops.mimesh.remove_from_bank, "does not exist yet", name="anybody")
    ready.pose.bank = ""
    refused(bpy.ops.mimesh.remove_from_bank, "bundled bank is never changed", name="anybody")


def test_a_run_is_not_robbed_of_its_bank(ready: Any, own_bank: Path) -> None:
    run = bpy.context.window_manager.mimesh_run
    run.running, run.task = True, "Generate"
    try:
        refused(bpy.ops.mimesh.remove_from_bank, "Generate is running", name="anybody")
    finally:
        run.running = False


def test_the_bundled_bank_is_never_changed_even_by_its_path(ready: Any) -> None:
    bundled = part("core.weights").VENDOR_MODELS / part("core.pose.bank").BANK_FILE
    before = bundled.read_bytes()
    ready.pose.bank = str(bundled)
    refused(bpy.ops.mimesh.remove_from_bank, "never changed", name=names_in(bundled)[0])
    assert bundled.read_bytes() == before


def test_a_file_that_is_no_bank_is_one_sentence(ready: Any, own_bank: Path) -> None:
    own_bank.write_bytes(b"not a bank")
    refused(bpy.ops.mimesh.remove_from_bank, r"own\.safetensors is damaged", name="anybody")


class Recorder:
    """A layout that notes what is drawn; what Blender's own layout does not know fails."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def row(self, **options: Any) -> Recorder:
        return self._checked("row", options)

    def column(self, **options: Any) -> Recorder:
        return self._checked("column", options)

    def prop(self, owner: Any, name: str, **options: Any) -> None:
        assert name in owner.bl_rna.properties
        self._checked("prop", options).shown.append(name)

    def operator(self, name: str, **options: Any) -> Recorder:
        getattr(bpy.ops.mimesh, name.removeprefix("mimesh.")).get_rna_type()
        return self._checked("operator", options).shown.append(name) or Recorder()

    def label(self, **options: Any) -> None:
        self._checked("label", options)

    def template_list(self, name: str, *arguments: Any, **options: Any) -> None:
        assert hasattr(bpy.types, name)

    def _checked(self, function: str, options: dict[str, Any]) -> Recorder:
        assert options.keys() <= set(bpy.types.UILayout.bl_rna.functions[function].parameters.keys())
        return self


def test_the_panel_shows_every_choice_about_the_head(ready: Any) -> None:
    recorder = Recorder()
    panel = part("panels.head_motion").MIMESH_PT_head_motion
    panel.draw(SimpleNamespace(layout=recorder), bpy.context)
    choices = {"source", "head_amount", "neck_share", "stillness", "seed", "k", "temperature", "top_p", "bank"}
    bank = {"mimesh.add_to_bank", "mimesh.remove_from_bank", "mimesh.refresh_poses"}
    buttons = {"mimesh.regenerate_head", *bank}
    assert set(recorder.shown) == choices | buttons
    ready.pose.bank = "/own.safetensors"
    panel.draw(SimpleNamespace(layout=recorder), bpy.context)
    assert "mimesh.use_bundled_bank" in recorder.shown


def test_the_bank_is_listed_and_a_style_of_it_can_be_followed(ready: Any) -> None:
    poses = part("operators.pose_list")
    poses.refresh_poses(bpy.context)
    items = poses.pose_list(bpy.context).items
    bundled = part("core.weights").VENDOR_MODELS / part("core.pose.bank").BANK_FILE
    assert {item.name for item in items} == set(names_in(bundled))
    assert all(item.nod > 0 and item.turn > 0 and item.provenance for item in items)
    assert bpy.ops.mimesh.follow_pose(name=items[3].name) == {"FINISHED"}
    assert part("operators.properties").freeze_settings(ready).head.follow == items[3].name
    bpy.ops.mimesh.follow_pose(name=items[3].name)
    assert ready.pose.follow == ""


def test_a_bank_that_is_damaged_leaves_its_sentence_in_the_list(ready: Any, own_bank: Path) -> None:
    own_bank.write_bytes(b"not a bank")
    bpy.ops.mimesh.refresh_poses()
    listing = part("operators.pose_list").pose_list(bpy.context)
    assert len(listing.items) == 0
    assert "own.safetensors" in listing.problem
