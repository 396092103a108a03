# SPDX-License-Identifier: GPL-3.0-or-later
"""The first version of a line: when the engine makes one, of what, and how it comes to the client."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.client.client import EngineClient
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.cache import ArtifactCache
from core.engine.jobs import JobRunner
from core.engine.pipeline import generate_motion
from core.errors import CancelledError, EngineError, ModelError
from core.exchange.protocol import FirstResult, GenerateJob, JsonObject, decode
from core.exchange.provenance import Provenance
from core.exchange.request import MotionRequest
from core.exchange.results import FIRST_FOLDER, MotionResult, read_motion_result
from core.style.style import Style
from tests.asking import ask
from tests.engine_bench import Bench, make_bench
from tests.engine_fakes import scripted
from tests.engine_processes import REQUEST, running

# a first version with seed 7, then the answer
FIRST = """
progress("style", 0.3)
first = folder / "first"
first.mkdir()
if on_first:
    early = motion_result(request, 30)
    on_first(write_motion_result(first, early))
progress("style", 0.5)
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return make_bench(tmp_path, monkeypatch)


def learning(bench: Bench, monkeypatch: pytest.MonkeyPatch, events: list[str]) -> None:
    """Learning the person is noted, and leaves other gains than were fitted."""

    def learn(self: AdaMeshBackend, reference: object, style: Style, progress: Callable[[float], None]) -> Style:
        events.append("learnt")
        progress(0.5)
        return dataclasses.replace(style, gain=style.gain * 1.1)

    monkeypatch.setattr(AdaMeshBackend, "learn", learn)


def test_it_comes_before_the_person_is_learnt_and_says_what_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    firsts: list[MotionResult] = []
    learning(bench, monkeypatch, events)

    def on_first(result: MotionResult) -> None:
        events.append("first")
        firsts.append(result)

    request = MotionRequest(bench.audio, reference=bench.clip)
    result = generate_motion(request, cache=ArtifactCache(bench.folder / "cache"), on_first=on_first)
    assert events == ["first", "learnt"]
    (first,) = firsts
    assert first.provenance.first_version and not result.provenance.first_version
    assert len(first.motion) == len(result.motion)
    assert not np.array_equal(first.motion.face_vector(), result.motion.face_vector())
    # head, gaze and the version without a style are those of the learnt one
    np.testing.assert_array_equal(first.motion.head, result.motion.head)
    np.testing.assert_array_equal(first.motion.gaze, result.motion.gaze)
    assert first.plain is not None and result.plain is not None
    np.testing.assert_array_equal(first.plain.face_vector(), result.plain.face_vector())
    assert list(result.stage_seconds) == ["audio", "track", "first", "style", "motion", "head"]


def test_with_and_without_it_the_result_is_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    learning(bench, monkeypatch, [])
    request = MotionRequest(bench.audio, reference=bench.clip)
    plain, after = generate_motion(request), generate_motion(request, on_first=lambda result: None)
    np.testing.assert_array_equal(plain.motion.face_vector(), after.motion.face_vector())
    np.testing.assert_array_equal(plain.motion.head, after.motion.head)
    assert plain.provenance == after.provenance and plain.notes == after.notes


@pytest.mark.parametrize("why", ["known before", "no reference", "strength 0", "learns at once", "listener"])
def test_where_nothing_takes_long_there_is_none(bench: Bench, why: str) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = ask(
        bench.audio,
        reference=None if why == "no reference" else bench.clip,
        style_strength=0.0 if why == "strength 0" else 1.0,
        engine="mimic" if why == "learns at once" else "adamesh",
    )
    if why == "known before":
        generate_motion(request, cache=cache)
    if why == "listener":
        request = dataclasses.replace(request, listener=True)
    firsts: list[MotionResult] = []
    generate_motion(request, cache=cache, on_first=firsts.append)
    assert firsts == []


def test_one_that_cannot_be_made_does_not_keep_the_result_from_coming(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: AdaMeshBackend, reference: object, style: Style) -> Style:
        raise ModelError("Nothing fits.")

    monkeypatch.setattr(AdaMeshBackend, "first_style", refuse)
    firsts: list[MotionResult] = []
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip), on_first=firsts.append)
    assert firsts == [] and len(result.motion) == 75


