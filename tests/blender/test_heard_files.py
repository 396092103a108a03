# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound file given directly: keys lie where Blender plays it, for every kind that ffmpeg writes here."""

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
from core.blender.blend_file import place_sound
from core.blender.read_scene import scene_fps
from core.blender.sources import read_speech
from core.blender.strips.played_file import with_playback
from core.client.choices import SourceChoice
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from tests.blender.builders import snapshot
from tests.blender.strips_made import RATE, read_wav, write_samples, write_wav

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files"),
    pytest.mark.skipif(
        importlib.util.find_spec("av") is None or not bpy.app.build_options.audaspace,
        reason="this Python has not the engine's packages, or this Blender no sound",
    ),
]

WITHIN_SECONDS = 0.01
SECONDS = 3.0

# name, ffmpeg's options: how a second of speech that begins at second 1 is written
KINDS = {
    "pcm.wav": "-c:a pcm_s16le",
    "pcm.mxf": "-f lavfi -i color=s=320x240:r=25:d=3 -c:v mpeg2video -c:a pcm_s16le -ar 48000",
    "mulaw.wav": "-c:a pcm_mulaw -ar 8000",
    "float.wav": "-c:a pcm_f32le",
    "studio.wav": "-c:a pcm_s24le -ar 192000",
    "ima.wav": "-c:a adpcm_ima_wav",
    "mp3.wav": "-c:a libmp3lame",
    "apple.aiff": "-c:a pcm_s24be",
    "a.flac": "-c:a flac",
    "alac.m4a": "-c:a alac",
    "aac.m4a": "-c:a aac",
    "aac.mov": "-c:a aac",
    "aac.3gp": "-c:a aac",
    "aac.mkv": "-c:a aac",
    "aac.ts": "-c:a aac",
    "aac.flv": "-c:a aac",
    "aac.aac": "-c:a aac",
    "a.mp3": "-c:a libmp3lame",
    "untagged.mp3": "-c:a libmp3lame -write_xing 0",
    "mp3.mp4": "-c:a libmp3lame",
    "mp3.mov": "-c:a libmp3lame",
    "mp3.mkv": "-c:a libmp3lame",
    "mp3.avi": "-c:a libmp3lame",
    "opus.ogg": "-c:a libopus",
    "opus.opus": "-c:a libopus",
    "opus.webm": "-c:a libopus",
    "opus.mp4": "-c:a libopus",
    "vorbis.ogg": "-c:a libvorbis",
    "vorbis.mkv": "-c:a libvorbis",
    "vorbis.webm": "-c:a libvorbis",
    "vorbis.mp4": "-c:a libvorbis",
    "wmav1.wma": "-c:a wmav1",
    "wmav2.wma": "-c:a wmav2",
    "wmav2.avi": "-c:a wmav2",
    "ac3.mp4": "-c:a ac3",
    "ac3.ts": "-c:a ac3",
    "eac3.mkv": "-c:a eac3",
    "mp2.mpg": "-c:a mp2",
    "late.mkv": "-f lavfi -i color=s=64x64:r=25:d=4 -map 1 -map 0:a -c:v mpeg4 -c:a pcm_s16le",
}
# of these Blender leaves out more than their headers say, or the silence before the sound
NOT_BY_THEIR_OWN_CLOCK = {"a.mp3", "mp3.mp4", "mp3.mov", "vorbis.mp4", "vorbis.ogg", "late.mkv"}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise in syllables from second 1 to 2, of which no part is like another."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    at = np.arange(round(SECONDS * RATE)) / RATE
    noise = np.convolve(np.random.default_rng(5).normal(size=len(at)), np.hanning(8) / 4, "same")
    samples = np.where((at >= 1) & (at < 2), 0.3 * noise * np.sin(2 * np.pi * 4 * at) ** 2, 0.0)
    return write_sound(path, samples)


def write_sound(path: Path, samples: np.ndarray) -> Path:
    """Samples between -1 and 1."""
    return write_samples(path, np.clip(samples, -1, 1) * 32767)


