# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device torch computes on, and whether a graphics card can really do it."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator

from ..errors import EngineSetupError

_log = logging.getLogger(__name__)
_REMEDY = "Choose device auto or cpu."


def choose_device(device: str) -> str:
    """``auto`` takes CUDA where a card computes; an impossible wish is refused in words."""
    import torch

    if device == "auto":
        if not torch.cuda.is_available():
            return "cpu"
        if trouble := card_trouble("cuda"):
            _log.warning("%s; the processor computes instead", trouble)
        return "cpu" if trouble else "cuda"
    kind, _, index = device.partition(":")
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = {"cuda": cards, "mps": int(torch.backends.mps.is_available())}.get(kind, 1)
    if int(index or 0) >= present:
        raise EngineSetupError(f"The device {device} is not available to torch.", _REMEDY)
    if kind == "cuda" and (trouble := card_trouble(device)):
        raise EngineSetupError(f"{trouble}.", _REMEDY)
    return device


@functools.cache
def card_trouble(device: str) -> str:
    """Why the card cannot be used, empty where it computes: a driver may list one that torch was not built for.

    Asked once in a process: an engine whose card went away begins anew.
    """
    import torch

    try:
        torch.ones(2, device=device).sum().item()
    except RuntimeError as error:
        return f"The card {_name(device)} cannot compute with torch {torch.__version__}: {_first_line(error)}"
    return ""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one core meanwhile.

    For many small steps: on a busy machine, as it is while Blender plays, two threads that wait for each other took
    three times the processor time of one, and twice as long by the clock.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def release_cards() -> None:
    """Give back what torch keeps of the cards' memory for later; nothing where no card was used."""
    import sys

    # torch is not loaded only to be told that there is nothing
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _name(device: str) -> str:
    import torch

    try:
        major, minor = torch.cuda.get_device_capability(device)
        return f"{torch.cuda.get_device_name(device)}, compute capability {major}.{minor}"
    except RuntimeError:
        return device


def _first_line(error: RuntimeError) -> str:
    return str(error).partition("\n")[0].rstrip(".")
