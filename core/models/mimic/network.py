# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's network (Fu et al., AAAI 2024): style and content in spaces of their own, and a decoder that joins them.

Sizes, structure and sources: docs/papers.md 2.1. Motion values (B, T, 53) go in and come out; inside they are
coordinates of landmark displacement (:mod:`core.models.mimic.space`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import MimicConfig
from .decoder import MotionDecoder, ParallelDecoder
from .encoders import MotionContentEncoder, SpeechContentEncoder, StyleEncoder
from .motion_statistics import MotionStatistics
from .space import REGION_COUNT, SPACE_SIZE, LandmarkSpace


class MimicNetwork(nn.Module):
    """Style encoder E_s, motion and speech content encoders E_c and E_a, and decoder D.

    mean_code: (128,) running mean of the training codes, the mean speaker's style. population_mean (51,),
    population_amplitude (R,), population_speed (R,): running means of the :class:`MotionStatistics` of the mean
    speaker's motion, the reference point for clips without sound.
    """

    encode: Tensor
    decode: Tensor
    metric: Tensor
    regions: Tensor
    mean_code: Tensor
    population_mean: Tensor
    population_amplitude: Tensor
    population_speed: Tensor

    def __init__(self, config: MimicConfig, space: LandmarkSpace, decoder: MotionDecoder | None = None) -> None:
        """decoder: None is the parallel one, whatever the configuration records."""
        super().__init__()
        self.config = config
        self.style_encoder = StyleEncoder(config)
        self.motion_content = MotionContentEncoder(config)
        self.speech_content = SpeechContentEncoder(config)
        self.decoder = ParallelDecoder(config) if decoder is None else decoder
        self.register_buffer("encode", torch.from_numpy(space.encode), persistent=False)
        self.register_buffer("decode", torch.from_numpy(space.decode), persistent=False)
        self.register_buffer("metric", torch.from_numpy(space.metric), persistent=False)
        self.register_buffer("regions", torch.from_numpy(space.regions), persistent=False)
        self.register_buffer("mean_code", torch.zeros(config.code_size))
        self.register_buffer("population_mean", torch.zeros(SPACE_SIZE))
        self.register_buffer("population_amplitude", torch.zeros(REGION_COUNT))
        self.register_buffer("population_speed", torch.zeros(REGION_COUNT))

    def coordinates(self, motion: Tensor) -> Tensor:
        """(B, T, 53) motion values to the (B, T, 51) that stand for the landmarks' displacement."""
        return motion @ self.encode

    def values(self, coordinates: Tensor) -> Tensor:
        """(B, T, 51) fitted back to (B, T, 53) motion values."""
        return coordinates.float() @ self.decode

    def displacement(self, coordinates: Tensor) -> Tensor:
        """(B, T, 51) to weighted centimetres along orthonormal directions: its distances are the landmarks'."""
        return coordinates.float() @ self.metric

    def style(self, motion: Tensor, expected: MotionStatistics | None = None) -> Tensor:
        """Codes (B, 128) of (B, T, 53). expected: the mean speaker's for the same speech; default: population."""
        return self.style_of(self.coordinates(motion), self.population if expected is None else expected)

    def style_of(self, coordinates: Tensor, expected: MotionStatistics) -> Tensor:
        """:meth:`style` of (B, T, 51)."""
        code: Tensor = self.style_encoder(coordinates, self.regions, expected)
        return code

    @property
    def population(self) -> MotionStatistics:
        """Population mean of the mean speaker's statistics, one row."""
        return MotionStatistics(
            self.population_mean[None], self.population_amplitude[None], self.population_speed[None]
        )

    def statistics(self, motion: Tensor) -> MotionStatistics:
        """Motion statistics of (B, T, 53)."""
        return MotionStatistics.of(self.coordinates(motion), self.regions)

    def neutral_motion(self, features: Tensor) -> Tensor:
        """Features (B, 2 T, F) to the mean speaker's (B, T, 53)."""
        return self.motion(features, self.mean_code.expand(len(features), -1))

    def motion(self, features: Tensor, code: Tensor) -> Tensor:
        """Features (B, 2 T, F) and codes (B, 128) to (B, T, 53)."""
        return self.values(self.decoder(self.speech_content(features), code))

    def decoded(self, content: Tensor, code: Tensor) -> Tensor:
        """Speech content (B, T, width) in one code (128,) to (B, T, 53)."""
        return self.values(self.decoder(content, code.expand(len(content), -1)))