def test_a_cancel_while_it_is_made_ends_the_job_and_nothing_is_learnt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    learning(bench, monkeypatch, events)
    seen: list[float] = []

    def cancel(stage: str, fraction: float) -> None:
        # the second word of the stage comes from the first version
        seen.extend([fraction] if stage == "style" else [])
        if len(seen) > 1:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        generate_motion(MotionRequest(bench.audio, reference=bench.clip), cancel, on_first=lambda result: None)
    assert events == []


def test_a_job_writes_it_beside_its_result_only_where_it_is_welcome(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = JobRunner(ArtifactCache(bench.folder / "cache"))
    request = MotionRequest(bench.audio, reference=bench.clip).to_json()
    told: list[JsonObject] = []
    for welcome in (True, False):
        folder = tmp_path / str(welcome)
        folder.mkdir()
        job = GenerateJob("a", str(folder), request, first=welcome)
        values = runner.run(job, lambda stage, fraction: None, told.append)
        assert (folder / FIRST_FOLDER).exists() == welcome
        assert not read_motion_result(folder, values).provenance.first_version
        # the second job finds nothing learnt
        runner = JobRunner(ArtifactCache(bench.folder / "another"))
    assert len(told) == 1
    assert read_motion_result(tmp_path / "True" / FIRST_FOLDER, told[0]).provenance.first_version


def test_messages_of_it_survive_the_wire_and_older_ones_have_none() -> None:
    job = GenerateJob("a", "/f", {}, first=True)
    assert decode(job.to_json()) == job
    assert decode('{"type": "generate", "job": "a", "folder": "/f", "request": {}}') == GenerateJob("a", "/f", {})
    result = FirstResult("a", {"notes": []})
    assert decode(result.to_json()) == result
    for wrong in ("1", '"yes"', "null"):
        line = f'{{"type": "generate", "job": "a", "folder": "/f", "request": {{}}, "first": {wrong}}}'
        assert "first is" in decode(line).reason  # type: ignore[union-attr]


def test_provenance_of_before_is_that_of_a_learnt_line() -> None:
    origin = Provenance("a.wav", "a", 2.0, "m", "b", first_version=True)
    values = json.loads(json.dumps(origin.to_json()))
    assert Provenance.from_json(values).first_version
    del values["first_version"]
    assert not Provenance.from_json(values).first_version


@pytest.mark.slow
def test_the_client_hands_it_out_once_and_then_the_result(tmp_path: Path) -> None:
    body = FIRST + "time.sleep(0.5)\nreturn write_motion_result(folder, motion_result(request))"
    with running(scripted(body), tmp_path) as client:
        assert first_lengths(client, True) == [30]
        assert first_lengths(client, False) == []


@pytest.mark.slow
def test_a_cancel_in_between_ends_the_job_and_the_engine_stays(tmp_path: Path) -> None:
    body = FIRST + "while True:\n    progress('style', 0.6)\n    time.sleep(0.02)"
    with running(scripted(body), tmp_path) as client:
        job = client.submit(REQUEST, first=True)
        while job.first() is None:
            job.poll()
        job.cancel()
        with pytest.raises(CancelledError):
            job.wait()
        assert not job.folder.exists()


@pytest.mark.slow
def test_an_engine_that_is_killed_in_between_has_given_it_whole_and_no_result(tmp_path: Path) -> None:
    body = FIRST + "time.sleep(0.3)\nos.kill(os.getpid(), 9)"
    with running(scripted(body), tmp_path) as client:
        job = client.submit(REQUEST, first=True)
        while (first := job.first()) is None:
            job.poll()
        assert len(first.motion) == 30
        with pytest.raises(EngineError, match="signal 9"):
            job.wait()


@pytest.mark.slow
def test_a_damaged_one_is_none_and_the_result_comes(tmp_path: Path) -> None:
    body = (
        FIRST.replace("on_first(write_motion_result(first, early))", "on_first({'has_style': True})")
        + "time.sleep(0.2)\nreturn write_motion_result(folder, motion_result(request))"
    )
    with running(scripted(body), tmp_path) as client:
        assert first_lengths(client, True) == []


def first_lengths(client: EngineClient, welcome: bool) -> list[int]:
    """Frames of every first version of a job, which then ends with its result."""
    job = client.submit(REQUEST, first=welcome)
    found: list[int] = []

    def look(status: object) -> None:
        if (first := job.first()) is not None:
            found.append(len(first.motion))

    assert len(job.wait(look).motion) == 50
    return found
