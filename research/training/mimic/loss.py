# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mimic is trained for: motion from speech and from motion, and the four constraints (docs/papers.md 2.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.face.basis import FaceBasis
from core.face.region_chart import BROWS, JAW, OPENING, ROUNDING, WIDTH
from core.models.adamesh.network import NetworkOutput
from core.models.mimic.config import MimicConfig
from core.models.mimic.motion_statistics import MotionStatistics
from core.models.mimic.network import MimicNetwork
from core.models.mimic.space import landmark_space
from research.training.mimic.autoregressive import decoder_of
from research.training.mimic.constraints import (
    content_contrast,
    content_cycle,
    inverse_classification,
    style_classification,
    style_cycle,
)
from research.training.mimic.data import MimicBatch
from research.training.motion_loss import LossWeights, MotionLoss

CONSTRAINTS = ("style classifier", "inverse classifier", "content contrast", "latent cycles")
# what each batch adds to the running mean of style codes
_MEAN_SHARE = 0.02
# whose swing speech and style decide between them; lids blink
SPREAD_REGIONS = [OPENING, WIDTH, ROUNDING, BROWS, JAW]
# the temperature of CLIP's logits at first
_LOG_SCALE = math.log(1 / 0.07)


@dataclass(frozen=True, slots=True)
class ConstraintWeights:
    """The release's weights times 1e6, for coordinates of unit variance (docs/papers.md 2.2), smaller for cycles.

    inverse: at first, from 13 % and from 27 % of the steps on (its epochs 20 and 40 of 150); ours stays. voice: of the
    same on speech content, which unlearns whose voice it hears; not in the paper, nor is spread: of how far regions
    swing in a window. landmarks: of the squared landmark distance, the paper's reconstruction; :class:`MotionLoss`
    stands beside it with weight 1, since squares alone let lips and brows shrink to what is safe.
    """

    landmarks: float = 0.5
    style: float = 0.25
    spread: float = 0.1
    inverse: tuple[float, float, float] = (0.5, 0.5, 0.5)
    contrast: float = 0.5
    voice: float = 0.5
    style_cycle: float = 1.0
    content_cycle: float = 0.5

    def inverse_at(self, progress: float) -> float:
        """``progress``: share of the steps that are done."""
        return self.inverse[(progress >= 20 / 150) + (progress >= 40 / 150)]


class TrainedMimic(nn.Module):
    """The network and what only training has: three classifiers and the contrast's temperature."""

    def __init__(self, config: MimicConfig, basis: FaceBasis, identities: int, voices: int) -> None:
        super().__init__()
        self.network = MimicNetwork(config, landmark_space(basis), decoder_of(config))
        self.style_classifier = nn.Linear(config.code_size, identities)
        self.inverse_classifier = nn.Linear(2 * config.width, identities)
        self.voice_classifier = nn.Linear(2 * config.width, voices)
        self.log_scale = nn.Parameter(torch.tensor(_LOG_SCALE))