def encoded(spoken: Path, folder: Path, name: str) -> Path:
    late = ["-itsoffset", "0.5"] if name.startswith("late") else []
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *late, "-i", str(spoken), *KINDS[name].split()]
    subprocess.run([*command, str(folder / name)], check=True, timeout=120)
    return folder / name


def played(scene: bpy.types.Scene, folder: Path, strip: Any) -> np.ndarray:
    """(N,) at 16 kHz from frame 0, the scene as Blender mixes it down."""
    from core.audio.decode import load_speech

    scene.frame_start, scene.frame_end = 0, round(compat.strip_right(strip))
    path = folder / "played.wav"
    bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16", accuracy=64)
    samples, rate = read_wav(path)
    return load_speech(write_samples(path, samples, rate)).samples


def keyed(media: MediaRange, first_frame: float, scene: bpy.types.Scene) -> np.ndarray:
    """(N,) what the engine makes motion from, on the scene's clock from frame 0."""
    from core.engine.line_sound import load_line

    samples = load_line(MotionRequest(audio=media)).samples
    return np.concatenate([np.zeros(round(first_frame / scene_fps(scene) * 16000), np.float32), samples])


@pytest.mark.parametrize("name", KINDS)
def test_a_file_given_directly_is_keyed_where_blender_plays_it(tmp_path: Path, spoken: Path, name: str) -> None:
    from core.audio.playback import lag_seconds

    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    path = encoded(spoken, tmp_path, name)
    before = snapshot()
    media = read_speech(scene, SourceChoice("file", str(path)))
    assert snapshot() == before
    place_sound(scene, MediaRange(path))
    strip = compat.sequencer_strips(scene)[0]
    ours, blenders = keyed(media.media, media.first_frame, scene), played(scene, tmp_path, strip)
    lag = lag_seconds(blenders, ours)
    assert lag is not None
    assert lag == pytest.approx(0.0, abs=WITHIN_SECONDS)
    # and without Blender, as the command motion reads it
    alone = lag_seconds(blenders, keyed(MediaRange(path), media.first_frame, scene))
    assert alone is not None
    assert abs(alone) <= WITHIN_SECONDS or name in NOT_BY_THEIR_OWN_CLOCK


@pytest.mark.parametrize("name", ["a.mp3", "wmav2.wma", "aac.m4a", "late.mkv"])
def test_a_part_of_a_file_is_keyed_where_blender_plays_it(tmp_path: Path, spoken: Path, name: str) -> None:
    from core.audio.playback import lag_seconds

    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    media = MediaRange(encoded(spoken, tmp_path, name), 0.53, 2.6)
    placement = place_sound(scene, media)
    ours = keyed(with_playback(media, scene), placement.first_frame, scene)
    blenders = played(scene, tmp_path, compat.sequencer_strips(scene)[0])
    lag = lag_seconds(blenders, ours)
    assert lag is not None
    assert lag == pytest.approx(0.0, abs=WITHIN_SECONDS)


def test_plain_sound_is_not_mixed_and_neither_is_one_that_is_silent(tmp_path: Path) -> None:
    scene = bpy.context.scene
    plain = MediaRange(write_wav(tmp_path / "plain.wav", [(0.5, 1.0)]))
    assert with_playback(plain, scene) == plain
    silent = write_wav(tmp_path / "silent.wav", [])
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(silent), str(tmp_path / "silent.mp3")], check=True, timeout=60)
    assert with_playback(MediaRange(tmp_path / "silent.mp3"), scene).playback is None


def test_a_track_that_blender_does_not_play_keeps_its_own_clock(tmp_path: Path) -> None:
    from core.audio.decode import load_speech
    from core.audio.playback import as_played

    both = [np.random.default_rng(seed).normal(size=32000) * 0.1 for seed in (1, 2)]
    ours, other = (load_speech(write_sound(tmp_path / f"{i}.wav", samples)) for i, samples in enumerate(both))
    assert as_played(ours, other, lambda seconds: other, True) is ours
