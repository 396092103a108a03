# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains AdaMesh's base, Mimic and the pose prior on a folder of people, and writes them as a model pack.

The face networks go on from the bundled ones, or begin anew (``from_scratch``). Everything that takes long is kept
under build/ and .checkpoints/, so that an interrupted run resumes. Under ``torchrun`` several processes share a step.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from core.face.basis import open_basis
from core.model_pack import CARD_FILE, ModelPack, pack_of
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator, save_network
from core.models.mimic.generate import MIMIC_FILE, MimicGenerator, save_mimic
from core.models.speech.registry import weights_file
from core.pose.bank import BANK_FILE, PRIOR_FILE
from core.weights import VENDOR_MODELS, is_bundled
from research.evaluation.protocol.scores import PersonFigures, by_person, score_clip
from research.training import distributed
from research.training.expression.train import ExpressionSettings, TrainedExpression
from research.training.expression.train import train as train_expression
from research.training.extractors import BUNDLED, WHISPER, open_extractor
from research.training.feature_bank import FacePair, VoiceSettings, face_pairs
from research.training.loop import Schedule
from research.training.mimic.train import MimicSettings
from research.training.mimic.train import train as train_mimic
from research.training.people.card import Card, HeldoutFigures
from research.training.people.clips import (
    CheckedClip,
    PeopleData,
    check,
    find_clips,
    folder_group,
    split,
    with_offsets,
)
from research.training.pose.train import run as train_pose

GROUP = "people"
POSE_MIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PeopleSettings:
    """encoder: ``bundled``, ``whisper`` or a folder with HuBERT, wav2vec 2.0 or WavLM; layer: of the latter.

    steps: of each face network. from_scratch: do not begin with the bundled weights, as a folder's encoder cannot.
    """

    clips: Path
    out: Path
    encoder: str = BUNDLED
    layer: int | None = None
    steps: int = 200
    from_scratch: bool = False
    mimic: bool = True
    pose: bool = True
    threads: int = 1


def run(settings: PeopleSettings) -> ModelPack | None:
    """The pack; None in the helping processes of ``torchrun``. Raises :class:`MimeshError` in a sentence."""
    distributed.join()
    try:
        return _Run(settings).run()
    finally:
        distributed.leave()


