# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch that can be killed at any moment: ``python -m tests.batch_made``, and what must hold afterwards.

python -m tests.batch_made check --rows 200 --kills 10        kills at random, goes on, counts
python -m tests.batch_made check --rows 200 --kills 10 --speech demo/input/speech.ogg  the same with Mimic's motion
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.batch.journal import FOLDER, Journal
from core.batch.manifest import read_manifest
from core.batch.row import Row
from core.batch.run import Batch, Made
from core.errors import EngineError

ROOT = Path(__file__).resolve().parents[1]
# rows of the real engine begin at so many places of the sound, 50 ms apart
_STARTS = 100


@dataclass(frozen=True, slots=True)
class SlowRunner:
    """Writes each row's number a thousand times, in two halves with a pause between them."""

    seconds: float = 0.01
    kinds: tuple[str, ...] = (".npz",)
    at_once: int = 4

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> Iterator[Made]:
        """A name that begins with ``bad`` fails."""
        for row, partial in zip(rows, partials, strict=True):
            if row.name.startswith("bad"):
                yield Made(row, EngineError("It died.", "Try again."))
                continue
            content = right_content(row.number)
            with partial.open("wb") as file:
                file.write(content[: len(content) // 2])
                file.flush()
                time.sleep(self.seconds)
                file.write(content[len(content) // 2 :])
            yield Made(row, facts={"notes": ["made"]}, thumbnail=b"<svg/>")


def right_content(number: int) -> bytes:
    """What a row's file must be."""
    return f"{number:05d}\n".encode() * 1000


def write_rows(folder: Path, count: int) -> Path:
    """A manifest of ``count`` rows and one sound that they share."""
    (folder / "talk.wav").write_bytes(b"RIFF")
    lines = ["audio,out", *(f"talk.wav,out/row{i:04d}.npz" for i in range(1, count + 1))]
    path = folder / "rows.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def kill_at_random(command: Sequence[str], out: Path, kills: int, rows: int, seed: int = 0) -> int:
    """Start, kill after some rows, start again; then let it run to its end. Returns how many kills hit in the middle.

    A kill comes up to 50 ms after a random number of further rows: in the middle of another one.
    """
    chance = random.Random(seed)
    hit = 0
    for left in range(kills, 0, -1):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = _done(out)
        wanted = done + chance.randint(0, max(2 * (rows - done) // (left + 1) - 1, 0))
        while process.poll() is None and _done(out) <= wanted:
            time.sleep(0.003)
        time.sleep(chance.uniform(0.0, 0.05))
        hit += process.poll() is None
        process.kill()
        process.wait()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return hit


def _done(out: Path) -> int:
    return sum(path.read_bytes().count(b'"event": "done"') for path in (out / FOLDER).glob("log-*.jsonl"))


def faults(manifest: Path, out: Path, right: dict[str, bytes] | None) -> list[str]:
    """What is wrong after the last run, in words; empty when all holds. right: contents, None for any whole .npz."""
    rows = read_manifest(manifest, out, {})
    found = []
    for row in rows:
        if not row.out.is_file():
            found.append(f"row {row.number} is missing")
        elif right is not None and row.out.read_bytes() != right[row.out.name]:
            found.append(f"row {row.number} is torn or wrong")
        elif right is None and not _is_motion(row.out):
            found.append(f"row {row.number} is no motion")
    events = list(Journal.open(out).events())
    done = Counter(event["row"] for event in events if event["event"] == "done")
    found += [f"row {number} was made {count} times" for number, count in done.items() if count != 1]
    found += [f"row {row.number} was never told done" for row in rows if done[row.number] == 0]
    known = {row.out.name for row in rows}
    found += [f"{path.name} is left" for path in (out / "out").iterdir() if path.name not in known]
    return found


def differences(made: Path, right: Path) -> list[str]:
    """Motions that are not those of the other folder, but for the last bits that another grouping changes."""
    found = []
    for path in sorted(right.iterdir()):
        with np.load(made / path.name, allow_pickle=False) as one, np.load(path, allow_pickle=False) as other:
            same = all(
                np.allclose(one[name], other[name], atol=1e-4) for name in ("expression", "jaw", "head", "gaze")
            )
        found += [] if same else [f"{path.name} is another motion than without a kill"]
    return found


def _is_motion(path: Path) -> bool:
    try:
        with np.load(path, allow_pickle=False) as data:
            return len(data["expression"]) > 0 and bool(np.isfinite(data["expression"]).all())
    except (OSError, ValueError, KeyError):
        return False


def main() -> int:
    """``work`` is one process of the fake batch; ``check`` kills it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("work", "check"))
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--speech", type=Path, help="a sound of which every row takes four seconds: the real engine")
    options = parser.parse_args()
    if options.what == "work":
        out = options.manifest.parent
        rows = read_manifest(options.manifest, out, {})
        (out / "out").mkdir(exist_ok=True)
        Batch(rows, [SlowRunner()], Journal.open(out)).run()
        return 0
    with tempfile.TemporaryDirectory(prefix="mimesh-batch-") as folder:
        return _check(Path(folder), options)


def _check(folder: Path, options: argparse.Namespace) -> int:
    manifest = write_rows(folder, options.rows)
    started = time.monotonic()
    if options.speech is None:
        command = [sys.executable, "-m", "tests.batch_made", "work", str(manifest)]
        hit = kill_at_random(command, folder, options.kills, options.rows)
        wrong = faults(manifest, folder, {f"row{i:04d}.npz": right_content(i) for i in range(1, options.rows + 1)})
    else:
        lines = ["audio,start,end,out"]
        speech, starts = options.speech.absolute(), [0.05 * (i % _STARTS) for i in range(options.rows)]
        lines += [f"{speech},{start:.2f},{start + 4:.2f},out/row{i:04d}.npz" for i, start in enumerate(starts)]
        manifest.write_text("\n".join(lines), encoding="utf-8")
        settings = ["--set", "engine=mimic", "--set", "speech-encoder=bundled", "--set", "device=cpu"]
        command = [sys.executable, "-m", "core", "batch", str(manifest), *settings]
        hit = kill_at_random(command, folder, options.kills, options.rows)
        wrong = faults(manifest, folder, None)
        # once more without a kill: what is right
        subprocess.run([*command, "--out", str(folder / "again")], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        wrong += differences(folder / "out", folder / "again" / "out")
    runs = Counter(event["event"] for event in Journal.open(folder).events())
    seconds = time.monotonic() - started
    print(f"{options.rows} rows, {hit} of {options.kills} kills hit, {seconds:.0f} s; events {json.dumps(runs)}")
    print("\n".join(wrong) or "every row is there, right, made once; nothing is left over")
    print(f"journal and summary: {folder / FOLDER}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
