# SPDX-License-Identifier: GPL-3.0-or-later
"""What we read of a strip is what Blender plays of it: random arrangements beside Blender's own mixdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from core.blender import compat
from core.blender.read_scene import (
    StripRange,
    find_strip,
    list_strips,
    read_strip_range,
    read_strips_together,
    scene_fps,
    sound_strips_on_channel,
)
from core.blender.strips.place import place_of
from core.errors import MediaError
from tests.blender.builders import snapshot
from tests.blender.strips_made import SECONDS, into_meta, read_wav, set_offsets, set_span, strips_of, write_wav

pytestmark = [
    pytest.mark.skipif(not bpy.app.build_options.audaspace, reason="this bpy wheel is compiled without Audaspace"),
    pytest.mark.slow,
]

WITHIN_SECONDS = 0.01
RNG = np.random.default_rng(17)


@dataclass(frozen=True)
class Heard:
    """Scene seconds of the first and the last loud sample; None where all is silent."""

    first: float
    last: float


def loud(samples: np.ndarray, rate: int, seconds_at_start: float) -> Heard | None:
    at = np.flatnonzero(np.abs(samples) > 1500)
    return Heard(seconds_at_start + at[0] / rate, seconds_at_start + at[-1] / rate) if len(at) else None


def played(scene: bpy.types.Scene, folder: Path, last_frame: int = 400) -> Heard | None:
    """What Blender plays of the whole scene, in seconds from frame 0."""
    scene.frame_start, scene.frame_end = 0, last_frame
    path = folder / "played.wav"
    with bpy.context.temp_override(scene=scene):
        bpy.ops.sound.update_animation_flags()
        bpy.ops.sound.bake_animation()
        bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16", accuracy=64)
    return loud(*read_wav(path), 0.0)


def keyed(found: StripRange, scene: bpy.types.Scene) -> Heard | None:
    """What the engine would hear, on the scene's clock."""
    samples, rate = read_wav(found.path)
    part = samples[round(found.start_seconds * rate) : round(found.end_seconds * rate)]
    return loud(part, rate, found.first_frame / scene_fps(scene))


def assert_same(ours: Heard | None, blenders: Heard | None) -> None:
    if blenders is None or ours is None:
        assert ours == blenders
        return
    assert ours.first == pytest.approx(blenders.first, abs=WITHIN_SECONDS)
    assert ours.last == pytest.approx(blenders.last, abs=WITHIN_SECONDS)


# before 5.2 adding a retiming key by script ends Blender
RETIMES = bpy.app.version >= (5, 2, 0)


