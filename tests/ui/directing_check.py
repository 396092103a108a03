# SPDX-License-Identifier: GPL-3.0-or-later
"""The robot behind the last part of ``make ui-check``: what an animator does with one line, by hand in a window.

Closures checked, gone through and repaired; a preset saved, chosen and deleted; layers made, turned down and joined; a
tidied line dragged, which is one step of undo; takes flipped through, rejected and accepted.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from robot import begin, say, window
from session_check import LEFT, RIGHT, Session, read_answer

RANGE = "60 100"


def look(session: Session) -> dict[str, Any]:
    """Keys, sliders, tracks, markers and frame."""
    session.robot.command("line")
    found: dict[str, Any] = read_answer()
    return found


def main() -> int:
    """Install, start, go through each."""
    given = begin(MIMESH_UI_OPEN="1")
    with window(given, "directing_scene.py") as robot:
        robot.wait("the window", lambda state: state["ready"], 60)
        time.sleep(2)
        robot.command("forget_result")
        robot.command("speak")
        robot.wait("the line", lambda state: state["result"] and not state["running"], 200)
        session = Session(robot)
        session.only("adjust")
        for part in (closures, tidied_drag, layers, presets, takes):
            part(session)
    print("ui directing passed")
    return 0


def closures(session: Session) -> None:
    """Two are opened by hand."""
    robot = session.robot
    session.only("adjust")
    robot.shoot("40_adjust")
    session.press("check_closures")
    say("nothing is open at first", not opened(look(session)))
    robot.command("open 0 2")
    session.press("check_closures")
    found = opened(look(session))
    say(f"two are marked: {found}", len(found) == 2)
    robot.shoot("41_two_open")
    places = []
    for share in (0.52, 0.52, 0.06):
        session.press("show_open_closure", share=share)
        places.append(look(session)["frame"])
        robot.shoot(f"42_closure_{len(places)}")
    say(f"next, next, previous: {places}", set(places) <= set(found) and places[0] == places[2] != places[1])
    session.press("check_closures(repair=True)", share=RIGHT)
    say("repaired", not opened(look(session)))
    say("the artist's own marker stays", [name for name, _ in look(session)["markers"]] == ["mine"])
    robot.shoot("43_repaired")
    session.history("ctrl+z")
    say("Ctrl+Z opens them again", opened(look(session)) == found)
    session.history("ctrl+shift+z")
    say("Ctrl+Shift+Z shuts them", not opened(look(session)))


def opened(seen: dict[str, Any]) -> list[int]:
    """Frames of markers of ours."""
    return [frame for name, frame in seen["markers"] if name != "mine"]


def tidied_drag(session: Session) -> None:
    """One step of undo, though the line is tidied anew after it."""
    robot = session.robot
    session.press("tidy_keys", share=LEFT)
    before = look(session)
    robot.shoot("44_tidied")
    session.drag("mouth", 40)
    time.sleep(2)
    after = look(session)
    say(
        f"dragged and tidied: {before['count']} keys, then {after['count']}",
        after["sliders"]["mouth"] > 1 and not after["rough"] and after["keys"] != before["keys"],
    )
    robot.shoot("45_dragged")
    session.history("ctrl+z")
    time.sleep(1)
    say("one Ctrl+Z takes it back", look(session) == before)
    session.history("ctrl+shift+z")
    time.sleep(2)
    say("one Ctrl+Shift+Z brings it back, tidy", look(session) == after)
    session.press("tidy_keys", share=RIGHT)
    session.press("reset_adjust", share=RIGHT)


def layers(session: Session) -> None:
    """Made, turned down, joined."""
    robot, before = session.robot, look(session)
    session.press("layer_line")
    split = look(session)
    say(f"tracks: {split['tracks']}", len(split["tracks"]) > len(before["tracks"]))
    robot.shoot("46_layers")
    x, y = robot.find_field("mimesh_layers.face")
    robot.drag(x, y, -40)
    turned = look(session)
    say(f"the face layer's influence is {turned['influence']:.2f}", 0 < turned["influence"] < 1)
    robot.shoot("47_turned_down")
    session.history("ctrl+z")
    say("Ctrl+Z turns it up", look(session) == split)
    session.history("ctrl+shift+z")
    session.press("unlayer_line")
    joined = look(session)
    say("joined: the keys are as before", (joined["keys"], joined["tracks"]) == (before["keys"], before["tracks"]))
    robot.shoot("48_joined")


def presets(session: Session) -> None:
    """Saved, chosen, deleted."""
    robot = session.robot
    session.only("adjust")
    plain = look(session)
    session.drag("mouth", 40)
    louder = look(session)
    say("the mouth is louder", louder["sliders"]["mouth"] > plain["sliders"]["mouth"])
    add = robot.find_preset_button("bpy.ops.mimesh.add_adjust_preset(")
    robot.shoot("49_presets")
    robot.type_into(add[0] - 90, add[1], "louder")
    robot.shoot("50_named")
    robot.click(*add)
    time.sleep(1)
    session.press("reset_adjust", share=RIGHT)
    say("reset: as it was generated", look(session)["keys"] == plain["keys"])
    robot.click(*robot.find_preset_button("bpy.ops.script.execute_preset(", left=True))
    time.sleep(1)
    say("the preset brings it back", look(session)["keys"] == louder["keys"])
    robot.shoot("51_chosen")
    session.history("ctrl+z")
    say("Ctrl+Z takes the preset back", look(session)["keys"] == plain["keys"])
    remove = 'bpy.ops.mimesh.add_adjust_preset(name="louder", remove_name='
    robot.click(*robot.find_preset_button(remove))
    time.sleep(1)
    robot.open_presets()
    robot.shoot("52_deleted")
    robot.over_viewport()
    time.sleep(1)


def takes(session: Session) -> None:
    """Flipped through and rejected; then one accepted."""
    robot, before = session.robot, look(session)
    session.only("retake")
    robot.command(f"frames {RANGE}")
    robot.shoot("55_range")
    session.press("retake", 200)
    seen = []
    for number in range(6):
        robot.shoot(f"56_take_{number}")
        seen.append(look(session)["keys"])
        session.press("show_take(step=1)", share=RIGHT)
    say(f"before and five takes, no two alike: {len(set(seen))}", len(set(seen)) == 6)
    say("round to the first", look(session)["keys"] == seen[0])
    session.press("reject_takes", share=RIGHT)
    say("rejected: as before", look(session)["keys"] == before["keys"])
    robot.shoot("57_rejected")
    session.press("retake", 200)
    # from the first take onward: one back is the line as it was before
    session.press("show_take(step=1)", share=RIGHT)
    chosen = look(session)["keys"]
    session.press("accept_take", share=LEFT)
    say("accepted: the take that was shown", look(session)["keys"] == chosen != before["keys"])
    robot.shoot("58_accepted")
    session.history("ctrl+z")
    robot.shoot("59_undone")


if __name__ == "__main__":
    sys.exit(main())
