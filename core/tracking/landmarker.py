# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracking needs of a face landmarker, and which of MediaPipe's two interfaces serves it here.

MediaPipe up to 0.10.21 has the classic solutions and carries its networks in the package; later releases
have the Tasks interface alone and read a model file that users fetch once. Both give the same 478 points.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineSetupError
from ..face.landmarks import LANDMARK_COUNT

# names a file of the user's own; the engine set-up puts one into the environment
MODEL_VARIABLE = "MIMESH_FACE_LANDMARKER"
MODEL_FILE = Path("share") / "mimesh" / "face_landmarker.task"
# from this release on there are no classic solutions
FIRST_TASKS_ONLY = (0, 10, 22)


class FaceLandmarker(Protocol):
    """Finds one face in the pictures of one video, in order; a new one for each shot."""

    def landmarks(self, rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.float32]:
        """(478, 3) pixels, x right, y down, z away from the camera; NaN where there is no face."""

    def close(self) -> None:
        """Let go of the native graph."""


class FaceCounter(Protocol):
    """Counts the faces in single pictures."""

    def count(self, rgb: NDArray[np.uint8]) -> int:
        """Faces at least half as wide as the widest one: passers-by far behind do not count."""

    def close(self) -> None:
        """Let go of the native graph."""


class LandmarkerMaker(Protocol):
    """One installed tracker."""

    def for_video(self) -> FaceLandmarker: ...

    def for_picture(self) -> FaceLandmarker: ...

    def counter(self) -> FaceCounter: ...


def open_tracker() -> LandmarkerMaker:
    """The installed tracker. Raises :class:`EngineSetupError` naming what is missing."""
    try:
        version = importlib.metadata.version("mediapipe")
    except importlib.metadata.PackageNotFoundError as error:
        raise _not_installed(error) from error
    try:
        if has_classic_solutions(version):
            from .mediapipe_solutions import SolutionsMaker

            return SolutionsMaker()
        from .mediapipe_tasks import TasksMaker

        return TasksMaker(model_path())
    except ImportError as error:
        raise _not_installed(error) from error


def has_classic_solutions(version: str) -> bool:
    """Whether this release of MediaPipe brings its networks along."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) < FIRST_TASKS_ONLY


def model_path() -> Path:
    """The landmarker's model file: the user's own, or the one in this environment. Raises EngineSetupError."""
    named = os.environ.get(MODEL_VARIABLE, "")
    path = Path(named) if named else Path(sys.prefix) / MODEL_FILE
    if not path.is_file():
        raise EngineSetupError(
            f"The face tracker's model {path} does not exist.",
            f"Run the engine setup, or name the file face_landmarker.task in {MODEL_VARIABLE}.",
        )
    return path


def no_face() -> NDArray[np.float32]:
    """(478, 3) of NaN."""
    return np.full((LANDMARK_COUNT, 3), np.nan, np.float32)


def in_pixels(normalised: NDArray[np.float32], rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 3) of MediaPipe's shares of the picture to pixels: x and z by the width, y by the height."""
    height, width = rgb.shape[:2]
    return normalised * np.array([width, height, width], np.float32)


def prominent(widths: list[float]) -> int:
    """How many are more than half as wide as the widest."""
    return sum(width > 0.5 * max(widths) for width in widths)


def _not_installed(error: ImportError) -> EngineSetupError:
    return EngineSetupError(
        f"The face tracker is not installed in the engine's Python ({error}).",
        "Run the engine setup in the extension's preferences.",
    )
