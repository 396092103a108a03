# SPDX-License-Identifier: GPL-3.0-or-later
"""The device is a setting of the scene, and the set-up asks before it does anything."""

from __future__ import annotations

import warnings

import bpy
import pytest

from tests.blender.fake_engine import EXTENSION, part


def test_device_is_a_setting_that_the_request_follows(extension: None) -> None:
    from core.settings import RunSettings
    from core.settings_schema import setting_fields

    (item,) = [item for item in setting_fields(RunSettings) if item.name == "device"]
    settings = bpy.context.scene.mimesh
    *groups, name = item.prop.split(".")
    for group in groups:
        settings = getattr(settings, group)
    assert getattr(settings, name) == "auto"
    settings_property = settings.bl_rna.properties[name]
    assert settings_property.name == "Device"


def test_scene_that_leaves_the_device_open_gets_the_one_of_the_preferences(extension: None) -> None:
    freeze = part("operators.properties").freeze_settings
    preferences, scene = bpy.context.preferences.addons[EXTENSION].preferences, bpy.context.scene.mimesh
    scene.reference_kind = "none"
    assert preferences.device == "auto" and freeze(scene).run.device == "auto"
    preferences.device = "cuda:1"
    try:
        assert freeze(scene).run.device == "cuda:1"
        scene.device = "cpu"
        assert freeze(scene).run.device == "cpu"
        scene.device, preferences.device = "auto", "toaster"
        with pytest.raises(part("core.errors").SettingsError, match="toaster"):
            freeze(scene)
    finally:
        scene.device, preferences.device = "auto", "auto"


def test_every_field_for_a_path_takes_one_relative_to_the_blend_file(extension: None) -> None:
    run = bpy.context.window_manager.mimesh_run
    owners = [bpy.context.preferences.addons[EXTENSION].preferences, bpy.context.scene.mimesh, run]
    pointers = [item.identifier for item in owners[1].bl_rna.properties if item.type == "POINTER"]
    owners += [getattr(owners[1], name) for name in pointers if name != "rna_type"]
    tried = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for owner in filter(None, owners):
            for item in owner.bl_rna.properties:
                if item.type == "STRING" and item.subtype in ("FILE_PATH", "DIR_PATH") and not item.is_readonly:
                    before = getattr(owner, item.identifier)
                    setattr(owner, item.identifier, "//beside.wav")
                    setattr(owner, item.identifier, before)
                    tried.append(item.identifier)
    assert [str(warning.message) for warning in told if "blend relative" in str(warning.message)] == []
    assert {"speech_file", "reference_file", "package_source", "bank"} <= set(tried)


def test_set_up_in_the_background_is_refused_in_words_without_network_or_wheels(extension: None) -> None:
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.mimesh.setup_engine()
    with pytest.raises(RuntimeError, match="does not exist"):
        _with_source("/nowhere/wheels")


def _with_source(source: str) -> None:
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.package_source = source
    try:
        bpy.ops.mimesh.setup_engine()
    finally:
        preferences.package_source = ""


def test_the_panel_says_why_set_up_is_grey_and_stops_when_it_is_not(extension: None) -> None:
    engine, preferences = part("operators.engine"), bpy.context.preferences.addons[EXTENSION].preferences
    if bpy.app.online_access:
        pytest.skip("this Blender may go online")
    assert not bpy.ops.mimesh.setup_engine.poll()
    assert "Preferences" in engine.offline_reason(bpy.context) or "--offline-mode" in engine.offline_reason(
        bpy.context
    )
    preferences.package_source = "/wheels"
    try:
        assert engine.offline_reason(bpy.context) == ""
        assert bpy.ops.mimesh.setup_engine.poll()
    finally:
        preferences.package_source = ""
