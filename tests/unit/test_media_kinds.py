# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of pictures, containers and names that people bring: each read with its right value, or one clear sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.errors import MediaError
from core.tracking.video import read_frames
from tests.media import tone, write_audio, write_float_wav

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files"),
]

PICTURE = "-f lavfi -i testsrc=s=160x120:r=25:d=1"
SOUND = "-f lavfi -i sine=440:d=1:r=48000"

# ffmpeg's options; pictures, (height, width), longest step between two; whether there is a second of sound
MOVING = {
    "moving.avif": (f"{PICTURE} -c:v libaom-av1 -cpu-used 8", 25, (120, 160), 0.04, False),
    "moving.gif": (PICTURE, 25, (120, 160), 0.04, False),
    "slow.gif": (f"{PICTURE} -r 10", 11, (120, 160), 0.1, False),
    "moving.png": (f"{PICTURE} -f apng", 25, (120, 160), 0.04, False),
    "hdr.mkv": (
        f"{PICTURE} -c:v libx265 -pix_fmt yuv420p10le -x265-params "
        "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
        *(25, (120, 160), 0.04, False),
    ),
    "alpha.mov": (f"{PICTURE} -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le", 25, (120, 160), 0.04, False),
    "grey.mkv": (f"{PICTURE} -vf format=gray -c:v ffv1", 25, (120, 160), 0.04, False),
    "odd.mkv": ("-f lavfi -i testsrc=s=161x121:r=25:d=1 -c:v ffv1", 25, (121, 161), 0.04, False),
    "interlaced.mxf": (
        f"-f lavfi -i testsrc=s=720x576:r=25:d=1 {SOUND} -vf setfield=tff -c:v mpeg2video -flags +ilme+ildct "
        "-pix_fmt yuv422p -c:a pcm_s16le",
        *(25, (576, 720), 0.04, True),
    ),
    "wide.mov": (
        f"-f lavfi -i testsrc=s=720x576:r=25:d=1 {SOUND} -c:v dvvideo -pix_fmt yuv420p -aspect 16:9 -c:a pcm_s16le",
        *(25, (576, 1024), 0.04, True),
    ),
    "old.flv": (f"{PICTURE} {SOUND} -c:v flv1 -c:a libmp3lame -ar 44100", 25, (120, 160), 0.04, True),
    "phone.3gp": (
        f"-f lavfi -i testsrc=s=176x144:r=25:d=1 {SOUND} -c:v h263 -c:a aac", 25, (144, 176), 0.04, True,
    ),
    "broadcast.ts": (f"{PICTURE} {SOUND} -c:v libx264 -c:a aac", 25, (120, 160), 0.04, True),
    "windows.wmv": (f"{PICTURE} {SOUND} -c:v wmv2 -c:a wmav2", 25, (120, 160), 0.04, True),
    "timecode.mov": (
        f"{PICTURE} {SOUND} {SOUND} -map 0 -map 1 -map 2 -timecode 01:00:00:00 -c:v libx264 -c:a pcm_s16le",
        *(25, (120, 160), 0.04, True),
    ),
    "phone.mp4": (
        r"-f lavfi -i testsrc=s=160x120:r=30:d=2 -vf select='not(mod(n\,3))+gt(n\,30)' -vsync vfr -c:v libx264",
        *(40, (120, 160), 0.1, False),
    ),
    "raw.h264": (f"{PICTURE} -c:v libx264", 25, (120, 160), 0.04, False),
}  # fmt: skip


def made(folder: Path, name: str, options: str) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *options.split(), str(folder / name)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return folder / name


@pytest.mark.parametrize("name", MOVING)
def test_every_picture_is_read_at_its_time_and_shape(tmp_path: Path, name: str) -> None:
    options, count, shape, step, with_sound = MOVING[name]
    path = made(tmp_path, name, options)
    frames = list(read_frames(path))
    assert len(frames) == count
    assert {frame.rgb.shape for frame in frames} == {(*shape, 3)}
    seconds = np.array([frame.seconds for frame in frames])
    # coded sound may begin a block before the picture, and then second 0 is the sound's
    assert 0.0 <= seconds[0] < 0.05
    assert np.diff(seconds).max() == pytest.approx(step, abs=0.002)
    # the test picture has colours, and they are where they belong
    assert np.ptp(frames[0].rgb) > 150
    if with_sound:
        assert load_speech(path).seconds == pytest.approx(1.0, abs=0.06)
    else:
        with pytest.raises(MediaError, match=f"The file {name} has no sound"):
            load_speech(path)


def test_an_interlaced_picture_does_not_comb(tmp_path: Path) -> None:
    """Two moments in one frame: bars that have moved between the fields."""
    path = made(
        tmp_path,
        "comb.mkv",
        r"-f lavfi -i color=black:s=160x120:r=50:d=1 -vf geq=lum='if(lt(mod(X+N*40\,80)\,40)\,235\,16)',"
        "interlace=lowpass=0 -c:v mpeg2video -q:v 1 -flags +ilme+ildct",
    )
    for frame in read_frames(path):
        lines = frame.rgb[20:100, :, 0].astype(int)
        assert np.abs(np.diff(lines, axis=0)).max() < 40


