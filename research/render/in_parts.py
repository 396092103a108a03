# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.render.in_parts FILE FIRST LAST FOLDER``: a .blend's frames; several of these at once."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

from core.errors import MimeshError
from research.paths import ROOT


def render_in_parts(blend: Path, first: int, last: int, folder: Path, parts: int) -> list[Path]:
    """Every frame of the saved file as a JPEG in ``folder``, in order, by ``parts`` processes. None where one failed.

    Drawing without a graphics card leaves cores idle between its steps; a second process fills them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    edges = [first + (last + 1 - first) * part // parts for part in range(parts + 1)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(blend), str(begin), str(end - 1), str(folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for begin, end in itertools.pairwise(edges)
        if end > begin
    ]
    said = [process.communicate()[1] for process in running]
    for process, text in zip(running, said, strict=True):
        if process.returncode:
            raise MimeshError(f"The film's frames were not drawn: {text.decode(errors='replace').strip()[-400:]}")
    return sorted(folder.glob("frame_*"))


def main(argv: list[str]) -> int:
    """Open the file and render its frames from the first to the last."""
    import bpy

    from research.render.preview import render_frames

    blend, first, last, folder = argv
    bpy.ops.wm.open_mainfile(filepath=blend)
    render_frames(bpy.data.scenes[0], int(first), int(last), Path(folder), quick=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
