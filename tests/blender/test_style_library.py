# SPDX-License-Identifier: GPL-3.0-or-later
"""The style library in Blender: the operators as a script calls them, and a listing that drawing only reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import EXTENSION, FakeEngine, one_click_away, part, talking, use_engine, wav_file  # noqa: E402
from tests.blender.style_bench import a_style, enabled_with_library, keep, refused  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def extension(tmp_path: Path) -> Iterator[Any]:
    """The checkout, enabled, with an empty library of its own."""
    with enabled_with_library(tmp_path / "library") as preferences:
        yield preferences


def kept(name: str) -> None:
    """Save a style as if a run had just left it."""
    keep(a_style(), name)


def listed() -> list[str]:
    return [item.name for item in bpy.context.window_manager.mimesh_styles.items]


def on_disk(preferences: Any) -> list[str]:
    return sorted(path.name for path in Path(preferences.style_folder).glob("*"))


def test_saving_needs_a_run_with_a_reference(extension: Any) -> None:
    assert not bpy.ops.mimesh.keep_style.poll()
    refused(bpy.ops.mimesh.keep_style, "Generate with a reference first")


def test_a_saved_style_is_listed_and_selected(extension: Any) -> None:
    kept("Bob")
    kept("Ada")
    assert listed() == ["Ada", "Bob"]
    item = part("operators.style_list").active_style(bpy.context)
    assert item.name == "Ada"
    assert item.summary.startswith("ada.mp4, 10.0 s, 20")
    assert item.notes == "One cut."
    assert on_disk(extension) == ["Ada.safetensors", "Bob.safetensors"]


def test_saving_under_a_taken_name_is_refused_unless_told(extension: Any) -> None:
    kept("Ada")
    refused(bpy.ops.mimesh.keep_style, 'called "Ada" already', name="ada")
    assert bpy.ops.mimesh.keep_style(name="Ada", replace=True) == {"FINISHED"}
    assert bpy.ops.mimesh.keep_style(name="") == {"FINISHED"}
    assert listed() == ["Ada", "Ada talks"]


def test_using_a_style_makes_it_the_reference_and_undo_takes_it_back(extension: Any) -> None:
    kept("Ada")
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mimesh.use_style("EXEC_DEFAULT", True, name="Ada")
    assert (bpy.context.scene.mimesh.reference_kind, bpy.context.scene.mimesh.style_file) == ("style", "Ada")
    bpy.ops.ed.undo()
    assert bpy.context.scene.mimesh.style_file == ""
    assert listed() == ["Ada"]


def test_renaming_is_followed_by_the_scenes_that_use_it(extension: Any) -> None:
    kept("Ada")
    bpy.ops.mimesh.use_style()
    assert bpy.ops.mimesh.rename_style(new_name="Countess") == {"FINISHED"}
    assert listed() == ["Countess"]
    assert bpy.context.scene.mimesh.style_file == "Countess"
    refused(bpy.ops.mimesh.rename_style, "cannot name a style", new_name="...")


def test_deleting_removes_one_file(extension: Any) -> None:
    kept("Ada")
    kept("Bob")
    assert bpy.ops.mimesh.delete_style(name="Ada") == {"FINISHED"}
    assert on_disk(extension) == ["Bob.safetensors"]
    assert bpy.ops.mimesh.delete_style() == {"FINISHED"}
    assert listed() == []
    refused(bpy.ops.mimesh.delete_style, "no style yet", name="Bob")


def test_an_unknown_name_is_one_sentence(extension: Any) -> None:
    kept("Ada")
    refused(bpy.ops.mimesh.use_style, r'no style called "Eve" .*present: Ada', name="Eve")


def test_a_script_finds_styles_that_the_listing_does_not_know_yet(extension: Any) -> None:
    part("operators.style_list").style_library(bpy.context).save(a_style(), "Ada")
    bpy.context.window_manager.mimesh_styles.items.clear()
    bpy.context.window_manager.mimesh_styles.known = False
    assert bpy.ops.mimesh.use_style(name="Ada") == {"FINISHED"}


def test_an_exported_style_can_be_imported_and_other_files_cannot(extension: Any, tmp_path: Path) -> None:
    kept("Ada")
    assert bpy.ops.mimesh.export_style(filepath=str(tmp_path / "given")) == {"FINISHED"}
    assert bpy.ops.mimesh.import_style(filepath=str(tmp_path / "given.safetensors")) == {"FINISHED"}
    assert listed() == ["Ada", "Ada 2"]
    refused(bpy.ops.mimesh.import_style, "damaged", filepath=str(wav_file(tmp_path / "talk.wav")))
    assert listed() == ["Ada", "Ada 2"]


def test_a_damaged_file_is_shown_with_its_problem(extension: Any) -> None:
    kept("Ada")
    (Path(extension.style_folder) / "Broken.safetensors").write_bytes(b"half a fi")
    assert bpy.ops.mimesh.refresh_styles() == {"FINISHED"}
    problems = {item.name: item.problem for item in bpy.context.window_manager.mimesh_styles.items}
    assert problems["Ada"] == ""
    assert "damaged" in problems["Broken"]


def test_the_listing_is_there_after_loading_a_file(extension: Any, tmp_path: Path) -> None:
    kept("Ada")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.context.window_manager.mimesh_styles.items.clear()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert listed() == ["Ada"]


def test_another_folder_is_another_library(extension: Any, tmp_path: Path) -> None:
    kept("Ada")
    extension.style_folder = str(tmp_path / "elsewhere")
    assert listed() == []


def test_without_a_choice_the_library_is_in_the_extensions_own_folder(extension: Any) -> None:
    extension.style_folder = ""
    folder = part("operators.style_list").style_library(bpy.context).folder
    assert folder.parent == Path(bpy.utils.extension_path_user(EXTENSION))


def test_drawing_never_reads_the_disk(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept("Ada")
    bpy.ops.mimesh.use_style()
    styles, item = part("panels.styles"), part("operators.style_list").active_style(bpy.context)
    reads: list[str] = []
    recorder = Recorder()
    with monkeypatch.context() as patched:
        for name in ("glob", "open", "read_bytes", "iterdir", "is_dir"):
            patched.setattr(Path, name, lambda *_, called=name, **__: reads.append(called))
        styles.draw_library(recorder, bpy.context.scene.mimesh, FakeContext())
        styles.MIMESH_UL_styles.draw_row(None, bpy.context, recorder, item)
    assert reads == []
    assert any("ada.mp4, 10.0 s" in text for text in recorder.texts)
    assert recorder.icons[-2:] == ["RADIOBUT_ON", "NONE"]


@pytest.fixture
def ready(extension: Any, tmp_path: Path) -> Any:
    """The demo head, a speech file and the library."""
    return one_click_away(tmp_path)


def test_a_saved_style_is_what_the_engine_gets(ready: Any, tmp_path: Path) -> None:
    """One run with a clip leaves a style; the next, on other speech, gets the style's file and no clip."""
    engine = use_engine(FakeEngine(lambda request: dataclasses.replace(talking(request), style=a_style())))
    clip = tmp_path / "ada.mp4"
    clip.write_bytes(b"only its name counts here")
    ready.reference_kind, ready.reference_file = "file", str(clip)
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert bpy.ops.mimesh.keep_style(name="Ada") == {"FINISHED"}
    assert bpy.ops.mimesh.use_style(name="Ada") == {"FINISHED"}
    ready.speech_file = str(wav_file(tmp_path / "other.wav"))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    first, second = engine.requests
    assert (first.reference.path.name, first.style) == ("ada.mp4", None)
    assert (second.reference, second.style.name, second.audio.path.name) == (None, "Ada.safetensors", "other.wav")


