# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGPT: causal, cached exactly, seeded, styled, of any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.models.pose.gpt import GptCache, GptConfig, PoseGpt
from core.models.pose.sampling import Sampling, draw, sample_codes

CONFIG = GptConfig(
    speech_size=5, style_size=4, code_size=3, layers=3, width=16, heads=2, context=6, speech_width=8, style_width=8
)
STEPS, CODES = 20, 12


@pytest.fixture
def gpt() -> PoseGpt:
    torch.manual_seed(0)
    network = PoseGpt(CONFIG).eval()
    for parameter in network.parameters():
        # an untrained network hardly listens: make everything matter
        torch.nn.init.normal_(parameter, std=0.4)
    return network


@pytest.fixture
def codebooks() -> torch.Tensor:
    return torch.randn(2, CODES, 3, generator=torch.Generator().manual_seed(1))


def _speech(steps: int = STEPS, seed: int = 2) -> torch.Tensor:
    return torch.randn(steps, 5, generator=torch.Generator().manual_seed(seed))


def _style(gpt: PoseGpt, seed: int = 3) -> torch.Tensor:
    with torch.no_grad():
        return gpt.embed_style(torch.randn(1, 4, generator=torch.Generator().manual_seed(seed)))[0]


def _states(
    gpt: PoseGpt, chosen: torch.Tensor, speech: torch.Tensor, style: torch.Tensor | None = None
) -> torch.Tensor:
    with torch.no_grad():
        inputs = gpt.embed_codes(chosen, torch.cumsum(chosen, dim=2))
        return gpt(
            inputs, gpt.embed_speech(speech[None]), gpt.modulate((_style(gpt) if style is None else style)[None])
        )


def _chosen() -> torch.Tensor:
    return torch.randn(1, STEPS, 2, 3, generator=torch.Generator().manual_seed(4))


def test_later_codes_never_change_earlier_states(gpt: PoseGpt) -> None:
    chosen = _chosen()
    changed = chosen.clone()
    changed[:, 10, 1] += 1.0
    before, after = _states(gpt, chosen, _speech()), _states(gpt, changed, _speech())
    # step 10 level 1 is position 21; it is an input from position 22 on
    assert torch.equal(before[:, :22], after[:, :22])
    assert not torch.allclose(before[:, 22], after[:, 22])


def test_speech_beyond_the_lookahead_never_changes_earlier_states(gpt: PoseGpt) -> None:
    other = _speech()
    other[12] += 1.0
    before, after = _states(gpt, _chosen(), _speech()), _states(gpt, _chosen(), other)
    first = (12 - CONFIG.lookahead_steps) * 2
    assert torch.equal(before[:, :first], after[:, :first])
    assert not torch.allclose(before[:, first], after[:, first])


def test_cached_steps_equal_a_pass_over_everything(gpt: PoseGpt) -> None:
    chosen, speech = _chosen(), _speech()
    whole = _states(gpt, chosen, speech)
    cache, cached = GptCache(), []
    with torch.no_grad():
        inputs = gpt.embed_codes(chosen, torch.cumsum(chosen, dim=2))
        heard, norms = gpt.embed_speech(speech[None]), gpt.modulate(_style(gpt)[None])
        for position in range(2 * STEPS):
            here = slice(position, position + 1)
            cached.append(gpt(inputs[:, here], heard[:, here], norms, cache))
    torch.testing.assert_close(torch.cat(cached, dim=1), whole, atol=1e-5, rtol=1e-4)
    # memory does not grow with length
    assert cache.keys[0].shape[2] == CONFIG.context - 1


def test_a_window_gives_what_the_whole_gives_where_its_context_suffices(gpt: PoseGpt) -> None:
    steps = 40
    chosen = torch.randn(1, steps, 2, 3, generator=torch.Generator().manual_seed(4))
    speech = _speech(steps)
    whole = _states(gpt, chosen, speech)
    part = _states(gpt, chosen[:, 10:], speech[10:])
    # every layer looks five codes further back, and the window's own first inputs are a start and held speech
    reach = CONFIG.layers * (CONFIG.context - 1) + 2 * CONFIG.lookahead_steps + 1
    torch.testing.assert_close(part[:, reach:], whole[:, 20 + reach :], atol=1e-5, rtol=1e-4)


