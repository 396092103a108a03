# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mixture of low-rank adaptations promises: zero at first, mergeable, removable, and the base never changes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.adamesh.low_rank import AdaptedLayer
from core.models.adamesh.molora import Molora, MoloraSettings
from core.models.adamesh.network import ExpressionNetwork, NetworkConfig
from core.models.nn.conformer import ConformerBlock

# wide enough that the default ranks are small beside it
CONFIG = NetworkConfig(feature_size=12, width=64, heads=4, hidden=256, kernel=5, encoder_blocks=2, decoder_blocks=1)
SMALL = MoloraSettings(ranks=(1, 2))


@pytest.fixture
def network() -> ExpressionNetwork:
    torch.manual_seed(0)
    return ExpressionNetwork(CONFIG).eval()


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2, 40, 12, generator=torch.Generator().manual_seed(1))


def disturb(molora: Molora, name: str, size: float = 0.05, seed: int = 2) -> None:
    """Stand in for training: no parameter stays at its start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in molora.parameters(name):
            parameter += size * torch.randn(parameter.shape, generator=generator)


def train_some(network: ExpressionNetwork, molora: Molora, features: Tensor, steps: int = 3) -> None:
    optimiser = torch.optim.AdamW(molora.parameters(molora.active or ""), lr=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        (network.motion(features) - 1.0).abs().mean().backward()
        optimiser.step()


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    """The base's own tensors by bare name."""
    state = {name: value.clone() for name, value in network.state_dict().items() if ".mixtures." not in name}
    return {name.replace(".base.", "."): value for name, value in state.items()}


def test_a_new_adapter_changes_nothing(network: ExpressionNetwork, features: Tensor) -> None:
    before = network.motion(features)
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    assert torch.equal(network.motion(features), before)
    molora.merge()
    assert torch.equal(network.motion(features), before)


def test_merged_equals_unmerged(network: ExpressionNetwork, features: Tensor) -> None:
    base = network.motion(features)
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    disturb(molora, "ada")
    apart = network.motion(features)
    assert (apart - base).abs().max() > 1e-2
    molora.merge()
    assert (network.motion(features) - apart).abs().max() < 1e-5
    molora.unmerge()
    assert torch.equal(network.motion(features), apart)


def test_base_weights_are_bit_identical_after_training_and_merging(
    network: ExpressionNetwork, features: Tensor
) -> None:
    before = snapshot(network)
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    train_some(network, molora, features)
    molora.merge()
    molora.set_scale(1.5)
    molora.unmerge()
    after = snapshot(network)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert any(parameter.abs().max() > 0 for name, parameter in network.named_parameters() if ".up." in name)


def test_only_the_active_adapter_gets_gradients(network: ExpressionNetwork, features: Tensor) -> None:
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    disturb(molora, "ada")
    network.motion(features).sum().backward()
    own = {id(parameter) for parameter in molora.parameters("ada")}
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (id(parameter) in own), name
        # what the forward pass does not use (no style given) gets none either
        assert parameter.grad is None or id(parameter) in own, name
    assert sum(parameter.grad is not None for parameter in molora.parameters("ada")) > 20


def test_it_trains_less_than_a_tenth_of_the_release_sized_network() -> None:
    base = ExpressionNetwork(NetworkConfig())
    values = sum(parameter.numel() for parameter in base.parameters())
    molora = Molora(base)
    molora.attach("ada", MoloraSettings())
    assert 0 < sum(parameter.numel() for parameter in molora.parameters("ada")) < 0.1 * values


def test_scale_zero_and_no_adapter_are_the_base_exactly(network: ExpressionNetwork, features: Tensor) -> None:
    base = network.motion(features)
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    disturb(molora, "ada")
    for merge in (False, True):
        if merge:
            molora.merge()
        molora.set_scale(0.0)
        assert torch.equal(network.motion(features), base)
        molora.set_scale(1.0)
        assert not torch.equal(network.motion(features), base)
        molora.activate(None)
        assert torch.equal(network.motion(features), base)
        molora.activate("ada")


