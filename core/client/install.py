# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the engine's environment: built beside the present one, checked, and only then taken into use.

``engine/current`` names the folder in use (``engine/1``, ``engine/2``, ...). A failed or cancelled attempt removes
its own folder and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import EngineSetupError
from ..files import whole_file
from .base_python import find_base_python
from .child import ProgramFailedError, run_lines
from .environment import CURRENT_FILE, environment_python, inspect_python
from .setup_failure import setup_failure
from .setup_plan import SetupChoice, SetupPlan, require_possible
from .setup_progress import SetupProgress

FACE_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
FACE_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FACE_MODEL_FILE = Path("share") / "mimesh" / "face_landmarker.task"
_LOCK = "setup.lock"
_TRASH = "trash-"
# another Blender's attempt is alive while it refreshes its lock
_LOCK_SECONDS = 60.0
_FETCH_SECONDS = 30.0
Tick = Callable[[SetupProgress], None]


def create_environment(folder: Path, choice: SetupChoice, online: bool, tick: Tick) -> Path:
    """Make an environment in ``folder``, take it into use and return its Python.

    ``tick`` is called several times a second with where it stands, and may raise to cancel.
    Raises :class:`EngineSetupError` naming the cause.
    """
    require_our_folder(folder)
    base = choice.base_python or find_base_python()
    version = inspect_python(base).version
    plan = SetupPlan(choice, base, version, _free_target(folder), shutil.which("uv") or "")
    require_possible(plan, online)
    with _only_one(folder) as refresh, _removed_on_failure(plan.target):
        progress = SetupProgress(plan.megabytes()[0] * 1e6)

        def alive() -> None:
            refresh()
            tick(progress)

        _build(plan, folder, progress, alive)
        progress.begin("Checking the environment")
        alive()
        inspect_python(plan.python).require_usable()
        _take_into_use(folder, plan.target)
    return environment_python(folder)


def require_our_folder(folder: Path) -> None:
    """Refuse a folder that holds something else, or that cannot be written. Raises EngineSetupError."""
    try:
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid.uuid4().hex[:8]}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EngineSetupError(
            f"The engine's folder {folder} cannot be written ({error.strerror or error}).",
            "Choose another Engine Folder in the preferences.",
        ) from error
    ours = any(name in (CURRENT_FILE, _LOCK, "pyvenv.cfg", "setup.log") for name in names)
    strangers = [name for name in names if not (name.isdigit() or name.startswith((_TRASH, ".")))]
    if strangers and not ours:
        raise EngineSetupError(f"The folder {folder} holds something else.", "Choose another folder or empty it.")


def _build(plan: SetupPlan, folder: Path, progress: SetupProgress, alive: Callable[[], None]) -> None:
    with (folder / "setup.log").open("w", encoding="utf-8") as log:
        for stage, command in plan.commands():
            progress.begin(stage)
            said: list[str] = []
            try:
                for line in run_lines(command, folder, alive):
                    said.append(line)
                    progress.take(line)
                    if not line.startswith("Progress "):
                        log.write(f"{line}\n")
            except ProgramFailedError as error:
                raise setup_failure(error.said, plan.target, plan.base) from error
    if plan.tasks_tracker:
        progress.begin("Fetching the face model")
        _put_face_model(plan, progress, alive)


def _put_face_model(plan: SetupPlan, progress: SetupProgress, alive: Callable[[], None]) -> None:
    """The tracker's networks: the user's own file or the publisher's, whose checksum is known."""
    source = _local_face_model(plan.choice)
    data = source.read_bytes() if source else _fetched(FACE_MODEL_URL, alive)
    if hashlib.sha256(data).hexdigest() != FACE_MODEL_SHA256:
        raise EngineSetupError(
            f"The face model from {source or FACE_MODEL_URL} is not the published one.",
            f"Its SHA-256 should be {FACE_MODEL_SHA256}.",
        )
    path = plan.target / FACE_MODEL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _local_face_model(choice: SetupChoice) -> Path | None:
    if choice.face_model:
        return Path(choice.face_model)
    beside = choice.wheels / FACE_MODEL_FILE.name if choice.wheels else None
    return beside if beside is not None and beside.is_file() else None


def _fetched(url: str, alive: Callable[[], None]) -> bytes:
    pieces = []
    try:
        with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:
            while piece := answer.read(256 * 1024):
                pieces.append(piece)
                alive()
    except (urllib.error.URLError, OSError, TimeoutError) as error:
        raise EngineSetupError(
            f"The face model cannot be fetched from {url} ({error}).",
            "Check the network, or fetch face_landmarker.task yourself and name it as Face Model in the preferences.",
        ) from error
    return b"".join(pieces)


def _free_target(folder: Path) -> Path:
    return next(folder / str(number) for number in range(1, 1000) if not (folder / str(number)).exists())


def _take_into_use(folder: Path, target: Path) -> None:
    """The one moment at which the engine changes; then what was before is removed."""
    with whole_file(folder / CURRENT_FILE) as partial:
        partial.write_text(target.name, encoding="utf-8")
    for old in folder.iterdir():
        if old.name.isdigit() and old.is_dir() and old != target:
            _remove(old)
    if (folder / "pyvenv.cfg").is_file():
        # an environment of Mimesh 0.1, which lay in the folder itself
        for old in folder.iterdir():
            if old.name in ("pyvenv.cfg", "bin", "Scripts", "lib", "lib64", "Lib", "include", "Include", "share"):
                _remove(old)


def _remove(path: Path) -> None:
    """Out of the way at once; the deleting may take seconds, and what another Blender still runs stays on Windows."""
    trash = path.with_name(f"{_TRASH}{uuid.uuid4().hex[:8]}")
    with contextlib.suppress(OSError):
        path.rename(trash)
        if trash.is_dir() and not trash.is_symlink():
            shutil.rmtree(trash, ignore_errors=True)
        else:
            trash.unlink()


@contextlib.contextmanager
def _removed_on_failure(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _remove(target)
        raise setup_failure([str(error)], target, target) from error
    except BaseException:
        _remove(target)
        raise


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[Callable[[], None]]:
    """Refuses a second attempt at the same time; yields what keeps this one's lock fresh."""
    lock = folder / _LOCK
    try:
        if lock.exists() and time.time() - lock.stat().st_mtime > _LOCK_SECONDS:
            lock.unlink()
        lock.open("x").close()
    except FileExistsError as error:
        raise EngineSetupError(
            f"The engine is being set up in {folder} already.", "Wait for it, or try again in a minute."
        ) from error
    refreshed = time.monotonic()

    def refresh() -> None:
        nonlocal refreshed
        if time.monotonic() - refreshed > _LOCK_SECONDS / 10:
            refreshed = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(lock)

    try:
        for leftover in folder.glob(f"{_TRASH}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield refresh
    finally:
        lock.unlink(missing_ok=True)
