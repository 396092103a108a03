# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine without its slow parts: stand-ins for the model, the tracker and the pose generator."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.engine import loaded
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.head import HeadBackend
from core.engine.backends.mimic import MimicBackend
from core.engine.context import EngineContext
from core.exchange.media_range import MediaRange
from core.face.basis import open_basis
from core.face.motion import Motion
from core.models.pose.speech_steps import SpeechFeatures
from core.pose.bank import BankEntry, PoseBank
from core.pose.reference import PoseReference
from core.pose.statistics import STATISTICS
from core.pose.style_matrix import StyleMatrix
from core.settings import HeadSettings
from core.style.style import Style
from core.tracking import reference as tracking
from core.tracking.face_track import FaceTrack
from core.tracking.quality import QualityReport
from core.tracking.reference import TrackedReference
from tests.media import tone, write_audio


def moving(frames: int, swing: float) -> Motion:
    basis = open_basis()
    time = np.arange(frames) / 25.0
    expression, jaw = np.zeros((frames, 50), np.float32), np.zeros((frames, 3), np.float32)
    expression[:, 0] = swing * np.sin(12 * time)
    jaw[:, 0] = 0.1 * swing * np.maximum(np.sin(12 * time), 0)
    head = np.stack([0.05 * np.sin(2 * time)] * 3, axis=1).astype(np.float32)
    return Motion(25.0, expression, jaw, head, np.zeros((frames, 2, 2), np.float32), basis.name, basis.hash)


class StandInEncoder:
    """Never asked: the stand-ins' networks hear nothing."""

    name, hash, dimension = "stand-in", "encoder", 2

    def encode(self, speech: Speech) -> np.ndarray:
        raise AssertionError("a stand-in has encoded speech")


class StandInModel:
    """Frames in step with the sound; counts how often it is asked."""

    hash = "stand-in"

    def __init__(self) -> None:
        self.heard: list[float] = []

    def generate(self, speech: Speech, progress: object = None) -> Motion:
        self.heard.append(speech.seconds)
        frames = int(np.ceil(speech.seconds * 25))
        return moving(frames, 1.0).replace(head=np.zeros((frames, 3), np.float32))


class StandInMimic:
    """Mimic with readable codes: all numbers of a code are the motion's swing, and what is spoken is the code."""

    hash = "mimic"
    mean_code = np.full(128, 0.5, np.float32)

    def __init__(self) -> None:
        self.codes: list[float] = []
        self.heard: list[bool] = []

    def style_code(self, motion: Motion, speech: Speech | None = None) -> np.ndarray:
        self.heard.append(speech is not None)
        return np.full(128, np.abs(motion.expression[:, 0]).max(), np.float32)

    def generate(self, speech: Speech, code: np.ndarray | None, progress: object = None) -> Motion:
        spoken = self.mean_code if code is None else code
        self.codes.append(float(spoken[0]))
        frames = int(np.ceil(speech.seconds * 25))
        return moving(frames, float(spoken[0])).replace(head=np.zeros((frames, 3), np.float32))


class StandInPose:
    """A pose generator whose head sways by its seed; remembers what it was asked."""

    hash = "pose-prior"

    def __init__(self, bank: PoseBank) -> None:
        self.bank = bank
        self.units = SimpleNamespace(hash="units", encoder_hash="encoder")
        self.listened: list[float] = []
        self.asked: list[tuple[PoseReference | None, HeadSettings]] = []

    def with_bank(self, bank: PoseBank) -> StandInPose:
        self.bank = bank
        return self

    def encode(self, speech: Speech) -> SpeechFeatures:
        self.listened.append(speech.seconds)
        count = 2 * int(np.ceil(speech.seconds * 25))
        return SpeechFeatures(np.zeros((count, 2), np.float32), np.zeros((count, 4), np.float32))

    def matrix(self, heard: SpeechFeatures, head: np.ndarray) -> StyleMatrix:
        return StyleMatrix(np.full((2, 3), float(np.abs(head).mean()), np.float32), np.ones(2, np.float32))

    def embed(self, statistics: np.ndarray) -> np.ndarray:
        return np.zeros(2, np.float32)

    def generate(
        self, heard: SpeechFeatures, reference: PoseReference | None, settings: HeadSettings, progress: object = None
    ) -> SimpleNamespace:
        self.asked.append((reference, settings))
        head = np.full((heard.frames, 3), 0.01 * settings.seed + 0.1, np.float32) * settings.amount
        matrix = reference.matrix if reference else None
        found = self.bank.retrieve(matrix, settings.neighbours).neighbours if matrix else ()
        return SimpleNamespace(head=head, neighbours=found, codes=())

    def generate_together(
        self,
        heard: list[SpeechFeatures],
        reference: PoseReference | None,
        settings: list[HeadSettings],
        progress: object = None,
    ) -> list[SimpleNamespace]:
        return [self.generate(line, reference, own) for line, own in zip(heard, settings, strict=True)]


