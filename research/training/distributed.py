# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes (or machines) sharing every training step: what ``torchrun`` starts, with gloo or NCCL.

Each process draws its own samples, and the gradients are averaged; alone, every function here does nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping

import torch
from torch import distributed, nn


def join() -> None:
    """Join the group that ``torchrun`` describes in the environment; nothing without one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def leave() -> None:
    """Leave the group again."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def rank() -> int:
    """Which of the processes this is, 0 for the first and for one alone."""
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0


def size() -> int:
    """How many processes share a step."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes files and speaks."""
    return rank() == 0


@contextlib.contextmanager
def first_alone() -> Iterator[None]:
    """The first process goes through, then the others, who find what it left in caches."""
    if not is_first():
        distributed.barrier()
    yield
    if is_first() and size() > 1:
        distributed.barrier()


def wait() -> None:
    """Until all processes are here."""
    if size() > 1:
        distributed.barrier()


def average_gradients(network: nn.Module) -> None:
    """Replace every gradient by its mean over the processes; one that some lack counts as zero there."""
    if size() == 1:
        return
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    # one message for all of them
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients]) / size()
    distributed.all_reduce(flat)
    parts = torch.split(flat, [parameter.numel() for parameter in trained])
    for parameter, part in zip(trained, parts, strict=True):
        parameter.grad = part.reshape(parameter.shape)


def digest(parts: Mapping[str, object]) -> str:
    """Twelve digits for all values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]
