# SPDX-License-Identifier: GPL-3.0-or-later
"""MoLoRA: a mixture of low-rank adaptations around the frozen layers of a network (docs/papers.md 1.2).

A layer's output becomes ``W0 x + scale * sum_i (alpha / sqrt(r_i)) reshape(B_i A_i) x`` over parallel pairs of several
ranks r_i. Layers are wrapped and their weights never written to: merging stores W0 + dW in a second buffer. The sum
has no gate, so with equal scales the pairs would be one LoRA of rank sum(r_i); alpha / sqrt(r_i) (Kalajdzievski 2023,
"A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA") keeps their contributions comparable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import ModelError
from .low_rank import AdaptedLayer, LowRankMixture


@dataclass(frozen=True, slots=True)
class MoloraSettings:
    """Which layers are adapted and by what.

    ranks: one low-rank pair each. alpha: pair i counts alpha / sqrt(r_i); None gives every pair 1. linears: Linear
    layers by the last part of their name. pointwise: Conv1d of kernel 1. kernels: Conv1d of longer kernel (never
    depthwise ones). kernel_ranks: a pair on kernel k has rank r * k, the size of the paper's printed matrices,
    instead of r. within: only layers under these module names; empty for all.
    """

    ranks: tuple[int, ...] = (2, 4, 8, 16)
    alpha: float | None = 5.0
    linears: tuple[str, ...] = ("query", "value")
    pointwise: bool = True
    kernels: bool = True
    kernel_ranks: bool = False
    within: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.ranks or min(self.ranks) < 1:
            raise ValueError(f"ranks must be positive and at least one, got {self.ranks}")
        if self.alpha is not None and not self.alpha > 0:
            raise ValueError(f"alpha must be positive or None, got {self.alpha}")

    def covers(self, name: str, layer: nn.Module) -> bool:
        """Whether this layer, ``name`` in its network, is adapted."""
        if self.within and not any(name.startswith(f"{module}.") for module in self.within):
            return False
        if isinstance(layer, nn.Linear):
            return name.rpartition(".")[2] in self.linears
        if isinstance(layer, nn.Conv1d) and layer.groups == 1 and layer.padding_mode == "zeros":
            return self.pointwise if layer.kernel_size == (1,) else self.kernels
        return False

    def pair_scale(self, rank: int) -> float:
        """What the pair of this rank is multiplied by."""
        return 1.0 if self.alpha is None else self.alpha / math.sqrt(rank)


class Molora:
    """The adapters on one network: attach or load some by name, activate one, scale, merge, take all off again.

    From the first adapter to :meth:`detach` the network's own parameters are frozen, and adapted layers carry
    ``base`` in their names.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._reset()

    def _reset(self) -> None:
        self._layers: dict[str, AdaptedLayer] = {}
        self._trainable: dict[str, bool] = {}
        self._layer_scales: dict[str, float] = {}
        self._scale = 1.0
        self._active: str | None = None
        self._names: list[str] = []
        self._merged = False

    @property
    def names(self) -> tuple[str, ...]:
        """Adapters on the network, in order of arrival."""
        return tuple(self._names)

    @property
    def active(self) -> str | None:
        """The adapter in force."""
        return self._active

    @property
    def merged(self) -> bool:
        """Whether layers work with W0 + dW instead of two paths."""
        return self._merged

    @property
    def scale(self) -> float:
        """What every update is multiplied by: 0 is the base exactly."""
        return self._scale

    def attach(self, name: str, settings: MoloraSettings, seed: int = 0) -> None:
        """Add a new adapter that changes nothing yet, and activate it. The same seed gives the same start."""
        self._require_new(name)
        chosen = {path: layer for path, layer in self._originals() if settings.covers(path, layer)}
        if not chosen:
            raise ValueError(f"{type(self._network).__name__} has no layer that {settings} covers")
        generator = torch.Generator().manual_seed(seed)
        self._freeze()
        for path, layer in chosen.items():
            kernel = layer.kernel_size[0] if isinstance(layer, nn.Conv1d) and settings.kernel_ranks else 1
            scales = tuple(settings.pair_scale(rank) for rank in settings.ranks)
            mixture = LowRankMixture(layer, tuple(rank * kernel for rank in settings.ranks), scales)
            mixture.initialise(generator)
            self._wrapped(path).mixtures[name] = mixture
        self._names.append(name)
        self.activate(name)

    def load(self, name: str, arrays: Mapping[str, NDArray]) -> None:
        """Add an adapter from :meth:`state` and activate it. Raises :class:`ModelError` where it does not fit."""
        self._require_new(name)
        layers = dict(self._originals())
        mixtures = {path: _mixture_of(layers.get(path), path, pairs) for path, pairs in _pairs(arrays).items()}
        if not mixtures:
            raise ModelError("The style holds no adaptation of the network.", "Fit the style again.")
        self._freeze()
        for path, mixture in mixtures.items():
            self._wrapped(path).mixtures[name] = mixture
        self._names.append(name)
        self.activate(name)

    def state(self, name: str) -> dict[str, NDArray[np.float32]]:
        """What to store: ``<layer>/<pair>/down`` and ``/up`` float32; the pairs' scales are inside ``up``."""
        arrays: dict[str, NDArray[np.float32]] = {}
        for path, mixture in self._mixtures(name):
            for index, (down, up) in enumerate(zip(mixture.down, mixture.up, strict=True)):
                arrays[f"{path}/{index}/down"] = _array(down)
                arrays[f"{path}/{index}/up"] = _array(up * mixture.scales[index])
        return arrays

    def parameters(self, name: str) -> list[nn.Parameter]:
        """What training this adapter may change."""
        return [parameter for _, mixture in self._mixtures(name) for parameter in mixture.parameters()]

    def activate(self, name: str | None) -> None:
        """Put one adapter in force, or none: then the network is the base exactly."""
        if name is not None and name not in self._names:
            raise ValueError(f"no adapter {name!r}, there are {self._names}")
        self._active = name
        self._refresh()

    def set_scale(self, scale: float, layer: str | None = None) -> None:
        """Strength of the update, of all layers or (as a further factor) of one."""
        if layer is None:
            self._scale = float(scale)
        elif layer in self._layers:
            self._layer_scales[layer] = float(scale)
        else:
            raise ValueError(f"no adapted layer {layer!r}, there are {list(self._layers)}")
        self._refresh()

    def merge(self) -> None:
        """From now on the active adapter costs no time. Later changes of its parameters need another merge."""
        self._merged = True
        self._refresh()

    def unmerge(self) -> None:
        """Back to two paths, for training."""
        self._merged = False
        self._refresh()

    def remove(self, name: str) -> None:
        """Take one adapter off; the others stay."""
        for _, layer in list(self._holders(name)):
            del layer.mixtures[name]
        self._names.remove(name)
        self.activate(None if self._active == name else self._active)

    def detach(self) -> None:
        """Put the original layers back and their gradients' flags; adapters are lost."""
        for path, layer in self._layers.items():
            _replace(self._network, path, layer.base)
        for name, parameter in self._network.named_parameters():
            parameter.requires_grad_(self._trainable.get(name, parameter.requires_grad))
        self._reset()

    def _originals(self) -> Iterator[tuple[str, nn.Linear | nn.Conv1d]]:
        """(name in the bare network, original layer) of every Linear and Conv1d."""
        inside = {id(module) for layer in self._layers.values() for module in layer.modules()}
        by_path: dict[str, nn.Module] = dict(self._network.named_modules())
        for path, module in by_path.items():
            if isinstance(module, AdaptedLayer):
                yield path, module.base
            elif isinstance(module, nn.Linear | nn.Conv1d) and id(module) not in inside:
                yield path, module

    def _wrapped(self, path: str) -> AdaptedLayer:
        if path not in self._layers:
            base = self._network.get_submodule(path)
            assert isinstance(base, nn.Linear | nn.Conv1d)
            self._layers[path] = AdaptedLayer(base)
            self._layers[path].train(base.training)
            _replace(self._network, path, self._layers[path])
        return self._layers[path]

    def _freeze(self) -> None:
        if not self._layers:
            self._trainable = {name: p.requires_grad for name, p in self._network.named_parameters()}
            self._network.requires_grad_(False)

    def _refresh(self) -> None:
        for path, layer in self._layers.items():
            layer.active = self._active
            layer.scale = self._scale * self._layer_scales.get(path, 1.0)
            layer.refresh(self._merged)

    def _holders(self, name: str) -> Iterator[tuple[str, AdaptedLayer]]:
        if name not in self._names:
            raise ValueError(f"no adapter {name!r}, there are {self._names}")
        return ((path, layer) for path, layer in self._layers.items() if name in layer.mixtures)

    def _mixtures(self, name: str) -> Iterator[tuple[str, LowRankMixture]]:
        return ((path, layer.mixtures[name]) for path, layer in self._holders(name))  # type: ignore[misc]

    def _require_new(self, name: str) -> None:
        if not name or "." in name:
            raise ValueError(f"an adapter's name must be non-empty and without dots, got {name!r}")
        if name in self._names:
            raise ValueError(f"the network has an adapter {name!r} already")


