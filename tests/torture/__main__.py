# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.torture [--scale 0.1] [--only NAME]``: prints a line for each loop; exit code 1 when one broke."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.bench import Figures
from tests.torture.files import bad_inputs, bad_own_files
from tests.torture.life import cancels, disks, kills, protocol_lines, two_clients

LOOPS = {
    "kills": (kills, 200),
    "cancels": (cancels, 200),
    "protocol lines": (protocol_lines, 2000),
    "bad inputs": (bad_inputs, 500),
    "bad own files": (bad_own_files, 300),
    "disks": (disks, 4),
    "two clients": (two_clients, 20),
}


def main() -> int:
    """Run the loops."""
    parser = argparse.ArgumentParser(description="Loops of faults against the real engine.")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--only", choices=sorted(LOOPS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    broken = 0
    for name, (loop, full) in LOOPS.items():
        if options.only not in (None, name):
            continue
        figures = Figures(name)
        folder = Path(tempfile.mkdtemp(prefix="mimesh-torture-"))
        started = time.monotonic()
        loop(folder, max(round(full * options.scale), 2), options.seed, figures)
        sys.stdout.write(f"{figures.line(time.monotonic() - started)}\n")
        sys.stdout.flush()
        broken += len(figures.problems)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
