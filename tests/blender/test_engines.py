# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice between the two engines, and mixing two styles: what reaches the engine, and what the panel shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.builders import snapshot  # noqa: E402
from tests.blender.fake_engine import FakeEngine, failing, one_click_away, part, talking, use_engine  # noqa: E402
from tests.blender.style_bench import a_style, enabled_with_library, keep  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Any]:
    """The demo head, a speech file, and a library with the styles Ada and Bob; Ada is the reference."""
    with enabled_with_library(tmp_path / "library"):
        for name in ("Ada", "Bob"):
            keep(mimic_style(name), name)
        settings = one_click_away(tmp_path)
        bpy.ops.mimesh.use_style(name="Ada")
        yield settings


@pytest.fixture
def engine(ready: Any) -> FakeEngine:
    """Answers with a talking face whose provenance names what was asked for."""

    def answer(request: Any) -> Any:
        result = talking(request)
        other = request.second_style.stem if request.second_style else None
        origin = dataclasses.replace(result.provenance, second_style_name=other)
        return dataclasses.replace(result, style=mimic_style("Ada"), provenance=origin)

    return use_engine(FakeEngine(answer))


def mimic_style(name: str) -> Any:
    """With a Mimic code."""
    return a_style(name, mimic=part("core.style.parts").MimicPart(np.ones(128, np.float32), "2" * 64))


def asked(engine: FakeEngine) -> tuple[Any, ...]:
    """What the last run asked for: engine, first and second style, share of the second."""
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    request = engine.requests[-1]
    second = request.second_style
    return request.face.engine, request.style.stem, second and second.stem, request.face.style_mix if second else 0.0


def test_a_new_scene_asks_for_adamesh(ready: Any, engine: FakeEngine) -> None:
    assert asked(engine) == ("adamesh", "Ada", None, 0.0)


def test_the_chosen_engine_and_mix_reach_the_engine_and_are_kept_with_the_keys(ready: Any, engine: FakeEngine) -> None:
    ready.engine, ready.second_style, ready.style_mix = "mimic", "Bob", 0.25
    assert asked(engine) == ("mimic", "Ada", "Bob", 0.25)
    provenance = json.loads(bpy.data.shape_keys[0].animation_data.action["mimesh"])
    assert (provenance["second_style_name"], provenance["face"]) == (
        "Bob",
        {"engine": "mimic", "style_strength": 1.0, "style_mix": 0.25, "speech_encoder": "auto", "model_pack": None},
    )
    assert "Mixed with 25% of Bob." in bpy.context.window_manager.mimesh_run.result


def test_a_second_style_is_left_out_where_it_has_no_meaning(ready: Any, engine: FakeEngine) -> None:
    ready.engine, ready.second_style = "adamesh", "Bob"
    assert asked(engine) == ("adamesh", "Ada", None, 0.0)
    ready.engine, ready.second_style = "mimic", ""
    assert asked(engine) == ("mimic", "Ada", None, 0.0)
    ready.second_style, ready.reference_kind = "Bob", "none"
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert engine.requests[-1].second_style is None


def test_a_second_style_may_be_a_file(ready: Any, engine: FakeEngine, tmp_path: Path) -> None:
    mimic_style("Eve").save(tmp_path / "eve.safetensors")
    ready.engine, ready.second_style = "mimic", str(tmp_path / "eve.safetensors")
    assert asked(engine) == ("mimic", "Ada", "eve", 0.5)


def test_a_second_style_that_is_gone_is_refused_before_the_engine_starts(ready: Any, engine: FakeEngine) -> None:
    ready.engine, ready.second_style = "mimic", "Eve"
    before = snapshot()
    with pytest.raises(RuntimeError, match='no style called "Eve"'):
        bpy.ops.mimesh.generate_lip_sync()
    assert engine.requests == [] and snapshot() == before


def test_missing_weights_are_one_sentence_and_change_nothing(ready: Any) -> None:
    use_engine(FakeEngine(failing("model", "Mimic's network is not installed.", "Choose AdaMesh.")))
    ready.engine = "mimic"
    before = snapshot()
    with pytest.raises(RuntimeError, match="not installed") as caught:
        bpy.ops.mimesh.generate_lip_sync()
    assert "Traceback" not in str(caught.value) and snapshot() == before


def test_renaming_is_followed_by_scenes_that_mix_the_style_in(ready: Any) -> None:
    ready.second_style = "Bob"
    assert bpy.ops.mimesh.rename_style(name="Bob", new_name="Robert") == {"FINISHED"}
    assert (ready.style_file, ready.second_style) == ("Ada", "Robert")


