# SPDX-License-Identifier: GPL-3.0-or-later
"""The first minute: Try It in an empty scene, a dropped file, the menus, and the redo panel's properties."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    failing,
    part,
    talking,
    use_engine,
    wav_file,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(extension: None) -> FakeEngine:
    """The extension with an engine that talks at once."""
    return use_engine(FakeEngine(talking))


def strips() -> list[Any]:
    return list(part("core.blender.compat").sequencer_strips(bpy.context.scene))


def test_try_it_makes_a_head_talk_in_an_empty_scene(engine: FakeEngine) -> None:
    assert bpy.ops.mimesh.try_it() == {"FINISHED"}
    settings, keys = bpy.context.scene.mimesh, bpy.data.shape_keys[0]
    assert settings.target.name == "MimeshHead"
    assert keys.animation_data.action is not None
    (request,) = engine.requests
    # the file, or what Blender has mixed of its strip
    assert request.audio.path.name.lower().startswith("line")
    assert request.reference.path.name == "reference.mp4"
    assert bpy.context.scene.sync_mode == "AUDIO_SYNC"


def test_try_it_takes_what_the_user_has_chosen_and_adds_the_rest(engine: FakeEngine, tmp_path: Path) -> None:
    settings = bpy.context.scene.mimesh
    settings.speech_kind, settings.speech_file = "file", str(wav_file(tmp_path / "mine.wav"))
    settings.reference_kind = "none"
    assert bpy.ops.mimesh.try_it() == {"FINISHED"}
    (request,) = engine.requests
    assert request.audio.path.name == "mine.wav"
    assert request.reference is None
    assert strips() == []


def test_a_first_try_that_fails_leaves_the_scene_as_it_was(engine: FakeEngine) -> None:
    use_engine(FakeEngine(failing("MediaError", "The sound is silent.")))
    scene, before = bpy.context.scene, bpy.context.scene.frame_end
    with pytest.raises(RuntimeError):
        bpy.ops.mimesh.try_it()
    assert (len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.materials)) == (0, 0, 0)
    assert (strips(), scene.frame_end) == ([], before)
    assert scene.mimesh.target is None
    assert part("operators.try_it").wants_a_first_try(scene.mimesh)


def test_the_demo_head_stands_beside_what_is_there(engine: FakeEngine) -> None:
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    bpy.ops.mimesh.try_it()
    head = bpy.data.objects["MimeshHead"]
    bpy.context.view_layer.update()
    left = min((head.matrix_world @ part("core.blender.first_try").Vector(corner)).x for corner in head.bound_box)
    assert left > 1.0


def test_scripts_and_the_redo_panel_give_settings_to_the_run_itself(engine: FakeEngine, tmp_path: Path) -> None:
    bpy.ops.mimesh.try_it()
    settings = bpy.context.scene.mimesh
    assert bpy.ops.mimesh.generate_lip_sync(style_strength=0.5, seed=3, blinks=False, head_amount=0.0) == {"FINISHED"}
    request = engine.requests[-1]
    assert (request.face.style_strength, request.run.seed) == (0.5, 3)
    assert (request.eyes.blinks, request.head.amount) == (False, 0.0)
    assert (settings.style_strength, settings.seed) == (0.5, 3)
    # the next run asks the panel again
    settings.style_strength = 1.25
    bpy.ops.mimesh.generate_lip_sync()
    assert engine.requests[-1].face.style_strength == 1.25


def test_try_it_takes_what_was_dropped_into_the_sequencer(engine: FakeEngine, tmp_path: Path) -> None:
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender has no sound")
    scene = bpy.context.scene
    scene.frame_end = 10
    added = part("core.blender.first_try").Added(scene)
    mine = part("core.blender.first_try").add_strip(scene, wav_file(tmp_path / "mine.wav"), "speech", added)
    film = part("core.blender.first_try").add_strip(
        scene, part("core.blender.first_try").REFERENCE, "reference", added
    )
    scene.frame_end = 10
    assert part("operators.try_it").wants_a_first_try(scene.mimesh)
    assert bpy.ops.mimesh.try_it() == {"FINISHED"}
    assert (scene.mimesh.speech_strip, scene.mimesh.reference_strip) == (mine, film)
    assert sorted(strip.name for strip in strips()) == sorted((mine, film))
    assert scene.frame_end >= 48


def test_a_dropped_flame_file_is_read_without_asking_again(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "head.npz").write_bytes(b"no model")
    with pytest.raises(RuntimeError, match=r"head\.npz"):
        bpy.ops.mimesh.import_flame("INVOKE_DEFAULT", filepath=str(tmp_path / "head.npz"))


def test_a_dropped_sound_is_the_speech_and_a_dropped_film_the_reference(engine: FakeEngine, tmp_path: Path) -> None:
    settings = bpy.context.scene.mimesh
    talk = wav_file(tmp_path / "talk.wav")
    assert bpy.ops.mimesh.drop_speech(filepath=str(talk)) == {"FINISHED"}
    if bpy.app.build_options.audaspace:
        (strip,) = strips()
        assert (settings.speech_kind, settings.speech_strip) == ("strip", strip.name)
        assert bpy.context.scene.frame_end >= 48
    else:
        assert (settings.speech_kind, settings.speech_file) == ("file", str(talk))
    film = part("core.blender.first_try").REFERENCE
    assert bpy.ops.mimesh.drop_reference(filepath=str(film)) == {"FINISHED"}
    assert (settings.reference_kind, settings.reference_file) == ("file", str(film))


def test_a_dropped_file_that_is_gone_or_no_sound_is_refused_and_changes_nothing(
    engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("no sound")
    for name in ("gone.wav", "notes.wav"):
        if name == "notes.wav" and not bpy.app.build_options.audaspace:
            continue
        with pytest.raises(RuntimeError, match=name):
            bpy.ops.mimesh.drop_speech(filepath=str(tmp_path / name))
    assert (bpy.context.scene.mimesh.speech_strip, strips()) == ("", [])


def test_every_file_that_can_be_dropped_has_an_operator_that_takes_it(engine: FakeEngine) -> None:
    handlers = [handler for handler in bpy.types.FileHandler.__subclasses__() if handler.__name__.startswith("MIMESH")]
    assert len(handlers) == 5
    for handler in handlers:
        operator = getattr(bpy.ops.mimesh, handler.bl_import_operator.removeprefix("mimesh."))
        assert "filepath" in operator.get_rna_type().properties
        assert all(extension.startswith(".") for extension in handler.bl_file_extensions.split(";"))


def test_blenders_own_menus_lead_to_us(engine: FakeEngine) -> None:
    menus = part("panels.menus")
    for name, draw in menus._ENTRIES:
        if hasattr(bpy.types, name):
            assert draw in getattr(bpy.types, name).draw._draw_funcs
        draw(Menu(), bpy.context)


def test_every_page_of_the_manual_map_is_a_page_of_the_docs(engine: FakeEngine) -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    for pattern, page in part("operators.manual").PAGES:
        name, _, heading = page.partition("#")
        source = docs / name.replace(".html", ".md")
        assert name.startswith("reference/") or source.is_file(), pattern
        if heading and source.is_file():
            titles = [line.lstrip("# ").lower() for line in source.read_text().splitlines() if line.startswith("#")]
            slugs = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title)).strip("-") for title in titles}
            assert heading in slugs, page


def test_the_demo_head_becomes_an_asset_and_the_scene_stays_as_it_was(engine: FakeEngine) -> None:
    bpy.ops.mesh.primitive_cube_add()
    before = (sorted(bpy.data.objects.keys()), len(bpy.data.materials), bpy.context.view_layer.objects.active.name)
    assert bpy.ops.mimesh.add_assets() == {"FINISHED"}
    assert bpy.ops.mimesh.add_assets() == {"FINISHED"}
    found = (sorted(bpy.data.objects.keys()), len(bpy.data.materials), bpy.context.view_layer.objects.active.name)
    assert found == before
    libraries = [entry for entry in bpy.context.preferences.filepaths.asset_libraries if entry.name == "Mimesh"]
    assert len(libraries) == 1
    path = Path(libraries[0].path) / "mimesh_head.blend"
    with bpy.data.libraries.load(str(path), assets_only=True) as (source, target):
        assert source.collections == ["Mimesh Talking Head"]
        target.collections = source.collections
    head = next(obj for obj in target.collections[0].objects if obj.type == "MESH")
    assert len(head.data.shape_keys.key_blocks) == 51
    assert head.modifiers[0].object in set(target.collections[0].objects)


class Menu:
    """A menu whose layout knows our operators."""

    @property
    def layout(self) -> Menu:
        return self

    def separator(self) -> None:
        pass

    def menu(self, name: str, **options: Any) -> None:
        assert hasattr(bpy.types, name)

    def operator(self, name: str, **options: Any) -> Any:
        getattr(bpy.ops.mimesh, name.removeprefix("mimesh.")).get_rna_type()
        return Menu()


def test_a_user_folder_that_cannot_be_written_is_told_and_nothing_lands_elsewhere(
    extension: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part("operators.engine_access").use_engine_maker(None)
    folder = Path(bpy.utils.user_resource("EXTENSIONS")) / ".user"
    aside = folder.with_name(".aside")
    if folder.exists():
        folder.rename(aside)
    # a file in its place refuses also who may write everywhere
    folder.touch()
    monkeypatch.chdir(tmp_path)
    try:
        with pytest.raises(RuntimeError, match=r"job folder .* cannot be written .* Cache Folder"):
            bpy.ops.mimesh.try_it()
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)
    assert list(tmp_path.iterdir()) == []
    assert "MimeshHead" not in bpy.data.objects and strips() == []
