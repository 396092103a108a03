# SPDX-License-Identifier: GPL-3.0-or-later
"""The robot behind ``make ui-check``: starts Blender on a virtual screen, clicks, and checks what happened.

Runs inside the Debian folder with the system's Python; ``robot.py`` has the hands and eyes.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from robot import GENERATE, HEIGHT, Robot, begin, say, window

# where a sub-panel's title is, below the sidebar's upper edge
BELOW_TITLE = 41
TWICE = "twice the size"


def main() -> int:
    """Install, start, check."""
    with window(begin(), "ui_scene.py") as robot:
        check(robot)
    print("ui-check passed")
    return 0


def check(robot: Robot) -> None:
    """What must hold in a real window."""
    robot.wait("the window", lambda state: state["ready"], 60)
    time.sleep(2)
    robot.shoot("1_panel")
    say("panel drawn; Generate is enabled", robot.state()["reason"] == "")

    check_first_runs(robot)

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

    check_after_the_run(robot)

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
    check_sizes(robot)

    robot.command("scale 1.0")
    robot.command("preferences")
    time.sleep(1)
    robot.shoot("10_preferences")


def check_first_runs(robot: Robot) -> None:
    """A run to its end, undone; another one, cancelled while its first version is on the face."""
    before = robot.state()["scene"]
    x, y = robot.find_button(GENERATE)
    robot.click(x, y)
    robot.wait("a run", lambda state: state["running"], 10)
    state = robot.wait("a first version", has_first_version, 120)
    robot.shoot("2_progress")
    say("a first version is on the face while the style is learnt", state["keys"] > 100)
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
    state = robot.wait("its first version", has_first_version, 120)
    say("a second first version", state["keys"] > 100 and state["scene"] != before)
    robot.hover(x, y)
    robot.key("Escape")
    state = robot.wait("cancel", lambda state: not state["running"], 5)
    time.sleep(0.5)
    robot.shoot("6_cancelled")
    say(f"Esc cancelled: {state['result']!r}", state["outcome"] == "cancelled" and state["scene"] == before)


def has_first_version(state: dict[str, Any]) -> bool:
    """Whether the run says that there is one."""
    return str(state["stage"]).startswith("Playable now")


def check_after_the_run(robot: Robot) -> None:
    """Sliders on the keys, takes of a few frames, and the sheet."""
    before = robot.state()["scene"]
    robot.command("adjust mouth 0.2")
    say("a slider changes the keys", robot.state()["scene"] != before)
    robot.command("adjust mouth 1.0")
    say("and gives them back", robot.state()["scene"] == before)
    robot.command("preview_range")
    robot.command("press retake")
    robot.wait("takes", lambda state: state["running"], 10)
    state = robot.wait("the end of the takes", lambda state: not state["running"], 240)
    robot.shoot("7_takes")
    say(f"takes of a few frames: {state['result']!r}", state["outcome"] == "done")
    robot.command("press reject_takes")
    say("rejected takes leave the scene as it was", robot.state()["scene"] == before)
    robot.command("press collect_lines")
    robot.command("cast_lines")
    robot.command("press generate_sheet")
    robot.wait("the sheet", lambda state: state["running"], 10)
    state = robot.wait("the end of the sheet", lambda state: not state["running"], 240)
    robot.shoot("7_sheet")
    say(f"the sheet knows that its line is done: {state['result']!r}", state["result"] == "Lines: 1 up to date.")


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
    for language in ("de_DE", "ja_JP", "zh_HANS", "fr_FR", "es"):
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
    robot.narrow()
    for language in ("en_US", "de_DE", "fr_FR"):
        robot.command(f"speak {language}")
        robot.over_viewport()
        time.sleep(2)
        robot.shoot(f"15_narrow_{language}")
    robot.command("speak en_US")


def check_sizes(robot: Robot) -> None:
    """All that is done by hand, with everything twice as large and in a sidebar of 250 pixels."""
    robot.command("open_all")
    robot.command("preview_range")
    for panel in ("adjust", "retake", "sheet"):
        # those that have been drawn shut before stay shut
        robot.command(f"only MIMESH_PT_{panel}")
        time.sleep(1)
        region = robot.state()["sidebar"]
        robot.click(region["x"] + 60, HEIGHT - region["y"] - region["height"] + BELOW_TITLE)
        time.sleep(1)
    work_by_hand(robot, "narrow", 20)
    robot.command("scale 2.0")
    robot.over_viewport()
    time.sleep(3)
    work_by_hand(robot, TWICE, 30)


def work_by_hand(robot: Robot, size: str, trimmed: int) -> None:
    """Generate, cancel, adjust, undo, retake, sheet."""

    def press(panel: str, operator: str, share: float = 0.5) -> None:
        robot.command(f"only MIMESH_PT_{panel}")
        time.sleep(1)
        if panel == "sheet" and size == TWICE:
            robot.scroll(20)
        robot.click(*robot.find_button(f"bpy.ops.mimesh.{operator}", share))

    def finish(what: str) -> None:
        state = robot.wait(f"the end of {what}", lambda state: not state["running"], 240)
        say(f"{size}: {what}: {state['result']!r}", state["outcome"] == "done")

    press("generate", "generate_lip_sync")
    robot.wait("a run", lambda state: state["running"], 10)
    finish("a run")
    before = robot.state()["scene"]
    robot.command(f"trim_movie {trimmed}")
    press("generate", "generate_lip_sync")
    robot.wait("a run to cancel", lambda state: state["running"], 10)
    robot.over_sidebar()
    robot.key("Escape")
    state = robot.wait("cancel", lambda state: not state["running"], 5)
    say(f"{size}: Esc cancels", state["outcome"] == "cancelled" and state["scene"] == before)
    robot.command(f"trim_movie {trimmed - 10}")
    robot.command("only MIMESH_PT_adjust")
    time.sleep(1)
    robot.drag(*robot.find_field("mimesh_adjust.mouth"), -40)
    robot.shoot(f"16_adjusted_{size.replace(' ', '_')}")
    say(f"{size}: a dragged slider changes the keys", robot.state()["scene"] != before)
    robot.over_viewport()
    robot.key("ctrl+z")
    robot.wait("undo of the slider", lambda state: state["scene"] == before, 20)
    say(f"{size}: Ctrl+Z takes it back", True)
    press("retake", "retake()")
    robot.wait("takes", lambda state: state["running"], 10)
    finish("takes")
    press("retake", "reject_takes", 0.8)
    robot.wait("rejected takes", lambda state: state["scene"] == before, 20)
    robot.command("press collect_lines")
    robot.command("cast_lines")
    press("sheet", "generate_sheet()", 0.25)
    # nothing to do is done between two looks
    told = "Lines: "
    robot.wait("the sheet", lambda state: state["result"].startswith(told) and not state["running"], 240)
    finish("the sheet")
    robot.shoot(f"17_sheet_{size.replace(' ', '_')}")


if __name__ == "__main__":
    sys.exit(main())
