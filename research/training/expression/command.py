# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training expression``: AdaMesh's base network for one speech encoder, as it ships.

First the teachers: networks on Whisper's values, of filmed people alone. Then the network itself, of filmed people
and of readers whom the teachers gave pseudo-labels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.face.basis import open_basis
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator, save_network
from core.models.speech.registry import weights_file
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.crowd import Crowd
from research.paths import BUILD
from research.training.expression.data import READERS
from research.training.expression.pseudo_labels import Teachers, labelled_utterances, pseudo_labelled
from research.training.expression.train import (
    ExpressionSettings,
    motion_groups,
    shipped_settings,
    teacher_settings,
    train,
)
from research.training.extractors import BUNDLED, WHISPER, Extractor, open_extractor
from research.training.feature_bank import FacePair, face_pairs, in_crowds
from research.training.motion_data import MotionPair

TEACHER_SEEDS = (0, 1)
TEACHERS_ROOT = BUILD / "teachers"
Pairs = Mapping[str, Sequence[MotionPair]]


def run(data: Path, encoder: str = BUNDLED, steps: int | None = None, threads: int | None = None) -> None:
    """Train with the shipped settings (or fewer steps), write the weights and their checksum."""
    settings = shipped_settings(encoder)
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    extractor = open_extractor(encoder)
    motions = motion_groups(data, open_basis(), settings)
    helpers = Helpers(lambda: Crowd.of_readers(data), lambda: shipped_teachers(motions, threads=settings.threads))
    groups = face_groups(data, motions, extractor, settings, helpers)
    for name, pairs in groups.items():
        print(f"{name}: {len(pairs)} clips, {sum(len(p.motion) for p in pairs) / 1500:.1f} min", flush=True)
    trained = train(groups, extractor.encoder, settings, f"expression-{encoder}-{_digest(settings)}")
    file = weights_file(EXPRESSION_FILE, encoder)
    save_network(trained.network, VENDOR_MODELS / file, extractor.encoder, {"training": json.dumps(asdict(settings))})
    print(f"{file}: sha256 {record_checksum(file)}")


@dataclass(frozen=True, slots=True)
class Helpers:
    """Who else a training needs, opened where its settings ask for it: the crowd behind, and the readers' teachers."""

    crowd: Callable[[], Crowd]
    teachers: Callable[[], Teachers]


def face_groups(
    data: Path, motions: Pairs, extractor: Extractor, settings: ExpressionSettings, helpers: Helpers
) -> dict[str, list[FacePair]]:
    """Filmed people with features; with a crowd behind, and readers with pseudo-labels, where the settings say so."""
    groups = {name: face_pairs(pairs, extractor, settings.voices) for name, pairs in motions.items()}
    if settings.sampling.crowd_share is not None:
        crowd = helpers.crowd()
        groups = {
            name: in_crowds(own, motions[name], extractor, crowd, settings.crowd) for name, own in groups.items()
        }
    if READERS in dict(settings.sampling.shares):
        readers = pseudo_labelled(labelled_utterances(data), helpers.teachers())
        groups[READERS] = face_pairs(readers, extractor, settings.voices)
    return groups


def shipped_teachers(motions: Pairs, threads: int = 1) -> Teachers:
    """Of everybody in ``motions``; trained once, kept under build/teachers."""
    extractor, settings = open_extractor(WHISPER), replace(teacher_settings(), threads=threads)
    keys = [pair.clip.key for pairs in motions.values() for pair in pairs]
    digest = _digest(settings, extractor.encoder.hash, sorted(keys))
    paths = [TEACHERS_ROOT / f"{digest}-{seed}.safetensors" for seed in TEACHER_SEEDS]
    missing = [seed for seed, path in zip(TEACHER_SEEDS, paths, strict=True) if not path.is_file()]
    groups = {name: face_pairs(pairs, extractor, settings.voices) for name, pairs in motions.items() if missing}
    for seed in missing:
        schedule = replace(settings.schedule, seed=settings.schedule.seed + seed)
        trained = train(groups, extractor.encoder, replace(settings, schedule=schedule), f"teacher-{digest}-{seed}")
        TEACHERS_ROOT.mkdir(parents=True, exist_ok=True)
        save_network(trained.network, TEACHERS_ROOT / f"{digest}-{seed}.safetensors", extractor.encoder, {})
    return Teachers([ExpressionGenerator.load("cpu", path, encoder=extractor.encoder) for path in paths])


def _digest(*described: object) -> str:
    """A name for what these make: a training of other settings is not gone on with."""
    return hashlib.sha256(repr(described).encode()).hexdigest()[:12]
