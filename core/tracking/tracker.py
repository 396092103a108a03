# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs MediaPipe's face mesh (refined: lids, lips and irises) over a video. Engine process only."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineSetupError, MediaError
from ..face.landmarks import LANDMARK_COUNT
from .face_track import FaceTrack
from .video import VideoFrame, read_frames

Progress = Callable[[float], None]

# every n-th frame is searched for a second person
SECOND_FACE_STRIDE = 10
# mean absolute change of a 16 x 16 grey thumbnail (0..255) that no head movement reaches
CUT_THRESHOLD = 28.0
# MediaPipe imports these only for its drawing and audio helpers; we stand in for absent ones while it loads
_DRAWING_MODULES = ("cv2", "matplotlib", "matplotlib.pyplot", "sounddevice")


def track_face(
    path: Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    progress: Progress = lambda fraction: None,
) -> FaceTrack:
    """Track the most prominent face of a video. Raises :class:`MediaError` when there is no frame to read."""
    solutions = _mediapipe_solutions()
    seconds: list[float] = []
    points: list[NDArray[np.float32]] = []
    faces_seen: list[int] = []
    cuts: list[int] = []
    thumbnail: NDArray[np.float32] | None = None
    shape = (0, 0)
    span = _expected_seconds(path, start_seconds, end_seconds)
    mesh = _new_mesh(solutions)
    detector = solutions.face_detection.FaceDetection(model_selection=0, min_detection_confidence=0.6)
    try:
        for index, frame in enumerate(read_frames(path, start_seconds, end_seconds)):
            shape = (frame.rgb.shape[0], frame.rgb.shape[1])
            previous, thumbnail = thumbnail, _thumbnail(frame)
            if previous is not None and np.abs(previous - thumbnail).mean() > CUT_THRESHOLD:
                cuts.append(index)
                mesh.close()
                mesh = _new_mesh(solutions)
            points.append(_landmarks(mesh, frame))
            seconds.append(frame.seconds)
            if index % SECOND_FACE_STRIDE == 0:
                faces_seen.append(_count_faces(detector, frame))
            progress(min((frame.seconds - start_seconds) / span, 1.0))
    finally:
        mesh.close()
        detector.close()
    if not points:
        raise MediaError(f"The video {Path(path).name} has no frame in the chosen range.", "Check the strip's trim.")
    landmarks = np.stack(points)
    return FaceTrack(
        landmarks=landmarks,
        seconds=np.array(seconds),
        valid=np.isfinite(landmarks[:, 0, 0]),
        faces_seen=np.array(faces_seen, np.int32),
        cuts=np.array(cuts, np.int64),
        frame_width=shape[1],
        frame_height=shape[0],
        source=str(path),
    )


def track_image(rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """(478, 3) landmarks in pixels of the face in a still picture, or None where there is none."""
    solutions = _mediapipe_solutions()
    with solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
    ) as mesh:
        points = _landmarks(mesh, VideoFrame(rgb, 0.0))
    return points if np.isfinite(points[0, 0]) else None


def _new_mesh(solutions: Any) -> Any:
    return solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)


def _landmarks(mesh: Any, frame: VideoFrame) -> NDArray[np.float32]:
    found = mesh.process(frame.rgb).multi_face_landmarks
    if not found:
        return np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    height, width = frame.rgb.shape[:2]
    # MediaPipe normalises x and z by the width, y by the height
    scale = np.array([width, height, width], np.float32)
    return np.array([(p.x, p.y, p.z) for p in found[0].landmark], np.float32) * scale


def _count_faces(detector: Any, frame: VideoFrame) -> int:
    """Faces at least half as wide as the widest one: passers-by far behind do not count."""
    found = detector.process(frame.rgb).detections or []
    widths = [d.location_data.relative_bounding_box.width for d in found]
    return sum(width > 0.5 * max(widths) for width in widths)


def _thumbnail(frame: VideoFrame) -> NDArray[np.float32]:
    height, width = frame.rgb.shape[:2]
    rows = np.linspace(0, height, 17).astype(int)
    columns = np.linspace(0, width, 17).astype(int)
    grey = frame.rgb[::4, ::4].mean(axis=2, dtype=np.float32)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1] // 4, axis=0), columns[:-1] // 4, axis=1)
    return sums / (grey.size / 256)


def _expected_seconds(path: Path, start_seconds: float, end_seconds: float | None) -> float:
    from ..audio.media import open_media

    if end_seconds is not None:
        return max(end_seconds - start_seconds, 1e-3)
    with open_media(path) as container:
        duration = (container.duration or 0) / 1_000_000
    return max(duration - start_seconds, 1e-3)


def _mediapipe_solutions() -> Any:
    """MediaPipe's classic solutions, without the drawing packages it declares but does not need here."""
    stand_ins = [name for name in _DRAWING_MODULES if importlib.util.find_spec(name.split(".")[0]) is None]
    if "mediapipe" not in sys.modules:
        sys.modules.update({name: types.ModuleType(name) for name in stand_ins})
    try:
        import mediapipe
    except ImportError as error:
        raise EngineSetupError(
            f"The face tracker is not installed in the engine's Python ({error}).",
            "Run the engine setup in the extension's preferences.",
        ) from error
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)
    return mediapipe.solutions