class MimicLoss:
    """All terms of one batch. mean, deviation: (53,) of the training motion, for :class:`MotionLoss`.

    shown_share: samples that speak with their own code; the others with the running mean of all codes, as the average
    talker would, so that the mean is a style that the decoder knows. silent_share: references without their sound.
    """

    def __init__(
        self,
        basis: FaceBasis,
        mean: Tensor,
        deviation: Tensor,
        weights: ConstraintWeights,
        shown_share: float,
        silent_share: float = 0.2,
        motion_weights: LossWeights | None = None,
    ) -> None:
        self._mean, self._deviation = mean, deviation
        self._motion = MotionLoss(basis, mean, deviation, motion_weights or LossWeights())
        self._weights = weights
        self._shown_share, self._silent_share = shown_share, silent_share

    def __call__(self, model: TrainedMimic, batch: MimicBatch, progress: float, generator: torch.Generator) -> Tensor:
        network, weights = model.network, self._weights
        coordinates = network.coordinates(batch.motion)
        with torch.autocast(coordinates.device.type, torch.bfloat16):
            code = network.style(batch.reference, self._expected(network, batch.heard, generator))
            seen, heard = network.motion_content(coordinates), network.speech_content(batch.features)
            shown = (_chances((len(code), 1), generator) < self._shown_share).to(code.dtype)
            spoken_code = shown * code + (1 - shown) * network.mean_code
            said = torch.where(shown[:, :, None] > 0, batch.motion, batch.average)
            spoken = network.decoder.forward_teacher_forced(heard, spoken_code, network.coordinates(said))
            mimed = network.decoder.forward_teacher_forced(seen, code, coordinates)
        follow_mean(network, code)
        total = self._reconstruction(network, spoken, said) + self._reconstruction(network, mimed, batch.motion)
        if weights.style:
            total = total + weights.style * style_classification(model.style_classifier, code.float(), batch.identity)
        if any(weights.inverse):
            inverse = inverse_classification(model.inverse_classifier, swings(seen.float()), batch.identity)
            total = total + weights.inverse_at(progress) * inverse
        if weights.voice:
            voice = inverse_classification(model.voice_classifier, swings(heard.float()), batch.voice)
            total = total + weights.voice * voice
        if weights.spread:
            total = total + weights.spread * self._spread(network, spoken, network.coordinates(said))
        if weights.contrast:
            total = total + weights.contrast * content_contrast(heard, seen, model.log_scale)
        if weights.style_cycle or weights.content_cycle:
            total = total + self._cycles(network, seen, code, batch.features, generator)
        return total

    def _reconstruction(self, network: MimicNetwork, given: Tensor, motion: Tensor) -> Tensor:
        """The paper's squared distance of landmarks, and ours on lips, regions and speed."""
        values = (network.values(given) - self._mean) / self._deviation
        squared = network.displacement(given - network.coordinates(motion)).square().mean()
        # the loss counts an output before and one after a post-net; here they are one
        return self._weights.landmarks * squared + 0.5 * self._motion(NetworkOutput(values, values), motion)

    @staticmethod
    def _spread(network: MimicNetwork, given: Tensor, wanted: Tensor) -> Tensor:
        """How far regions swing in a window: mean over :data:`SPREAD_REGIONS` of |log given - log wanted|."""
        ratio = MotionStatistics.of(given, network.regions).amplitude_relative_to(
            MotionStatistics.of(wanted, network.regions)
        )
        return ratio[:, SPREAD_REGIONS].abs().mean()

    def _expected(self, network: MimicNetwork, features: Tensor, generator: torch.Generator) -> MotionStatistics:
        """The average talker's course to the references' sounds; for some samples as if they had none."""
        course = average_course(network, features)
        follow_usual(network, course)
        heard = _chances((len(features),), generator) >= self._silent_share
        return course.where(heard, network.population)

    def _cycles(
        self, network: MimicNetwork, content: Tensor, codes: Tensor, features: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Half of the batch in the style of its neighbours, and both read back from what comes out."""
        half = max(len(content) // 2, 1)
        step = int(torch.randint(1, max(len(codes), 2), (1,), generator=generator, device=generator.device))
        others = codes.roll(step, dims=0)[:half]
        content = content[:half]
        with torch.autocast(content.device.type, torch.bfloat16):
            again = network.decoder(content, others)
            expected = average_course(network, features[:half])
            style, said = network.style_of(again, expected), network.motion_content(again)
        return self._weights.style_cycle * style_cycle(others, style) + self._weights.content_cycle * content_cycle(
            content, said
        )


def _chances(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def swings(content: Tensor) -> Tensor:
    """(B, T, W) to (B, T, 2 W) with the sizes beside the values: their time-mean also tells how far content swings."""
    return torch.cat([content, content.abs()], dim=2)


@torch.no_grad()
def average_course(network: MimicNetwork, features: Tensor) -> MotionStatistics:
    """Of the average talker saying (B, 2 T, F), as outside training (without dropout)."""
    training = network.training
    network.eval()
    course = network.statistics(network.neutral_motion(features))
    network.train(training)
    return course


@torch.no_grad()
def follow_usual(network: MimicNetwork, course: MotionStatistics) -> None:
    """Move what is usual of the average talker towards this."""
    for kept, seen in zip(
        (network.population_mean, network.population_amplitude, network.population_speed), course.parts, strict=True
    ):
        kept.lerp_(seen.float().mean(dim=0), _MEAN_SHARE)


@torch.no_grad()
def follow_mean(network: MimicNetwork, codes: Tensor) -> None:
    """Move the average talker's code towards these (B, 128)."""
    network.mean_code.lerp_(codes.float().mean(dim=0), _MEAN_SHARE)
