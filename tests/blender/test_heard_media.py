# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed sound and movies in the sequencer: read by the engine's decoder, beside Blender's own playback."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from core.blender import compat
from core.blender.read_scene import read_strip_range, scene_fps
from core.blender.session import scene_timing
from tests.blender.strips_made import set_offsets, set_span
from tests.blender.test_heard_strips import played

pytestmark = pytest.mark.slow

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("av") is None or not bpy.app.build_options.audaspace,
    reason="this Python has not the engine's packages, or this Blender no sound",
)

WITHIN_SECONDS = 0.01


def strips_of(scene: bpy.types.Scene) -> Any:
    return compat.strips_of(scene.sequence_editor or scene.sequence_editor_create())


def burst(rate: int, begin: float = 1.0, end: float = 2.0, seconds: float = 3.0) -> np.ndarray:
    at = np.arange(round(seconds * rate)) / rate
    return np.where((at >= begin) & (at < end), 0.6 * np.sin(2 * np.pi * 700 * at), 0.0).astype(np.float32)


def heard_by_engine(found: Any, scene: bpy.types.Scene) -> tuple[float, float]:
    from core.audio.decode import load_speech
    from core.audio.speech import SAMPLE_RATE

    samples = load_speech(found.path, found.start_seconds, found.end_seconds).samples
    at = np.flatnonzero(np.abs(samples) > 0.1)
    begin = found.first_frame / scene_fps(scene)
    return begin + at[0] / SAMPLE_RATE, begin + at[-1] / SAMPLE_RATE


@needs_engine
@pytest.mark.parametrize("trim", [0, 30])
@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp3", "libmp3lame", 44100),
        ("a.ogg", "libopus", 48000),
        ("a.flac", "flac", 48000),
        ("a.m4a", "aac", 48000),
        ("a.mkv", "aac", 48000),
        ("a.mp4", "aac", 44100),
        ("o.webm", "libopus", 48000),
        ("t.ts", "aac", 48000),
    ],
)
def test_every_kind_of_sound_strip_is_heard_where_blender_plays_it(
    tmp_path: Path, name: str, codec: str, rate: int, trim: int
) -> None:
    from tests.media import write_audio

    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    strip = strips_of(scene).new_sound(
        "Talk", str(write_audio(tmp_path / name, burst(rate)[None], rate, codec)), 1, 11
    )
    set_span(strip, 11 + trim, round(compat.strip_right(strip)))
    ours = heard_by_engine(read_strip_range(strip, scene), scene)
    blenders = played(scene, tmp_path)
    assert blenders is not None
    assert ours == pytest.approx((blenders.first, blenders.last), abs=WITHIN_SECONDS)


@needs_engine
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files")
@pytest.mark.parametrize(("name", "codec"), [("v.ogg", "libvorbis"), ("w.wma", "wmav2")])
def test_sound_that_blender_plays_early_is_keyed_where_it_plays_it(tmp_path: Path, name: str, codec: str) -> None:
    from tests.media import write_audio

    scene = bpy.context.scene
    plain = write_audio(tmp_path / "plain.wav", burst(16000)[None], 16000, "pcm_s16le")
    path = tmp_path / name
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(plain), "-c:a", codec, str(path)], check=True, timeout=60)
    strip = strips_of(scene).new_sound("Talk", str(path), 1, 11)
    ours = heard_by_engine(read_strip_range(strip, scene), scene)
    blenders = played(scene, tmp_path)
    assert blenders is not None
    assert ours == pytest.approx((blenders.first, blenders.last), abs=WITHIN_SECONDS)


@needs_engine
@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.001), (60, 1.0), (60, 1.001)])
@pytest.mark.parametrize("between", [0.0, 0.37])
def test_a_phones_video_is_heard_where_blender_plays_it_also_between_frames(
    tmp_path: Path, fps: int, base: float, between: float
) -> None:
    from tests.media import write_video

    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    grey = [np.full((48, 64, 3), 90 + index % 9, np.uint8) for index in range(180)]
    path = write_video(tmp_path / "phone.mp4", grey, fps=60, sound=burst(16000))
    strip = strips_of(scene).new_sound("Talk", str(path), 1, 11)
    set_offsets(strip, 6 + between, 2 + between)
    ours = heard_by_engine(read_strip_range(strip, scene), scene)
    blenders = played(scene, tmp_path)
    assert blenders is not None
    assert ours == pytest.approx((blenders.first, blenders.last), abs=WITHIN_SECONDS)


