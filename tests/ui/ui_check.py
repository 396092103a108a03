# SPDX-License-Identifier: GPL-3.0-or-later
"""The robot behind ``make ui-check``: starts Blender on a virtual screen, clicks, and checks what happened.

Runs inside the Debian folder with the system's Python, standard library only. ``ui_scene.py`` runs in Blender;
the two talk through a state file (Blender writes) and a command file (the robot writes).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DISPLAY = ":77"
WIDTH, HEIGHT = 1280, 900
# how much slower than a quiet machine with two cores this one may be
PATIENCE = float(os.environ.get("MIMESH_UI_PATIENCE", "1"))
TALK = Path("/tmp/talk")
GENERATE = "bpy.ops.mimesh.generate_lip_sync"


@dataclass(frozen=True, slots=True)
class Robot:
    """Hands and eyes on the virtual screen."""

    shots: Path

    def state(self) -> dict[str, Any]:
        """What Blender last said about itself."""
        for _ in range(3000):
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
        self.shoot("failed")
        raise SystemExit(f"FAILED: {what} not within {seconds:g} s; the last state is {self.state()}")

    def command(self, name: str) -> None:
        """Ask Blender to change the scene, and wait until it has."""
        before = self.state()["obeyed"]
        (TALK / "command").write_text(name)
        self.wait(f"command {name}", lambda state: state["obeyed"] == before + 1, 10)

    def shoot(self, name: str) -> None:
        """A picture of the whole screen."""
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

    def find_button(self, operator: str) -> tuple[int, int]:
        """Ctrl+C over a button copies its command: go down the panel until that is the one we look for."""
        self.command("forget_clipboard")
        region = self.state()["sidebar"]
        x = region["x"] + region["width"] // 2
        for y in range(HEIGHT - region["y"] - region["height"] + 30, HEIGHT - region["y"], 12):
            self.hover(x, y)
            self.key("ctrl+c")
            time.sleep(0.15)
            if self.state()["clipboard"].startswith(operator):
                return x, y + 6
        self.shoot("failed")
        raise SystemExit(f"FAILED: there is no button for {operator} in the sidebar")

    def over_viewport(self) -> None:
        """Put the pointer where keys go to the 3D View."""
        self.hover(WIDTH // 3, HEIGHT // 2)


def main() -> int:
    """Install, start, check."""
    parser = argparse.ArgumentParser()
    for name in ("--repo", "--shots", "--speech", "--reference"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    TALK.mkdir()
    Path(os.environ["HOME"]).mkdir(parents=True, exist_ok=True)
    install(sorted((options.repo / "dist").glob("mimesh-*.zip"))[-1])
    scene = options.repo / "tests" / "ui" / "ui_scene.py"
    with display(), blender(options.shots, scene, options.speech, options.reference):
        check(Robot(options.shots))
    print("ui-check passed")
    return 0


def check(robot: Robot) -> None:
    """What must hold in a real window."""
    robot.wait("the window", lambda state: state["ready"], 60)
    time.sleep(2)
    robot.shoot("1_panel")
    say("panel drawn; Generate is enabled", robot.state()["reason"] == "")

    before = robot.state()["scene"]
    x, y = robot.find_button(GENERATE)
    robot.click(x, y)
    robot.wait("a run", lambda state: state["running"], 10)
    robot.wait("progress", lambda state: state["fraction"] > 0.25, 120)
    robot.shoot("2_progress")
    state = robot.wait("the end of the run", lambda state: not state["running"], 240)
    robot.command("mid_speech")
    time.sleep(0.5)
    robot.shoot("3_result")
    say(f"a click generated: {state['result']!r}", state["outcome"] == "done" and state["keys"] > 100)

    robot.over_viewport()
    robot.key("ctrl+z")
    state = robot.wait("undo", lambda state: state["keys"] == 0, 10)
    time.sleep(1)
    robot.shoot("4_undone")
    say("one Ctrl+Z put the scene back as it was", state["scene"] == before and state["actions"] == 0)

    robot.command("trim")
    before = robot.state()["scene"]
    x, y = robot.find_button(GENERATE)
    robot.click(x, y)
    robot.wait("a second run", lambda state: state["running"], 10)
    robot.shoot("5_second_run")
    robot.over_viewport()
    robot.key("Escape")
    time.sleep(0.5)
    say("Esc over the view belongs to somebody else", robot.state()["running"])
    robot.hover(x, y)
    robot.key("Escape")
    state = robot.wait("cancel", lambda state: not state["running"], 5)
    time.sleep(0.5)
    robot.shoot("6_cancelled")
    say(f"Esc cancelled: {state['result']!r}", state["outcome"] == "cancelled" and state["scene"] == before)

    robot.command("trim_more")
    robot.command("choose_mimic")
    robot.command("nudge")
    nudged = robot.state()["light_x"]
    robot.click(*robot.find_button(GENERATE))
    robot.wait("a third run", lambda state: state["running"], 10)
    robot.over_viewport()
    robot.key("ctrl+z")
    robot.wait("undo of the nudge", lambda state: state["light_x"] == nudged - 1.0, 10)
    state = robot.wait("the end of the run", lambda state: not state["running"], 240)
    robot.command("mid_speech")
    time.sleep(0.5)
    robot.shoot("7_mimic")
    say(
        "an undo during a run of Mimic neither stops nor confuses it",
        state["outcome"] == "done" and state["keys"] > 100,
    )

    robot.command("forget_face")
    time.sleep(0.5)
    robot.shoot("8_reason")
    say(f"the grey button says why: {robot.state()['reason']!r}", robot.state()["reason"] != "")

    robot.command("choose_face")
    robot.click(*robot.find_button(GENERATE))
    robot.wait("a fourth run", lambda state: state["running"], 10)
    robot.command("new_file")
    state = robot.wait("the end of the run", lambda state: not state["running"], 5)
    time.sleep(1)
    robot.shoot("9_new_file")
    say("a new file ends the run", state["keys"] == 0)

    check_first_minute(robot)

    robot.command("preferences")
    time.sleep(1)
    robot.shoot("10_preferences")


def check_first_minute(robot: Robot) -> None:
    """A new file: a dropped sound, Try It, a head of another style, save and open again, the user's language."""
    robot.command("show_sidebar")
    time.sleep(2)
    robot.command("choose_tab")
    robot.command("set engine mimic")
    robot.command("drop_speech")
    time.sleep(1)
    robot.shoot("11_dropped")
    say("a dropped sound is the speech", robot.state()["speech"] != "")
    robot.click(*robot.find_button("bpy.ops.mimesh.try_it"))
    robot.wait("a first try", lambda state: state["running"], 10)
    state = robot.wait("the end of the first try", lambda state: not state["running"], 240)
    time.sleep(2)
    robot.shoot("12_first_try")
    say(f"Try It made a head talk: {state['result']!r}", state["outcome"] == "done" and state["keys"] > 100)
    say("and it plays", robot.state()["playing"])
    robot.command("stop")
    scene, keys = robot.state()["scene"], robot.state()["keys"]
    robot.command("try_head")
    robot.wait("another head", lambda state: state["running"], 10)
    state = robot.wait("the end of another head", lambda state: not state["running"], 120)
    say("another head moves in another way", state["outcome"] == "done" and state["keys"] == keys)
    scene = state["scene"]
    robot.command("save_and_reopen")
    time.sleep(2)
    say("what was saved is what is opened", (robot.state()["scene"], robot.state()["keys"]) == (scene, keys))
    robot.command("show_sidebar")
    time.sleep(2)
    robot.command("choose_tab")
    for language in ("de_DE", "ja_JP"):
        robot.command(f"speak {language}")
        time.sleep(2)
        robot.shoot(f"13_{language}")
    robot.command("speak en_US")
    robot.command("scale 2.0")
    robot.over_viewport()
    time.sleep(3)
    robot.shoot("14_twice_the_size")
    robot.command("scale 1.0")
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


if __name__ == "__main__":
    sys.exit(main())
