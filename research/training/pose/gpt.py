# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains PoseGPT: the next code, from soft targets, on windows that are varied anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.models.pose.prior import PosePrior
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.pose.data import PoseClip
from research.training.pose.windows import PoseGptWindows

_MEASURED_BATCHES = 12


@dataclass(frozen=True, slots=True)
class GptSettings:
    """``window_steps``: steps per row of lively speech; calm talkers' short clips come in more and shorter rows.

    softness: targets are spread over codes by exp(-(distance / (softness * usual distance))^2 / 2), and what the
    network sees as past codes is drawn from the same: against exposure bias (docs/papers.md 1.3).
    Near codes instead of random ones, since those are the errors that happen.
    """

    steps: int = 600
    batch: int = 16
    window_steps: int = 40
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    softness: float = 0.35
    no_style_share: float = 0.1
    no_features_share: float = 0.5
    features_noise: float = 1.0
    sounds_noise: float = 0.3
    style_noise: float = 0.1
    seed: int = 20261123

    def schedule(self) -> Schedule:
        """Cosine to the end."""
        return Schedule.to_the_end(
            self.steps, self.learning_rate, weight_decay=self.weight_decay, save_every=25, seed=self.seed
        )


class GptLoss:
    """Cross-entropy against soft codes, both levels alike."""

    def __init__(self, windows: PoseGptWindows, codebooks: Tensor, usual: Tensor, settings: GptSettings) -> None:
        self._windows, self._settings = windows, settings
        self._codebooks, self._usual = codebooks, usual

    def __call__(self, network: nn.Module, chance: Chance) -> Tensor:
        assert isinstance(network, PosePrior)
        settings, generator = self._settings, chance.generator
        batch = self._windows.draw(chance.rng)
        coded = soft_codes(batch.latents, self._codebooks, self._usual * settings.softness, generator)
        gpt = network.gpt
        style = network.style_of(batch.statistics)
        style = style + settings.style_noise * torch.randn(style.shape, generator=generator)
        embedded = gpt.embed_style(style)
        absent = torch.rand(len(style), 1, generator=generator) < settings.no_style_share
        embedded = torch.where(absent, gpt.no_style, embedded)
        speech = self._varied_speech(network.speech_of(batch.speech), network.feature_size, generator)
        states = gpt(gpt.embed_codes(coded.chosen, coded.so_far), gpt.embed_speech(speech), gpt.modulate(embedded))
        loss = torch.zeros(())
        for level in range(gpt.config.levels):
            answers = states[:, level :: gpt.config.levels]
            logits = gpt.logits(
                level, answers, coded.before(gpt.rest_latent), coded.below(level), self._codebooks[level]
            )
            surprise = -(coded.targets[level] * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
            loss = loss + surprise[batch.present].mean() / gpt.config.levels
        return loss

    def _varied_speech(self, speech: Tensor, features: int, generator: torch.Generator) -> Tensor:
        """Noise everywhere; in some rows only prosody is left, which every voice shares."""
        noise = torch.full_like(speech[0, 0], self._settings.features_noise)
        noise[features:] = self._settings.sounds_noise
        noisy = speech + noise * torch.randn(speech.shape, generator=generator)
        deaf = torch.rand(len(speech), 1, 1, generator=generator) < self._settings.no_features_share
        kept = torch.ones_like(noisy)
        kept[:, :, :features] = torch.where(deaf, 0.0, 1.0)
        return noisy * kept


@dataclass(frozen=True, slots=True, eq=False)
class SoftCodes:
    """targets: per level (B, N, codes) probabilities. chosen, so_far: (B, N, L, d) a draw from them, and its sums."""

    targets: list[Tensor]
    chosen: Tensor
    so_far: Tensor

    def before(self, first: Tensor) -> Tensor:
        """(B, N, d): the step before in full, ``first`` (d,) before the first."""
        whole = self.so_far[:, :, -1]
        return torch.cat([first.expand_as(whole[:, :1]), whole[:, :-1]], dim=1)

    def below(self, level: int) -> Tensor:
        """(B, N, d): what the coarser levels of the same step have put together."""
        return self.so_far[:, :, level - 1] if level else torch.zeros_like(self.so_far[:, :, 0])


@torch.no_grad()
def soft_codes(latents: Tensor, codebooks: Tensor, width: Tensor, generator: torch.Generator | None) -> SoftCodes:
    """(B, N, d) latents against (L, codes, d): level by level near codes instead of the nearest one.

    ``width``: (L,) distances over which targets spread. Without a generator the most likely code is chosen.
    """
    rest, total = latents, torch.zeros_like(latents)
    targets, chosen, so_far = [], [], []
    for level, codes in enumerate(codebooks):
        distance = torch.cdist(rest, codes.expand(len(rest), -1, -1))
        target = torch.softmax(-0.5 * (distance / width[level]) ** 2, dim=-1)
        flat = target.flatten(0, -2)
        code = flat.argmax(dim=-1) if generator is None else _drawn(flat, generator)
        vector = codes[code].reshape(latents.shape)
        rest, total = rest - vector, total + vector
        targets.append(target)
        chosen.append(vector)
        so_far.append(total)
    return SoftCodes(targets, torch.stack(chosen, dim=2), torch.stack(so_far, dim=2))


def _drawn(shares: Tensor, generator: torch.Generator) -> Tensor:
    """(M,) an index of each row of (M, codes) probabilities; torch.multinomial draws a number for every code."""
    total = shares.cumsum(dim=-1)
    place = torch.rand(len(shares), 1, generator=generator) * total[:, -1:]
    return torch.searchsorted(total, place)[:, 0].clamp_max(shares.shape[1] - 1)


def train_gpt(clips: Sequence[PoseClip], prior: PosePrior, settings: GptSettings, name: str) -> PosePrior:
    """Train the GPT inside ``prior``; its VQ does not change. Also sets the scales of speech and statistics."""
    prior.vq.requires_grad_(False).eval()
    windows = PoseGptWindows(clips, prior.vq, settings.batch, settings.window_steps)
    batches = [windows.draw(np.random.default_rng([settings.seed, index])) for index in range(_MEASURED_BATCHES)]
    present = [batch.present for batch in batches]
    statistics = np.concatenate([batch.statistics.numpy() for batch in batches])
    speech = torch.cat([batch.speech[there] for batch, there in zip(batches, present, strict=True)])
    prior.measure(speech.numpy(), statistics)
    latents = torch.cat([batch.latents[there] for batch, there in zip(batches, present, strict=True)])
    prior.gpt.latent_deviation.copy_(latents.std(dim=0))
    with torch.no_grad():
        prior.gpt.rest_latent.copy_(prior.vq.encode(torch.zeros(1, prior.vq.config.frames_per_step, 3))[0, 0])
    codebooks = prior.vq.codebooks.vectors.clone()
    loss = GptLoss(windows, codebooks, usual_distances(latents, codebooks), settings)
    return TrainingRun(prior, settings.schedule(), name).train(loss).eval()


@torch.no_grad()
def usual_distances(latents: Tensor, codebooks: Tensor) -> Tensor:
    """(L,) root mean square of what each level leaves over of (N, d) latents."""
    rest, usual = latents, []
    for codes in codebooks:
        distance, code = torch.cdist(rest, codes).min(dim=1)
        usual.append((distance**2).mean().sqrt())
        rest = rest - codes[code]
    return torch.stack(usual)
