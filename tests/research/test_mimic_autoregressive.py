# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's decoder on tiny sizes: the kept past, what each frame may see, gradients, its place in the network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE
from core.models.mimic.decoder import ParallelDecoder
from core.models.mimic.network import MimicNetwork
from core.models.mimic.space import SPACE_SIZE, landmark_space
from research.training.mimic.autoregressive import AUTOREGRESSIVE, AutoregressiveDecoder, decoder_of
from tests.mimic_made import TINY

PERIOD, SPAN = 5, 12


def _decoder() -> AutoregressiveDecoder:
    """As if trained: the output, which starts at nothing, and the styles' gains are moved."""
    torch.manual_seed(0)
    decoder = AutoregressiveDecoder(TINY, PERIOD, SPAN).eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return decoder


def test_the_untrained_decoder_is_a_face_at_rest() -> None:
    decoder = AutoregressiveDecoder(TINY)
    assert (decoder(torch.randn(1, 8, TINY.width), torch.randn(1, TINY.code_size)) == 0).all()


def test_every_parameter_of_a_network_with_it_gets_a_gradient() -> None:
    network = MimicNetwork(TINY, landmark_space(open_basis()), _decoder()).train()
    motion = torch.randn(2, 20, MOTION_SIZE)
    coordinates, code = network.coordinates(motion), network.style(motion)
    contents = network.speech_content(torch.randn(2, 40, TINY.feature_size)), network.motion_content(coordinates)
    sum(
        network.decoder.forward_teacher_forced(content, code, coordinates).square().mean() for content in contents
    ).backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_the_configuration_names_the_decoder() -> None:
    assert decoder_of(TINY) is None
    assert isinstance(MimicNetwork(TINY, landmark_space(open_basis())).decoder, ParallelDecoder)
    assert isinstance(decoder_of(replace(TINY, decoder=AUTOREGRESSIVE)), AutoregressiveDecoder)
    with pytest.raises(ValueError, match="parallel or autoregressive, got 'backwards'"):
        decoder_of(replace(TINY, decoder="backwards"))


def test_kept_keys_and_values_change_nothing() -> None:
    decoder = _decoder()
    # longer than the span and several periods: forgotten frames must not count in either
    content, code = torch.randn(2, 31, TINY.width), torch.randn(2, TINY.code_size)
    with torch.inference_mode():
        kept, anew = decoder(content, code), decoder.without_memory(content, code)
    torch.testing.assert_close(kept, anew, atol=1e-5, rtol=1e-5)
    assert kept.std() > 1e-3


def test_the_memory_never_outgrows_its_span() -> None:
    decoder = _decoder()
    memory, previous = None, torch.zeros(1, SPACE_SIZE)
    for index in range(20):
        step = decoder.step(previous, torch.randn(1, TINY.width), torch.zeros(1, TINY.code_size), index, memory)
        memory, previous = step.memory, step.motion
    assert memory is not None
    assert memory.keys.shape[2] == SPAN


def test_taught_with_its_own_motion_the_autoregressive_decoder_says_it_again() -> None:
    decoder = _decoder()
    content, code = torch.randn(1, 20, TINY.width), torch.randn(1, TINY.code_size)
    with torch.inference_mode():
        own = decoder(content, code)
        torch.testing.assert_close(decoder.forward_teacher_forced(content, code, own), own, atol=1e-5, rtol=1e-5)


def test_no_frame_of_the_autoregressive_decoder_depends_on_later_ones() -> None:
    decoder = _decoder()
    content, code = torch.randn(1, 16, TINY.width), torch.randn(1, TINY.code_size)
    changed = content.clone()
    changed[:, 9:] += 1.0
    with torch.inference_mode():
        before, after = decoder(content, code), decoder(changed, code)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9:], after[:, 9:])
