# SPDX-License-Identifier: GPL-3.0-or-later
"""Choices about sources in the panel: tracks, people, strips of one character, and what was seen of the reference."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
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
    wav_file,
)

pytestmark = pytest.mark.slow

needs_sound = pytest.mark.skipif(not bpy.app.build_options.audaspace, reason="this Blender is built without sound")


@pytest.fixture
def settings(ready: Any, tmp_path: Path) -> Any:
    """The demo head, a speech file and a reference file."""
    (tmp_path / "clip.mp4").write_bytes(b"not looked at here")
    ready.reference_kind, ready.reference_file = "file", str(tmp_path / "clip.mp4")
    return ready


def seen() -> Any:
    """A report of five seconds, of which one has a covered mouth."""
    second = part("core.tracking.seconds").SecondQuality
    flawed = [("mouth covered",) if number == 3 else () for number in range(5)]
    bar = tuple(second(float(n), why, 1.0, 200.0, 3.0, 0.0, 0) for n, why in enumerate(flawed))
    report = part("core.tracking.quality").QualityReport
    return report("clip.mp4", 3.0, 25.0, 0.0, 200.0, 0.1, 3.0, 0.0, 0.8, ("Told.",), (0.0, 3.0), bar)


class Rows:
    """A layout that notes what is drawn into it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.properties: list[str] = []
        self.buttons: list[str] = []

    def box(self, **options: Any) -> Rows:
        return self

    row = column = box

    def label(self, text: str = "", icon: str = "NONE") -> None:
        self.lines.append(text)

    def prop(self, owner: Any, name: str, text: str = "", **options: Any) -> None:
        assert name in owner.bl_rna.properties
        self.properties.append(name)
        self.buttons.append(text)

    def operator(self, name: str, **options: Any) -> None:
        self.buttons.append(name)


def test_the_reference_is_checked_before_anything_is_generated(settings: Any) -> None:
    engine = use_engine(FakeEngine(talking, look=lambda source: SimpleNamespace(report=seen(), picture=b"")))
    assert bpy.ops.mimesh.check_reference() == {"FINISHED"}
    run = bpy.context.window_manager.mimesh_run
    assert run.result.startswith("clip.mp4: 3.0 s of face") and run.warnings == "Told."
    assert (engine.looked_at[0].path.name, engine.looked_at[0].person, engine.looked_at[0].track) == (
        "clip.mp4",
        None,
        None,
    )
    rows = Rows()
    part("panels.reference_quality").draw_quality(rows, bpy.context)
    # one button a second, as wide as the row lets them be, in a colour that a click cannot change
    assert rows.properties == [*["colour_used"] * 3, "colour_flawed", "colour_usable"]
    before = tuple(run.colour_used)
    with pytest.raises(AttributeError):
        run.colour_used = (0.0, 0.0, 0.0)
    assert tuple(run.colour_used) == before and run.is_property_readonly("colour_used")
    assert "3 to 4 s: mouth covered" in " ".join(rows.lines)


def test_the_clip_with_its_landmarks_is_kept_beside_its_bar_and_goes_into_the_report(
    settings: Any, tmp_path: Path
) -> None:
    data = part("core.png").png(np.zeros((8, 8, 3), np.uint8))
    engine = use_engine(FakeEngine(talking, look=lambda source: SimpleNamespace(report=seen(), picture=data)))
    # the same clip is seen in the same way when it is learnt from
    engine.answer = lambda request: dataclasses.replace(talking(request), reference_report=seen())
    assert bpy.ops.mimesh.check_reference() == {"FINISHED"}
    pictures, run = part("operators.reference_picture"), bpy.context.window_manager.mimesh_run
    assert pictures.picture_of(run.quality) == pictures.picture_path().read_bytes() == data
    assert pictures.picture_of("another clip's") == b""
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert bpy.ops.mimesh.write_report(filepath=str(tmp_path / "report.html")) == {"FINISHED"}
    page = (tmp_path / "report.html").read_text("utf-8")
    assert base64.b64encode(data).decode() in page and "Reference as it was tracked" in page


