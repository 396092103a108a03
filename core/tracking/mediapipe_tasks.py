# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's Tasks interface (0.10.30 and later) with ``face_landmarker.task``. Engine process only.

The model is handed over as bytes, so that the path's letters and length never reach native code.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineSetupError
from .landmarker import in_pixels, no_face, prominent

_DETECTOR = "face_detector.tflite"


class TasksMaker:
    """Raises :class:`EngineSetupError` when the model file is none."""

    def __init__(self, model: Path) -> None:
        from mediapipe import Image, ImageFormat
        from mediapipe.tasks.python import BaseOptions, vision

        self._vision, self._base, self._image = vision, BaseOptions, lambda rgb: Image(ImageFormat.SRGB, rgb)
        self._model = model
        try:
            self._bundle = model.read_bytes()
            with zipfile.ZipFile(io.BytesIO(self._bundle)) as parts:
                self._detector = parts.read(_DETECTOR)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise EngineSetupError(
                f"The face tracker's model {model} cannot be used ({error}).", "Run the engine setup again."
            ) from error

    def for_video(self) -> TaskLandmarker:
        """For the frames of a shot, in order."""
        return TaskLandmarker(self._landmarker(self._vision.RunningMode.VIDEO, 0.5), self._image, video=True)

    def for_picture(self) -> TaskLandmarker:
        """For one picture, also a drawn one."""
        return TaskLandmarker(self._landmarker(self._vision.RunningMode.IMAGE, 0.3), self._image, video=False)

    def finder(self) -> TaskFinder:
        """Finds faces with the bundle's own detector."""
        options = self._vision.FaceDetectorOptions(
            base_options=self._base(model_asset_buffer=self._detector), min_detection_confidence=0.6
        )
        return TaskFinder(self._vision.FaceDetector.create_from_options(options), self._image)

    def _landmarker(self, mode: Any, confidence: float) -> Any:
        options = self._vision.FaceLandmarkerOptions(
            base_options=self._base(model_asset_buffer=self._bundle),
            running_mode=mode,
            # with one face alone the task smooths over time, half a frame late (make trackers measures it)
            num_faces=2,
            min_face_detection_confidence=confidence,
        )
        try:
            return self._vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise EngineSetupError(
                f"The face tracker's model {self._model} cannot be used ({error}).", "Run the engine setup again."
            ) from error


@dataclass(slots=True)
class TaskLandmarker:
    """See :class:`core.tracking.landmarker.FaceLandmarker`."""

    task: Any
    image: Any
    video: bool
    _stamp: int = -1

    def landmarks(self, rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.float32]:
        """(478, 3) pixels."""
        picture = self.image(np.ascontiguousarray(rgb))
        if self.video:
            # the task refuses a timestamp (milliseconds) that does not rise
            self._stamp = max(self._stamp + 1, round(seconds * 1000))
            found = self.task.detect_for_video(picture, self._stamp).face_landmarks
        else:
            found = self.task.detect(picture).face_landmarks
        if not found:
            return no_face()
        faces = [np.array([(p.x, p.y, p.z) for p in face], np.float32) for face in found]
        return in_pixels(max(faces, key=lambda points: float(np.ptp(points[:, 0]))), rgb)

    def close(self) -> None:
        """Let go of the task."""
        self.task.close()


@dataclass(frozen=True, slots=True)
class TaskFinder:
    """See :class:`core.tracking.landmarker.FaceFinder`."""

    task: Any
    image: Any

    def boxes(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(K, 4) faces of about the widest one's size."""
        found = [d.bounding_box for d in self.task.detect(self.image(np.ascontiguousarray(rgb))).detections]
        return prominent([(b.origin_x, b.origin_y, b.width, b.height) for b in found])

    def close(self) -> None:
        """Let go of the task."""
        self.task.close()
