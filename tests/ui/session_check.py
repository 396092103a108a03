# SPDX-License-Identifier: GPL-3.0-or-later
"""The robot behind the second part of ``make ui-check``: an animator's session in a real window, with the real engine.

Eight lines, two characters, one pass; a strip moved, a sound changed, ten keys edited by hand, two sliders dragged,
one retake. After each step exactly what should change has changed; Ctrl+Z walks back through all of it and
Ctrl+Shift+Z forth; save and open again keeps all.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from robot import TALK, Robot, begin, say, speech_pieces, window

LINES = [f"line{number}" for number in range(8)]
SECONDS = "1.5"
# of the sidebar's width, where two buttons stand in a row
LEFT, RIGHT = 0.25, 0.87
# a retake's frames, within the fourth line
RETAKE = (11 + 48 * 3 + 6, 11 + 48 * 3 + 24)


@dataclass
class Session:
    """The robot, and what the edit looked like after each step."""

    robot: Robot
    looks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def look(self) -> dict[str, Any]:
        """Digests of keys, sliders, the artist's keys, states and strips."""
        self.robot.command("look")
        return read_answer()

    def step(self, name: str, *changes: str) -> None:
        """Only the keys of these lines are other than before."""
        look = self.look()
        if self.looks:
            before = self.looks[-1][1]["keys"]
            changed = {line for line in LINES if look["keys"][line] != before[line]}
            say(f"{name}: changed {sorted(changed) or 'nothing'}", changed == set(changes))
        self.looks.append((name, look))

    def only(self, panel: str) -> None:
        """Show one sub-panel."""
        self.robot.command(f"only MIMESH_PT_{panel}")
        time.sleep(1)

    def press(self, operator: str, seconds: float = 0.0, share: float = 0.5) -> dict[str, Any]:
        """Click a button; with ``seconds``, until what it starts has ended."""
        place = self.robot.find_button(f"bpy.ops.mimesh.{operator}", share)
        self.robot.command("forget_result")
        self.robot.click(*place)
        if not seconds:
            time.sleep(1)
            return self.robot.state()
        # a short run may begin and end between two looks
        state = self.robot.wait(operator, lambda state: state["result"] and not state["running"], seconds)
        say(f"{operator}: {state['result']!r}", state["outcome"] == "done")
        return state

    def drag(self, slider: str, pixels: int) -> None:
        """Pull a slider of Adjust."""
        x, y = self.robot.find_field(f"mimesh_adjust.{slider}")
        self.robot.drag(x, y, pixels)

    def history(self, keys: str) -> None:
        """A step back or forth."""
        before = self.robot.state()["undone"]
        self.robot.over_viewport()
        self.robot.key(keys)
        self.robot.wait(keys, lambda state: state["undone"] > before, 20)


def main() -> int:
    """Install, start, go through the session."""
    given = begin(MIMESH_UI_OPEN="1")
    speech_pieces(given, SECONDS)
    with window(given, "session_scene.py") as robot:
        robot.wait("the window", lambda state: state["ready"], 60)
        time.sleep(2)
        session = Session(robot)
        go_through(session)
        walk_back(session)
        reopen(session)
    print("ui session passed")
    return 0