def test_a_report_looks_at_a_reference_that_nobody_has_checked(settings: Any, tmp_path: Path) -> None:
    data = part("core.png").png(np.full((8, 8, 3), 90, np.uint8))
    looks: list[Any] = []
    engine = use_engine(
        FakeEngine(talking, look=lambda source: looks.append(source) or SimpleNamespace(report=seen(), picture=data))
    )
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert bpy.ops.mimesh.write_report(filepath=str(tmp_path / "report.html")) == {"FINISHED"}
    assert base64.b64encode(data).decode() in (tmp_path / "report.html").read_text("utf-8")
    assert [look.path for look in looks] == [engine.requests[0].reference.path]
    # a clip that is gone is no reason to write nothing, and it is told
    settings.reference_file = str(tmp_path / "gone.mp4")
    bpy.context.window_manager.mimesh_run.quality = ""
    assert bpy.ops.mimesh.write_report(filepath=str(tmp_path / "other.html")) == {"FINISHED"}
    assert "Reference as it was tracked" not in (tmp_path / "other.html").read_text("utf-8")
    assert "gone.mp4" in bpy.context.window_manager.mimesh_run.result


def test_what_was_seen_of_the_reference_is_shown_after_generating_too(settings: Any) -> None:
    use_engine(FakeEngine(lambda request: dataclasses.replace(talking(request), reference_report=seen())))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert json.loads(bpy.context.window_manager.mimesh_run.quality)["used_seconds"] == [0.0, 3.0]


def test_tracks_and_the_person_go_to_the_engine(settings: Any) -> None:
    settings.speech_track, settings.reference_track, settings.reference_person = 2, 3, 1
    engine = use_engine(FakeEngine(talking))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    request = engine.requests[0]
    assert (request.audio.track, request.audio.person) == (2, None)
    assert (request.reference.track, request.reference.person) == (3, 1)
    rows = Rows()
    part("panels.reference_quality").draw_clip_choices(rows, settings)
    assert rows.buttons == ["Person", "Track", "mimesh.check_reference"]


def test_a_refusal_while_checking_leaves_no_bar(settings: Any) -> None:
    use_engine(FakeEngine(talking, look=failing("ReferenceClipError", "Two people.")))
    bpy.context.window_manager.mimesh_run.quality = json.dumps(seen().to_json())
    with pytest.raises(RuntimeError, match="Two people"):
        bpy.ops.mimesh.check_reference()
    assert bpy.context.window_manager.mimesh_run.quality == ""


def test_a_style_cannot_be_checked_and_it_is_said(settings: Any) -> None:
    settings.reference_kind = "none"
    assert not bpy.ops.mimesh.check_reference.poll()
    reason = part("operators.check_reference").check_disabled_reason(bpy.context)
    assert reason == "Only a clip can be checked: choose a strip or a file."


@needs_sound
def test_the_selected_strips_of_a_character_are_one_speech_by_their_names(settings: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    strips = part("core.blender.compat").strips_of(scene.sequence_editor_create())
    made = [
        strips.new_sound(name, str(wav_file(tmp_path / f"{name}.wav")), channel, start)
        for name, channel, start in (("Two", 3, 120), ("One", 3, 10), ("Music", 1, 1))
    ]
    for strip in made:
        strip.select = strip.name != "Music"
    assert bpy.ops.mimesh.use_selected_strips() == {"FINISHED"}
    assert (settings.speech_kind, settings.speech_strips) == ("strips", "One\nTwo")
    settings.reference_kind = "none"
    engine = use_engine(FakeEngine(talking))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert engine.requests[0].audio.label == 'One, Two (mixed from the sequencer of "Scene")'
    settings.speech_kind, settings.speech_channel = "channel", 3
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert engine.requests[1].audio.label == engine.requests[0].audio.label


@needs_sound
def test_a_muted_strip_that_is_chosen_is_keyed_all_the_same_and_told(settings: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    strips = part("core.blender.compat").strips_of(scene.sequence_editor_create())
    strips.new_sound("Talk", str(wav_file(tmp_path / "t.wav")), 1, 10).mute = True
    settings.speech_kind, settings.speech_strip, settings.reference_kind = "strip", "Talk", "none"
    use_engine(FakeEngine(talking))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert 'The strip "Talk" is muted: it is used, but left out of playback.' in (
        bpy.context.window_manager.mimesh_run.warnings
    )
