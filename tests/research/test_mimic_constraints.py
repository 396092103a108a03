# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's four constraints against values computed by hand, and whom their gradients reach."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from research.training.mimic.constraints import (
    content_contrast,
    content_cycle,
    inverse_classification,
    reversed_gradient,
    style_classification,
    style_cycle,
)


def _linear(weight: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
    return layer


IDENTITY = [[1.0, 0.0], [0.0, 1.0]]


def test_style_classifier_is_the_cross_entropy_of_its_logits() -> None:
    codes = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    # logits are the codes: -log(e^2 / (e^2 + 1)) and, told the wrong person, -log(1 / (1 + e))
    wanted = (math.log(1 + math.exp(-2)) + math.log(1 + math.e)) / 2
    loss = style_classification(_linear(IDENTITY), codes, torch.tensor([0, 0]))
    assert loss.item() == pytest.approx(wanted, abs=1e-6)


def test_reversed_gradient_passes_values_and_turns_gradients_round() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reversed_gradient(x, 0.5)
    assert (y == x).all()
    (y * torch.tensor([3.0, 4.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [-1.5, -2.0]


def test_inverse_classifier_learns_while_the_content_unlearns() -> None:
    content = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 3.0], [0.0, 1.0]]], requires_grad=True)
    people, classifier = torch.tensor([0, 1]), _linear(IDENTITY)
    loss = inverse_classification(classifier, content, people)
    # time-means (0.5, 0) and (0, 2)
    wanted = (math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(-2))) / 2
    assert loss.item() == pytest.approx(wanted, abs=1e-6)
    loss.backward()
    assert content.grad is not None and classifier.weight.grad is not None
    plain = content.detach().clone().requires_grad_()
    nn.functional.cross_entropy(_linear(IDENTITY)(plain.mean(dim=1)), people).backward()
    assert plain.grad is not None
    torch.testing.assert_close(content.grad, -plain.grad)
    # p(wrong) of the first sample is 1 / (1 + e^0.5); half of the batch's mean, half of the time's, reversed
    assert content.grad[0, 0, 0].item() == pytest.approx(0.25 / (1 + math.exp(0.5)), abs=1e-6)
    # the classifier's own weights go the usual way: the first person's row towards the first person's content
    assert classifier.weight.grad[0, 0].item() < 0


def _frames(values: list[list[float]]) -> Tensor:
    return torch.tensor([values])


def test_content_contrast_is_symmetric_infonce() -> None:
    speech, motion = _frames([[2.0, 0.0], [0.0, 5.0]]), _frames([[1.0, 0.0], [3.0, 4.0]])
    # cosines [[1, 0.6], [0, 0.8]]; scale 2
    logits = [[2.0, 1.2], [0.0, 1.6]]
    rows = math.log(1 + math.exp(1.2 - 2.0)) + math.log(1 + math.exp(0.0 - 1.6))
    columns = math.log(1 + math.exp(logits[1][0] - 2.0)) + math.log(1 + math.exp(logits[0][1] - 1.6))
    loss = content_contrast(speech, motion, torch.tensor(math.log(2.0)))
    assert loss.item() == pytest.approx((rows + columns) / 4, abs=1e-6)
    torch.testing.assert_close(loss, content_contrast(motion, speech, torch.tensor(math.log(2.0))))


def test_content_contrast_takes_frames_of_all_clips_as_wrong_answers() -> None:
    same = torch.ones(2, 3, 4)
    assert content_contrast(same, same, torch.tensor(1.0)).item() == pytest.approx(math.log(6), abs=1e-6)


def test_style_cycle_is_one_minus_the_cosine() -> None:
    given = torch.tensor([[1.0, 0.0], [2.0, 0.0]], requires_grad=True)
    again = torch.tensor([[3.0, 4.0], [0.0, -1.0]], requires_grad=True)
    loss = style_cycle(given, again)
    assert loss.item() == pytest.approx((0.4 + 1.0) / 2, abs=1e-6)
    loss.backward()
    assert given.grad is None and again.grad is not None


def test_content_cycle_draws_own_sequences_together_and_others_apart() -> None:
    # flattened and normalised: x0 = (1, 0), x1 = (0, 1); y0 = (0.6, 0.8), y1 = (0, 1)
    again = torch.tensor([[[2.0], [0.0]], [[0.0], [1.0]]], requires_grad=True)
    given = torch.tensor([[[3.0], [4.0]], [[0.0], [7.0]]], requires_grad=True)
    own = ((0.4**2 + 0.8**2) + 0.0) / 2
    # d01 = |(1, 0) - (0, 1)| = 1.41: no cost past the margin; d10 = |(0, 1) - (0.6, 0.8)| = 0.632
    others = (0.0 + (1 - math.sqrt(0.4)) ** 2) / 2
    loss = content_cycle(given, again)
    assert loss.item() == pytest.approx((own + others) / 2, abs=1e-6)
    loss.backward()
    assert given.grad is None
    assert again.grad is not None and torch.isfinite(again.grad).all()


def test_content_cycle_of_sequences_come_back_unchanged_has_finite_gradients() -> None:
    again = torch.randn(1, 4, 3, requires_grad=True)
    loss = content_cycle(again.detach().clone(), again)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-7)
    assert again.grad is not None and torch.isfinite(again.grad).all()
