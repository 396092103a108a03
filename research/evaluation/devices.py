# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.devices cpu cuda``: do the other devices make what the first makes?

The demo's own speech and reference are decoded and tracked once, which no card takes part in. Then one fresh process
for each device (:mod:`.on_device`) speaks, moves the head, learns the reference in both engines, speaks a long line
and several lines together, and cancels: RMS difference beside the motion's size, seconds, and memory. The same device
named twice shows what chance alone does.

``--prepare FOLDER`` only writes the decoded speech and the tracked reference; ``--prepared FOLDER`` starts from them,
for a machine with a card but without decoder and tracker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from research.evaluation.on_device import REFERENCE_NAME, SPEECH_NAME
from research.evaluation.tables import Table

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "demo" / "input" / "speech.ogg"
REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
# RMS difference as a share of the first device's RMS: rounding, and training that amplifies it
TOLERANCE = {
    "motion": 0.01,
    "head": 0.01,
    "long speech": 0.01,
    "lines together": 0.01,
    "adaptation": 0.10,
    "after a cancel": 0.01,
    "mimic codes": 0.05,
    "mimic motion": 0.05,
}
_TIMEOUT_SECONDS = 900.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one device made: arrays by case, and by case its seconds and megabytes of card and host."""

    device: str
    arrays: dict[str, NDArray[np.float64]]
    cases: dict[str, dict[str, float]]
    about: str


def main() -> int:
    """Print the tables; 1 when a difference is beyond its tolerance."""
    parser = argparse.ArgumentParser(description="Compare devices.")
    parser.add_argument("devices", nargs="*", help="the first is what the others are held against")
    parser.add_argument("--prepare", type=Path, metavar="FOLDER", help="write speech and tracked reference, and end")
    parser.add_argument("--prepared", type=Path, metavar="FOLDER", help="what --prepare wrote elsewhere")
    options = parser.parse_args()
    if options.prepare is not None:
        prepare(options.prepare)
        return 0
    if len(options.devices) < 2:
        parser.error("name two devices or more")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.prepared or Path(scratch)
        if options.prepared is None:
            prepare(folder)
        outcomes = [run(device, folder, Path(scratch) / f"{i}.npz") for i, device in enumerate(options.devices)]
    good = True
    for other in outcomes[1:]:
        rows, within = compare(outcomes[0], other)
        good = good and within
        columns = ("case", "RMS diff %", "allowed %", "largest diff")
        note = "within tolerance" if within else "BEYOND TOLERANCE"
        sys.stdout.write(f"{Table(f'{outcomes[0].device} and {other.device}', columns, rows, note).text()}\n\n")
    sys.stdout.write(f"{spent(outcomes).text()}\n")
    return 0 if good else 1


def prepare(folder: Path) -> None:
    """Write the demo's decoded speech and tracked reference into the folder."""
    from core.audio.decode import load_speech
    from core.engine.pipeline import track_reference
    from core.exchange.media_range import MediaRange
    from core.tracking.reference_file import save_reference

    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / SPEECH_NAME, samples=load_speech(SPEECH).samples)
    save_reference(folder / REFERENCE_NAME, track_reference(MediaRange(REFERENCE)))


def run(device: str, folder: Path, out: Path) -> Outcome:
    """All cases on the device, in a process of its own."""
    command = [sys.executable, "-m", "research.evaluation.on_device", device, str(folder), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    if done.returncode:
        raise SystemExit(f"{device} failed: {done.stderr.strip()[-1500:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    with np.load(out) as data:
        arrays = {name: data[name].astype(np.float64) for name in data.files}
    return Outcome(device, arrays, told["cases"], told["about"])


def compare(first: Outcome, other: Outcome) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Rows of differences, and whether all are within tolerance."""
    rows, good = [], True
    for case, allowed in TOLERANCE.items():
        a, b = first.arrays[case], other.arrays[case]
        share = float(np.sqrt(((a - b) ** 2).mean() / (a**2).mean()))
        # what is not a number is beyond every tolerance
        good = good and share <= allowed
        rows.append((case, f"{100 * share:.3f}", f"{100 * allowed:.0f}", f"{np.abs(a - b).max():.4f}"))
    return tuple(rows), good


def spent(outcomes: Sequence[Outcome]) -> Table:
    """Seconds and memory of every case on every device."""
    columns = ("case", *(f"{o.device} {what}" for o in outcomes for what in ("s", "card MB", "host MB")))
    rows = []
    for case in outcomes[0].cases:
        cells = [f"{o.cases[case][what]:{form}}" for o in outcomes for what, form in _FORMS]
        rows.append((case, *cells))
    return Table("seconds and memory", columns, tuple(rows), "; ".join(dict.fromkeys(o.about for o in outcomes)))


_FORMS = (("seconds", ".2f"), ("card", ".0f"), ("host", ".0f"))

if __name__ == "__main__":
    sys.exit(main())
