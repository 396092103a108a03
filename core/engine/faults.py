# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads of an error that is none of our own. Standard library only: the worker starts without torch."""

from __future__ import annotations

from ..errors import EngineError, MimeshError


def file_trouble(error: OSError) -> MimeshError:
    """For a file or disk that fails."""
    where = f" {error.filename}" if error.filename else ""
    return EngineError(
        f"The file{where} cannot be read or written ({error.strerror or error}).",
        "Check that its disk has room and that you have the right to use it.",
    )


def unexpected(error: Exception) -> MimeshError:
    """For whatever nobody foresaw: memory, a graphics card, or a bug of ours."""
    if isinstance(error, MemoryError):
        return EngineError("The engine ran out of memory.", "Use a shorter range, or close other programs.")
    if is_card_full(error):
        return EngineError(
            "The graphics card has no memory left for the engine.",
            "Close what else uses the card, or choose Processor as Device.",
        )
    if is_card_lost(error):
        return EngineError(
            f"The graphics card stopped working for the engine ({str(error).splitlines()[0]}).",
            "Try again: the engine starts anew. If it happens again, choose Processor as Device.",
        )
    return EngineError(
        f"The engine failed unexpectedly ({type(error).__name__}: {error}).",
        "Please report it with the engine's log.",
    )


def is_card_full(error: BaseException) -> bool:
    """Whether the error says that a card's memory is full (Metal raises a plain RuntimeError)."""
    metal = isinstance(error, RuntimeError) and "MPS backend out of memory" in str(error)
    return metal or type(error).__name__ == "OutOfMemoryError"


def is_card_lost(error: BaseException) -> bool:
    """Whether the error means that this process can use no card any more (sleep, driver reset, a faulty kernel)."""
    text = str(error)
    return isinstance(error, RuntimeError) and text.startswith(("CUDA error", "CUDA driver error", "cuDNN error"))
