# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder in which the docs' commands find the files that they name, and the programs on PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.arkit.live_link import write_live_link
from core.arkit.names import SHAPES
from core.audio.decode import load_speech
from tests.documented import ROOT, block
from tests.media import write_audio

HERE = Path(__file__).resolve().parent
INPUT = ROOT / "demo" / "input"
RATE = 16000
REFERENCE_SECONDS = 4.0
_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to. made: files that are new or other than before."""

    line: str
    code: int
    seconds: float
    said: str
    made: tuple[Path, ...] = ()


@dataclass(slots=True)
class Sandbox:
    """``folder`` is the working folder. blender: a real binary, else the module in the place of one."""

    folder: Path
    blender: str = ""
    places: dict[str, str] = field(default_factory=dict)
    background: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Of nobody's own: folders of the sandbox, no settings of a surrounding make or pytest."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST"))}
        return kept | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "BLENDER_USER_RESOURCES": str(self.folder / "blender"),
            "MIMESH_ENGINE_PYTHON": os.environ.get("MIMESH_ENGINE_PYTHON", sys.executable),
        }

    def run(
        self, line: str, given: str = "", more: Mapping[str, str] | None = None, where: Path | None = None
    ) -> Done:
        """A shell takes it as it is."""
        before = self._stamps()
        started = time.monotonic()
        done = subprocess.run(
            ["timeout", str(_SECONDS), "bash", "-c", line],
            cwd=where or self.folder,
            env=self.environment() | dict(more or {}),
            input=given,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - started
        made = tuple(path for path, stamp in self._stamps().items() if before.get(path) != stamp)
        return Done(line, done.returncode, seconds, done.stdout + done.stderr, made)

    def start(self, line: str, ready: str) -> None:
        """A server, which goes on until the sandbox is closed."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.background.append(process)
        assert process.stdout is not None
        for said in process.stdout:
            if ready in said:
                return
        raise AssertionError(f"{line} never said {ready}")

    def close(self) -> None:
        """End what was started."""
        while self.background:
            process = self.background.pop()
            process.terminate()
            process.wait(30)

    def filled(self, command: str) -> str:
        """The command with the sandbox's own folders in the place of the docs' examples."""
        for example, own in self.places.items():
            command = command.replace(example, own)
        return command

    def _stamps(self) -> dict[Path, tuple[int, int]]:
        skipped = {self.folder / name for name in ("home", "blender", "bin")}
        found = {}
        for path in self.folder.rglob("*"):
            if path.is_file() and not skipped & set(path.parents):
                found[path] = (path.stat().st_mtime_ns, path.stat().st_size)
        return found


def make_sandbox(folder: Path, blender: str = "", extension: str = "") -> Sandbox:
    """Everything that the pages take for granted: an edit with Ada, her voice, a clip of her, her style."""
    sandbox = Sandbox(folder, blender)
    for name in ("bin", "home", "blender", "voices/en", "styles", "proj", "tmp", "before", "core/engine"):
        (folder / name).mkdir(parents=True)
    for path in (ROOT / "core" / "engine").glob("requirements*.txt"):
        shutil.copy(path, folder / "core" / "engine")
    sandbox.places = {
        "/path/to/engine/python": sys.executable,
        "/path/to/mimesh": str(ROOT),
        "path/to/python": sys.executable,
        "/tmp/mimesh-work": str(folder / "tmp"),
        "/proj/": f"{folder / 'proj'}/",
        "#IFRAME#": "1",
        "#FRAME_START#": "1",
        "#FRAME_END#": "2",
    }
    _write_programs(sandbox)
    _write_media(folder)
    _write_lists(folder)
    if extension:
        _must(sandbox, f"blender -b --command extension install-file -r user_default -e {extension}")
    _must(sandbox, f"blender -b -P {HERE / 'make_shot.py'} -- {folder}")
    _save_styles(sandbox)
    shutil.copy(folder / "shot.blend", folder / "before" / "shot.blend")
    return sandbox


def _must(sandbox: Sandbox, line: str) -> Done:
    done = sandbox.run(line)
    if done.code:
        raise AssertionError(f"{line} ended with {done.code}:\n{done.said[-3000:]}")
    return done


def _write_programs(sandbox: Sandbox) -> None:
    python = sys.executable
    shim = sandbox.blender or f"{python} -m tests.commands.blender_shim"
    for name, line in {
        "python": python,
        "blender": shim,
        # what pip writes for [project.scripts] of pyproject.toml
        "mimesh": f"{python} -c 'import sys; from core.cli.main import main; sys.exit(main())'",
        "pip": f"{python} -m pip",
        "torchrun": f"{python} -m torch.distributed.run",
        "dask": f"{python} -m dask",
    }.items():
        program = sandbox.folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        program.chmod(0o755)


def _write_media(folder: Path) -> None:
    speech = load_speech(INPUT / "speech.ogg").samples
    for name, first, last in (
        ("talk.wav", 0.0, 2.0),
        ("line.wav", 2.0, 3.6),
        ("line2.wav", 4.0, 5.5),
        ("voices/en/Ada_01.wav", 0.0, 1.5),
        ("voices/en/Ada_02.wav", 5.5, 7.0),
    ):
        write_audio(folder / name, speech[None, int(first * RATE) : int(last * RATE)], RATE, "pcm_s16le")
    _cut(INPUT / "reference.mp4", folder / "clip.mp4")
    phase = np.arange(90) / 90 * 6 * np.pi
    values = np.zeros((90, len(SHAPES)))
    values[:, SHAPES.index("jawOpen")] = 0.25 * (1 - np.cos(phase))
    head = np.stack([0.1 * np.sin(phase), 0.0 * phase, 0.0 * phase], axis=1)
    (folder / "Take_1_iPhone_cal.csv").write_text(write_live_link(values, 30.0, head))


def _cut(source: Path, target: Path) -> None:
    """The first seconds, without coding anew."""
    import av

    with av.open(str(source)) as film, av.open(str(target), "w") as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in film.streams}
        for packet in film.demux():
            if packet.dts is not None and float(packet.pts * packet.time_base) < REFERENCE_SECONDS:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)


def _write_lists(folder: Path) -> None:
    (folder / "lines.csv").write_text("audio,seed\ntalk.wav,1\nline.wav,2\n")
    (folder / "shots.csv").write_text("blend,strip,object,engine,out\nshot.blend,Ada 01,Ada,mimic,ada_01.blend\n")
    (folder / "proj" / "lines.csv").write_text(
        "blend,strip,object,engine,out\n../shot.blend,Ada 01,Ada,mimic,shot.blend\n"
    )
    # the sheet is the page's own
    (folder / "lines.json").write_text(json.dumps(json.loads(block("docs/command-line.md", "json"))))


def _save_styles(sandbox: Sandbox) -> None:
    """Ada's manner with what both engines learn of it, in the folder, in a library, and in Blender's."""
    learnt = "mimesh motion --audio line2.wav --reference clip.mp4 --save-style"
    _must(sandbox, f"{learnt} Ada.safetensors --engine adamesh --out learnt.npz")
    _must(sandbox, f"{learnt} calm.safetensors --engine mimic --out learnt.npz")
    (sandbox.folder / "learnt.npz").unlink()
    for name in ("Ada", "calm"):
        shutil.copy(sandbox.folder / f"{name}.safetensors", sandbox.folder / "styles")
        _must(sandbox, f"blender -b -c mimesh styles import {name}.safetensors")
    (sandbox.folder / "calm.safetensors").unlink()
