# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models on one thread: on a shared machine, two threads wait for each other longer than they compute."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
