# SPDX-License-Identifier: GPL-3.0-or-later
"""The discrete pose prior: codebooks that follow their data, and convolutions that run on any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.models.pose.codebook import ResidualCodebooks
from core.models.pose.vq import PoseVq, VqConfig
from research.training.pose.code_search import code_head

TINY = VqConfig(frames_per_step=4, levels=2, codes=16, code_size=3, width=12, dilations=(1, 2))


def _vq() -> PoseVq:
    torch.manual_seed(0)
    vq = PoseVq(TINY)
    vq.train()
    vq(_heads(8, 64))
    return vq.eval()


def _heads(count: int, frames: int) -> torch.Tensor:
    steps = 0.02 * torch.randn(count, frames, 3, generator=torch.Generator().manual_seed(1))
    return torch.cumsum(steps, dim=1)


def test_motion_keeps_its_shape_whatever_its_length() -> None:
    vq = _vq()
    for frames in (1, 4, 5, 31):
        output = vq(_heads(2, frames))
        assert output.head.shape == (2, frames, 3)
        assert output.quantised.codes.shape == (2, -(-frames // 4), 2)


def test_default_codes_are_at_most_seven_a_second() -> None:
    assert VqConfig().codes_per_second <= 7.0


def test_single_level_takes_the_nearest_code() -> None:
    torch.manual_seed(0)
    books = ResidualCodebooks(1, 20, 3)
    books.vectors.normal_()
    latent = torch.randn(50, 3)
    found = books.eval()(latent)
    brute = ((latent[:, None] - books.vectors[0]) ** 2).sum(dim=2)
    assert torch.equal(found.codes[:, 0], brute.argmin(dim=1))
    torch.testing.assert_close(found.distances[:, 0], brute.min(dim=1).values.sqrt())


def test_two_levels_are_never_worse_than_level_by_level() -> None:
    torch.manual_seed(0)
    books = ResidualCodebooks(2, 20, 3).eval()
    books.vectors.normal_()
    latent = torch.randn(200, 3)
    found = books(latent)
    greedy = latent
    for vectors in books.vectors:
        greedy = greedy - vectors[torch.cdist(greedy, vectors).argmin(dim=1)]
    assert (found.distances[:, -1] <= greedy.norm(dim=1) + 1e-5).all()
    assert (found.distances[:, -1] < greedy.norm(dim=1) - 1e-3).any()
    torch.testing.assert_close(found.vectors, books.look_up(found.codes))


def test_codebook_moves_to_its_data_and_rests_in_evaluation() -> None:
    torch.manual_seed(0)
    centres = torch.tensor([[-4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    books = ResidualCodebooks(1, 3, 2).train()
    for _ in range(300):
        books(centres[torch.randint(3, (60,))] + 0.1 * torch.randn(60, 2))
    assert torch.cdist(centres, books.vectors[0]).min(dim=1).values.max() < 0.3
    before = books.vectors.clone()
    books.eval()(torch.randn(10, 2))
    assert torch.equal(before, books.vectors)


def test_dead_codes_start_again_where_the_data_is() -> None:
    torch.manual_seed(0)
    books = ResidualCodebooks(1, 8, 2).train()
    books(torch.randn(100, 2))
    # all data moves away from where the codes were: without a restart most would stay behind for ever
    far = torch.randn(100, 2) + 50.0
    for _ in range(600):
        books(far)
    books.eval()
    assert len(set(books(far).codes[:, 0].tolist())) >= 7


def test_gradient_passes_straight_to_the_encoder() -> None:
    vq = _vq().train()
    vq(_heads(2, 32)).head.square().mean().backward()
    assert vq.enter.weight.grad is not None
    assert vq.enter.weight.grad.abs().max() > 0


def test_still_head_has_equal_latents_in_all_frames() -> None:
    head = torch.full((37, 3), 0.1)
    latents = _vq().encode_frames(head)
    torch.testing.assert_close(latents, latents[:1].expand_as(latents), atol=1e-5, rtol=0)


def test_latents_per_frame_are_those_of_a_coding_that_begins_there() -> None:
    vq = _vq()
    head = _heads(1, 80)[0]
    latents = vq.encode_frames(head)
    torch.testing.assert_close(latents[::4], vq.encode(head[None])[0], atol=1e-5, rtol=0)
    shifted = vq.encode(head[None, 3:])[0]
    # the last step of the shifted coding is filled up
    torch.testing.assert_close(latents[3::4][:10], shifted[:10], atol=1e-5, rtol=0)


def test_a_part_decodes_as_in_the_whole_where_its_context_suffices() -> None:
    vq = _vq()
    vectors = torch.randn(1, 60, 3, generator=torch.Generator().manual_seed(2))
    whole, part = vq.decode(vectors), vq.decode(vectors[:, 20:50])
    margin = 8
    inner = slice(margin * 4, (30 - margin) * 4)
    torch.testing.assert_close(part[:, inner], whole[:, 80:200][:, inner], atol=1e-5, rtol=0)


def test_training_brings_reconstruction_down() -> None:
    torch.manual_seed(0)
    vq = PoseVq(VqConfig(frames_per_step=4, levels=2, codes=64, code_size=6, width=24, dilations=(1, 2)))
    optimiser = torch.optim.Adam(vq.parameters(), 3e-3)
    heads = _heads(16, 64)
    errors = []
    for _ in range(120):
        output = vq(heads)
        loss = (output.head - heads).abs().mean()
        total = loss / 0.07 + 0.1 * (output.latent - output.quantised.vectors.detach()).square().mean()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        errors.append(loss.item())
    assert np.mean(errors[-5:]) < 0.35 * errors[0]


def test_configuration_survives_plain_values() -> None:
    assert VqConfig.from_dict(TINY.to_dict()) == TINY


@pytest.mark.parametrize("frames", [1, 7, 8, 9])
def test_frames_and_latents_per_frame_match(frames: int) -> None:
    assert _vq().encode_frames(_heads(1, frames)[0]).shape == (frames, 3)


def test_the_nearest_sums_come_in_order_and_the_first_is_the_code_taken() -> None:
    torch.manual_seed(0)
    books = ResidualCodebooks(2, 6, 3).eval()
    books.vectors.normal_()
    latent = torch.randn(40, 3)
    found = books.nearest(latent, 5)
    assert torch.equal(found[:, 0], books(latent).codes)
    distance = (books.look_up(found) - latent[:, None]).norm(dim=-1)
    assert (distance.diff(dim=1) >= -1e-5).all()
    # so few codes that every sum is tried
    every = (books.vectors[0][:, None] + books.vectors[1]).flatten(0, 1)
    brute = torch.cdist(latent, every).topk(5, largest=False).values
    torch.testing.assert_close(distance, brute)


@pytest.mark.parametrize("frames", [1, 7, 64, 150])
def test_codes_chosen_by_what_they_decode_to_are_nearer_to_the_head(frames: int) -> None:
    vq, head = _vq(), _heads(1, frames)[0].numpy()
    plain, closed = code_head(vq, head, passes=0), code_head(vq, head)
    with torch.no_grad():
        usual = vq(torch.from_numpy(head)[None])
    np.testing.assert_array_equal(plain.codes, usual.quantised.codes[0])
    np.testing.assert_allclose(plain.head, usual.head[0], atol=1e-6)
    error = [np.linalg.norm(coded.head - head, axis=1).mean() for coded in (plain, closed)]
    assert error[1] < error[0]
    # and they are codes: nothing but them is decoded
    with torch.no_grad():
        decoded = vq.decode(vq.codebooks.look_up(torch.from_numpy(closed.codes))[None])[0, :frames]
    np.testing.assert_allclose(closed.head, decoded, atol=1e-6)
