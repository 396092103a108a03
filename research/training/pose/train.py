# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training pose``: the pose prior, PoseGPT, speech units and the bank of pose styles, in one go.

Without ``--clips`` it makes the shipped ones from ``grid/train`` and ``free_speech/train``; with it, a studio's own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from core.models.pose.generate import PoseGenerator
from core.models.pose.gpt import GptConfig, PoseGpt
from core.models.pose.prior import LoadedPrior, PosePrior, load_prior, save_prior, style_latents
from core.models.pose.speech_steps import PROSODY_STEP_SIZE
from core.models.pose.vq import PoseVq, VqConfig
from core.models.speech.encoder import SpeechEncoder
from core.models.speech.phonetic import PhoneticEncoder
from core.pose.bank import BANK_FILE, PRIOR_FILE, BankEntry, PoseBank
from core.pose.statistics import STATISTICS
from core.weights import VENDOR_MODELS, record_checksum
from research.training.pose.data import PoseClip, folder_clips, shipped_clips
from research.training.pose.gpt import GptSettings, train_gpt
from research.training.pose.prior import PriorSettings, score_prior, train_prior
from research.training.pose.styles import PoseStyle, make_styles
from research.training.pose.units import UnitChoice, choose_units, fisher_scale, unit_frames


@dataclass(frozen=True, slots=True)
class PoseTrainingSettings:
    """``network``: the GPT's sizes; what the encoder and the VQ decide is filled in."""

    vq: VqConfig = field(default_factory=VqConfig)
    network: GptConfig = field(default_factory=lambda: GptConfig(speech_size=0, style_size=0))
    prior: PriorSettings = field(default_factory=PriorSettings)
    gpt: GptSettings = field(default_factory=GptSettings)
    seed: int = 20261124
    threads: int = 1

    def shortened(self) -> PoseTrainingSettings:
        """Fewer steps: what leave-one-out figures are measured with."""
        return replace(self, prior=replace(self.prior, steps=1500), gpt=replace(self.gpt, steps=400))


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPose:
    """prior, units and bank that belong together, and how the number of units was found."""

    loaded: LoadedPrior
    bank: PoseBank
    choice: UnitChoice


def train_pose(
    clips: Sequence[PoseClip],
    encoder: SpeechEncoder,
    settings: PoseTrainingSettings,
    name: str,
    folder: Path,
    speech: Sequence[Path] = (),
) -> TrainedPose:
    """Train on the clips and write ``pose_prior.safetensors`` and ``pose_bank.safetensors`` into ``folder``.

    ``speech``: more sound files from which the speech units are made. Resumes from the checkpoints of ``name``.
    """
    torch.set_num_threads(settings.threads)
    vq = train_prior(clips, settings.prior, settings.vq, f"{name}-prior")
    choice = choose_units(clips, vq, unit_frames(clips, speech, encoder), encoder.hash, settings.seed)
    prior = train_gpt(clips, new_prior(encoder.dimension, vq, settings), settings.gpt, f"{name}-gpt")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PRIOR_FILE
    save_prior(prior, choice.units, encoder.name, path, {"training": json.dumps(asdict(settings))})
    # read back, so that the bank is made with the half-precision weights that it will be used with
    loaded = load_prior(path)
    bank = make_bank(make_styles(clips), loaded, encoder)
    bank.save(folder / BANK_FILE)
    return TrainedPose(loaded, bank, choice)


def new_prior(features: int, vq: PoseVq, settings: PoseTrainingSettings) -> PosePrior:
    """An untrained GPT beside the trained VQ."""
    torch.manual_seed(settings.seed)
    config = replace(
        settings.network,
        speech_size=features + PROSODY_STEP_SIZE,
        style_size=len(STATISTICS),
        levels=vq.config.levels,
        code_size=vq.config.code_size,
    )
    return PosePrior(vq, PoseGpt(config), features)


def make_bank(styles: Sequence[PoseStyle], loaded: LoadedPrior, encoder: SpeechEncoder) -> PoseBank:
    """Every style as an entry."""
    size = loaded.prior.vq.config.code_size
    empty = PoseBank((), np.ones(size, np.float32), loaded.hash, loaded.units.hash)
    generator = PoseGenerator(loaded, empty, encoder)
    entries = tuple(_entry(style, generator) for style in styles)
    plain = [style for style in styles if not style.variation.describe()]
    people = sorted({style.person for style in plain})
    latents = [
        np.concatenate([style_latents(loaded.prior.vq, c.head) for s in plain if s.person == person for c in s.clips])
        for person in people
    ]
    return PoseBank(entries, fisher_scale(latents), loaded.hash, loaded.units.hash)


def _entry(style: PoseStyle, generator: PoseGenerator) -> BankEntry:
    pairs = [(clip.heard, clip.head) for clip in style.clips]
    return generator.describe(style.name, style.person, pairs, style.source)


def unit_speech(data: Path) -> list[Path]:
    """A third of the LibriSpeech recordings: units must not be those of a few voices."""
    return sorted((data / "speech" / "librispeech").glob("*.ogg"))[::3]


def run(data: Path, clips: Path | None = None, out: Path | None = None, threads: int | None = None) -> None:
    """Train and write: the shipped files, or a folder's own into ``out`` (or its sub-folder mimesh_pose)."""
    began = time.monotonic()
    encoder = PhoneticEncoder.load()
    settings = PoseTrainingSettings()
    settings = replace(settings, threads=threads or settings.threads)
    if clips is None:
        found, folder, name = shipped_clips(data, encoder), VENDOR_MODELS, "pose"
        speech = unit_speech(data)
    else:
        found, folder = folder_clips(clips, encoder), out or clips / "mimesh_pose"
        name, speech = f"pose-{clips.resolve().name}", list[Path]()
    seconds = sum(clip.seconds for clip in found)
    print(f"{len(found)} clips of {len({c.person for c in found})} people, {seconds / 60:.1f} min", flush=True)
    trained = train_pose(found, encoder, settings, name, folder, speech)
    score = score_prior(trained.loaded.prior.vq, [clip.head for clip in found if clip.lively])
    print(
        f"reconstruction {score.degrees:.2f} degrees on its own clips ({score.plain_degrees:.2f} by the encoder alone)"
    )
    print(trained.choice.describe())
    print(f"{len(trained.bank)} pose styles, {(time.monotonic() - began) / 60:.1f} min")
    if clips is None:
        for file in (PRIOR_FILE, BANK_FILE):
            print(f"{file}: sha256 {record_checksum(file)}")
    else:
        print(f"Wrote {folder / PRIOR_FILE} and {folder / BANK_FILE}")
