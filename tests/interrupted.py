# SPDX-License-Identifier: GPL-3.0-or-later
"""A training run that somebody stops by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import nn

from research.training.loop import TrainingRun


@contextmanager
def interrupted_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ctrl+C when a run inside has taken ``steps``; fails where none gets that far."""
    take = TrainingRun._take_step

    def step(run: TrainingRun[nn.Module], *rest: object) -> float:
        if run.step == steps:
            raise KeyboardInterrupt
        return take(run, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "_take_step", step)
        with pytest.raises(KeyboardInterrupt):
            yield