def arrange(strip: Any, scene: bpy.types.Scene) -> None:
    """Do to a strip at random what artists do."""
    frames = round(compat.strip_media_frames(strip))
    if RNG.random() < 0.6:
        set_offsets(strip, float(RNG.uniform(0, 0.4) * frames), float(RNG.uniform(0, 0.4) * frames))
    if RNG.random() < 0.3:
        strip.sound_offset = float(RNG.uniform(-0.3, 0.3))
    if RETIMES and RNG.random() < 0.3:
        strip.retiming_keys.add(timeline_frame=round((compat.strip_left(strip) + compat.strip_right(strip)) / 2))
        keys = list(strip.retiming_keys)
        moved = keys[len(keys) // 2]
        moved.timeline_frame = moved.timeline_frame + int(RNG.integers(-8, 24))
    if RNG.random() < 0.3:
        for frame, volume in ((1, 1.0), (int(RNG.integers(40, 90)), 0.0)):
            strip.volume = volume
            strip.keyframe_insert("volume", frame=frame)
    if RNG.random() < 0.4:
        meta = into_meta(strip, scene, 5)
        left, right = compat.strip_left(meta), compat.strip_right(meta)
        set_span(meta, round(left + RNG.uniform(0, 0.3) * (right - left)), round(right - 0.2 * (right - left)))
        if RNG.random() < 0.5:
            into_meta(meta, scene, 6)


RATES = ((24, 1.0), (25, 1.0), (24, 1.001), (30, 1.001), (30, 1.0), (60, 1.0))


@pytest.mark.parametrize("trial", range(24))
def test_the_first_and_last_sample_heard_are_where_blender_plays_them(tmp_path: Path, trial: int) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = RATES[trial % len(RATES)]
    path = write_wav(tmp_path / "talk.wav", [(0.0, SECONDS)] if trial % 2 else [(0.6, 1.1), (2.2, 3.3)])
    strip = strips_of(scene).new_sound("Talk", str(path), 1, int(RNG.integers(1, 60)))
    arrange(strip, scene)
    other = strips_of(scene).new_sound("Music", str(write_wav(tmp_path / "m.wav", [(0, SECONDS)])), 9, 1)
    before = snapshot()
    found = read_strip_range(strip, scene)
    assert snapshot() == before
    other.mute = True
    assert_same(keyed(found, scene), played(scene, tmp_path))


@pytest.mark.parametrize("moved", [-7, 13])
def test_a_moved_meta_moves_what_is_heard_of_the_strip_in_it(tmp_path: Path, moved: int) -> None:
    scene = bpy.context.scene
    strip = strips_of(scene).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 1, 20)
    meta = into_meta(strip, scene, 2)
    name = "content_start" if hasattr(meta, "content_start") else "frame_start"
    setattr(meta, name, getattr(meta, name) + moved)
    assert_same(keyed(read_strip_range(strip, scene), scene), played(scene, tmp_path))


def silence_strip(strip: Any, scene: bpy.types.Scene) -> None:
    strip.mute = True


def silence_channel(strip: Any, scene: bpy.types.Scene) -> None:
    scene.sequence_editor.channels[strip.channel].mute = True


def silence_meta(strip: Any, scene: bpy.types.Scene) -> None:
    into_meta(strip, scene, 2).mute = True


def silence_channel_inside(strip: Any, scene: bpy.types.Scene) -> None:
    into_meta(strip, scene, 2).channels[strip.channel].mute = True


def silence_volume(strip: Any, scene: bpy.types.Scene) -> None:
    strip.volume = 0.0


@pytest.mark.parametrize(
    ("silence", "said"),
    [
        (silence_strip, "is muted"),
        (silence_channel, 'the channel "Channel 1" is muted'),
        (silence_meta, 'its meta strip "Around" is muted'),
        (silence_channel_inside, "is muted"),
        (silence_volume, "its volume is 0"),
    ],
)
def test_whatever_silences_a_strip_is_said_and_blender_agrees(tmp_path: Path, silence: Any, said: str) -> None:
    scene = bpy.context.scene
    strip = strips_of(scene).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 1, 20)
    silence(strip, scene)
    found = read_strip_range(strip, scene)
    assert any(said in warning for warning in found.warnings)
    assert played(scene, tmp_path) is None
    # who chooses it all the same gets its speech
    assert keyed(found, scene) is not None


def test_a_meta_that_shows_nothing_of_a_strip_refuses_it(tmp_path: Path) -> None:
    scene = bpy.context.scene
    strip = strips_of(scene).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0, 4)])), 1, 1)
    other = strips_of(scene).new_sound("Long", str(write_wav(tmp_path / "l.wav", [(0, 9)], 9.0)), 2, 1)
    meta = into_meta(strip, scene, 3)
    other.move_to_meta(meta)
    set_span(meta, 150, 200)
    with pytest.raises(MediaError, match='"Talk" shows no part'):
        read_strip_range(strip, scene)


def test_a_strip_of_another_scene_is_found_and_the_scene_of_the_keys_is_said(tmp_path: Path) -> None:
    scene = bpy.context.scene
    edit = bpy.data.scenes.new("Edit")
    edit.render.fps = scene.render.fps
    strip = strips_of(edit).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 1, 20)
    assert find_strip(scene, "Talk") == strip
    assert [(info.name, info.scene) for info in list_strips(scene)] == [("Talk", "Edit")]
    found = read_strip_range(find_strip(scene, "Talk"), scene)
    assert found.first_frame == 20.0
    assert any('lies in the scene "Edit"; the keys are set in "Scene"' in warning for warning in found.warnings)