class _Run:
    def __init__(self, settings: PeopleSettings) -> None:
        self._settings = settings
        self._extractor = open_extractor(settings.encoder, layer=settings.layer)
        self._is_named = settings.encoder in (BUNDLED, WHISPER)
        self._fresh = settings.from_scratch or not self._is_named

    def run(self) -> ModelPack | None:
        settings = self._settings
        # one process prepares the caches that the others read
        with distributed.first_alone():
            checked = self._checked()
            data = split(with_offsets(checked), open_basis())
            faces = face_pairs(data.training, self._extractor, VoiceSettings())
        settings.out.mkdir(parents=True, exist_ok=True)
        files = [self._expression(faces)]
        if settings.mimic:
            files.append(self._mimic(faces))
        if not distributed.is_first():
            return None
        files += self._pose(data)
        named = settings.encoder if self._is_named else str(Path(settings.encoder).resolve())
        pack = pack_of(settings.out, settings.clips.resolve().name, named, tuple(files), settings.layer)
        card = Card(pack.name, named, self._fresh, settings.steps, tuple(checked), self._figures(data))
        (settings.out / CARD_FILE).write_text(card.text(), encoding="utf-8")
        _say(card.text())
        _say(f"Wrote {settings.out}: choose it as Model Pack, or with --model-pack {settings.out}")
        return pack

    def _checked(self) -> list[CheckedClip]:
        base = ExpressionGenerator.load()
        found = []
        for clip in find_clips(self._settings.clips):
            item = check(clip, base.generate)
            found.append(item)
            state = f"left out: {item.problem}" if item.problem else "used"
            _say(f"{clip.person} / {clip.path.name}: {item.seconds:.1f} s, {state}")
        return found

    # --- networks -----------------------------------------------------------------------------------------------

    def _name(self, what: str) -> str:
        parts = asdict(self._settings) | {"threads": 1, "encoder_hash": self._extractor.encoder.hash}
        return f"{folder_group(self._settings.clips)}-{what}-{distributed.digest(parts)}"

    def _schedule(self, rate: float) -> Schedule:
        steps = self._settings.steps
        # a network that can speak already takes smaller steps
        rate = rate if self._fresh else rate / 3
        return Schedule.to_the_end(steps, rate, weight_decay=0.05, save_every=max(steps // 4, 1), seed=20261126)

    def _expression(self, faces: list[FacePair]) -> str:
        settings = ExpressionSettings()
        settings = replace(
            settings,
            schedule=self._schedule(1e-3),
            sampling=replace(settings.sampling, shares=((GROUP, 1.0),)),
            threads=self._settings.threads,
            rest_from=self._settings.steps // 2,
        )
        start = None if self._fresh else self._bundled_expression()
        encoder = self._extractor.encoder
        trained = train_expression({GROUP: faces}, encoder, settings, self._name("expression"), start)
        if distributed.is_first():
            save_network(trained.network, self._settings.out / EXPRESSION_FILE, encoder, _told(settings))
        return EXPRESSION_FILE

    def _bundled_expression(self) -> TrainedExpression:
        path = VENDOR_MODELS / weights_file(EXPRESSION_FILE, self._settings.encoder)
        network = ExpressionGenerator.load("cpu", path, encoder=self._extractor.encoder).network
        torch.manual_seed(0)
        start = TrainedExpression(network.config)
        start.network.load_state_dict(network.state_dict())
        return start

    def _mimic(self, faces: list[FacePair]) -> str:
        settings = MimicSettings()
        settings = replace(
            settings,
            schedule=self._schedule(1e-3),
            sampling=replace(settings.sampling, shares=((GROUP, 1.0),)),
            threads=self._settings.threads,
        )
        file = weights_file(MIMIC_FILE, self._settings.encoder) if self._is_named else ""
        start = None
        if not self._fresh and is_bundled(file):
            start = MimicGenerator.load("cpu", VENDOR_MODELS / file, encoder=self._extractor.encoder).network
        encoder = self._extractor.encoder
        network = train_mimic({GROUP: faces}, encoder, settings, self._name("mimic"), start)
        if distributed.is_first():
            save_mimic(network, self._settings.out / MIMIC_FILE, encoder, _told(settings))
        return MIMIC_FILE

    def _pose(self, data: PeopleData) -> list[str]:
        """The pose prior and bank, where there is enough of it."""
        seconds = sum(len(pair.motion) for pair in data.training) / 25.0
        if not self._settings.pose:
            return []
        if seconds < POSE_MIN_SECONDS:
            _say(f"{seconds:.0f} s are too little to learn how heads move; the bundled pose prior serves.")
            return []
        train_pose(Path(), clips=self._settings.clips, out=self._settings.out, threads=self._settings.threads)
        return [PRIOR_FILE, BANK_FILE]

    # --- figures ------------------------------------------------------------------------------------------------

    def _figures(self, data: PeopleData) -> tuple[HeldoutFigures, ...]:
        """Of everybody's held-out speech: by the bundled network and by the pack's."""
        bundled, own = ExpressionGenerator.load(), self._own()
        before, after = (_scores(generator, data) for generator in (bundled, own))
        return tuple(HeldoutFigures(person, before[person], after[person]) for person in sorted(after))

    def _own(self) -> ExpressionGenerator:
        path = self._settings.out / EXPRESSION_FILE
        return ExpressionGenerator.load("cpu", path, encoder=self._extractor.encoder)


def _scores(generator: ExpressionGenerator, data: PeopleData) -> dict[str, PersonFigures]:
    basis = open_basis()
    clips = [score_clip(item, basis.displacement(generator.generate(item.speech)), basis) for item in data.heldout]
    return by_person(clips)


def _told(settings: ExpressionSettings | MimicSettings) -> dict[str, str]:
    return {"training": json.dumps(asdict(settings))}


def _say(line: str) -> None:
    if distributed.is_first():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
