# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips to file seconds in a real sequencer: trim, position, scene rate, and sentences for what cannot be read."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from core.blender import compat
from core.blender.compat import sequencer_strips
from core.blender.read_scene import find_strip, list_strips, read_strip_range, scene_fps
from core.errors import MediaError
from tests.blender.builders import snapshot
from tests.blender.strips_made import write_samples

SECONDS = 4.0
CLICK_SECONDS = 1.5
RATE = 16000

# the 4.2 wheel is built without sound strips
needs_sound = pytest.mark.skipif(
    not bpy.app.build_options.audaspace, reason="this bpy wheel is compiled without Audaspace"
)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Four seconds of silence with one click."""
    samples = np.zeros(int(SECONDS * RATE), np.int16)
    samples[int(CLICK_SECONDS * RATE)] = 30000
    path = tmp_path / "click.wav"
    return write_samples(path, samples)


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """Four seconds of grey at 25 fps, as raw YUV4MPEG, which needs no encoder."""
    path = tmp_path / "grey.y4m"
    frame = b"FRAME\n" + bytes([128]) * (32 * 32 * 3 // 2)
    path.write_bytes(b"YUV4MPEG2 W32 H32 F25:1 Ip A1:1 C420jpeg\n" + frame * 100)
    return path


def strips_of(scene: bpy.types.Scene) -> Any:
    """The collection that new strips are added to."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def set_rate(fps: int, base: float = 1.0) -> bpy.types.Scene:
    """The scene at a frame rate."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    return scene


@needs_sound
def test_untrimmed_sound_starts_at_its_first_frame(wav: Path) -> None:
    scene = set_rate(24)
    strip = strips_of(scene).new_sound("Talk", str(wav), 1, 10)
    found = read_strip_range(strip, scene)
    assert (found.path, found.kind, found.start_seconds, found.first_frame) == (wav, "sound", 0.0, 10.0)
    assert found.end_seconds == pytest.approx(SECONDS)
    assert found.warnings == ()


@needs_sound
@pytest.mark.parametrize(("fps", "base"), [(24, 1.001), (24, 1.0), (25, 1.0), (30, 1.001), (60, 1.0)])
def test_trimmed_sound_agrees_with_what_blender_plays(wav: Path, tmp_path: Path, fps: int, base: float) -> None:
    scene = set_rate(fps, base)
    strip = strips_of(scene).new_sound("Talk", str(wav), 1, 10)
    strip.frame_offset_start = 20
    strip.frame_offset_end = 5
    found = read_strip_range(strip, scene)
    assert found.first_frame == 30.0
    assert found.start_seconds == pytest.approx(20 * base / fps)
    heard = found.first_frame + (CLICK_SECONDS - found.start_seconds) * fps / base
    scene.frame_start, scene.frame_end = 1, 300
    mixed = tmp_path / "mixed.wav"
    bpy.ops.sound.mixdown(filepath=str(mixed), container="WAV", codec="PCM", format="S16")
    with wave.open(str(mixed)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, file.getnchannels())
        rate = file.getframerate()
    played = 1 + np.abs(samples[:, 0].astype(int)).argmax() / rate * fps / base
    assert heard == pytest.approx(played, abs=0.05)


def test_movie_seconds_follow_its_own_rate(movie: Path) -> None:
    scene = set_rate(24)
    strip = strips_of(scene).new_movie("Reference", str(movie), 1, 10)
    strip.frame_offset_start = 25
    strip.frame_offset_end = 25
    found = read_strip_range(strip, scene)
    assert (found.kind, found.first_frame, found.last_frame) == ("movie", 35.0, 85.0)
    assert (found.start_seconds, found.end_seconds) == (pytest.approx(1.0), pytest.approx(3.0))
    assert any("25 fps" in warning and "24" in warning for warning in found.warnings)


def test_hard_trim_is_honoured(movie: Path) -> None:
    scene = set_rate(25)
    strip = strips_of(scene).new_movie("Reference", str(movie), 1, 10)
    name = "content_trim_start" if hasattr(strip, "content_trim_start") else "animation_offset_start"
    setattr(strip, name, 25)
    found = read_strip_range(strip, scene)
    seconds = found.end_seconds - found.start_seconds
    assert found.start_seconds + (found.first_frame - compat.strip_left(strip)) / 25 == pytest.approx(1.0)
    assert seconds == pytest.approx((found.last_frame - found.first_frame) / 25)


def test_timing_honours_the_frame_base(movie: Path) -> None:
    scene = set_rate(30, 1.001)
    found = read_strip_range(strips_of(scene).new_movie("Reference", str(movie), 1, 10), scene)
    assert scene_fps(scene) == pytest.approx(29.97003, abs=1e-5)
    assert found.first_frame == 10.0


def test_strip_pulled_out_before_its_media_starts_where_the_media_does(movie: Path) -> None:
    scene = set_rate(25)
    strip = strips_of(scene).new_movie("Reference", str(movie), 1, 10)
    strip.frame_offset_start = -5
    found = read_strip_range(strip, scene)
    assert (found.start_seconds, found.first_frame) == (0.0, 10.0)
    assert found.end_seconds == pytest.approx(SECONDS)


def test_strips_are_listed_in_time_order_and_found_by_name(movie: Path) -> None:
    scene = set_rate(25)
    strips_of(scene).new_movie("Later", str(movie), 1, 200)
    strips_of(scene).new_movie("Sooner", str(movie), 2, 10)
    assert [info.name for info in list_strips(scene)] == ["Sooner", "Later"]
    assert [info.kind for info in list_strips(scene)] == ["movie", "movie"]
    assert find_strip(scene, "Later").name == "Later"


def test_scene_without_sequencer_has_no_strips() -> None:
    assert list_strips(bpy.context.scene) == ()
    assert sequencer_strips(bpy.context.scene) == []


def test_unknown_strip_is_refused_naming_those_present(movie: Path) -> None:
    scene = set_rate(25)
    strips_of(scene).new_movie("Reference", str(movie), 1, 1)
    with pytest.raises(MediaError, match=r'no sound or movie strip "Speech" \(present: Reference\)'):
        find_strip(scene, "Speech")


def test_muted_strip_is_used_with_a_warning(movie: Path) -> None:
    scene = set_rate(25)
    strip = strips_of(scene).new_movie("Reference", str(movie), 1, 1)
    strip.mute = True
    assert any("is muted" in warning for warning in read_strip_range(strip, scene).warnings)


def test_missing_file_is_refused_naming_the_path(movie: Path) -> None:
    scene = set_rate(25)
    strip = strips_of(scene).new_movie("Reference", str(movie), 1, 1)
    movie.unlink()
    before = snapshot()
    with pytest.raises(MediaError, match=r'file of "Reference" is missing: .*grey\.y4m'):
        read_strip_range(strip, scene)
    assert snapshot() == before


@needs_sound
def test_packed_sound_is_refused_until_unpacked(wav: Path) -> None:
    scene = set_rate(25)
    strip = strips_of(scene).new_sound("Talk", str(wav), 1, 1)
    strip.sound.pack()
    assert read_strip_range(strip, scene).path == wav
    wav.unlink()
    with pytest.raises(MediaError, match='"Talk" is packed'):
        read_strip_range(strip, scene)


def test_strip_under_a_speed_effect_is_refused(movie: Path) -> None:
    scene = set_rate(25)
    strips = strips_of(scene)
    strip = strips.new_movie("Reference", str(movie), 1, 1)
    names = {parameter.identifier for parameter in strips.bl_rna.functions["new_effect"].parameters}
    end = {"length": 100} if "length" in names else {"frame_end": 101}
    first = {"input1": strip} if "input1" in names else {"seq1": strip}
    strips.new_effect("Faster", "SPEED", 2, frame_start=1, **end, **first)
    with pytest.raises(MediaError, match='"Reference" runs under the speed effect "Faster"'):
        read_strip_range(strip, scene)


def test_strip_of_another_type_is_refused() -> None:
    scene = set_rate(25)
    strips = strips_of(scene)
    names = {parameter.identifier for parameter in strips.bl_rna.functions["new_effect"].parameters}
    end = {"length": 20} if "length" in names else {"frame_end": 21}
    strip = strips.new_effect("Red", "COLOR", 1, frame_start=1, **end)
    with pytest.raises(MediaError, match='"Red" is not a sound or movie strip'):
        read_strip_range(strip, scene)
