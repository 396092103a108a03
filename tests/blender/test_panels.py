# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab in the sidebars: which sub-panels stand where, and that no words are cut."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import part  # noqa: E402

pytestmark = pytest.mark.usefixtures("extension")

IN_ORDER = ["speech", "reference", "face", "generate", "adjust", "head_motion", "engine"]
BESIDE_THE_STRIPS = ["speech", "reference", "face", "generate"]
# what a sidebar leaves to a panel's words: tabs, margins and scroll bar taken off (measured in a window)
ROOM_AT_250_PIXELS = 250 - 62


def narrow(width: int, scale: float = 1.0) -> Any:
    """A context whose region is so many pixels wide."""
    system = SimpleNamespace(ui_scale=scale)
    return SimpleNamespace(region=SimpleNamespace(width=width), preferences=SimpleNamespace(system=system))


class Rows:
    """A layout that notes what is drawn into it, as lists of words side by side."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.expanded: list[bool] = []

    def column(self, **options: Any) -> Rows:
        return self

    row = column

    def label(self, text: str = "", icon: str = "NONE") -> None:
        self.lines.append(text)

    def prop(self, owner: Any, name: str, **options: Any) -> None:
        self.expanded.append(options.get("expand", False))


def sub_panels(parent: str) -> list[Any]:
    found = [panel for panel in bpy.types.Panel.__subclasses__() if getattr(panel, "bl_parent_id", "") == parent]
    return sorted(found, key=lambda panel: getattr(panel, "bl_order", 0))


def test_the_sub_panels_stand_in_the_order_of_work() -> None:
    names = [panel.bl_idname for panel in sub_panels("MIMESH_PT_lip_sync")]
    ours = [name for name in names if name.removeprefix("MIMESH_PT_") in IN_ORDER]
    assert ours == [f"MIMESH_PT_{name}" for name in IN_ORDER]


def test_the_sequencers_sidebar_has_what_is_chosen_beside_the_strips() -> None:
    panels = sub_panels("MIMESH_PT_sequencer_lip_sync")
    names = [panel.bl_idname.removeprefix("MIMESH_PT_sequencer_") for panel in panels]
    assert [name for name in names if name in BESIDE_THE_STRIPS] == BESIDE_THE_STRIPS
    assert {panel.bl_space_type for panel in panels} == {"SEQUENCE_EDITOR"}


def test_choices_stand_side_by_side_at_250_pixels_and_become_a_menu_when_narrower() -> None:
    settings, words = bpy.context.scene.mimesh, part("panels.words")
    for context, expanded in ((narrow(250), True), (narrow(500, scale=2.0), True), (narrow(250, scale=2.0), False)):
        rows = Rows()
        words.draw_choice(rows, settings, "reference_kind", context)
        assert rows.expanded == [expanded], context.region.width


@pytest.mark.parametrize(
    "sentence",
    [
        "The mesh MimeshHead has no shape keys, so there is nothing to animate its expression with.",
        "/home/somebody/a/very/long/path/without/any/space/in/it/speech_of_the_second_scene_take_11.wav",
        "音声エンコーダーが見つかりません。エンジンをもう一度セットアップしてください。",
    ],
)
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_no_line_of_a_sentence_is_wider_than_the_sidebar(sentence: str, scale: float) -> None:
    words, context, rows = part("panels.words"), narrow(round(250 * scale), scale), Rows()
    words.draw_words(rows, sentence, context)
    assert "".join(rows.lines).replace(" ", "") == sentence.replace(" ", "")
    assert max(words.text_width(line, context) for line in rows.lines) <= ROOM_AT_250_PIXELS * scale


def test_a_label_too_long_to_stand_beside_its_value_stands_above(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, drawing = bpy.context.scene.mimesh, part("panels.settings")
    face = part("core.settings").FaceSettings
    for width, above in ((250, ["Speech Encoder"]), (600, [])):
        monkeypatch.setattr(drawing, "room", lambda context, width=width: width - 62)
        rows = Rows()
        drawing.draw_setting(rows, settings, face, "speech_encoder")
        assert rows.lines == above


def test_a_preset_brings_back_the_settings_and_leaves_speech_and_face_alone(tmp_path: Path) -> None:
    settings = bpy.context.scene.mimesh
    settings.style_strength, settings.pose.temperature = 0.5, 1.5
    assert bpy.ops.mimesh.add_preset(name="Soft") == {"FINISHED"}
    settings.style_strength, settings.pose.temperature, settings.speech_file = 1.0, 1.0, "/talk.wav"
    (folder,) = bpy.utils.preset_paths("mimesh/lip_sync")
    bpy.ops.script.execute_preset(filepath=str(Path(folder) / "Soft.py"), menu_idname="MIMESH_PT_presets")
    assert (settings.style_strength, settings.pose.temperature) == (0.5, 1.5)
    assert settings.speech_file == "/talk.wav"