def test_same_seed_same_codes_and_another_seed_others(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    def codes(seed: int) -> list[int]:
        return sample_codes(gpt, codebooks, _speech(), _style(gpt), Sampling(seed=seed)).ravel().tolist()

    assert codes(1) == codes(1)
    assert codes(1) != codes(2)


@pytest.mark.parametrize("guidance", [0.0, 0.5, 2.0])
def test_temperature_zero_takes_the_likeliest_code_whatever_the_seed(
    gpt: PoseGpt, codebooks: torch.Tensor, guidance: float
) -> None:
    """Likeliest once what tells the style from anybody's counts so much more."""
    codes = [
        sample_codes(gpt, codebooks, _speech(), _style(gpt), Sampling(0.0, seed=seed, guidance=guidance))
        for seed in (1, 2)
    ]
    np.testing.assert_array_equal(codes[0], codes[1])
    chosen = torch.stack([codebooks[level][torch.from_numpy(codes[0][:, level])] for level in (0, 1)], dim=1)[None]
    so_far = torch.cumsum(chosen, dim=2)
    before = torch.cat([gpt.rest_latent.expand(1, 1, -1), so_far[:, :-1, 1]], dim=1)
    styled, nobody = _states(gpt, chosen, _speech()), _states(gpt, chosen, _speech(), gpt.no_style)
    with torch.no_grad():
        for level, below in ((0, torch.zeros_like(before)), (1, so_far[:, :, 0])):
            own, others = (
                torch.log_softmax(gpt.logits(level, states[:, level::2], before, below, codebooks[level]), dim=-1)
                for states in (styled, nobody)
            )
            best = (own + guidance * (own - others)).argmax(dim=-1)
            np.testing.assert_array_equal(best[0].numpy(), codes[0][:, level])


def test_without_a_style_there_is_nothing_to_be_guided_by(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    plain, guided = (
        sample_codes(gpt, codebooks, _speech(), gpt.no_style.detach(), Sampling(seed=3, guidance=guidance))
        for guidance in (0.0, 2.0)
    )
    np.testing.assert_array_equal(plain, guided)


def test_codes_are_scored_as_a_mixture_around_places(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    states = torch.randn(5, CONFIG.width, generator=torch.Generator().manual_seed(1))
    before, so_far = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(2))
    size, count = CONFIG.code_size, CONFIG.components
    with torch.no_grad():
        found = gpt.logits(1, states, before, so_far, codebooks[1]).softmax(dim=-1)
        answer = gpt.leave[1](states)
    pull, weight, centre, log_width = answer.split([size, count, count * size, count * size], dim=-1)
    start = torch.sigmoid(pull + 2) * before
    places = start[:, None] + centre.view(5, count, size)
    width = torch.exp(3 * torch.tanh(log_width.view(5, count, size) / 3))
    normal = torch.distributions.Normal(places[:, None], width[:, None])
    density = normal.log_prob(so_far[:, None, None] + codebooks[1][None, :, None]).sum(dim=-1)
    brute = torch.logsumexp(weight.log_softmax(dim=-1)[:, None] + density, dim=-1).softmax(dim=-1)
    torch.testing.assert_close(found, brute, atol=1e-5, rtol=1e-3)


def test_untrained_network_expects_the_head_to_stay_near_where_it_was() -> None:
    torch.manual_seed(0)
    network = PoseGpt(CONFIG).eval()
    places = torch.eye(3) * 2
    with torch.no_grad():
        for index in range(3):
            logits = network.logits(0, torch.zeros(CONFIG.width), places[index], torch.zeros(3), places)
            assert int(logits.argmax()) == index


def test_style_changes_what_is_likely(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    one = sample_codes(gpt, codebooks, _speech(), _style(gpt, 3), Sampling(seed=0))
    other = sample_codes(gpt, codebooks, _speech(), _style(gpt, 8), Sampling(seed=0))
    assert (one != other).mean() > 0.2


def test_speech_changes_what_is_likely(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    one = sample_codes(gpt, codebooks, _speech(seed=2), _style(gpt), Sampling(seed=0))
    other = sample_codes(gpt, codebooks, _speech(seed=9), _style(gpt), Sampling(seed=0))
    assert (one != other).mean() > 0.2


def test_longer_speech_begins_with_the_shorter_ones_codes(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    long = _speech(30)
    short = sample_codes(gpt, codebooks, long[:20], _style(gpt), Sampling(seed=5))
    whole = sample_codes(gpt, codebooks, long, _style(gpt), Sampling(seed=5))
    known = 20 - CONFIG.lookahead_steps
    np.testing.assert_array_equal(whole[:known], short[:known])


def test_top_p_keeps_the_fewest_codes_that_are_likely_enough() -> None:
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    drawn = {draw(logits, Sampling(top_p=0.8), u) for u in np.linspace(0.0, 0.999, 200)}
    assert drawn == {0, 1}
    assert {draw(logits, Sampling(top_p=0.01), u) for u in (0.0, 0.5, 0.99)} == {0}
    assert {draw(logits, Sampling(top_p=1.0), u) for u in np.linspace(0.0, 0.999, 200)} == {0, 1, 2, 3}


def test_draws_follow_the_probabilities_and_temperature_sharpens_them() -> None:
    logits = np.log([0.7, 0.2, 0.1])
    uniform = (np.arange(1000) + 0.5) / 1000
    plain = np.bincount([draw(logits, Sampling(1.0, 1.0), u) for u in uniform], minlength=3) / 1000
    np.testing.assert_allclose(plain, [0.7, 0.2, 0.1], atol=0.002)
    cold = np.bincount([draw(logits, Sampling(0.5, 1.0), u) for u in uniform], minlength=3) / 1000
    assert cold[0] > 0.9


def test_sampling_says_a_word_every_few_codes_however_slow_it_is(gpt: PoseGpt, codebooks: torch.Tensor) -> None:
    told: list[float] = []
    sample_codes(gpt, codebooks, _speech(100), _style(gpt), Sampling(seed=0), told.append)
    # 200 codes; a busy machine needs up to a tenth of a second for each
    assert len(told) >= 200 / 15 and told == sorted(told)
