# SPDX-License-Identifier: GPL-3.0-or-later
"""The real engine process with the bundled model, tracker and demo files."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.client.client import EngineClient, JobStatus
from core.engine.pipeline import generate_motion
from core.errors import CancelledError, ReferenceClipError
from core.exchange.media_range import MediaRange
from core.exchange.results import MotionResult
from core.face.basis import open_basis
from core.face.closures import lip_gap
from core.models.mimic.generate import MIMIC_FILE, MimicGenerator
from core.style.parts import MimicPart
from core.tracking.video import read_frames
from core.weights import is_bundled
from tests.asking import ask
from tests.media import tone, write_video
from tests.pace import pace_seconds

ROOT = Path(__file__).resolve().parents[2]
SPEECH = MediaRange(ROOT / "demo" / "input" / "speech.ogg", 0.0, 4.0)
REFERENCE = MediaRange(ROOT / "demo" / "input" / "reference.mp4", 0.0, 5.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def engine(cache: Path) -> Iterator[EngineClient]:
    # not importorskip: the package itself only loads behind the tracker's stand-ins for its drawing helpers
    if importlib.util.find_spec("mediapipe") is None:
        pytest.skip("the tracker is not installed in this Python")
    known = json.loads((ROOT / "vendor_models" / "checksums.json").read_text())
    if "adamesh_base.safetensors" not in known:
        pytest.skip("the expression network is not in vendor_models yet: run `make train`")
    client = EngineClient(Path(sys.executable), ROOT, cache)
    yield client
    client.close()


def test_worker_gives_what_the_same_call_gives_here(engine: EngineClient) -> None:
    request = ask(SPEECH, REFERENCE, seed=3, device="cpu")
    seen: list[JobStatus] = []
    far = engine.submit(request).wait(seen.append)
    near = generate_motion(request)
    # a style is learned in a hundred steps, whose last bits hang on the number of threads
    apart = np.abs(far.motion.face_vector() - near.motion.face_vector())
    assert apart.mean() < 0.01 and apart.max() < 0.3
    np.testing.assert_allclose(far.motion.head, near.motion.head, atol=1e-4)
    assert len(far.motion) == 100
    assert far.provenance == near.provenance
    assert far.motion.head.std() > 1e-3
    gap = lip_gap(open_basis(), far.motion)
    assert np.percentile(gap, 95) - np.percentile(gap, 5) > 0.2
    stages = list(dict.fromkeys(status.stage for status in seen))
    assert stages[-2:] == ["motion", "head"] and "track" in stages


def test_a_first_version_comes_before_the_style_is_learnt(
    engine: EngineClient,
) -> None:
    # another part of the clip than other tests', which is known from them
    request = ask(SPEECH, MediaRange(REFERENCE.path, 0.5, 5.0), seed=3, device="cpu")
    job = engine.submit(request, first=True)
    seen: list[str] = []
    firsts: list[MotionResult] = []

    def look(status: JobStatus) -> None:
        seen.append(status.stage)
        if (first := job.first()) is not None:
            # nothing is spoken in the learnt style yet
            assert set(seen) <= {"start", "audio", "track", "style"} and not status.done
            firsts.append(first)

    learnt = job.wait(look)
    (first,) = firsts
    assert first.provenance.first_version and not learnt.provenance.first_version
    assert first.style is not None and first.style.expression is not None and not first.style.expression.adapter
    assert learnt.style is not None and learnt.style.expression is not None
    assert learnt.stage_seconds["first"] > 0
    assert first.plain is not None and learnt.plain is not None
    np.testing.assert_array_equal(first.plain.face_vector(), learnt.plain.face_vector())
    np.testing.assert_array_equal(first.motion.head, learnt.motion.head)
    moved = np.abs(first.motion.face_vector() - first.plain.face_vector()).mean()
    assert moved > 0.01 and not np.array_equal(first.motion.face_vector(), learnt.motion.face_vector())
    # known from now on
    again = engine.submit(request, first=True)
    again.wait()
    assert again.first() is None


def test_worker_gives_the_plain_motion_exactly(engine: EngineClient) -> None:
    request = ask(SPEECH, seed=3, device="cpu")
    far, near = engine.submit(request).wait(), generate_motion(request)
    np.testing.assert_allclose(far.motion.face_vector(), near.motion.face_vector(), atol=1e-3)
    np.testing.assert_allclose(far.motion.head, near.motion.head, atol=1e-4)


def test_mimic_reads_a_reference_at_once_and_two_styles_can_be_mixed(engine: EngineClient, tmp_path: Path) -> None:
    if not is_bundled(MIMIC_FILE):
        pytest.skip("Mimic's network is not in vendor_models yet: run `python -m research.training mimic`")
    request = ask(SPEECH, REFERENCE, engine="mimic", device="cpu", blinks=False, gaze_amount=0.0)
    own = engine.submit(request).wait()
    assert own.style is not None and own.style.mimic is not None
    neutral = dataclasses.replace(request, face=dataclasses.replace(request.face, style_strength=0.0))
    mean = engine.submit(neutral).wait()
    np.testing.assert_array_equal(
        engine.submit(dataclasses.replace(request, reference=None)).wait().motion.face_vector(),
        mean.motion.face_vector(),
    )
    gap = lip_gap(open_basis(), own.motion)
    assert np.percentile(gap, 95) - np.percentile(gap, 5) > 0.2
    apart = np.abs(own.motion.face_vector() - mean.motion.face_vector()).mean()
    # a style whose code is the mean is the mean person's; half of it is half way
    average = dataclasses.replace(own.style, mimic=MimicPart(_mean_code(), own.style.mimic.model_hash))
    average.save(tmp_path / "average.safetensors")
    mixed = dataclasses.replace(request, second_style=tmp_path / "average.safetensors")
    half = engine.submit(mixed).wait()
    assert 0.2 * apart < np.abs(half.motion.face_vector() - mean.motion.face_vector()).mean() < 0.8 * apart
    np.testing.assert_array_equal(half.motion.head, own.motion.head)


def _mean_code() -> np.ndarray:
    return MimicGenerator.load("cpu").mean_code


def test_tracked_reference_is_kept_for_the_next_click(engine: EngineClient, cache: Path) -> None:
    request = ask(SPEECH, REFERENCE, seed=4, device="cpu")
    engine.submit(request).wait()
    kept = {path: path.stat().st_ino for path in cache.rglob("*.npz")}
    again = engine.submit(request).wait()
    # what is tracked anew is written anew, as another file of the same name
    assert kept and {path: path.stat().st_ino for path in cache.rglob("*.npz")} == kept
    assert again.reference_report is not None and again.reference_report.seconds > 4.0
    assert again.provenance.reference_quality == again.reference_report.full_text()


def test_cancel_while_tracking_is_quick_and_keeps_the_engine_warm(engine: EngineClient) -> None:
    job = engine.submit(ask(SPEECH, MediaRange(REFERENCE.path, 0.0, 9.0), device="cpu"))
    while job.poll().stage != "track":
        time.sleep(0.01)
    ready, started = engine.ready, time.monotonic()
    job.cancel()
    with pytest.raises(CancelledError):
        job.wait()
    assert time.monotonic() - started < 60 * pace_seconds()
    assert len(engine.submit(ask(SPEECH, device="cpu")).wait().motion) == 100
    assert engine.ready is ready


def test_track_alone_gives_the_reference_with_its_report(engine: EngineClient) -> None:
    found = engine.track(REFERENCE).wait()
    assert found.landmarks.shape == (len(found.motion), 478, 3)
    assert found.report.face_pixels > 80
    assert REFERENCE.path.name in found.report.summary()
    # moments of the clip with the landmarks that were found
    assert found.picture.startswith(b"\x89PNG") and len(found.picture) > 20_000


def test_face_in_a_picture_is_found_where_it_is(engine: EngineClient) -> None:
    import av

    with av.open(str(REFERENCE.path)) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24")
    landmarks = engine.track_picture(rgb).wait()
    assert landmarks is not None and landmarks.shape == (478, 3)
    height, width = rgb.shape[:2]
    assert (landmarks[:, 0] > 0).all() and (landmarks[:, 0] < width).all()
    # chin below the forehead: pixels with y down
    assert landmarks[152, 1] > landmarks[10, 1] + 0.2 * height
    assert engine.track_picture(np.zeros((64, 64, 3), np.uint8)).wait() is None


def test_reference_without_a_face_is_refused_in_words(engine: EngineClient, tmp_path: Path) -> None:
    grey = [np.full((120, 160, 3), 90, np.uint8)] * 75
    clip = write_video(tmp_path / "wall.mp4", grey, sound=tone(3.0))
    with pytest.raises(ReferenceClipError, match=r"No face was found in wall\.mp4"):
        engine.submit(ask(SPEECH, MediaRange(clip), device="cpu")).wait()


@pytest.mark.parametrize("speaks", [0, 1])
def test_of_two_people_in_a_picture_the_one_who_speaks_is_learned_from(
    engine: EngineClient, tmp_path: Path, speaks: int
) -> None:
    # the same man twice, saying two things at once
    clip = ROOT / "demo" / "input" / "reference.mp4"
    both = [[frame.rgb[::2, ::2] for frame in read_frames(clip, begin, begin + 4.0)] for begin in (0.0, 5.0)]
    frames = [np.concatenate(pair, axis=1) for pair in zip(*both, strict=False)]
    sound = load_speech(clip, 5.0 * speaks, 5.0 * speaks + 4.0).samples
    path = write_video(tmp_path / "interview.mp4", frames, sound=sound)
    report = engine.track(MediaRange(path)).wait().report
    where = ("on the left", "on the right")[speaks]
    assert any(f"person {speaks + 1}, {where}, is used (lips and sound agree" in note for note in report.warnings)
