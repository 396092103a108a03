# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's classic face mesh (up to 0.10.21), refined: lids, lips and irises. Engine process only."""

from __future__ import annotations

import importlib.util
import sys
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .landmarker import in_pixels, no_face, prominent

# MediaPipe imports these only for its drawing and audio helpers; we stand in for absent ones while it loads
_DRAWING_MODULES = ("cv2", "matplotlib", "matplotlib.pyplot", "sounddevice")


class SolutionsMaker:
    """The classic interface; its networks lie in the package."""

    def __init__(self) -> None:
        self._solutions = _mediapipe_solutions()

    def for_video(self) -> MeshLandmarker:
        """For the frames of a shot, in order."""
        return MeshLandmarker(self._solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1))

    def for_picture(self) -> MeshLandmarker:
        """For one picture, also a drawn one."""
        return MeshLandmarker(
            self._solutions.face_mesh.FaceMesh(
                static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
            )
        )

    def finder(self) -> DetectionFinder:
        """Finds faces."""
        return DetectionFinder(
            self._solutions.face_detection.FaceDetection(model_selection=0, min_detection_confidence=0.6)
        )


@dataclass(frozen=True, slots=True)
class MeshLandmarker:
    """See :class:`core.tracking.landmarker.FaceLandmarker`."""

    mesh: Any

    def landmarks(self, rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.float32]:
        """(478, 3) pixels."""
        found = self.mesh.process(rgb).multi_face_landmarks
        if not found:
            return no_face()
        return in_pixels(np.array([(p.x, p.y, p.z) for p in found[0].landmark], np.float32), rgb)

    def close(self) -> None:
        """Let go of the graph."""
        self.mesh.close()


@dataclass(frozen=True, slots=True)
class DetectionFinder:
    """See :class:`core.tracking.landmarker.FaceFinder`."""

    detector: Any

    def boxes(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(K, 4) faces of about the widest one's size."""
        height, width = rgb.shape[:2]
        found = [d.location_data.relative_bounding_box for d in self.detector.process(rgb).detections or []]
        return prominent([(b.xmin * width, b.ymin * height, b.width * width, b.height * height) for b in found])

    def close(self) -> None:
        """Let go of the graph."""
        self.detector.close()


def _mediapipe_solutions() -> Any:
    """MediaPipe's classic solutions, without the drawing packages it declares but does not need here."""
    stand_ins = [name for name in _DRAWING_MODULES if importlib.util.find_spec(name.split(".")[0]) is None]
    if "mediapipe" not in sys.modules:
        sys.modules.update({name: types.ModuleType(name) for name in stand_ins})
    try:
        import mediapipe
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)
    return mediapipe.solutions