def small_bank() -> PoseBank:
    """Two people: one near any matrix of small numbers, one far."""
    entries = tuple(
        BankEntry(
            name,
            name,
            StyleMatrix(np.full((2, 3), level, np.float32), np.ones(2, np.float32)),
            np.zeros(2, np.float32),
            np.zeros(len(STATISTICS), np.float32),
            "made for a test",
        )
        for name, level in (("Lively", 9.0), ("Calm", 0.1))
    )
    return PoseBank(entries, np.ones(3, np.float32), "pose-prior", "units")


def tracked(path: Path) -> TrackedReference:
    motion = moving(200, 1.4)
    points = np.random.default_rng(0).normal(size=(200, 478, 3)).astype(np.float32)
    times = np.arange(200) / 25.0
    track = FaceTrack(
        points, times, np.ones(200, bool), np.ones(3, np.int32), np.zeros(0, np.int64), 640, 480, str(path)
    )
    speech = Speech(tone(8.0), str(path))
    report = QualityReport(str(path), 8.0, 25.0, 0.0, 200.0, 0.3, 2.0, 0.04, 0.9, ("Noisy.",))
    return TrackedReference(motion, track, speech, report, points, points[0], np.ones(200, np.float32))


@dataclasses.dataclass
class Bench:
    """Real sound file, stand-ins for the slow parts."""

    folder: Path
    model: StandInModel
    tracked_files: list[Path]
    pose: StandInPose
    mimic: StandInMimic
    adapted: list[str]

    @property
    def audio(self) -> MediaRange:
        return MediaRange(self.folder / "talk.wav")

    @property
    def clip(self) -> MediaRange:
        return MediaRange(self.folder / "clip.mp4")


def make_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A folder with a sound and a clip, and the stand-ins in place."""
    found = Bench(tmp_path, StandInModel(), [], StandInPose(small_bank()), StandInMimic(), [])
    write_audio(tmp_path / "talk.wav", tone(3.0)[None], SAMPLE_RATE, "pcm_s16le")
    (tmp_path / "clip.mp4").write_bytes(b"stands for a video")
    models = loaded.LoadedModels(EngineContext("cpu", "bundled", StandInEncoder(), open_basis()))
    monkeypatch.setattr(loaded, "loaded_models", lambda device="auto", encoder="auto", pack=None: models)
    monkeypatch.setattr(AdaMeshBackend, "load", lambda context: AdaMeshBackend(found.model))  # type: ignore[arg-type]
    monkeypatch.setattr(MimicBackend, "load", lambda context: MimicBackend(found.mimic))  # type: ignore[arg-type]
    monkeypatch.setattr(HeadBackend, "load", lambda context: HeadBackend(found.pose, context))  # type: ignore[arg-type]

    def learn(self: AdaMeshBackend, reference: object, style: Style, progress: object) -> Style:
        # adapting needs a real network: tests/models has that
        found.adapted.append(style.name)
        return style

    monkeypatch.setattr(AdaMeshBackend, "learn", learn)

    def track(
        path: Path,
        start: float,
        end: float | None,
        progress: object,
        expected_opening: object,
        sound_track: int | None,
        person: object = None,
    ) -> object:
        found.tracked_files.append(path)
        progress(0.5)  # type: ignore[operator]
        expected_opening(Speech(tone(1.0), "x"))  # type: ignore[operator]
        return tracked(path)

    monkeypatch.setattr(tracking, "track_reference", track)
    return found
