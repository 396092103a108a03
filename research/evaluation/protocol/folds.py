# SPDX-License-Identifier: GPL-3.0-or-later
"""People left out in turn: a network for each fold, recipe and seed, scored on whom it has not seen; kept on disk."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.motion import INTERNAL_FPS
from core.models.adamesh.generate import ExpressionGenerator, save_network
from core.models.adamesh.network import ExpressionNetwork
from core.models.speech.encoder import SpeechEncoder
from research.corpus.clips import Clip, free_training_clips, training_clips
from research.corpus.crowd import Crowd, heard_readers, unheard_readers
from research.evaluation.accuracy import TruthClip, truth
from research.evaluation.protocol.heard import HeardEncoder
from research.evaluation.protocol.recipes import Recipe
from research.evaluation.protocol.scores import ProtocolClip, score_clip
from research.paths import BUILD
from research.training.expression.command import TEACHER_SEEDS, Helpers, face_groups
from research.training.expression.pseudo_labels import Teachers
from research.training.expression.train import ExpressionSettings, motion_groups, teacher_settings, train
from research.training.extractors import WHISPER, open_extractor
from research.training.loop import CHECKPOINTS
from research.training.motion_data import MotionPair

CACHE_ROOT = BUILD / "protocol"
# who is left out together: one who speaks freely and two of GRID, then the talker who is most of GRID
FOLDS = (("obama", "s2", "s31"), ("reagan", "s3", "s32"), ("crema_1001", "s4", "s30"), ("s1",))
FREE_PEOPLE = ("obama", "reagan", "crema_1001")
GRID_CLIPS_PER_PERSON = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One training of the protocol."""

    recipe: Recipe
    fold: int
    seed: int


def run(item: Run, data: Path, decibel: float | None = None) -> list[ProtocolClip]:
    """Scores of the people left out, from the cache where they are.

    decibel: so far under their speech six readers talk behind who were never heard in training; None: nobody.
    """
    extractor = open_extractor(item.recipe.encoder, item.recipe.width)
    behind = "" if decibel is None else f"-crowd{decibel:g}"
    path = CACHE_ROOT / f"{_name(item, extractor.encoder)}{behind}.json"
    if not path.is_file():
        base = fold_base(item, data)
        scores = score_network(base.network, base.encoder, scored_clips(item.fold, data), _noise(data, decibel))
        path.write_text(json.dumps([asdict(score) for score in scores], indent=1))
    return [ProtocolClip(**row) for row in json.loads(path.read_text())]


def fold_base(item: Run, data: Path) -> ExpressionGenerator:
    """The fold's network with its encoder, for what is chosen on people left out; trained once, kept on disk."""
    extractor = open_extractor(item.recipe.encoder, item.recipe.width)
    name = _name(item, extractor.encoder)
    path = CACHE_ROOT / f"{name}.safetensors"
    if not path.is_file():
        network = _trained(item, name, data)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_network(network, path, extractor.encoder, {})
        (CHECKPOINTS / f"{name}.pt").unlink(missing_ok=True)
    return ExpressionGenerator.load("cpu", path, encoder=extractor.encoder)


def _name(item: Run, encoder: SpeechEncoder) -> str:
    return f"{item.recipe.label(encoder.hash)}-fold{item.fold}-seed{item.seed}"


def _trained(item: Run, name: str, data: Path) -> ExpressionNetwork:
    extractor = open_extractor(item.recipe.encoder, item.recipe.width)
    settings = item.recipe.settings
    schedule = replace(settings.schedule, seed=settings.schedule.seed + item.seed, save_every=settings.schedule.steps)
    motions = {group: pairs for group, pairs in fold_groups(item, data).items() if pairs}
    helpers = Helpers(lambda: _readers(data)[0], lambda: _fold_teachers(item.fold, data))
    groups = face_groups(data, motions, extractor, settings, helpers)
    return train(groups, extractor.encoder, replace(settings, schedule=schedule), name).network


def _fold_teachers(fold: int, data: Path) -> Teachers:
    """Who have not seen the fold's people either."""
    recipe = Recipe("teacher", WHISPER, teacher_settings())
    return Teachers([fold_base(Run(recipe, fold, seed), data) for seed in TEACHER_SEEDS])


def fold_groups(item: Run, data: Path) -> dict[str, list[MotionPair]]:
    """What the fold's network learns from."""
    left_out, recipe = FOLDS[item.fold], item.recipe
    groups = {
        name: [pair for pair in pairs if pair.clip.individual not in left_out]
        for name, pairs in _all_pairs(data).items()
        if name in dict(recipe.settings.sampling.shares)
    }
    if recipe.grid_people is not None and "grid" in groups:
        chosen = sorted({pair.clip.individual for pair in groups["grid"]})[: recipe.grid_people]
        groups["grid"] = [pair for pair in groups["grid"] if pair.clip.individual in chosen]
    if recipe.free_seconds is not None and "free" in groups:
        groups["free"] = _shortened(groups["free"], recipe.free_seconds)
    return groups


def _shortened(pairs: Sequence[MotionPair], seconds: float) -> list[MotionPair]:
    """At most ``seconds`` of each person, whole clips cut at their end."""
    left: dict[str, int] = {}
    kept = []
    for pair in pairs:
        frames = min(left.setdefault(pair.clip.individual, round(seconds * INTERNAL_FPS)), len(pair.motion))
        left[pair.clip.individual] -= frames
        if frames > INTERNAL_FPS:
            kept.append(pair.cut(frames))
    return kept


@functools.cache
def _all_pairs(data: Path) -> dict[str, list[MotionPair]]:
    return motion_groups(data, open_basis(), ExpressionSettings())


def scored_clips(fold: int, data: Path) -> list[Clip]:
    """All free clips of the fold's people, and of each of its GRID talkers a few."""
    left_out = FOLDS[fold]
    clips = [clip for clip in free_training_clips(data) if clip.individual in left_out]
    for person in left_out:
        own = [clip for clip in training_clips(data) if clip.individual == person]
        clips += own[:: max(len(own) // GRID_CLIPS_PER_PERSON, 1)][:GRID_CLIPS_PER_PERSON]
    return clips


@functools.lru_cache(maxsize=256)
def clip_truth(clip: Clip) -> TruthClip:
    return truth(clip, open_basis())


Noise = Callable[[Speech, int], Speech]


def score_network(
    network: ExpressionNetwork,
    encoder: SpeechEncoder,
    clips: Sequence[Clip],
    noise: Noise = lambda speech, index: speech,
) -> list[ProtocolClip]:
    """Speak every clip without a reference and score it; ``noise``: what is heard in place of its sound."""
    basis = open_basis()
    generator = ExpressionGenerator(network, HeardEncoder(encoder), basis, "protocol", "cpu")
    heard = [noise(clip_truth(clip).speech, index) for index, clip in enumerate(clips)]
    return [
        score_clip(clip_truth(clip), basis.displacement(generator.generate(speech)), basis)
        for clip, speech in zip(clips, heard, strict=True)
    ]


@functools.cache
def _readers(data: Path) -> tuple[Crowd, Crowd]:
    """Two of three readers for training, the third one to be scored with."""
    return Crowd.of_recordings(heard_readers(data)), Crowd.of_recordings(unheard_readers(data))


def _noise(data: Path, decibel: float | None) -> Noise:
    if decibel is None:
        return lambda speech, index: speech
    _, unheard = _readers(data)
    return lambda speech, index: Speech(
        unheard.behind(speech.samples, decibel, np.random.default_rng([7, index])), speech.source
    )
