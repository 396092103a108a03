# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and eyes of the checks in a real window: a virtual screen, Blender on it, clicks, keys and pictures.

Runs inside the Debian folder with the system's Python, standard library only. ``ui_scene.py`` runs in Blender;
the two talk through a state file (Blender writes) and a command file (the robot writes).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DISPLAY = ":77"
WIDTH, HEIGHT = 1280, 900
# how much slower than a quiet machine with two cores this one may be
PATIENCE = float(os.environ.get("MIMESH_UI_PATIENCE", "1"))
# drawings in which Blender moves the panels below one that has grown; one is late without a graphics card
SLIDES = 6
TALK = Path("/tmp/talk")
NARROW_PIXELS = 250
GENERATE = "bpy.ops.mimesh.generate_lip_sync"


@dataclass(frozen=True, slots=True)
class Robot:
    """Hands and eyes on the virtual screen."""

    shots: Path

    def state(self) -> dict[str, Any]:
        """What Blender last said about itself."""
        for _ in range(int(600 * PATIENCE)):
            with contextlib.suppress(OSError, ValueError):
                return json.loads((TALK / "state.json").read_text())
            time.sleep(0.1)
        raise SystemExit("FAILED: Blender writes no state")

    def wait(self, what: str, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """Wait until the state is as wanted, or end the check."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            state = self.state()
            if wanted(state):
                return state
            time.sleep(0.05)
        self.picture("failed")
        raise SystemExit(f"FAILED: {what} not within {seconds:g} s; the last state is {self.state()}")

    def command(self, name: str) -> None:
        """Ask Blender to change the scene, and wait until it has."""
        before = self.state()["obeyed"]
        (TALK / "command").write_text(name)
        self.wait(f"command {name}", lambda state: state["obeyed"] == before + 1, 10)

    def shoot(self, name: str) -> None:
        """A picture of the whole screen, once the panels that grew have slid to their places."""
        for _ in range(SLIDES):
            before = self.state()["drawn"]
            self.command("redraw")
            self.wait("a drawing", lambda state, before=before: state["drawn"] > before, 10)
        self.picture(name)

    def picture(self, name: str) -> None:
        """The whole screen as it is now."""
        run("import", "-window", "root", str(self.shots / f"{name}.png"))

    def hover(self, x: int, y: int) -> None:
        """Two moves, because Blender activates a button on movement."""
        run("xdotool", "mousemove", str(x), str(y - 2))
        run("xdotool", "mousemove", str(x), str(y))
        time.sleep(0.12)

    def key(self, name: str) -> None:
        """Press and release."""
        run("xdotool", "key", name)
        time.sleep(0.15)

    def click(self, x: int, y: int) -> None:
        """A left click."""
        self.hover(x, y)
        run("xdotool", "click", "1")

    def find_button(self, operator: str, share: float = 0.5) -> tuple[int, int]:
        """Ctrl+C over a button copies its command: go down the panel until that is the one we look for.

        share: of the sidebar's width from its left; several buttons may stand in a row.
        """
        region = self.state()["sidebar"]
        x = region["x"] + int(region["width"] * share)
        first, last = HEIGHT - region["y"] - region["height"] + 30, HEIGHT - region["y"]
        # once more between the places of the first pass: buttons of a row in small print, or a key that came late
        for y in (*range(first, last, 12), *range(first + 6, last, 12)):
            # a second look: what was copied above may arrive late, and panels slide
            if self._copied(x, y).startswith(operator) and self._copied(x, y).startswith(operator):
                return x, y
        self.picture("failed")
        raise SystemExit(f"FAILED: there is no button for {operator} in the sidebar")

    def open_presets(self) -> tuple[int, int]:
        """Click the button of presets in the title of the sub-panel that is shown; gives its place."""
        region = self.state()["sidebar"]
        x, y = region["x"] + region["width"] - 68, HEIGHT - region["y"] - region["height"] + 42
        self.over_viewport()
        self.hover(x, y)
        # a title that is clicked where no button has noticed the pointer shuts the panel
        time.sleep(1)
        run("xdotool", "click", "1")
        time.sleep(1)
        return x, y

    def find_preset_button(self, operator: str, left: bool = False) -> tuple[int, int]:
        """Open the presets and go down their list, which closes where the pointer leaves it, to this button.

        left: a name in the list; otherwise a sign at the right. Twice, since a busy machine's list may open late.
        """
        for _ in range(2):
            x, y = self.open_presets()
            x += -30 if left else 84
            for down in range(18, 160, 7):
                if self._copied(x, y + down).startswith(operator):
                    return x, y + down
            self.over_viewport()
            time.sleep(1)
        self.picture("failed")
        raise SystemExit(f"FAILED: there is no {operator} among the presets")

    def type_into(self, x: int, y: int, text: str) -> None:
        """Replace the text of a field."""
        self.hover(x, y)
        run("xdotool", "click", "--repeat", "2", "--delay", "80", "1")
        time.sleep(0.5)
        self.key("ctrl+a")
        run("xdotool", "type", "--delay", "60", text)
        self.key("Return")
        time.sleep(0.5)

    def find_field(self, path: str) -> tuple[int, int]:
        """As :meth:`find_button`, for a field whose full data path ends like this."""
        region = self.state()["sidebar"]
        # right of the names
        x = region["x"] + region["width"] * 2 // 3
        places = range(HEIGHT - region["y"] - region["height"] + 30, HEIGHT - region["y"], 9)
        # on a busy machine a key may come too early for a field, or what was copied above arrive late
        for y in (*places, *places):
            if all(self._copied(x, y, "ctrl+alt+shift+c").endswith(path) for _ in range(2)):
                return x, y
        self.picture("failed")
        raise SystemExit(f"FAILED: there is no field {path} in the sidebar")

    def drop_file(self, x: int, y: int, path: Path) -> None:
        """Drag a file from outside of Blender to this place and let go of it."""
        run("python3", str(Path(__file__).with_name("drag.py")), str(x), str(y), str(path))

    def drag(self, x: int, y: int, pixels: int, ticks: int = 6) -> None:
        """Pull a slider so far to the right, in as many steps; Blender holds the pointer meanwhile."""
        self.hover(x, y)
        run("xdotool", "mousedown", "1")
        for _ in range(ticks):
            run("xdotool", "mousemove_relative", "--", str(pixels // ticks), "0")
            time.sleep(0.25)
        run("xdotool", "mouseup", "1")
        time.sleep(0.5)

    def _copied(self, x: int, y: int, keys: str = "ctrl+c") -> str:
        """What these keys copy at this place."""
        self.command("forget_clipboard")
        self.hover(x, y)
        self.key(keys)
        ticks = self.state()["ticks"]
        return str(self.wait("a look", lambda state: state["ticks"] > ticks + 1, 10)["clipboard"])

    def over_viewport(self) -> None:
        """Put the pointer where keys go to the 3D View."""
        self.hover(WIDTH // 3, HEIGHT // 2)

    def over_sidebar(self) -> None:
        """Put the pointer where keys go to our panels."""
        region = self.state()["sidebar"]
        self.hover(region["x"] + region["width"] // 2, HEIGHT - region["y"] - region["height"] // 2)

    def scroll(self, ticks: int) -> None:
        """Turn the wheel over the sidebar; down where ticks are more than 0."""
        self.over_sidebar()
        run("xdotool", "click", "--repeat", str(abs(ticks)), "--delay", "20", "5" if ticks > 0 else "4")

    def narrow(self) -> None:
        """Make the sidebar 250 pixels wide; without a graphics card its edge cannot be dragged."""
        self.command(f"narrow {NARROW_PIXELS}")
        wide = NARROW_PIXELS * 1.05
        self.wait("a narrow sidebar", lambda state: state["sidebar"]["width"] <= wide, 20)
        time.sleep(1)


def say(what: str, holds: bool) -> None:
    """Report one check; a failed one ends the run."""
    print(("ok: " if holds else "FAILED: ") + what, flush=True)
    if not holds:
        raise SystemExit(1)


def install(path: Path) -> None:
    """By command line, as a user's administrator would; then switch the splash screen off."""
    run("blender", "--command", "extension", "install-file", "-r", "user_default", "-e", str(path))
    quiet = "import bpy; bpy.context.preferences.view.show_splash = False; bpy.ops.wm.save_userpref()"
    run("blender", "-b", "--python-exit-code", "3", "--python-expr", quiet)


@dataclass(frozen=True, slots=True)
class Given:
    """What every check is called with: this checkout, a folder for pictures, and media."""

    repo: Path
    shots: Path
    speech: Path
    reference: Path


def begin(**environment: str) -> Given:
    """Read the command line, install the built zip into a fresh profile; Blender will see these variables."""
    parser = argparse.ArgumentParser()
    for name in ("--repo", "--shots", "--speech", "--reference"):
        parser.add_argument(name, type=Path, required=True)
    given = Given(**vars(parser.parse_args()))
    TALK.mkdir(exist_ok=True)
    Path(os.environ["HOME"]).mkdir(parents=True, exist_ok=True)
    install(sorted((given.repo / "dist").glob("mimesh-*.*.?.zip"))[-1])
    os.environ.update(environment)
    return given


def speech_pieces(given: Given, seconds: str) -> None:
    """The speech cut into line0.wav to line7.wav and other.wav of so many seconds, in :data:`TALK`."""
    os.environ["PYTHONPATH"] = str(given.repo)
    pieces = str(given.repo / "tests" / "speech_pieces.py")
    run(os.environ["MIMESH_ENGINE_PYTHON"], "-B", pieces, str(given.speech), str(TALK), seconds)
    del os.environ["PYTHONPATH"]


@contextlib.contextmanager
def window(given: Given, scene: str) -> Iterator[Robot]:
    """Blender on a virtual screen, with one of the scripts beside this file."""
    path = given.repo / "tests" / "ui" / scene
    with display(), blender(given.shots, path, given.speech, given.reference):
        yield Robot(given.shots)


@contextlib.contextmanager
def display() -> Iterator[None]:
    """A virtual screen."""
    os.environ["DISPLAY"] = DISPLAY
    server = subprocess.Popen(
        ["Xvfb", DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if subprocess.run(["xdotool", "getmouselocation"], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def blender(shots: Path, scene: Path, speech: Path, reference: Path) -> Iterator[None]:
    """Blender with a window; its output goes beside the pictures."""
    arguments = ["blender", "--window-geometry", "0", "0", str(WIDTH), str(HEIGHT), "--python-exit-code", "3"]
    with (shots / "blender.log").open("w") as log:
        process = subprocess.Popen(
            [*arguments, "--python", str(scene), "--", str(TALK), str(speech), str(reference)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run(*arguments: str) -> None:
    """A helper program that must succeed."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"FAILED: {' '.join(arguments)}\n{done.stdout}{done.stderr}")
