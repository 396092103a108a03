# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose bank, as a script and the panel call it: added to, removed from, listed, followed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    part,
    talking,
    use_engine,
)
from tests.blender.refusals import refused  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(ready: Any) -> FakeEngine:
    return use_engine(FakeEngine(talking))


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
