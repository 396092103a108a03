# SPDX-License-Identifier: GPL-3.0-or-later
"""What torch's errors say about a graphics card. Standard library only: the worker starts without torch."""

from __future__ import annotations


def is_card_full(error: BaseException) -> bool:
    """Whether the error says that a card's memory is full (Metal raises a plain RuntimeError)."""
    metal = isinstance(error, RuntimeError) and "MPS backend out of memory" in str(error)
    return metal or type(error).__name__ == "OutOfMemoryError"


def is_card_lost(error: BaseException) -> bool:
    """Whether the error means that this process can use no card any more (sleep, driver reset, a faulty kernel)."""
    text = str(error)
    return isinstance(error, RuntimeError) and text.startswith(("CUDA error", "CUDA driver error", "cuDNN error"))
