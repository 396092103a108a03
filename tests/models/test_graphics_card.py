# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards that a driver lists and torch cannot use, precision on cards, and memory that is given back.

No card is at hand here: torch's answers are simulated. With a real one ``make cuda-check`` compares all results.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.engine.context import resolve_device
from core.errors import EngineSetupError
from core.models import device

pytestmark = pytest.mark.slow


@pytest.fixture
def old_card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A GTX 1080 under a PyTorch for newer cards: listed, and every kernel fails."""

    def refuse(*shape: int, **named: str) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore")

    device.card_trouble.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "GeForce GTX 1080")
    monkeypatch.setattr(torch, "ones", refuse)
    yield
    device.card_trouble.cache_clear()


def test_automatic_takes_the_processor_where_the_card_is_too_old(old_card: None) -> None:
    assert device.choose_device("auto") == "cpu"


def test_card_that_was_asked_for_and_is_too_old_is_refused_with_its_name(old_card: None) -> None:
    with pytest.raises(
        EngineSetupError, match=r"GeForce GTX 1080, compute capability 6\.1.*no kernel image"
    ) as refused:
        device.choose_device("cuda")
    assert "cpu" in refused.value.hint and "more" not in str(refused.value)


def test_engine_computes_in_whole_single_precision() -> None:
    torch.backends.cudnn.allow_tf32 = True
    assert resolve_device("cpu") == "cpu"
    assert torch.backends.cudnn.allow_tf32 is False


def test_memory_of_a_card_is_given_back_with_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.engine.loaded import release_models

    emptied: list[bool] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    release_models()
    assert not emptied
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    release_models()
    assert emptied
