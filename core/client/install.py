# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the engine's environment: built beside the present one, checked, and only then taken into use.

``engine/current`` names the folder in use (``engine/1``, ``engine/2``, ...). A failed or cancelled attempt removes
its own folder and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError
from ..files import whole_file
from ..weights import file_hash
from .base_python import base_pythons
from .child import ProgramFailedError, run_lines
from .environment import CURRENT_FILE, environment_python, inspect_python
from .install_folder import LOG_FILE, only_one, remove, removed_on_failure, require_our_folder, temporary
from .setup_failure import NoReleaseError, setup_failure
from .setup_plan import Command, SetupChoice, SetupPlan, expected_megabytes, require_fitting_python, require_possible
from .setup_progress import SetupProgress

FACE_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
FACE_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FACE_MODEL_FILE = Path("share") / "mimesh" / "face_landmarker.task"
_LINK_FILE = "mimesh_packages.pth"
_FETCH_SCRIPT = Path(__file__).with_name("fetch_file.py")
Tick = Callable[[SetupProgress], None]


def create_environment(folder: Path, choice: SetupChoice, online: bool, tick: Tick) -> Path:
    """Make an environment in ``folder``, take it into use and return its Python.

    ``tick`` is called several times a second with where it stands, and may raise to cancel.
    Raises :class:`EngineSetupError` naming the cause.
    """
    require_our_folder(folder)
    progress = SetupProgress(expected_megabytes(choice.torch)[0] * 1e6, "Looking for a Python")
    with only_one(folder) as refresh, temporary(folder) as room:

        def alive() -> None:
            refresh()
            tick(progress)

        setup = _Setup(folder, choice, online, room, progress, alive)
        plan = setup.begun()
        with removed_on_failure(plan.target):
            setup.filled(plan)
            progress.begin("Checking the environment")
            inspect_python(plan.python, tick=alive).require_usable()
            _take_into_use(folder, plan.target)
    return environment_python(folder)


@dataclass(frozen=True, slots=True)
class _Setup:
    """One attempt. room: a folder for what is only needed meanwhile."""

    folder: Path
    choice: SetupChoice
    online: bool
    room: Path
    progress: SetupProgress
    alive: Callable[[], None]

    def begun(self) -> SetupPlan:
        """The plan whose environment is there, without packages: of the first Python that can make one."""
        first: EngineSetupError | None = None
        for base in self._bases():
            version = inspect_python(base, tick=self.alive).version
            plan = SetupPlan(self.choice, base, version, _free_target(self.folder), shutil.which("uv") or "")
            require_possible(plan, self.online)
            try:
                require_fitting_python(plan)
                with removed_on_failure(plan.target):
                    self._run(plan, plan.environment())
            except EngineSetupError as error:
                first = first or error
                continue
            return plan
        assert first is not None  # no base at all raises in _bases
        raise first

    def filled(self, plan: SetupPlan) -> None:
        """Everything that belongs into the environment."""
        installs = plan.installs()
        try:
            command = next(installs)
            while True:
                command = installs.send(self._succeeded(plan, command))
        except StopIteration:
            pass
        if plan.choice.packages:
            _link_packages(plan)
        if plan.tasks_tracker:
            self._put_face_model(plan)

    def _bases(self) -> Iterator[Path]:
        if self.choice.base_python is not None:
            yield self.choice.base_python
        else:
            yield from base_pythons(self.alive)

    def _succeeded(self, plan: SetupPlan, command: Command) -> bool:
        try:
            self._run(plan, command)
        except NoReleaseError:
            if command.needed:
                raise
            return False
        return True

    def _run(self, plan: SetupPlan, command: Command) -> None:
        self.progress.begin(command.stage)
        said: list[str] = []
        # unpacking beside the environment: only one disk can be full
        room = {name: str(self.room) for name in ("TMPDIR", "TEMP", "TMP")}
        with (self.folder / LOG_FILE).open("a", encoding="utf-8") as log:
            try:
                for line in run_lines(command.line, self.folder, self.alive, room):
                    said.append(line)
                    self.progress.take(line)
                    if not line.startswith("Progress "):
                        log.write(f"{line}\n")
            except ProgramFailedError as error:
                raise setup_failure(error.said, plan.target, plan.base) from error

    def _put_face_model(self, plan: SetupPlan) -> None:
        """The tracker's networks: the user's own file or the publisher's, whose checksum is known."""
        path = plan.target / FACE_MODEL_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        source = _local_face_model(self.choice)
        if source:
            shutil.copyfile(source, path)
        else:
            self._fetch_face_model(plan, path)
        if file_hash(path) != FACE_MODEL_SHA256:
            raise EngineSetupError(
                f"The face model from {source or FACE_MODEL_URL} is not the published one.",
                f"Its SHA-256 should be {FACE_MODEL_SHA256}.",
            )

    def _fetch_face_model(self, plan: SetupPlan, path: Path) -> None:
        if plan.choice.wheels is not None:
            raise EngineSetupError(
                f"The folder of wheels {plan.choice.wheels} has no {FACE_MODEL_FILE.name}, which the tracker for "
                "this Python reads.",
                f"Put it there (from {FACE_MODEL_URL}), or name it as Face Model in the preferences.",
            )
        line = [str(plan.python), "-I", str(_FETCH_SCRIPT), FACE_MODEL_URL, str(path)]
        try:
            self._run(plan, Command("Fetching the face model", line))
        except EngineSetupError as error:
            raise EngineSetupError(
                f"The face model cannot be fetched from {FACE_MODEL_URL}: {error.message}",
                "Check the network, or fetch face_landmarker.task yourself and name it as Face Model in the "
                "preferences.",
            ) from error


def _link_packages(plan: SetupPlan) -> None:
    """Let the environment's Python find what lies unpacked elsewhere."""
    # as site.py reads it: UTF-8 from 3.13 on, before that what the system writes file names in
    encoding = "utf-8" if plan.version[:2] >= (3, 13) else "locale"
    lines = "".join(f"{folder}\n" for folder in plan.choice.packages)
    (plan.site_packages / _LINK_FILE).write_text(lines, encoding=encoding)


def _local_face_model(choice: SetupChoice) -> Path | None:
    if choice.face_model:
        return Path(choice.face_model)
    beside = choice.wheels / FACE_MODEL_FILE.name if choice.wheels else None
    return beside if beside is not None and beside.is_file() else None


def _free_target(folder: Path) -> Path:
    return next(folder / str(number) for number in range(1, 1000) if not (folder / str(number)).exists())


def _take_into_use(folder: Path, target: Path) -> None:
    """The one moment at which the engine changes; then what was before is removed."""
    with whole_file(folder / CURRENT_FILE) as partial:
        partial.write_text(target.name, encoding="utf-8")
    for old in folder.iterdir():
        if old.name.isdigit() and old.is_dir() and old != target:
            remove(old)
    if (folder / "pyvenv.cfg").is_file():
        # an environment of Mimesh 0.1, which lay in the folder itself
        for old in folder.iterdir():
            if old.name in ("pyvenv.cfg", "bin", "Scripts", "lib", "lib64", "Lib", "include", "Include", "share"):
                remove(old)
