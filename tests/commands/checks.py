# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file that a command made is whole and says something: by its ending."""

from __future__ import annotations

import csv
import json
import struct
import zipfile
from pathlib import Path

import numpy as np


def problem_with(path: Path) -> str:
    """What is wrong with the file; empty where nothing is. A .blend is looked into by look_inside.py."""
    check = _CHECKS.get(path.suffix, _not_empty)
    return f"{path.name}: {found}" if (found := check(path)) else ""


def _not_empty(path: Path) -> str:
    return "" if path.stat().st_size else "is empty"


def _motion(path: Path) -> str:
    with np.load(path, allow_pickle=False) as data:
        wanted = {"expression", "jaw", "head"} - set(data.files)
        if wanted:
            return f"has no {wanted}"
        if not all(np.isfinite(data[name]).all() for name in ("expression", "jaw", "head")):
            return "has values that are no numbers"
        return "" if np.std(data["jaw"][:, 0]) > 1e-3 else "has a jaw that never moves"


def _live_link(path: Path) -> str:
    with path.open(newline="") as file:
        jaws = [float(row["JawOpen"]) for row in csv.DictReader(file)]
    return "" if len(jaws) > 20 and np.std(jaws) > 1e-3 else f"has {len(jaws)} rows and a jaw that never moves"


def _gltf(path: Path) -> str:
    data = path.read_bytes()
    magic, _, length = struct.unpack("<4sII", data[:12])
    if magic != b"glTF" or length != len(data):
        return "is no whole glTF"
    size = struct.unpack("<I", data[12:16])[0]
    told = json.loads(data[20 : 20 + size])
    return "" if told.get("animations") else "has no animation"


def _picture(path: Path) -> str:
    import av

    with av.open(str(path)) as picture:
        pixels = next(picture.decode(video=0)).to_ndarray(format="gray")
    return "" if pixels.std() > 2.0 else "is one colour"


def _film(path: Path) -> str:
    import av

    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)]
    if len(frames) < 2:
        return f"has {len(frames)} frames"
    return "" if np.abs(frames[0] - frames[-1]).mean() > 0.01 else "never moves"


def _told(path: Path) -> str:
    json.loads(path.read_text())
    return ""


def _page(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return "" if "</html>" in text and ("<svg" in text or "<img" in text) else "is no page with pictures"


def _archive(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return f"holds a damaged {bad}" if (bad := archive.testzip()) else ""


_CHECKS = {
    ".npz": _motion,
    ".csv": _live_link,
    ".glb": _gltf,
    ".png": _picture,
    ".mp4": _film,
    ".json": _told,
    ".html": _page,
    ".zip": _archive,
    ".whl": _archive,
}