def test_a_path_still_names_a_style_file(ready: Any, tmp_path: Path) -> None:
    engine = use_engine(FakeEngine(talking))
    file = tmp_path / "given.safetensors"
    a_style().save(file)
    ready.reference_kind, ready.style_file = "style", str(file)
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert engine.requests[0].style == file


def test_a_style_that_is_gone_is_refused_before_the_engine_starts(ready: Any) -> None:
    engine = use_engine(FakeEngine(talking))
    ready.reference_kind, ready.style_file = "style", "Eve"
    refused(bpy.ops.mimesh.generate_lip_sync, 'no style called "Eve"')
    assert engine.requests == []
    assert not bpy.context.window_manager.mimesh_run.running


class FakeContext:
    """What the panel needs of a context with a window."""

    window_manager = property(lambda self: bpy.context.window_manager)
    scene = property(lambda self: bpy.context.scene)

    class region:  # noqa: N801
        width = 300

    class preferences:  # noqa: N801
        # 0 without a window
        class system:  # noqa: N801
            ui_scale = 1.0


class Recorder:
    """A layout that notes what is drawn."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.icons: list[str] = []

    def row(self, **options: Any) -> Recorder:
        return self

    column = row

    def label(self, text: str = "", icon: str = "NONE") -> None:
        self.texts.append(text)
        self.icons.append(icon)

    def operator(self, name: str, **options: Any) -> Any:
        assert hasattr(bpy.types, name.replace("mimesh.", "MIMESH_OT_"))
        self.icons.append(options.get("icon", "NONE"))
        return self

    def menu(self, name: str, **options: Any) -> None:
        assert hasattr(bpy.types, name)

    def template_list(self, *arguments: Any, **options: Any) -> None:
        assert hasattr(bpy.types, arguments[0])
