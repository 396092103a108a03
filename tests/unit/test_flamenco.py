# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flamenco job type against Flamenco's interface, in a JavaScript engine: tasks, commands, dependencies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.cli.commands import Host
from core.cli.main import build_parser

quickjs = pytest.importorskip("quickjs", reason="no JavaScript engine in this Python")
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "farm" / "mimesh-generate-render.js"
# as Flamenco 3 documents them (docs: usage/job-types)
TYPES = {"string", "int32", "float", "bool"}
SUBTYPES = {"file_path", "dir_path", "file_name", "hashed_file_path"}
KEYS = {"key", "type", "subtype", "required", "default", "description", "eval", "evalInfo", "visible", "editable"}
KEYS |= {"choices", "propargs", "label"}
# what the Manager gives a script: author, frameChunker, path, print
HARNESS = """
const author = {
    Task: function(name, type) {
        return { name, type, commands: [], dependencies: [],
            addCommand(command) { this.commands.push(command); },
            addDependency(task) { this.dependencies.push(task.name); } };
    },
    Command: function(name, parameters) { return { name, parameters }; },
};
const path = { stem: (p) => p.split("/").pop().replace(/\\.[^.]*$/, ""), basename: (p) => p.split("/").pop() };
function print() {}
function frameChunker(frames, size) {
    const [first, last] = frames.split("-").map(Number);
    const chunks = [];
    for (let f = first; f <= last; f += size) chunks.push(`${f}-${Math.min(f + size - 1, last)}`);
    return chunks;
}
"""


def compiled(**settings: Any) -> list[dict[str, Any]]:
    """The tasks of a job with these settings over the job type's defaults."""
    values = {item["key"]: item["default"] for item in job_type()["settings"] if "default" in item}
    job = json.dumps({"settings": {**values, **settings}})
    code = f"""(function() {{ const tasks = []; const job = {job};
        job.addTask = (task) => tasks.push(task); compileJob(job); return JSON.stringify(tasks); }})()"""
    found: list[dict[str, Any]] = json.loads(context().eval(code))
    return found


def context() -> Any:
    made = quickjs.Context()
    made.eval(HARNESS + SCRIPT.read_text(encoding="utf-8"))
    return made


def job_type() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(context().eval("JSON.stringify(JOB_TYPE)"))
    return found


SHOT = {
    "speech": "Ada 01",
    "face": "Ada",
    "frames": "1-25",
    "blendfile": "/proj/shot.blend",
    "render_output_path": "/proj/frames/####",
    "format": "PNG",
}


def test_every_setting_is_one_that_flamenco_knows() -> None:
    declared = job_type()
    assert set(declared) <= {"label", "description", "settings"}
    for item in declared["settings"]:
        assert set(item) <= KEYS and item["type"] in TYPES and item.get("subtype", "file_path") in SUBTYPES
        assert item.get("visible", True) in (True, False, "visible", "hidden", "submission", "web")
    assert len({item["key"] for item in declared["settings"]}) == len(declared["settings"])


def test_lip_sync_comes_first_and_every_frame_waits_for_it() -> None:
    generate, *renders = compiled(**SHOT)
    assert [command["name"] for command in generate["commands"]] == ["exec"] and generate["dependencies"] == []
    assert [task["name"] for task in renders] == ["render-1-10", "render-11-20", "render-21-25"]
    for task in renders:
        (command,) = task["commands"]
        assert task["dependencies"] == ["lip-sync"] and command["name"] == "blender-render"
        assert set(command["parameters"]) == {"exe", "exeArgs", "argsBefore", "blendfile", "args"}
        assert command["parameters"]["blendfile"] == "/proj/shot_talking.blend"
    assert renders[0]["commands"][0]["parameters"]["args"][-2:] == ["--render-frame", "1..10"]


@pytest.mark.parametrize(
    "more", [{}, {"speech": "/proj/talk.wav", "style": "Ada", "mimesh_args": "--engine mimic  --seed 3"}]
)
def test_the_command_is_one_that_mimesh_takes(more: dict[str, str]) -> None:
    generate = compiled(**{**SHOT, **more})[0]
    args = generate["commands"][0]["parameters"]["args"]
    assert args[:4] == ["-b", "/proj/shot.blend", "-c", "mimesh"]
    options = build_parser(Host("blender -c mimesh", in_blender=True)).parse_args(args[4:])
    assert options.object == "Ada" and options.out == Path("/proj/shot_talking.blend")
    assert (options.strip, options.audio) == ((["Ada 01"], None) if not more else (None, Path("/proj/talk.wav")))


def test_what_is_written_as_python_is_python() -> None:
    for item in job_type()["settings"]:
        if "eval" in item:
            compile(re.sub(r"\\bC\\b", "context", item["eval"]), item["key"], "eval")
