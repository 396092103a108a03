# SPDX-License-Identifier: GPL-3.0-or-later
"""A Mimic small enough for tests, untrained but not silent."""

from __future__ import annotations

import torch

from core.face.basis import open_basis
from core.models.mimic.config import MimicConfig
from core.models.mimic.network import MimicNetwork
from core.models.mimic.space import landmark_space

# hears log-mel; tests with another encoder replace feature_size
TINY = MimicConfig(
    feature_size=160,
    width=16,
    heads=2,
    hidden=16,
    motion_convolutions=1,
    motion_blocks=1,
    speech_blocks=1,
    decoder_blocks=1,
)


def tiny_network(config: MimicConfig = TINY) -> MimicNetwork:
    """As if trained: outputs and style gains, which start at nothing, are moved."""
    torch.manual_seed(0)
    network = MimicNetwork(config, landmark_space(open_basis()))
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network