def test_a_turned_picture_with_oblong_pixels_is_upright_and_in_shape(tmp_path: Path) -> None:
    wide = made(
        tmp_path, "wide.mp4", "-f lavfi -i testsrc=s=160x120:r=25:d=1 -vf setsar=4/3 -c:v libx264 -pix_fmt yuv420p"
    )
    turned = tmp_path / "turned.mov"
    for command in (["-display_rotation", "90", "-i"], ["-i"]):
        after = [] if len(command) > 1 else ["-metadata:s:v:0", "rotate=270"]
        run = ["ffmpeg", "-nostdin", "-v", "error", "-y", *command, str(wide), "-c", "copy", *after, str(turned)]
        if subprocess.run(run, capture_output=True, timeout=60).returncode == 0:
            break
    # 160 x 120 with pixels a third wider than high is 213 x 120, turned it is 120 wide
    assert next(read_frames(turned)).rgb.shape == (213, 120, 3)


STILLS = {
    "still.avif": "-c:v libaom-av1 -still-picture 1 -cpu-used 8",
    "still.gif": "",
    "still.webp": "-c:v libwebp",
    "still.jpg": "",
    "still.tif": "",
}


@pytest.mark.parametrize("name", STILLS)
def test_a_picture_that_does_not_move_is_one_frame(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name, f"{PICTURE} -frames:v 1 {STILLS[name]}")
    assert len(list(read_frames(path))) == 1


def test_an_animated_webp_says_what_it_is(tmp_path: Path) -> None:
    path = made(tmp_path, "moving.webp", f"{PICTURE} -c:v libwebp_anim")
    with pytest.raises(MediaError, match="animated WebP picture, which our decoder does not know"):
        next(read_frames(path))


@pytest.mark.parametrize(
    "name",
    ["😀 line.wav", 'it\'s "quoted".wav', "100% done %03d.wav", "a:b.wav", "concat:x.wav", "-dash.wav", "[x]{y}.wav"],
)
def test_a_name_is_only_a_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_float_wav(tmp_path / "plain.wav", tone(1.0)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, Path(name)):
        assert load_speech(path).seconds == pytest.approx(1.0, abs=0.01)


def test_a_name_that_is_no_unicode_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"f\xfcnf.wav")
    try:
        write_float_wav(tmp_path / "plain.wav", tone(1.0)).rename(path)
    except OSError:
        pytest.skip("this file system has Unicode names only")
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.01)


def test_a_percent_in_a_pictures_name_is_no_sequence(tmp_path: Path) -> None:
    path = made(tmp_path, "still.jpg", f"{PICTURE} -frames:v 1").rename(tmp_path / "50%03d.jpg")
    assert len(list(read_frames(path))) == 1


@pytest.mark.parametrize(
    ("codec", "right", "wrong"),
    [
        ("libmp3lame", "a.mp3", "a.wav"),
        ("pcm_s16le", "a.wav", "a.mp3"),
        ("aac", "a.m4a", "a.ogg"),
        ("flac", "a.flac", "a"),
    ],
)
def test_a_wrong_ending_does_not_matter(tmp_path: Path, codec: str, right: str, wrong: str) -> None:
    path = write_audio(tmp_path / right, tone(1.0, rate=44100)[None], 44100, codec).rename(tmp_path / wrong)
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.08)


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"https:.*is an address on the network, not a file.*Download it"):
        load_speech(Path("https://example.org/talk.mp3"))
    with pytest.raises(MediaError, match="is a folder, not a sound or video file"):
        load_speech(tmp_path)
    with pytest.raises(MediaError, match="does not exist"):
        load_speech(tmp_path / "none.wav")
    pointer = tmp_path / "talk.wav"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n" + "#" * 200)
    with pytest.raises(MediaError, match="pointer of Git LFS"):
        load_speech(pointer)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(MediaError, match="is a device or a pipe, not a file"):
            load_speech(tmp_path / "pipe.wav")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_float_wav(tmp_path / "locked.wav", tone(1.0))
    if os.geteuid() == 0:
        # root reads everything
        def refuse(*args: object, **kwargs: object) -> object:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    else:
        path.chmod(0)
    with pytest.raises(MediaError, match=r"locked\.wav cannot be opened \(Permission denied\).*permissions"):
        load_speech(path)


def test_sound_of_no_length_is_refused_with_the_range(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none\.wav has no sound between 0\.00 s and its end|none\.wav"):
        load_speech(write_float_wav(tmp_path / "none.wav", np.zeros(0, np.float32)))
    with pytest.raises(MediaError, match=r"short\.wav has no sound between 5\.00 s and 6\.00 s; it ends at 1\.00 s"):
        load_speech(write_float_wav(tmp_path / "short.wav", tone(1.0)), 5.0, 6.0)
