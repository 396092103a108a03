# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b scene.blend -c mimesh …`` with the real binary and the real engine: exit codes, keys, frames, sound.

Runs inside the Debian folder with the system's Python, standard library only; see in_debian.sh.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
WORK = Path("/tmp/command")
# a folder outside
RESULTS = Path("/tmp/results")
# of the scene that command_scene.py makes
LAST_FRAME = 8
PROBE = """
import av, json, sys
with av.open(sys.argv[1]) as film:
    kinds = [stream.type for stream in film.streams]
told = []
for kind in kinds:
    with av.open(sys.argv[1]) as film:
        told.append({"kind": kind, "frames": sum(1 for _ in film.decode(**{kind: 0}))})
print(json.dumps(told))
"""
# exit codes as docs/command-line.md tells them
DONE, BAD_INPUT, BAD_RIG, ENGINE, PARTLY = 0, 2, 3, 4, 5


def main() -> int:
    """Install the zip, make a scene, run the commands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--zip", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    options = parser.parse_args()
    WORK.mkdir()
    Path(os.environ["HOME"]).mkdir(parents=True, exist_ok=True)
    checked = run("blender", "-b", "--command", "extension", "validate", str(options.zip))
    say("Blender's own validator takes the zip", "Success" in checked and "rror" not in checked, checked)
    run("blender", "-b", "--command", "extension", "install-file", "-r", "user_default", "-e", str(options.zip))
    scene = WORK / "scene.blend"
    made = run("blender", "-b", "-P", str(HERE / "command_scene.py"), "--", str(options.speech), str(scene))
    say("the scene is made", scene.is_file(), made)
    check_dry_run(scene)
    check_wrong_input(scene)
    check_generate(scene)
    check_recording(scene)
    check_batch(scene)
    print("command check passed")
    return 0


def check_dry_run(scene: Path) -> None:
    """It tells names and frames, needs no engine and writes nothing."""
    before = scene.read_bytes()
    code, told, text = mimesh(scene, "generate", "--strip", "Mimesh speech", "--dry-run", "--python", "/no/python")
    planned = told.get("planned", {})
    owners = {block["owner"] for block in planned.get("blocks", [])}
    say("--dry-run names objects and frames", code == DONE and {"MimeshHead", "MimeshHeadRig"} <= owners, text)
    say("--dry-run leaves the file", scene.read_bytes() == before and len(list(WORK.iterdir())) == 1, text)


def check_wrong_input(scene: Path) -> None:
    """Each kind of wrong input has its exit code and one sentence."""
    out = ("--out", str(WORK / "out.blend"))
    for what, code, arguments in (
        ("no strip of that name", BAD_INPUT, ("--strip", "Nobody")),
        ("no such file", BAD_INPUT, ("--audio", "/no/talk.wav")),
        ("a setting out of range", BAD_INPUT, ("--strip", "Mimesh speech", "--style-strength", "9")),
        ("an unknown option", BAD_INPUT, ("--strip", "Mimesh speech", "--loud")),
        ("a cube", BAD_RIG, ("--strip", "Mimesh speech", "--object", "Cube")),
        ("no such scene", BAD_RIG, ("--strip", "Mimesh speech", "--scene", "Act 5")),
        ("no such Python", ENGINE, ("--strip", "Mimesh speech", "--python", "/no/python")),
    ):
        got, told, text = mimesh(scene, "generate", *arguments, *out)
        sentences = [line for line in text.splitlines() if line.startswith(("mimesh: ", "blender -c mimesh"))]
        say(f"{what} ends with {code}", got == code and len(sentences) == 1, text)
        say("and with JSON of the same", not told or told["exit_code"] == code, text)
    say("nothing was written", not (WORK / "out.blend").exists())


def check_generate(scene: Path) -> None:
    """Keys are written, then frames with sound."""
    out = WORK / "out.blend"
    code, told, text = mimesh(scene, "generate", "--strip", "Mimesh speech", "--engine", "mimic", "--out", str(out))
    say("generate writes keys", code == DONE and told.get("keys", 0) > 1000 and out.is_file(), text)
    film = WORK / "film.mp4"
    rendered = run("blender", "-b", str(out), "-o", str(film), "-F", "FFMPEG", "-x", "0", "-a")
    streams = probe(film)
    frames = {stream["kind"]: stream["frames"] for stream in streams}
    say(f"render writes {frames.get('video', 0)} frames", frames.get("video") == LAST_FRAME, rendered)
    say("with sound", frames.get("audio", 0) > 0, rendered)
    # for who looks at the run
    shutil.copy(film, RESULTS)
    run("blender", "-b", str(out), "-o", str(RESULTS / "frame####"), "-F", "PNG", "-x", "1", "-f", str(LAST_FRAME - 2))
    say("a frame can be looked at", any(RESULTS.glob("frame*.png")))


def check_recording(scene: Path) -> None:
    """A phone's recording becomes keys, without the engine; a file that is none has its exit code and sentence."""
    take, wrong, out = WORK / "take.csv", WORK / "wrong.csv", WORK / "recorded.blend"
    rows = [f"00:00:00:{frame:02d}.000,61,{0.01 * frame:.2f},0.1" for frame in range(50)]
    take.write_text("\n".join(["Timecode,BlendShapeCount,JawOpen,HeadPitch", *rows]))
    wrong.write_text("Timecode,Left\n00:00:00:00.000,1\n")
    code, told, text = mimesh(scene, "import", str(take), "--object", "MimeshHead", "--out", str(out))
    say("import writes keys", code == DONE and told.get("keys", 0) > 100 and out.is_file(), text)
    code, _, text = mimesh(scene, "import", str(wrong), "--object", "MimeshHead", "--out", str(WORK / "no.blend"))
    said = any(line.startswith("mimesh: ") and "none of Apple's shapes" in line for line in text.splitlines())
    say(
        "a file that is no recording ends with 2",
        code == BAD_INPUT and said and not (WORK / "no.blend").exists(),
        text,
    )


def check_batch(scene: Path) -> None:
    """Two keyed files from a manifest, one of them wrong: the other is made, and the exit code is 5."""
    manifest = WORK / "shots.csv"
    lines = [f"{scene},{strip},MimeshHead,{strip}.blend" for strip in ("Mimesh speech", "Nobody")]
    manifest.write_text("\n".join(["blend,strip,object,out", *lines]))
    code, told, text = mimesh(scene, "batch", str(manifest), "--set", "engine=mimic", "--out", str(WORK / "made"))
    made = sorted(path.name for path in (WORK / "made").glob("*.blend"))
    say("batch makes what can be made and ends with 5", code == PARTLY and made == ["Mimesh speech.blend"], text)
    say("and counts", (told["made"], told["failed"]) == (1, 1), text)


def mimesh(scene: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON on the last line of stdout, everything said."""
    command = ("blender", "-b", str(scene), "-c", "mimesh", *arguments, "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, json.loads(lines[-1]) if lines else {}, done.stdout + done.stderr


def probe(film: Path) -> list[dict[str, Any]]:
    """Kind and frames of each of the film's streams, by the engine's PyAV."""
    done = subprocess.run([os.environ["MIMESH_ENGINE_PYTHON"], "-c", PROBE, str(film)], capture_output=True, text=True)
    return json.loads(done.stdout or "[]")


def run(*command: str) -> str:
    """What it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    return done.stdout + done.stderr


def say(what: str, holds: bool, said: str = "") -> None:
    """A line for what holds; the end for what does not."""
    if not holds:
        raise SystemExit(f"FAILED: {what}\n{said[-3000:]}")
    print(f"  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
