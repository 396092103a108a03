# SPDX-License-Identifier: GPL-3.0-or-later
"""A file browser's part of a drag and drop: offers files to the window under a point and lets go of them there.

The X drag-and-drop protocol, version 5 (https://freedesktop.org/wiki/Specifications/XDND/), with python-xlib. Runs
inside the Debian folder: ``python3 drag.py X Y FILE...``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from Xlib import X, Xatom, display
from Xlib.protocol import event

VERSION, STEPS, PATIENCE_SECONDS = 5, 8, 20.0
# a hand's pace
STEP_SECONDS = 0.1
# from how far away the pointer comes, in pixels
AWAY = 40


class Source:
    """Who drags: a window that nobody sees, and the files."""

    def __init__(self, paths: list[Path]) -> None:
        self.display = display.Display()
        self.root = self.display.screen().root
        self.window = self.root.create_window(-10, -10, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)
        self.uris = "".join(f"{path.as_uri()}\r\n" for path in paths).encode()
        self.taken = self.finished = False

    def atom(self, name: str) -> int:
        """X's number of a name."""
        return int(self.display.intern_atom(name))

    def target(self) -> Any:
        """The window that takes drops."""
        found = next(self._aware(self.root), None)
        if found is None:
            raise SystemExit("no window takes drops")
        return found

    def _aware(self, window: Any) -> Any:
        for child in window.query_tree().children:
            if child.get_full_property(self.atom("XdndAware"), X.AnyPropertyType) is not None:
                yield child
            yield from self._aware(child)

    def send(self, target: Any, name: str, *values: int) -> None:
        """A client message of the protocol: the source's window and up to four numbers."""
        data = (32, [self.window.id, *values, *[0] * (4 - len(values))])
        message = event.ClientMessage(window=target, client_type=self.atom(name), data=data)
        target.send_event(message, event_mask=X.NoEventMask)
        self.display.flush()

    def drop(self, x: int, y: int) -> None:
        """Come in, go to the point, let go, and hand over what is asked for."""
        selection, uri_list = self.atom("XdndSelection"), self.atom("text/uri-list")
        self.window.set_selection_owner(selection, X.CurrentTime)
        target = self.target()
        self.send(target, "XdndEnter", VERSION << 24, uri_list)
        for step in range(STEPS, -1, -1):
            place = x + step * AWAY // STEPS
            self.root.warp_pointer(place, y)
            self.send(target, "XdndPosition", 0, place << 16 | y, X.CurrentTime, self.atom("XdndActionCopy"))
            self.answer(STEP_SECONDS)
        self.send(target, "XdndDrop", 0, X.CurrentTime)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.finished and time.monotonic() < deadline:
            self.answer(STEP_SECONDS)
        if not self.taken:
            raise SystemExit("nobody took the files")

    def answer(self, seconds: float) -> None:
        """Serve the other side's questions for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self.display.pending_events():
                self._answer_one(self.display.next_event())
            time.sleep(0.01)

    def _answer_one(self, asked: Any) -> None:
        if asked.type == X.SelectionRequest:
            asked.requestor.change_property(asked.property or asked.target, asked.target, 8, self.uris)
            answer = event.SelectionNotify(
                time=asked.time,
                requestor=asked.requestor,
                selection=asked.selection,
                target=asked.target,
                property=asked.property or asked.target,
            )
            asked.requestor.send_event(answer)
            self.display.flush()
            self.taken = True
        elif asked.type == X.ClientMessage and asked.client_type == self.atom("XdndFinished"):
            self.finished = True


def main() -> int:
    """Drop the files at the point."""
    x, y, *paths = sys.argv[1:]
    source = Source([Path(path) for path in paths])
    source.window.change_property(source.atom("XdndTypeList"), Xatom.ATOM, 32, [source.atom("text/uri-list")])
    source.drop(int(x), int(y))
    return 0


if __name__ == "__main__":
    sys.exit(main())