def go_through(session: Session) -> None:
    """The whole pass; each step says which lines' keys it may change."""
    robot = session.robot
    session.only("sheet")
    session.press("collect_lines")
    robot.shoot("20_collected")
    session.step("the edit")
    session.press("generate_sheet()", 400, LEFT)
    robot.shoot("21_one_pass")
    session.step("one pass", *LINES)
    say("no two lines are alike", len(set(session.looks[-1][1]["keys"].values())) == len(LINES))

    robot.command("step move line2 7")
    session.step("a strip moved")
    time.sleep(2)
    robot.shoot("22_moved")
    session.press("generate_sheet()", 60, LEFT)
    session.step("its keys moved", "line2")

    robot.command("sound line5")
    say("the sheet sees the changed sound", session.look()["states"]["line5"] == "sound")
    robot.shoot("23_changed_sound")
    session.press("generate_sheet()", 60, LEFT)
    session.step("a changed sound", "line5")

    robot.command("step edit line0 line3")
    session.step("ten keys by hand", "line0", "line3")
    say("ten keys are the artist's", sum(map(len, session.looks[-1][1]["theirs"].values())) == 10)
    robot.shoot("24_edited")

    session.only("adjust")
    robot.command("focus Anna line0")
    session.step("line0 chosen")
    session.drag("mouth", 40)
    session.step("the first slider", "line0")
    robot.shoot("25_mouth")
    robot.command("focus Ben line1")
    session.step("line1 chosen")
    session.drag("smoothing_ms", 40)
    session.step("the second slider", "line1")
    say(
        "the sliders stand where they were dragged to", moved_sliders(session) == {"line0 mouth", "line1 smoothing_ms"}
    )
    robot.shoot("26_smoothing")

    retake(session)
    theirs = session.looks[5][1]["theirs"]
    say("the ten keys have lived through all of it", all(look["theirs"] == theirs for _, look in session.looks[5:]))
    session.only("sheet")
    state = session.press("generate_sheet()", 60, LEFT)
    session.step("nothing is left to do")
    robot.shoot("29_up_to_date")
    say(f"the sheet says so: {state['result']!r}", "8 up to date" in state["result"])


def moved_sliders(session: Session) -> set[str]:
    """Line and name of each slider that is neither as at first nor at an end."""
    first, now = (session.looks[step][1]["sliders"] for step in (1, -1))
    ends = {0.0, 2.0, 300.0}
    return {
        f"{line} {name}"
        for line, values in now.items()
        for name, value in values.items()
        if value != first[line][name] and value not in ends
    }


def retake(session: Session) -> None:
    """Takes of some frames of the fourth line; the second one is accepted."""
    robot, frames = session.robot, f"{RETAKE[0]} {RETAKE[1]}"
    session.only("retake")
    robot.command(f"focus Ben line3 {frames}")
    session.step("frames chosen")
    robot.shoot("27_range")
    robot.command(f"range line3 {frames}")
    outside, inside = read_answer()
    session.press("retake", 120)
    session.step("takes", "line3")
    robot.shoot("28_takes")
    session.press("show_take(step=1)", share=RIGHT)
    session.step("the second take", "line3")
    robot.shoot("28_second_take")
    session.press("accept_take", share=LEFT)
    session.step("accepted")
    robot.command(f"range line3 {frames}")
    after = read_answer()
    say("outside of its frames every key stayed", after[0] == outside and after[1] != inside)


def walk_back(session: Session) -> None:
    """All steps back by Ctrl+Z and forth again; the file of a sound is no matter of Blender's undo."""
    for name, look in reversed(session.looks[:-1]):
        session.history("ctrl+z")
        now = session.look()
        same = all(now[part] == look[part] for part in look if part != "states")
        if not same:
            print({part: (now[part], look[part]) for part in look if now[part] != look[part]})
        say(f"Ctrl+Z is back at: {name}", same)
    session.robot.shoot("30_all_undone")
    for name, look in session.looks[1:]:
        session.history("ctrl+shift+z")
        say(f"Ctrl+Shift+Z is at: {name}", session.look()["keys"] == look["keys"])
    say("all is as it was", session.look() == session.looks[-1][1])


def reopen(session: Session) -> None:
    """Save, open again, and go on."""
    robot = session.robot
    robot.command("save_and_reopen")
    time.sleep(2)
    say("what was saved is what is opened", session.look() == session.looks[-1][1])
    robot.command("show_sidebar")
    time.sleep(2)
    robot.command("choose_tab")
    session.only("adjust")
    robot.command("focus Anna line0")
    session.step("chosen again")
    session.drag("jaw", -30)
    robot.shoot("31_after_reopening")
    session.step("a slider after reopening", "line0")
    session.history("ctrl+z")
    say("and Ctrl+Z takes it back", session.look() == session.looks[-2][1])


def read_answer() -> Any:
    """What Blender wrote at the last command."""
    return json.loads((TALK / "look.json").read_text())


if __name__ == "__main__":
    sys.exit(main())
