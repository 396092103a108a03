# SPDX-License-Identifier: GPL-3.0-or-later
"""A few clips of each kind out of ../shared/data, laid out like it: what takes hours there takes a minute here."""

from __future__ import annotations

from pathlib import Path

from research.corpus.clips import registry
from research.paths import DATA_ROOT

# of each person; the long clips of free speech take minutes to track
CLIPS = 2
_LONG = ("obama", "reagan", "representative")
_WHOLE = ("models", "speech", "meshes", "facegood", "grid/words.json", "free_speech/manifest.csv")


def small_data(folder: Path, source: Path = DATA_ROOT) -> Path | None:
    """Links to the clips in ``folder``; None where the recordings are not on this machine."""
    if not source.is_dir():
        return None
    for row in registry():
        if row.person not in _LONG:
            for path in sorted(source.glob(row.pattern))[:CLIPS]:
                _link(source, path.relative_to(source), folder)
    for name in _WHOLE:
        _link(source, Path(name), folder)
    return folder


def small_people(folder: Path, source: Path = DATA_ROOT) -> Path | None:
    """A folder with a sub-folder for each of two people, as ``training people`` takes them."""
    if not source.is_dir():
        return None
    for person in ("s1", "s2"):
        (folder / person).mkdir(parents=True, exist_ok=True)
        for path in sorted((source / "grid" / "train" / person).glob("*.mkv"))[:3]:
            (folder / person / path.name).symlink_to(path)
    return folder


def _link(source: Path, name: Path, folder: Path) -> None:
    target = folder / name
    if (source / name).exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source / name)
