# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the worker's standard streams for the protocol alone, whatever native libraries print."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from typing import BinaryIO

from ..exchange.protocol import Message


@dataclass(frozen=True, slots=True)
class Channel:
    """The protocol's two ends inside the worker."""

    incoming: BinaryIO
    outgoing: BinaryIO


def claim_standard_streams() -> Channel:
    """Move fd 0 and 1 out of reach: prints (also from C++) go to stderr, reads find an empty file.

    Windows: ``os.dup`` keeps both descriptors private to this process, as on POSIX.
    """
    sys.stdout.flush()
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Channel(incoming, outgoing)


@dataclass(slots=True)
class Outbox:
    """Sends whole lines from any thread."""

    stream: BinaryIO
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Message) -> None:
        """Write one line; a reader that is gone is remembered, not raised."""
        data = message.to_json().encode() + b"\n"
        with self._lock:
            try:
                view = memoryview(data)
                while view:
                    view = view[self.stream.write(view) or 0 :]
            except (OSError, ValueError):
                self.closed = True
