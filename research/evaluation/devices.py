# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.devices cpu cuda``: does the second device make what the first makes?

Motion without a reference, style learning (adaptation) with one, and Mimic's codes, each in a fresh process on each
device, from the demo's own files: largest and usual difference beside the motion's size, seconds, and memory. Named
twice (``cpu cpu``) it shows what chance alone does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.weights import read_tensors
from research.evaluation.tables import Table

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "demo" / "input" / "speech.ogg"
REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
# RMS difference as a share of the first device's RMS: rounding, and training that amplifies it
TOLERANCE = {"motion": 0.01, "adaptation": 0.10, "mimic codes": 0.05}
_CASES: dict[str, list[str]] = {
    "motion": ["--engine", "adamesh"],
    "adaptation": ["--engine", "adamesh", "--reference", str(REFERENCE)],
    "mimic codes": ["--engine", "mimic", "--reference", str(REFERENCE)],
}
# runs one command and says how long it took and how much memory it had
_CHILD = """
import json, resource, sys, time
from core.cli.main import main
started = time.perf_counter()
code = main(sys.argv[1:])
seconds = time.perf_counter() - started
import torch
card = torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0
print(json.dumps({"seconds": seconds, "card": card, "host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}))
sys.exit(code)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Arrays that one case made on one device, its seconds, and megabytes of the card's and the host's memory."""

    arrays: dict[str, NDArray[np.float64]]
    seconds: float
    card: float
    host: float


def main() -> int:
    """Print the table; 1 when a difference is beyond its tolerance."""
    parser = argparse.ArgumentParser(description="Compare two devices.")
    parser.add_argument("devices", nargs=2)
    first, second = parser.parse_args().devices
    rows, good = [], True
    with tempfile.TemporaryDirectory() as folder:
        for case, options in _CASES.items():
            both = [_run(case, options, device, Path(folder) / str(i)) for i, device in enumerate((first, second))]
            share, largest = _difference(both[0].arrays, both[1].arrays)
            good = good and share <= TOLERANCE[case]
            rows.append(_row(case, share, largest, both))
    columns = ("case", "RMS diff %", "allowed %", "largest diff", "s 1", "s 2", "card MB 2", "host MB 1", "host MB 2")
    note = "within tolerance" if good else "BEYOND TOLERANCE"
    sys.stdout.write(f"{Table(f'{first} and {second}', columns, tuple(rows), note).text()}\n")
    return 0 if good else 1


def _run(case: str, options: list[str], device: str, folder: Path) -> Outcome:
    out, style = folder.with_suffix(".npz"), folder.with_suffix(".safetensors")
    command = ["motion", "--audio", str(SPEECH), "--out", str(out), "--device", device, *options]
    if "--reference" in options:
        command += ["--save-style", str(style)]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{case} on {device} failed: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    with np.load(out) as data:
        arrays = {name: data[name].astype(np.float64) for name in data.files if data[name].dtype.kind == "f"}
    if case == "mimic codes":
        code = read_tensors(style).tensors["mimic:code"]
        arrays = {"code": code.astype(np.float64)}
    style.unlink(missing_ok=True)
    return Outcome(arrays, told["seconds"], told["card"], told["host"])


def _difference(first: dict[str, NDArray[np.float64]], second: dict[str, NDArray[np.float64]]) -> tuple[float, float]:
    names = [name for name in ("expression", "jaw", "code") if name in first]
    a, b = (np.concatenate([values[name].ravel() for name in names]) for values in (first, second))
    return float(np.sqrt(((a - b) ** 2).mean() / (a**2).mean())), float(np.abs(a - b).max())


def _row(case: str, share: float, largest: float, both: list[Outcome]) -> tuple[str, ...]:
    seconds = [f"{outcome.seconds:.1f}" for outcome in both]
    memory = [f"{both[1].card:.0f}", *(f"{outcome.host:.0f}" for outcome in both)]
    return (case, f"{100 * share:.3f}", f"{100 * TOLERANCE[case]:.0f}", f"{largest:.4f}", *seconds, *memory)


if __name__ == "__main__":
    sys.exit(main())