@needs_engine
def test_sound_that_starts_late_in_its_file_is_keyed_where_blender_plays_it(tmp_path: Path) -> None:
    scene = bpy.context.scene
    path = late_sound(tmp_path / "late.mkv")
    strip = strips_of(scene).new_sound("Talk", str(path), 1, 11)
    ours = heard_by_engine(read_strip_range(strip, scene), scene)
    blenders = played(scene, tmp_path)
    assert blenders is not None
    assert ours == pytest.approx((blenders.first, blenders.last), abs=WITHIN_SECONDS)


def late_sound(path: Path) -> Path:
    """A video whose sound begins half a second after its picture."""
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for index in range(100):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        samples = (burst(16000)[None] * 32767).astype(np.int16)
        for at in range(0, samples.shape[1], 800):
            frame = av.AudioFrame.from_ndarray(samples[:, at : at + 800].copy(), format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = 16000, at + 8000, Fraction(1, 16000)
            container.mux(sound.encode(frame))
    return path


@pytest.fixture
def fast_movie(tmp_path: Path) -> Path:
    """Four seconds at 60 pictures a second, as phones film; raw YUV4MPEG, which needs no encoder."""
    path = tmp_path / "v60.y4m"
    frame = b"FRAME\n" + bytes([128]) * (32 * 32 * 3 // 2)
    path.write_bytes(b"YUV4MPEG2 W32 H32 F60:1 Ip A1:1 C420jpeg\n" + frame * 240)
    return path


def add_as_a_person_does(path: Path) -> Any:
    """*Add > Movie* in a sequencer area."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    window = bpy.context.window_manager.windows[0]
    scene = bpy.context.scene
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = scene
    with bpy.context.temp_override(window=window, area=area, region=area.regions[-1]):
        known = bpy.ops.sequencer.movie_strip_add.get_rna_type().properties
        options = {"move_strips": False} if "move_strips" in known else {}
        bpy.ops.sequencer.movie_strip_add(
            filepath=str(path), frame_start=10, channel=1, use_framerate=False, sound=False, **options
        )
    return next(strip for strip in compat.sequencer_strips(scene) if strip.type == "MOVIE")


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_a_movie_that_plays_at_its_own_speed_is_read_whole(fast_movie: Path, fps: int) -> None:
    scene = bpy.context.scene
    scene.render.fps = fps
    strip = add_as_a_person_does(fast_movie)
    found = read_strip_range(strip, scene)
    assert (found.start_seconds, found.end_seconds) == (0.0, pytest.approx(4.0, abs=1.1 / fps))
    assert found.warnings == ()
    middle = round((compat.strip_left(strip) + compat.strip_right(strip)) / 2)
    set_span(strip, middle, round(compat.strip_right(strip)))
    found = read_strip_range(strip, scene)
    assert found.start_seconds == pytest.approx(2.0, abs=1.1 / fps)
    assert found.first_frame == middle


def test_a_movie_that_shows_a_picture_a_frame_drifts_and_is_told(fast_movie: Path) -> None:
    scene = bpy.context.scene
    scene.render.fps = 24
    strip = strips_of(scene).new_movie("Reference", str(fast_movie), 1, 10)
    clips = len(bpy.data.movieclips)
    found = read_strip_range(strip, scene)
    assert len(bpy.data.movieclips) == clips
    assert found.end_seconds == pytest.approx(4.0, abs=0.05)
    assert found.last_frame - found.first_frame == 240
    assert "drift apart" in found.warnings[0]


def test_time_remapping_is_followed() -> None:
    scene = bpy.context.scene
    scene.render.fps = 24
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    obj = bpy.data.objects.new("Clock", None)
    scene.collection.objects.link(obj)
    timing = scene_timing(scene, 40.0)
    for seconds in (0.0, 1.0, 2.0):
        # a key set for this second is shown when the sound is there
        key = timing.first_frame + seconds * timing.fps
        obj.location.x = seconds
        obj.keyframe_insert("location", index=0, frame=key)
    for curve in compat.owner_curves(obj):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    scene.frame_set(40 + 24)
    assert obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).location.x == pytest.approx(1.0, abs=1e-4)
