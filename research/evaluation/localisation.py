# SPDX-License-Identifier: GPL-3.0-or-later
"""Many short lines in one saved style: lines a minute and core, and memory, from a hundred lines to ten thousand.

    python -m research.evaluation.localisation [--lines 100 1000 10000] [--style Ada.safetensors] [--speech FOLDER]

Four-second lines are cut from recordings into a temporary folder and made with the command ``batch`` in processes of
its own. Wall time depends on who else uses the machine; processor seconds, which are printed beside it, depend less.
Memory is what all processes of the batch hold together at its highest (proportional set size, Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE
from core.batch.processes import processes_for

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT.parent / "shared" / "data" / "speech" / "librispeech"
LINE_SECONDS = 4.0
_STEP_SAMPLES = 8000
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """One batch."""

    lines: int
    wall_seconds: float
    processor_seconds: float
    peak_megabytes: float

    def row(self) -> str:
        """A line of the table."""
        per_core = 60.0 * self.lines / self.processor_seconds
        idle_wall = self.processor_seconds / (os.cpu_count() or 1)
        return (
            f"{self.lines:6d} {self.wall_seconds:9.1f} {self.processor_seconds:9.1f} {idle_wall:9.1f} "
            f"{per_core:11.0f} {self.peak_megabytes:9.0f}"
        )


def main() -> int:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--style", type=Path, help="saved style with a Mimic code, else the mean speaker")
    parser.add_argument("--speech", type=Path, default=SPEECH)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mimesh-lines-") as name:
        folder = Path(name)
        write_lines(options.speech, folder, max(options.lines))
        # once for the disk's cache
        measure(folder, 1, options.style)
        load = measure(folder, 1, options.style)
        print(f"one line with loading: {load.wall_seconds:.1f} s, {load.processor_seconds:.1f} processor seconds,")
        print(f"{load.peak_megabytes:.0f} MB; taken off below, the processor seconds once for each process.")
        print(f"{os.cpu_count()} cores.")
        print(" lines    wall s     cpu s  cpu/cores  per min·core   peak MB")
        for count in options.lines:
            found = measure(folder, count, options.style)
            loads = processes_for(count, None) * load.processor_seconds
            taken = Measured(
                count, found.wall_seconds - load.wall_seconds, found.processor_seconds - loads, found.peak_megabytes
            )
            print(taken.row(), flush=True)
    return 0


def measure(folder: Path, count: int, style: Path | None) -> Measured:
    """One batch of the first ``count`` lines, in a process of its own, into a folder of its own."""
    manifest = folder / f"lines{count}.csv"
    rows = ["audio,out", *(f"line{i:05d}.wav,made{count}/line{i:05d}.npz" for i in range(count))]
    manifest.write_text("\n".join(rows), encoding="utf-8")
    told = folder / f"told{count}.json"
    settings = ["engine=mimic", "speech-encoder=bundled", "device=cpu"] + (
        [f"style={style.absolute()}"] if style else []
    )
    command = [sys.executable, "-m", "core", "batch", str(manifest), "--no-thumbnails", "--again", "--json", str(told)]
    for setting in settings:
        command += ["--set", setting]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    peak = 0.0
    while True:
        peak = max(peak, _held_megabytes(process.pid))
        time.sleep(_LOOK_SECONDS)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
    if os.waitstatus_to_exitcode(status) != 0 or json.loads(told.read_text())["made"] != count:
        raise SystemExit(f"the batch of {count} lines failed")
    shutil.rmtree(folder / f"made{count}")
    return Measured(count, time.monotonic() - started, _seconds(used), peak)


def _held_megabytes(process: int) -> float:
    """Of a process and its children, what they share counted once."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        own = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    held = next((int(line.split()[1]) for line in own.splitlines() if line.startswith("Pss:")), 0) / 1024
    return held + sum(_held_megabytes(int(child)) for child in children)


def write_lines(speech: Path, folder: Path, count: int) -> None:
    """``count`` lines of four seconds as wav files."""
    for index, samples in zip(range(count), _cuts(speech), strict=False):
        with wave.open(str(folder / f"line{index:05d}.wav"), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
            file.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())


def _cuts(speech: Path) -> Iterator[NDArray[np.float32]]:
    """Cuts of all recordings at steps of half a second, then again from a little later on, without end."""
    length = round(LINE_SECONDS * SAMPLE_RATE)
    clips = sorted(path for path in speech.rglob("*") if path.suffix in (".ogg", ".wav", ".flac"))
    if not clips:
        raise SystemExit(f"{speech} has no recordings")
    for shift in range(0, _STEP_SAMPLES, 400):
        for clip in clips:
            samples = load_speech(clip).samples
            for first in range(shift, len(samples) - length, _STEP_SAMPLES):
                cut = samples[first : first + length]
                if np.abs(cut).max() > 0.01:
                    yield cut


def _seconds(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