def test_choices_are_saved_with_the_scene(ready: Any, tmp_path: Path) -> None:
    ready.engine, ready.second_style, ready.style_mix = "mimic", "Bob", 0.25
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = bpy.context.scene.mimesh
    assert (settings.engine, settings.second_style, settings.style_mix) == ("mimic", "Bob", 0.25)


def test_a_regenerated_head_leaves_the_face_to_the_engine_that_made_it(ready: Any, engine: FakeEngine) -> None:
    api = part("core.exchange.results")

    def regenerate(request: Any) -> Any:
        head = np.full((50, 3), 0.02, np.float32)
        return api.HeadResult(head, np.zeros((50, 2, 2), np.float32), (), talking(request).provenance)

    engine.regenerate = regenerate
    ready.engine, ready.second_style, ready.style_mix, ready.style_strength = "mimic", "Bob", 0.25, 0.5
    bpy.ops.mimesh.generate_lip_sync()
    ready.engine, ready.style_strength, ready.head_amount = "adamesh", 1.0, 0.75
    assert bpy.ops.mimesh.regenerate_head(seed=7) == {"FINISHED"}
    assert (engine.head_requests[0].face.engine, engine.head_requests[0].head.amount) == ("mimic", 0.75)
    for owner in (bpy.data.shape_keys[0], bpy.data.objects["MimeshHeadRig"]):
        provenance = json.loads(owner.animation_data.action["mimesh"])
        assert provenance["second_style_name"] == "Bob"
        expected = {
            "engine": "mimic",
            "style_strength": 0.5,
            "style_mix": 0.25,
            "speech_encoder": "auto",
            "model_pack": None,
        }
        assert provenance["face"] == expected
    provenance = json.loads(bpy.data.objects["MimeshHeadRig"].animation_data.action["mimesh"])
    assert provenance["head"]["amount"] == 0.75


@pytest.mark.parametrize(
    ("engine_name", "kind", "second", "shown"),
    [
        ("adamesh", "style", "", set()),
        ("adamesh", "style", "Bob", set()),
        ("mimic", "none", "Bob", set()),
        ("mimic", "style", "", {"second_style"}),
        ("mimic", "style", "Bob", {"second_style", "style_mix"}),
    ],
)
def test_the_panel_offers_mixing_only_where_mimic_can(
    ready: Any, engine_name: str, kind: str, second: str, shown: set[str]
) -> None:
    ready.engine, ready.reference_kind, ready.second_style = engine_name, kind, second
    recorder = Recorder()
    part("panels.reference").draw_following(recorder, ready, bpy.context)
    assert "engine" in recorder.shown
    assert set(recorder.shown) & {"second_style", "style_mix"} == shown


class Recorder:
    """A layout that notes which properties of which owner are drawn; unknown ones fail as in Blender."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.active = True

    def row(self, **options: Any) -> Recorder:
        return self

    column = row

    def label(self, text: str = "", icon: str = "NONE") -> None:
        pass

    def prop(self, owner: Any, name: str, **options: Any) -> None:
        assert name in owner.bl_rna.properties
        self.shown.append(name)

    def prop_search(self, owner: Any, name: str, source: Any, collection: str, **options: Any) -> None:
        assert source.bl_rna.properties[collection].type == "COLLECTION"
        self.prop(owner, name)


def test_an_engine_of_the_table_can_be_chosen_in_the_panel_and_names_its_part(ready: Any) -> None:
    engines = part("core.engines")
    entry = engines.EngineEntry("echo", "Echo", "Opens the mouth", "echo:Echo", "echo", "mouth width", True, 0.1)
    engines.register_engine(entry)
    try:
        # as the scene's own group is made when the extension is enabled
        group = type("MIMESH_PG_made", (bpy.types.PropertyGroup,), {"__annotations__": {}})
        part("operators.setting_properties").declare(group, "", [part("core.settings").FaceSettings])
        bpy.utils.register_class(group)
        offered = group.bl_rna.properties["engine"].enum_items
        assert (offered["echo"].name, offered["echo"].description) == ("Echo", "Opens the mouth")
        bpy.utils.unregister_class(group)
        style = mimic_style("Eve").with_part("echo", part("core.style.parts").EnginePart("weights"))
        keep(style, "Eve")
        listed = {item.name: item.parts for item in bpy.context.window_manager.mimesh_styles.items}
        assert listed["Eve"] == "face, head, Mimic code, mouth width"
    finally:
        engines.unregister_engine("echo")