def test_scale_multiplies_the_update_of_a_layer() -> None:
    layer = nn.Sequential(nn.Linear(4, 3))
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    base = layer(x)
    molora = Molora(layer)
    molora.attach("ada", MoloraSettings(ranks=(2,), linears=("0",)))
    disturb(molora, "ada")
    change = layer(x) - base
    molora.set_scale(1.5)
    torch.testing.assert_close(layer(x) - base, 1.5 * change)
    molora.set_scale(0.5, layer="0")
    torch.testing.assert_close(layer(x) - base, 0.75 * change)


def test_two_adapters_are_independent(network: ExpressionNetwork, features: Tensor) -> None:
    molora = Molora(network)
    molora.attach("ada", SMALL)
    disturb(molora, "ada", seed=3)
    ada = network.motion(features)
    molora.attach("ben", MoloraSettings(ranks=(3,), pointwise=False))
    disturb(molora, "ben", seed=4)
    ben = network.motion(features)
    train_some(network, molora, features)
    assert not torch.equal(network.motion(features), ben)
    molora.activate("ada")
    assert torch.equal(network.motion(features), ada)
    molora.remove("ben")
    assert molora.names == ("ada",)
    assert torch.equal(network.motion(features), ada)


def test_detach_restores_the_very_same_modules_and_flags(network: ExpressionNetwork, features: Tensor) -> None:
    first, parameter = next(network.named_parameters())
    parameter.requires_grad_(False)
    modules = dict(network.named_modules())
    base = network.motion(features)
    molora = Molora(network)
    molora.attach("ada", MoloraSettings())
    disturb(molora, "ada")
    assert any(isinstance(module, AdaptedLayer) for module in network.modules())
    molora.detach()
    after = dict(network.named_modules())
    assert modules.keys() == after.keys() and all(modules[name] is after[name] for name in modules)
    assert torch.equal(network.motion(features), base)
    frozen = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    assert frozen == [first]


def test_the_same_seed_gives_the_same_adapter(network: ExpressionNetwork, features: Tensor) -> None:
    def trained(seed: int) -> dict[str, np.ndarray]:
        molora = Molora(copy.deepcopy(network))
        molora.attach("ada", SMALL, seed)
        train_some(molora._network, molora, features)  # type: ignore[arg-type]
        return molora.state("ada")

    first, second, other = trained(7), trained(7), trained(8)
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert any(not np.array_equal(first[key], other[key]) for key in first)


def test_a_stored_adapter_gives_the_same_output(network: ExpressionNetwork, features: Tensor) -> None:
    molora = Molora(network)
    molora.attach("ada", MoloraSettings(alpha=3.0))
    disturb(molora, "ada")
    expected, state = network.motion(features), molora.state("ada")
    molora.detach()
    fresh = Molora(network)
    fresh.load("copy", state)
    torch.testing.assert_close(network.motion(features), expected, atol=1e-5, rtol=0)
    assert {value.dtype for value in state.values()} == {np.dtype(np.float32)}


def test_linear_by_hand() -> None:
    layer = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        layer[0].weight.copy_(torch.eye(2))
    molora = Molora(layer)
    molora.attach("ada", MoloraSettings(ranks=(1, 4), alpha=4.0, linears=("0",)))
    down_1, down_2, up_1, up_2 = molora.parameters("ada")
    with torch.no_grad():
        down_1.copy_(torch.tensor([[1.0, 2.0]]))
        up_1.copy_(torch.tensor([[1.0], [0.0]]))
        down_2.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
        up_2.copy_(torch.tensor([[0.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]]))
    # alpha / sqrt(r): 4 and 2. dW = 4 * [[1, 2], [0, 0]] + 2 * [[0, 0], [3, 0]]; x = (1, 1)
    assert layer(torch.ones(1, 2)).tolist() == [[13.0, 7.0]]


