# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of each sub-panel for the docs, and of the whole tab at other scales and widths, in a real window.

Run by ``make docs-pictures`` in the Debian folder of ``make ui-check``, with the system's Python.
"""

from __future__ import annotations

import sys
import time

from robot import GENERATE, HEIGHT, Robot, begin, run, window

PANELS = ("speech", "reference", "face", "generate", "adjust", "head_motion", "engine")
# made after the others: takes that wait for an answer hold the sliders
LATER = ("retake", "sheet")
# the column with the tabs' names
TABS_PIXELS = 24


def main() -> int:
    """Install, start, take the pictures."""
    with window(begin(MIMESH_UI_OPEN="1"), "ui_scene.py") as robot:
        take(robot)
    return 0


def take(robot: Robot) -> None:
    """At rest, each panel open and alone, after a run, narrow, and at twice the size."""
    robot.wait("the window", lambda state: state["ready"], 180)
    time.sleep(3)
    robot.shoot("1_at_rest")
    robot.command("set engine mimic")
    # with all panels open the button may lie below the screen's edge
    robot.command("only MIMESH_PT_generate")
    time.sleep(1)
    robot.click(*robot.find_button(GENERATE))
    robot.wait("a run", lambda state: state["running"], 30)
    robot.wait("progress", lambda state: state["fraction"] > 0.2, 300)
    robot.shoot("2_progress")
    robot.command("only ")
    robot.wait("the end of the run", lambda state: not state["running"], 600)
    robot.command("mid_speech")
    robot.command("check_rig")
    time.sleep(1)
    robot.shoot("3_result")
    robot.command("press check_reference")
    robot.wait("a look at the reference", lambda state: state["running"], 30)
    robot.wait("the end of the look", lambda state: not state["running"], 300)
    robot.command("list_bank")
    robot.command("empty_view")
    # a hidden face is something to be warned of
    robot.command("press generate_lip_sync")
    robot.wait("a run with warnings", lambda state: state["running"], 30)
    robot.wait("the end of it", lambda state: not state["running"], 300)
    for name in PANELS:
        robot.command(f"only MIMESH_PT_{name}")
        time.sleep(1)
        crop_sidebar(robot, f"panel_{name}")
    robot.command("only ")
    robot.command("preview_range")
    robot.command("press retake")
    robot.wait("takes", lambda state: state["running"], 30)
    robot.wait("the end of the takes", lambda state: not state["running"], 600)
    robot.command("press collect_lines")
    robot.command("cast_lines")
    for name in LATER:
        robot.command(f"only MIMESH_PT_{name}")
        time.sleep(1)
        crop_sidebar(robot, f"panel_{name}")
    robot.command("press reject_takes")
    robot.command("press layer_line")
    robot.command("only MIMESH_PT_adjust")
    time.sleep(1)
    crop_sidebar(robot, "panel_layers")
    robot.command("only ")
    robot.narrow()
    for name in PANELS + LATER:
        robot.command(f"only MIMESH_PT_{name}")
        time.sleep(1)
        crop_sidebar(robot, f"narrow_{name}")
    robot.command("scale 2.0")
    robot.over_viewport()
    for name in PANELS + LATER:
        robot.command(f"only MIMESH_PT_{name}")
        time.sleep(2)
        crop_sidebar(robot, f"large_{name}")
    robot.command("scale 1.0")
    robot.command("only ")
    robot.command("sequencer")
    time.sleep(2)
    robot.command("sequencer_tab")
    time.sleep(1)
    robot.shoot("4_sequencer")


def crop_sidebar(robot: Robot, name: str) -> None:
    """What the sidebar shows, without the empty part below."""
    robot.over_viewport()
    time.sleep(0.3)
    robot.shoot(name)
    region, path = robot.state()["sidebar"], robot.shots / f"{name}.png"
    width = region["width"] - TABS_PIXELS * (2 if name.startswith("large") else 1)
    area = f"{width}x{region['height']}+{region['x']}+{HEIGHT - region['y'] - region['height']}"
    run("mogrify", "-crop", area, "+repage", str(path))


if __name__ == "__main__":
    sys.exit(main())
