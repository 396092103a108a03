# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracking needs of a face landmarker, and which of MediaPipe's two interfaces serves it here.

MediaPipe up to 0.10.21 has the classic solutions and carries its networks in the package; later releases
have the Tasks interface alone and read a model file that users fetch once. Both give the same 478 points.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import uninterrupted
from ..errors import EngineSetupError
from ..face.landmarks import LANDMARK_COUNT

# names a file of the user's own; the engine set-up puts one into the environment
MODEL_VARIABLE = "MIMESH_FACE_LANDMARKER"
MODEL_FILE = Path("share") / "mimesh" / "face_landmarker.task"


class FaceLandmarker(Protocol):
    """Finds one face in the pictures of one video, in order; a new one for each shot."""

    def landmarks(self, rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.float32]:
        """(478, 3) pixels, x right, y down, z away from the camera; NaN where there is no face."""

    def close(self) -> None:
        """Let go of the native graph."""


class FaceFinder(Protocol):
    """Finds the faces in single pictures."""

    def boxes(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(K, 4) left, top, width and height in pixels of faces at least half as wide as the widest one.

        Passers-by far behind do not count.
        """

    def close(self) -> None:
        """Let go of the native graph."""


class LandmarkerMaker(Protocol):
    """One installed tracker."""

    def for_video(self) -> FaceLandmarker: ...

    def for_picture(self) -> FaceLandmarker: ...

    def finder(self) -> FaceFinder: ...


def open_tracker() -> LandmarkerMaker:
    """The installed tracker. Raises :class:`EngineSetupError` naming what is missing."""
    try:
        with uninterrupted("loading the face tracker"):
            if _has_classic_solutions():
                from .mediapipe_solutions import SolutionsMaker

                return SolutionsMaker()
            from .mediapipe_tasks import TasksMaker

            return TasksMaker(model_path())
    except ImportError as error:
        raise EngineSetupError(
            f"The face tracker is not installed in the engine's Python ({error}).",
            "Run the engine setup in the extension's preferences.",
        ) from error


def _has_classic_solutions() -> bool:
    # looked up without importing: the package imports things at once that are not there
    spec = importlib.util.find_spec("mediapipe")
    folders = spec.submodule_search_locations if spec else None
    return any((Path(folder) / "python" / "solutions").is_dir() for folder in folders or ())


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


def prominent(boxes: list[tuple[float, float, float, float]]) -> NDArray[np.float32]:
    """(K, 4) the boxes that are more than half as wide as the widest."""
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return found[found[:, 2] > 0.5 * found[:, 2].max(initial=0.0)]