@pytest.mark.parametrize("kernel_ranks", [False, True])
def test_convolution_with_a_longer_kernel_by_hand(kernel_ranks: bool) -> None:
    layer = nn.Sequential(nn.Conv1d(1, 1, 3, stride=2, padding=1, bias=False))
    with torch.no_grad():
        layer[0].weight.zero_()
    molora = Molora(layer)
    molora.attach("ada", MoloraSettings(ranks=(1,), alpha=None, kernel_ranks=kernel_ranks))
    down, up = molora.parameters("ada")
    assert down.shape == ((3, 3) if kernel_ranks else (1, 3))
    with torch.no_grad():
        down.zero_()
        up.zero_()
        down[0] = torch.tensor([1.0, 10.0, 100.0])
        up[0, 0] = 2.0
    # padded 0 1 2 3 4 0, kernel 2 20 200, every second place
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    assert layer(x).tolist() == [[[20 * 1 + 200 * 2, 2 * 2 + 20 * 3 + 200 * 4]]]
    molora.merge()
    assert layer(x).tolist() == [[[420.0, 864.0]]]


def test_equal_scales_make_it_one_adaptation_of_the_summed_rank() -> None:
    def delta(settings: MoloraSettings, fill: Callable[[Molora], None]) -> Tensor:
        layer = nn.Sequential(nn.Linear(6, 5))
        molora = Molora(layer)
        molora.attach("ada", settings)
        fill(molora)
        return layer[0].mixtures["ada"].delta()

    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(3, 6, generator=generator), torch.randn(5, 3, generator=generator)

    def one(molora: Molora) -> None:
        for parameter, value in zip(molora.parameters("ada"), (down, up), strict=True):
            parameter.data.copy_(value)

    def two(molora: Molora) -> None:
        parts = (down[:1], down[1:], up[:, :1], up[:, 1:])
        for parameter, value in zip(molora.parameters("ada"), parts, strict=True):
            parameter.data.copy_(value)

    single = delta(MoloraSettings(ranks=(3,), alpha=None, linears=("0",)), one)
    torch.testing.assert_close(delta(MoloraSettings(ranks=(1, 2), alpha=None, linears=("0",)), two), single)


def test_depthwise_and_uncovered_layers_stay_as_they_are(network: ExpressionNetwork) -> None:
    molora = Molora(network)
    molora.attach("ada", MoloraSettings(kernels=False))
    adapted = [name for name, module in network.named_modules() if isinstance(module, AdaptedLayer)]
    last = {name.rpartition(".")[2] for name in adapted}
    assert last == {"query", "value", "pointwise_in", "pointwise_out"}
    assert len(adapted) == 4 * sum(isinstance(module, ConformerBlock) for module in network.modules())


def test_wrong_use_is_refused_in_words(network: ExpressionNetwork) -> None:
    molora = Molora(network)
    with pytest.raises(ValueError, match="ranks"):
        MoloraSettings(ranks=())
    with pytest.raises(ValueError, match="covers"):
        molora.attach("ada", MoloraSettings(linears=("nothing",), pointwise=False, kernels=False))
    molora.attach("ada", SMALL)
    with pytest.raises(ValueError, match="already"):
        molora.attach("ada", SMALL)
    with pytest.raises(ValueError, match="no adapter 'ben'"):
        molora.activate("ben")
    with pytest.raises(ValueError, match="no adapted layer"):
        molora.set_scale(1.0, layer="head")
    state = molora.state("ada")
    key = next(iter(state))
    with pytest.raises(ModelError, match="does not have"):
        molora.load("ben", {"nowhere/0/down": state[key], "nowhere/0/up": state[key]})
    with pytest.raises(ModelError, match="shapes"):
        molora.load("ben", {**state, key: state[key][:, :-1]})
    with pytest.raises(ModelError, match="lacks"):
        molora.load("ben", {name: value for name, value in state.items() if name != key})