def _replace(network: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, child = path.rpartition(".")
    setattr(network.get_submodule(parent), child, module)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy().copy()


def _pairs(arrays: Mapping[str, NDArray]) -> dict[str, list[tuple[NDArray, NDArray]]]:
    """By layer, its (down, up) pairs in order."""
    found: dict[str, dict[int, dict[str, NDArray]]] = {}
    for key, value in arrays.items():
        path, index, part = _split(key)
        found.setdefault(path, {}).setdefault(index, {})[part] = value
    try:
        return {path: [(p[i]["down"], p[i]["up"]) for i in range(len(p))] for path, p in found.items()}
    except KeyError as error:
        raise ModelError(f"The style lacks a part of its adaptation ({error}).", "Fit the style again.") from error


def _split(key: str) -> tuple[str, int, str]:
    path, _, pair = key.partition("/")
    index, _, part = pair.partition("/")
    if part not in ("down", "up") or not index.isdigit():
        raise ModelError(f"The style's array {key!r} is no part of an adaptation.", "Fit the style again.")
    return path, int(index), part


def _mixture_of(layer: nn.Module | None, path: str, pairs: list[tuple[NDArray, NDArray]]) -> LowRankMixture:
    if not isinstance(layer, nn.Linear | nn.Conv1d):
        raise ModelError(f"The style adapts {path}, which this network does not have.", "Fit the style again.")
    mixture = LowRankMixture(layer, tuple(len(down) for down, _ in pairs), (1.0,) * len(pairs))
    for index, (down, up) in enumerate(pairs):
        if down.shape != mixture.down[index].shape or up.shape != mixture.up[index].shape:
            raise ModelError(
                f"The style's update of {path} has shapes {up.shape} x {down.shape}, "
                f"the layer is {tuple(layer.weight.shape)}.",
                "Fit the style again with this version of Mimesh.",
            )
        mixture.down[index].data.copy_(torch.from_numpy(np.array(down, np.float32)))
        mixture.up[index].data.copy_(torch.from_numpy(np.array(up, np.float32)))
    return mixture
