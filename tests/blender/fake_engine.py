# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as an enabled extension, and an engine without a process: answers what a test tells it to.

No pytest: a window that is looked at from outside uses it too, and so do tables of times.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "bl_ext.user_default.mimesh"


def enable_checkout() -> None:
    """Enable the checkout itself as an extension of this Blender."""
    import addon_utils

    folder = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions" / "user_default"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "mimesh").exists():
        (folder / "mimesh").symlink_to(ROOT, target_is_directory=True)
    assert addon_utils.enable(EXTENSION, default_set=True) is not None


def disable_checkout() -> None:
    """Disable it again, with the real engine's maker in place."""
    import addon_utils

    part("operators.engine_access").use_engine_maker(None)
    addon_utils.disable(EXTENSION, default_set=True)


def part(name: str) -> Any:
    """A module of the enabled extension: its classes are not those of the top-level ``core``."""
    return importlib.import_module(f"{EXTENSION}.{name}")


@dataclass
class FakeJob:
    """Goes through the stages; the last poll is done."""

    answer: Callable[[], Any]
    statuses: list[Any]
    cancelled: bool = False
    first_answer: Callable[[], Any] | None = None
    stage: str = ""

    def poll(self) -> Any:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.stage = status.stage
        return status

    def first(self) -> Any:
        """Of a job that has one, while the style is learnt."""
        if self.first_answer is None or self.stage != "style":
            return None
        made, self.first_answer = self.first_answer(), None
        return made

    def result(self) -> Any:
        return self.answer()

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class FakeEngine:
    """``answer(request)`` makes the result or raises, ``first(request)`` a first version where one is welcome; the
    picture tracker finds nothing unless told."""

    answer: Callable[[Any], Any]
    polls: int = 5
    requests: list[Any] = field(default_factory=list)
    jobs: list[FakeJob] = field(default_factory=list)
    pictures: int = 0
    regenerate: Callable[[Any], Any] | None = None
    python: Path = Path("python")
    ready: Any = None
    head_requests: list[Any] = field(default_factory=list)
    additions: list[Any] = field(default_factory=list)
    look: Callable[[Any], Any] | None = None
    looked_at: list[Any] = field(default_factory=list)
    first: Callable[[Any], Any] | None = None

    def regenerate_head(self, request: Any) -> FakeJob:
        self.head_requests.append(request)
        assert self.regenerate is not None
        regenerate = self.regenerate
        return self._job(lambda: regenerate(request))

    def add_to_bank(self, request: Any) -> FakeJob:
        self.additions.append(request)
        result = part("core.exchange.results").BankResult
        return self._job(lambda: result(request.name, ("Bundled", request.name)))

    def submit(self, request: Any, first: bool = False) -> FakeJob:
        self.requests.append(request)
        job, told = self._job(lambda: self.answer(request)), self.first
        if first and told is not None:
            job.first_answer = lambda: told(request)
        return job

    def track(self, source: Any) -> FakeJob:
        self.looked_at.append(source)
        assert self.look is not None
        look = self.look
        return self._job(lambda: look(source))

    def track_picture(self, rgb: Any) -> FakeJob:
        self.pictures += 1
        return self._job(lambda: None)

    def close(self, wait: bool = False) -> None:
        pass

    def _job(self, answer: Callable[[], Any]) -> FakeJob:
        status = part("core.client.client").JobStatus
        stages = ("audio", "track", "style", "motion")
        statuses = [status(stages[min(i, 3)], i / self.polls, 1.0, False) for i in range(self.polls)]
        self.jobs.append(FakeJob(answer, [*statuses, status("motion", 1.0, 0.0, True)]))
        return self.jobs[-1]


def talking(request: Any, seconds: float = 2.0) -> Any:
    """A motion result whose jaw opens and shuts twice a second."""
    motion, basis = part("core.face.motion"), part("core.face.basis").open_basis()
    frames = round(seconds * motion.INTERNAL_FPS)
    swing = 0.5 - 0.5 * np.cos(np.arange(frames) / motion.INTERNAL_FPS * 4 * math.pi)
    jaw = np.zeros((frames, 3), np.float32)
    jaw[:, 0] = 0.2 * swing
    head = np.zeros((frames, 3), np.float32)
    head[:, 1] = 0.1 * swing
    expression = np.zeros((frames, motion.EXPRESSION_SIZE), np.float32)
    expression[:, 0] = swing
    return part("core.exchange.results").MotionResult(
        motion=motion.Motion(
            fps=motion.INTERNAL_FPS,
            expression=expression,
            jaw=jaw,
            head=head,
            gaze=np.zeros((frames, 2, 2), np.float32),
            basis_name=basis.name,
            basis_hash=basis.hash,
        ),
        style=None,
        reference_report=None,
        stage_seconds={"motion": 0.1},
        provenance=part("core.exchange.provenance").Provenance(
            audio_source=str(request.audio.path),
            audio_hash="0" * 64,
            audio_seconds=seconds,
            model_hash="1" * 64,
            basis_hash=basis.hash,
            **request.groups(),
        ),
    )


def failing(kind: str, message: str, hint: str = "") -> Callable[[Any], Any]:
    """An answer that raises, as the client does when the worker reports an error."""

    def answer(request: Any) -> Any:
        raise part("core.errors").error_from_kind(kind, message, hint)

    return answer


def wav_file(path: Path, seconds: float = 2.0) -> Path:
    """A short tone, so that a strip has something to point to."""
    import wave

    samples = (np.sin(np.arange(int(seconds * 16000)) * 0.05) * 12000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def use_engine(engine: FakeEngine) -> FakeEngine:
    """Put the fake in the place of the engine process."""
    part("operators.engine_access").use_engine_maker(lambda python, code_root, job_root: engine)
    return engine


def one_click_away(folder: Path) -> Any:
    """The demo head and a speech file of ``folder``, without a reference; gives the scene's settings."""
    assert bpy.ops.mimesh.add_demo_head() == {"FINISHED"}
    settings = bpy.context.scene.mimesh
    settings.speech_kind, settings.speech_file = "file", str(wav_file(folder / "talk.wav"))
    settings.reference_kind = "none"
    return settings
