# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a user can press: F3 finds it, its tooltip says something, and a grey one says why it is grey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import disable_checkout, enable_checkout, part  # noqa: E402

# beside a line of a list, a preset or a take, of which they need one; or with a menu of Blender's own
BESIDE_A_LIST = {
    "accept_take", "add_adjust_preset", "add_line", "add_mixed_style", "add_preset", "adjust_line", "adjust_traits",
    "assign_channel", "delete_style", "drop_reference", "drop_speech", "drop_style", "export_style", "follow_pose",
    "key_mix", "reject_takes", "remove_from_bank", "remove_line", "remove_mixed_style", "rename_style", "show_line",
    "show_take", "use_bundled_bank", "use_file", "use_strip", "use_style", "use_style_asset",
}  # fmt: skip
BLENDERS_OWN_WORDS = "context is incorrect"


@pytest.fixture(autouse=True)
def extension() -> Iterator[None]:
    """The extension, enabled in a file as Blender starts with."""
    bpy.ops.wm.read_factory_settings()
    enable_checkout()
    yield
    disable_checkout()


def operators() -> dict[str, type[Any]]:
    """Every operator of ours that is not for us alone, by its name after ``mimesh.``."""
    names = [name for name in dir(bpy.ops.mimesh) if not name.startswith("_")]
    found = {name: getattr(bpy.types, f"MIMESH_OT_{name}") for name in names}
    return {name: cls for name, cls in found.items() if "INTERNAL" not in getattr(cls, "bl_options", ())}


class Layout:
    """Notes which operators are drawn."""

    def __init__(self) -> None:
        self.drawn: set[str] = set()

    def operator(self, name: str, **_: Any) -> Any:
        self.drawn.add(name.removeprefix("mimesh."))
        return type("Chosen", (), {})()

    def menu(self, name: str, **_: Any) -> None:
        draw_menu(self, name)

    def separator(self) -> None:
        """Nothing to note."""


def draw_menu(layout: Layout, name: str) -> None:
    cls = getattr(part("panels.menus"), name)
    cls.draw(type("Menu", (), {"layout": layout})(), bpy.context)


def test_f3_finds_every_operator() -> None:
    layout = Layout()
    for _, draw in part("panels.menus")._ENTRIES:
        draw(type("Menu", (), {"layout": layout})(), bpy.context)
    export = {"export_character", "import_flame"}
    assert set(operators()) - layout.drawn - BESIDE_A_LIST - export == set()
    assert layout.drawn <= set(dir(bpy.ops.mimesh))


def test_every_operator_has_a_tooltip_that_says_what_to_expect() -> None:
    for name, cls in operators().items():
        text = getattr(cls, "bl_description", "") or (cls.__doc__ or "")
        assert len(text.split()) >= 4 and not text.rstrip().endswith("."), f"{name}: {text!r}"


def test_every_property_in_the_panel_has_a_tooltip() -> None:
    for group in (bpy.context.scene.mimesh, bpy.context.scene.mimesh.pose, bpy.context.scene.mimesh_adjust):
        for prop in group.bl_rna.properties:
            if prop.identifier not in ("rna_type", "name") and prop.type not in ("COLLECTION", "POINTER"):
                assert prop.description, f"{group.bl_rna.identifier}.{prop.identifier}"


def test_what_cannot_be_pressed_says_why_in_a_file_as_blender_starts_with() -> None:
    for name in operators():
        call = getattr(bpy.ops.mimesh, name)
        if call.poll():
            continue
        with pytest.raises(RuntimeError) as refused:
            call()
        reason = str(refused.value)
        assert BLENDERS_OWN_WORDS not in reason, f"{name}: {reason}"
        assert re.search(r"poll\(\) \S+", reason), f"{name}: {reason}"
