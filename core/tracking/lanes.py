# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people in one picture: where each of them sits, and a track of each from the part of the picture around."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .appearance import face_chip
from .face_track import CHECK_STRIDE, FaceTrack
from .landmarker import FaceLandmarker, LandmarkerMaker
from .video import VideoFrame

# of a shot's checks: in fewer of them a second face is a passer-by, or an error of the finder
MIN_SHARE = 0.2
# of its box's width: how far a face moves between two checks
_STEP = 1.0
# of its box, on every side: what a landmarker needs to see around a face
_MARGIN = 0.6


@dataclass(frozen=True, slots=True)
class Lane:
    """One person's place in a shot. frames: of the shot; left, top, right, bottom: in pixels."""

    frames: slice
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """One face over some frames in a row. landmarks: (N, 478, 3) pixels, NaN where lost; chips: (N, 24, 24, 3).

    shot: which shot it belongs to; two of one shot that overlap are different people.
    """

    first: int
    landmarks: NDArray[np.float32]
    chips: NDArray[np.uint8]
    shot: int

    @property
    def frames(self) -> slice:
        """Of the whole track."""
        return slice(self.first, self.first + len(self.landmarks))

    @property
    def centre(self) -> float:
        """Median horizontal place in pixels."""
        seen = self.landmarks[np.isfinite(self.landmarks[:, 0, 0])]
        return float(np.median(seen[:, :, 0])) if len(seen) else 0.0


def shots_of(track: FaceTrack) -> list[slice]:
    """The frames between cuts."""
    edges = [0, *track.cuts.tolist(), len(track)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]


def find_lanes(track: FaceTrack) -> list[Lane]:
    """The places of people, in shots that show more than one of them for long enough; none in others."""
    found: list[Lane] = []
    for shot in shots_of(track):
        checks = range(-(-shot.start // CHECK_STRIDE), -(-shot.stop // CHECK_STRIDE))
        boxes = [track.boxes[check] for check in checks if check < len(track.boxes)]
        if not boxes or sum(len(faces) > 1 for faces in boxes) < MIN_SHARE * len(boxes):
            continue
        places = [place for place in _followed(boxes) if len(place.boxes) >= MIN_SHARE * len(boxes)]
        if len(places) > 1:
            found += _lanes(shot, places, track.frame_width, track.frame_height)
    return found


@dataclass(slots=True, eq=False)
class _Place:
    boxes: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def centre(self) -> NDArray[np.float32]:
        left, top, width, height = self.boxes[-1]
        return np.array([left + width / 2, top + height / 2])

    @property
    def middle(self) -> float:
        """Median horizontal centre."""
        return float(np.median([box[0] + box[2] / 2 for box in self.boxes]))


def _followed(checks: list[NDArray[np.float32]]) -> list[_Place]:
    """Boxes that lie near each other from check to check."""
    places: list[_Place] = []
    for faces in checks:
        free = list(places)
        for box in faces:
            centre = box[:2] + box[2:] / 2
            near = min(free, key=lambda place: float(np.linalg.norm(place.centre - centre)), default=None)
            if near is None or np.linalg.norm(near.centre - centre) > _STEP * box[2]:
                near = _Place()
                places.append(near)
            else:
                free.remove(near)
            near.boxes.append(box)
    return places


def _lanes(shot: slice, places: list[_Place], width: int, height: int) -> list[Lane]:
    ordered = sorted(places, key=lambda place: place.middle)
    # nobody's lane reaches into a neighbour's half
    borders = [0.0, *((a.middle + b.middle) / 2 for a, b in itertools.pairwise(ordered)), float(width)]
    found = []
    for number, place in enumerate(ordered):
        boxes = np.stack(place.boxes)
        margin = _MARGIN * float(np.median(boxes[:, 2:]))
        left = max(float(boxes[:, 0].min()) - margin, borders[number])
        right = min(float((boxes[:, 0] + boxes[:, 2]).max()) + margin, borders[number + 1])
        top = max(float(boxes[:, 1].min()) - margin, 0.0)
        bottom = min(float((boxes[:, 1] + boxes[:, 3]).max()) + margin, float(height))
        found.append(Lane(shot, int(left), int(top), int(right), int(bottom)))
    return found


def track_lanes(
    tracker: LandmarkerMaker,
    frames: Iterable[VideoFrame],
    track: FaceTrack,
    lanes: list[Lane],
    progress: Callable[[float], None],
) -> list[Appearance]:
    """Look at each lane of every frame. frames: those that ``track`` was made of, in order."""
    shots = {shot.start: number for number, shot in enumerate(shots_of(track))}
    views = [_View(lane, tracker.for_video()) for lane in lanes]
    try:
        for index, frame in enumerate(frames):
            for view in views:
                if view.lane.frames.start <= index < view.lane.frames.stop:
                    view.look(frame)
            progress(min((index + 1) / len(track), 1.0))
    finally:
        for view in views:
            view.landmarker.close()
    return [
        Appearance(view.lane.frames.start, np.stack(view.points), np.stack(view.chips), shots[view.lane.frames.start])
        for view in views
        if view.points
    ]


@dataclass(slots=True, eq=False)
class _View:
    lane: Lane
    landmarker: FaceLandmarker
    points: list[NDArray[np.float32]] = field(default_factory=list)
    chips: list[NDArray[np.uint8]] = field(default_factory=list)

    def look(self, frame: VideoFrame) -> None:
        lane = self.lane
        part = np.ascontiguousarray(frame.rgb[lane.top : lane.bottom, lane.left : lane.right])
        found = self.landmarker.landmarks(part, frame.seconds)
        self.points.append(found + np.array([lane.left, lane.top, 0], np.float32))
        self.chips.append(face_chip(frame.rgb, self.points[-1]))
