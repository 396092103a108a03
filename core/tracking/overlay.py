# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a tracked clip with the landmarks drawn on, to see at a glance whether the face was found well."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from ..face.landmarks import FACE_OVAL, IRIS_LEFT, IRIS_RIGHT, LIPS, UPPER_FACE
from .face_track import FaceTrack
from .landmarker import open_tracker
from .tracker import turned_frames
from .upright import quarter_turns

# of the face's own size that a picture shows
_ROOM = 1.45
_BACKGROUND = 40
_SKIN, _OUTLINE, _EYES, _IRIS, _MOUTH = (150, 190, 255), (90, 200, 250), (70, 230, 90), (255, 235, 60), (255, 80, 70)
# dots are so many pixels in a picture of 100
_DOT, _FINE_DOT, _SMALL_DOT = 1.6, 1.1, 0.6


def overlay_picture(track: FaceTrack, count: int = 4, pixels: int = 220) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: moments spread over the clip, side by side, each cut out around the face.

    track: with its file still there. Raises :class:`MediaError` where it cannot be read any more.
    """
    valid = np.flatnonzero(track.valid)
    if not len(valid):
        raise MediaError(f"No face was found in {Path(track.source).name}.", "Choose another clip.")
    chosen = valid[np.unique(np.linspace(0, len(valid) - 1, count).round().astype(int))]
    cells = _frames(track, chosen, pixels)
    columns = math.ceil(math.sqrt(count))
    whole = np.full((math.ceil(count / columns) * pixels, columns * pixels, 3), _BACKGROUND, np.uint8)
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        whole[row * pixels : (row + 1) * pixels, column * pixels : (column + 1) * pixels] = cell
    return whole


def draw_landmarks(rgb: NDArray[np.uint8], points: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with landmarks (478, 2 or 3) in its pixels, coloured by the part of the face."""
    drawn = rgb.copy()
    unit = min(rgb.shape[:2]) / 100.0
    everything = np.arange(len(points))
    groups = (
        (everything, _SKIN, _SMALL_DOT),
        (FACE_OVAL, _OUTLINE, _DOT),
        (UPPER_FACE, _EYES, _FINE_DOT),
        (np.concatenate([IRIS_LEFT, IRIS_RIGHT]), _IRIS, _FINE_DOT),
        (LIPS, _MOUTH, _FINE_DOT),
    )
    for rows, colour, size in groups:
        _dots(drawn, points[rows, :2], colour, max(1, round(size * unit)))
    return drawn


def _frames(track: FaceTrack, chosen: NDArray[np.int64], pixels: int) -> list[NDArray[np.uint8]]:
    """A cut-out of each chosen frame of the track."""
    path, last = Path(track.source), float(track.seconds[chosen[-1]])
    step = 1.0 / track.fps
    turns = quarter_turns(open_tracker(), path, float(track.seconds[0]), last + step)
    wanted = list(chosen)
    cells: list[NDArray[np.uint8]] = []
    for frame in turned_frames(path, float(track.seconds[chosen[0]]) - step / 2, last + step, turns):
        if wanted and frame.seconds >= track.seconds[wanted[0]] - step / 2:
            cells.append(_cut_out(frame.rgb, track.landmarks[wanted.pop(0)], pixels))
    return cells


def _cut_out(rgb: NDArray[np.uint8], points: NDArray[np.floating], pixels: int) -> NDArray[np.uint8]:
    """(pixels, pixels, 3) of the surroundings of the face, with its landmarks."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = float((high - low).max()) * _ROOM
    corner = (low + high) / 2 - side / 2
    at = (np.arange(pixels) + 0.5) * side / pixels
    columns, rows = (corner[0] + at).astype(int), (corner[1] + at).astype(int)
    inside = ((rows >= 0) & (rows < rgb.shape[0]))[:, None] & ((columns >= 0) & (columns < rgb.shape[1]))[None]
    cell = rgb[rows.clip(0, rgb.shape[0] - 1)[:, None], columns.clip(0, rgb.shape[1] - 1)[None]]
    cell = np.where(inside[..., None], cell, np.uint8(_BACKGROUND)).astype(np.uint8)
    return draw_landmarks(cell, (points[:, :2] - corner) * (pixels / side))


def _dots(rgb: NDArray[np.uint8], points: NDArray[np.floating], colour: tuple[int, int, int], size: int) -> None:
    """Squares of so many pixels about each point, those outside left out."""
    shift = np.arange(size) - size // 2
    columns = (points[:, 0].astype(int)[:, None, None] + shift[None, None, :]).repeat(size, axis=1)
    rows = (points[:, 1].astype(int)[:, None, None] + shift[None, :, None]).repeat(size, axis=2)
    inside = (rows >= 0) & (rows < rgb.shape[0]) & (columns >= 0) & (columns < rgb.shape[1])
    rgb[rows[inside], columns[inside]] = colour
