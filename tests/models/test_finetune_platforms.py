# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning asks for nothing that a build of PyTorch may lack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from core.models.adamesh.finetune import half_precision_pays


def test_build_without_onednn_trains_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(), raising=False)
    assert half_precision_pays(torch.device("cpu")) is False


def test_metal_trains_in_full_precision() -> None:
    assert half_precision_pays(torch.device("mps")) is False
