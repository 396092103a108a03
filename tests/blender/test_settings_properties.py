# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as Blender's properties: made from the declarations, read back, kept in files of older versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import part  # noqa: E402


def declared() -> Iterator[tuple[Any, Any]]:
    """Each group and each of its settings."""
    for group in part("operators.properties").GROUPS:
        yield from ((group, item) for item in part("core.settings_schema").setting_fields(group))


def test_every_setting_is_a_property_with_its_label_default_and_limits(extension: None) -> None:
    properties = part("operators.setting_properties")
    for _, item in declared():
        owner, name = properties.owner_of(bpy.context.scene.mimesh, item)
        found = owner.bl_rna.properties[name]
        assert (found.name, found.description) == (item.setting.label, item.setting.help)
        if item.kind in (int, float):
            assert found.default == pytest.approx(item.default)
            assert item.setting.low is None or found.hard_min == pytest.approx(item.setting.low)
            assert item.setting.high is None or found.hard_max == pytest.approx(item.setting.high)
        elif item.kind is not Path:
            assert found.default == item.default


def test_untouched_properties_are_the_defaults_of_the_command_line(extension: None) -> None:
    read = part("operators.setting_properties").read_group
    for group in part("operators.properties").GROUPS:
        assert read(bpy.context.scene.mimesh, group) == group()


def test_both_ends_of_every_slider_are_allowed(extension: None) -> None:
    properties, scene = part("operators.setting_properties"), bpy.context.scene
    for group, item in declared():
        for limit in (item.setting.low, item.setting.high):
            if limit is not None:
                setattr(*properties.owner_of(scene.mimesh, item), item.kind(limit))
                assert getattr(properties.read_group(scene.mimesh, group), item.name) == limit


class Rows:
    """A layout that notes which property of which owner is drawn, and how."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, bool]] = []

    def prop(self, owner: Any, name: str, slider: bool = False) -> None:
        assert name in owner.bl_rna.properties
        self.drawn.append((name, slider))


def test_a_new_field_is_a_property_and_a_row_of_the_panel(extension: None) -> None:
    schema, properties = part("core.settings_schema"), part("operators.setting_properties")

    @dataclass(frozen=True, slots=True)
    class BrowSettings(schema.SettingsGroup):
        height: float = schema.setting(0.5, label="Brow Height", help="How high", low=0.0, high=2.0)
        count: int = schema.setting(2, label="Brows", help="How many", low=0)
        inner: float = schema.setting(0.5, label="Inner", help="For programs alone", offered=False)

    owner = type("MimeshBrows", (bpy.types.PropertyGroup,), {"__annotations__": {}})
    properties.declare(owner, "", [BrowSettings])
    bpy.utils.register_class(owner)
    bpy.types.Scene.brows = bpy.props.PointerProperty(type=owner)
    try:
        bpy.context.scene.brows.height = 1.25
        assert properties.read_group(bpy.context.scene.brows, BrowSettings) == BrowSettings(1.25)
        rows = Rows()
        part("panels.settings").draw_group(rows, bpy.context.scene.brows, BrowSettings)
        assert rows.drawn == [("height", True), ("count", False)]
    finally:
        del bpy.types.Scene.brows
        bpy.utils.unregister_class(owner)


def test_values_stay_in_the_file_under_the_names_of_the_first_versions(extension: None, tmp_path: Path) -> None:
    settings = bpy.context.scene.mimesh
    settings.style_strength, settings.head_amount, settings.neck_share, settings.on_existing = (
        0.5,
        1.5,
        0.25,
        "push_down",
    )
    settings.pose.k, settings.pose.stillness, settings.pose.temperature, settings.blinks = 3, 0.0625, 0.5, False
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings, read, names = (
        bpy.context.scene.mimesh,
        part("operators.setting_properties").read_group,
        part("core.settings"),
    )
    assert read(settings, names.FaceSettings).style_strength == 0.5
    assert read(settings, names.HeadSettings) == names.HeadSettings("bank", 1.5, 3, 0.5, dead_zone_radians=0.0625)
    assert read(settings, names.BakeSettings) == names.BakeSettings("push_down", 0.25)
    assert not read(settings, names.EyesSettings).blinks


def test_a_graphics_card_can_be_chosen_by_number_and_a_wrong_device_is_refused(extension: None) -> None:
    settings, names = bpy.context.scene.mimesh, part("core.settings")
    read = part("operators.setting_properties").read_group
    settings.device = "cuda:1"
    assert read(settings, names.RunSettings).device == "cuda:1"
    settings.device = "tpu"
    with pytest.raises(part("core.errors").SettingsError, match="no device called 'tpu'; there are: auto, cpu"):
        read(settings, names.RunSettings)