@pytest.mark.skipif(not hasattr(bpy.types.WorkSpace, "sequencer_scene"), reason="since Blender 5.0")
def test_the_scene_that_the_sequencer_shows_comes_first_and_is_shown_again(tmp_path: Path) -> None:
    scene = bpy.context.scene
    other, edit = bpy.data.scenes.new("A"), bpy.data.scenes.new("Edit")
    early, late = (write_wav(tmp_path / f"{i}.wav", [(i, i + 1)]) for i in (1, 2))
    strips_of(other).new_sound("Talk", str(early), 1, 1)
    strip = strips_of(edit).new_sound("Talk", str(late), 1, 1)
    strip.sound_offset = 0.25
    bpy.context.workspace.sequencer_scene = edit
    found = read_strip_range(find_strip(scene, "Talk"), scene)
    assert bpy.context.workspace.sequencer_scene == edit
    assert_same(keyed(found, edit), played(edit, tmp_path))


def test_under_a_scene_strip_the_keys_lie_on_the_frames_that_it_shows(tmp_path: Path) -> None:
    scene = bpy.context.scene
    edit = bpy.data.scenes.new("Edit")
    edit.render.fps = scene.render.fps
    strips_of(edit).new_scene("Shot", scene, 1, 101)
    scene.frame_start = 1
    strip = strips_of(edit).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 2, 111)
    assert read_strip_range(strip, scene).first_frame == 11.0


def test_strips_of_one_character_are_one_speech_and_music_is_left_out(tmp_path: Path) -> None:
    scene = bpy.context.scene
    strips = strips_of(scene)
    first = strips.new_sound("One", str(write_wav(tmp_path / "1.wav", [(0.5, 1.5)], 2.0)), 3, 10)
    second = strips.new_sound("Two", str(write_wav(tmp_path / "2.wav", [(0.2, 1.0)], 2.0)), 3, 120)
    music = strips.new_sound("Music", str(write_wav(tmp_path / "m.wav", [(0, 9)], 9.0)), 1, 1)
    assert sound_strips_on_channel(scene, 3) == [first, second]
    found = read_strips_together(sound_strips_on_channel(scene, 3), scene)
    assert found.warnings == ()
    music.mute = True
    assert_same(keyed(found, scene), played(scene, tmp_path))
    second.mute = True
    assert "Silent and left out: Two." in read_strips_together([first, second], scene).warnings


def test_overlap_of_chosen_strips_is_said(tmp_path: Path) -> None:
    scene = bpy.context.scene
    path = str(write_wav(tmp_path / "1.wav", [(0.5, 1.5)], 2.0))
    both = [strips_of(scene).new_sound(name, path, channel, 10) for name, channel in (("One", 1), ("Two", 2))]
    assert any('"One" and "Two" overlap' in warning for warning in read_strips_together(both, scene).warnings)


def test_a_meta_strip_is_heard_as_one(tmp_path: Path) -> None:
    scene = bpy.context.scene
    strip = strips_of(scene).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 1, 20)
    meta = into_meta(strip, scene, 2)
    assert "Around" in [info.name for info in list_strips(scene)]
    assert_same(keyed(read_strip_range(meta, scene), scene), played(scene, tmp_path))


def test_the_place_of_a_nested_strip_names_its_metas(tmp_path: Path) -> None:
    scene = bpy.context.scene
    strip = strips_of(scene).new_sound("Talk", str(write_wav(tmp_path / "t.wav", [(0.5, 3.0)])), 1, 20)
    meta = into_meta(strip, scene, 2)
    meta.name = "Inner"
    outer = into_meta(meta, scene, 3)
    assert [found.name for found in place_of(strip).metas] == [outer.name, "Inner"]
