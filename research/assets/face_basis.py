# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training face-basis``: mean face, jaw hinge and expression components from tracked people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import OPEN_BASIS_FILE, FaceBasis
from core.face.landmark_weights import landmark_weights
from core.face.landmarks import (
    CHIN_POINTS,
    EYE_LEFT,
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    EYE_RIGHT,
    INNER_LIPS,
    LIPS,
    SKIN_COUNT,
)
from core.face.motion import EXPRESSION_SIZE
from core.tracking.align import align, uniform_landmarks
from core.tracking.fit import jaw_rotvec, unposed_expression
from core.tracking.smooth import neutral_face, smooth_landmarks
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.clips import Clip, load_tracked, training_clips

# mean distance between the outer corners of adult eyes; sets what "centimetre" means for every face
OUTER_EYE_DISTANCE_CM = 8.9
CLIPS_PER_PERSON = 120
# one unit of a coefficient in standard deviations of the (calm) training people: lively speakers stay below the
# limit of 10 that Blender sets to shape-key sliders
UNIT_DEVIATIONS = 2.0
HINGE_SEARCH_CM = 1.5
MIRROR_X = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class PersonFaces:
    """displacement: (T, 478, 3) cm from each clip's neutral, smoothed; neutral: (478, 3) the person's own."""

    person: str
    displacement: NDArray[np.float32]
    neutral: NDArray[np.float64]


def run(data: Path) -> FaceBasis:
    """Learn the basis, write it with its checksum, and return it."""
    canonical = data / "meshes" / "mediapipe_canonical_face.obj"
    clips = _chosen_clips(training_clips(data))
    mean = _mean_face(clips, read_mirror(canonical))
    people = [_person_faces(person, clips, mean) for person in sorted({c.person for c in clips})]
    basis = fit_basis(mean, read_triangles(canonical), read_mirror(canonical), people)
    path = VENDOR_MODELS / OPEN_BASIS_FILE
    basis.save(path, {"people": ", ".join(p.person for p in people), "unit": "cm"})
    print(f"{path.name}: sha256 {record_checksum(OPEN_BASIS_FILE)}")
    return basis


def fit_basis(
    mean: NDArray[np.float64], triangles: NDArray[np.int32], mirror: NDArray[np.int64], people: list[PersonFaces]
) -> FaceBasis:
    """Hinge first, then a principal component analysis of what the hinge does not explain."""
    hinge = _fit_hinge(mean, people)
    weights = _jaw_weights(mean, hinge, people, triangles, mirror)
    basis = FaceBasis(
        name="mimesh-open-1",
        neutral=mean.astype(np.float32),
        directions=np.zeros((EXPRESSION_SIZE, *mean.shape), np.float32),
        hinge_point=hinge.astype(np.float32),
        hinge_axis=np.array([1, 0, 0], np.float32),
        jaw_weights=weights.astype(np.float32),
        triangles=triangles,
        eye_centres=_eye_centres(mean).astype(np.float32),
    )
    directions = _expression_directions(basis, people, mirror)
    return FaceBasis(**{**_fields(basis), "directions": directions})  # type: ignore[arg-type]


def read_triangles(path: Path) -> NDArray[np.int32]:
    """(F, 3) zero-based triangles of a wavefront file, without those that close the mouth and the eyes."""
    lines = [line.split()[1:] for line in path.read_text().splitlines() if line.startswith("f ")]
    triangles = np.array([[int(corner.split("/")[0]) - 1 for corner in line] for line in lines], np.int32)
    return triangles[~_fills_opening(triangles)]


def read_mirror(path: Path) -> NDArray[np.int64]:
    """(478,) index of every landmark's mirror image, from the exactly symmetric canonical face.

    Nearest neighbours on a tracked face would mix up the closed lips, whose edges touch.
    """
    lines = [line.split()[1:4] for line in path.read_text().splitlines() if line.startswith("v ")]
    skin = np.array(lines, dtype=np.float64)
    distance = np.linalg.norm((skin * MIRROR_X)[:, None] - skin[None], axis=-1)
    # irises: centre, then the rim at +x, top, -x, bottom of the picture in either eye
    return np.concatenate([distance.argmin(axis=1), [473, 476, 475, 474, 477], [468, 471, 470, 469, 472]])


def _fills_opening(triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.any([np.isin(triangles, ring).all(axis=1) for ring in (INNER_LIPS, EYE_LEFT, EYE_RIGHT)], axis=0)


def _fields(basis: FaceBasis) -> dict[str, object]:
    return {name: getattr(basis, name) for name in FaceBasis.__dataclass_fields__}


def _chosen_clips(clips: list[Clip]) -> list[Clip]:
    chosen: list[Clip] = []
    for person in sorted({clip.person for clip in clips}):
        own = [clip for clip in clips if clip.person == person]
        chosen += own[:: max(len(own) // CLIPS_PER_PERSON, 1)]
    return chosen


def _mean_face(clips: list[Clip], mirror: NDArray[np.int64]) -> NDArray[np.float64]:
    """Generalised Procrustes analysis of the people's resting faces, made symmetric, in centimetres."""
    rests: dict[str, list[NDArray[np.float64]]] = {}
    for clip in clips:
        pixels = load_tracked(clip).track.landmarks
        pixels = pixels[np.isfinite(pixels[:, 0, 0])]
        rests.setdefault(clip.person, []).append(neutral_face(pixels) * np.array([1.0, -1.0, -1.0]))
    mean = _normalised(next(iter(rests.values()))[0])
    everyone = np.arange(len(mean))
    for _ in range(6):
        # align() takes picture axes, hence the flips
        shapes = [
            np.mean([align(r[None] * [1, -1, -1], mean, everyone[:SKIN_COUNT]).landmarks[0] for r in own], axis=0)
            for own in rests.values()
        ]
        mean = np.mean(shapes, axis=0)
        mean = _normalised((mean + mean[mirror] * MIRROR_X) / 2)
    return mean


def _normalised(face: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre between the outer eye corners at x = 0, y = 0, scale to centimetres."""
    right, left = face[EYE_OUTER_RIGHT], face[EYE_OUTER_LEFT]
    face = face - (right + left) / 2
    return face * (OUTER_EYE_DISTANCE_CM / np.linalg.norm(left - right))


def _person_faces(person: str, clips: list[Clip], mean: NDArray[np.float64]) -> PersonFaces:
    displacements, neutrals = [], []
    for clip in (clip for clip in clips if clip.person == person):
        track = load_tracked(clip).track
        if track.valid.mean() < 0.98:
            continue
        free = smooth_landmarks(align(uniform_landmarks(track, 25.0).landmarks, mean).landmarks)
        neutrals.append(neutral_face(free))
        displacements.append((free - neutrals[-1]).astype(np.float32))
    return PersonFaces(person, np.concatenate(displacements), np.mean(neutrals, axis=0))


def _fit_hinge(mean: NDArray[np.float64], people: list[PersonFaces]) -> NDArray[np.float64]:
    """(3,) hinge near the ears whose rotation best explains the chin's path; searched in a box around them."""
    ear = (mean[234] + mean[454]) / 2
    chin = np.concatenate([p.displacement[:, CHIN_POINTS][::5] for p in people]).astype(np.float64)
    best, best_error = ear, np.inf
    for dy in np.arange(-HINGE_SEARCH_CM, HINGE_SEARCH_CM + 0.1, 0.25):
        for dz in np.arange(-HINGE_SEARCH_CM, HINGE_SEARCH_CM + 0.1, 0.25):
            hinge = np.array([0.0, ear[1] + dy, ear[2] + dz])
            tangent = np.cross([1.0, 0.0, 0.0], mean[CHIN_POINTS] - hinge)
            angle = np.tensordot(chin, tangent, axes=2) / (tangent**2).sum()
            error = ((chin - angle[:, None, None] * tangent) ** 2).sum()
            if error < best_error:
                best, best_error = hinge, error
    return best


def _jaw_weights(
    mean: NDArray[np.float64],
    hinge: NDArray[np.float64],
    people: list[PersonFaces],
    triangles: NDArray[np.int32],
    mirror: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(478,) share of the hinge's rotation each point follows: regression on the chin's angle, smoothed.

    The upper lip and all above it hang on the skull: their share is zero, whatever they correlate with.
    """
    tangent = np.cross([1.0, 0.0, 0.0], mean - hinge)
    moved = np.concatenate([p.displacement[::5] for p in people]).astype(np.float64)
    chin = tangent[CHIN_POINTS]
    angle = np.tensordot(moved[:, CHIN_POINTS], chin, axes=2) / (chin**2).sum()
    share = np.einsum("t,tni,ni->n", angle, moved, tangent) / ((angle**2).sum() * (tangent**2).sum(axis=1))
    fixed = _skull_points(mean)
    share = np.where(fixed, 0.0, np.clip(share, 0.0, 1.0))
    share[CHIN_POINTS] = 1.0
    neighbours = _neighbours(triangles, len(mean))
    for _ in range(8):
        share = 0.5 * share + 0.5 * np.array([share[n].mean() if len(n) else 0.0 for n in neighbours])
        share[fixed] = 0.0
        share[CHIN_POINTS] = 1.0
    return (share + share[mirror]) / 2


def _skull_points(mean: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Points above the line from the mouth's corners to the ears, the upper lip included."""
    corner = mean[61]
    ear = mean[234]
    slope = (ear[1] - corner[1]) / (abs(ear[0]) - abs(corner[0]))
    line = corner[1] + np.maximum(np.abs(mean[:, 0]) - abs(corner[0]), 0.0) * slope
    above = mean[:, 1] > line + 0.15
    upper_lip = [0, 11, 12, 13, 37, 39, 40, 72, 73, 74, 38, 41, 42, 80, 81, 82, 185, 184, 183, 191]
    upper_lip += [267, 269, 270, 302, 303, 304, 268, 271, 272, 310, 311, 312, 409, 408, 407, 415]
    above[upper_lip] = True
    above[SKIN_COUNT:] = True
    return above


def _neighbours(triangles: NDArray[np.int32], count: int) -> list[NDArray[np.int64]]:
    found: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in triangles:
        found[a] |= {b, c}
        found[b] |= {a, c}
        found[c] |= {a, b}
    return [np.array(sorted(n), np.int64) for n in found]


def _eye_centres(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) left and right eyeball: behind the lids' middle by slightly less than the eyeball's radius."""
    return np.stack([mean[ring].mean(axis=0) - [0.0, 0.0, 1.05] for ring in (EYE_LEFT, EYE_RIGHT)])


def _expression_directions(
    basis: FaceBasis, people: list[PersonFaces], mirror: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(50, 478, 3) cm: weighted PCA of the jaw-free displacement, each person counting the same.

    Every frame also enters mirrored, so each component is symmetric or antisymmetric.
    """
    weights = landmark_weights()
    used = weights.reshape(-1) > 0
    covariance = np.zeros((used.sum(), used.sum()))
    for person in people:
        expression = unposed_expression(person.displacement, jaw_rotvec(person.displacement, basis), basis)
        for sample in (expression, expression[:, mirror] * MIRROR_X):
            flat = (sample * weights).reshape(len(sample), -1)[:, used]
            covariance += flat.T @ flat / len(flat)
    covariance /= 2 * len(people)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:EXPRESSION_SIZE]
    scaled = vectors[:, order] * np.sqrt(values[order]) * UNIT_DEVIATIONS
    flat_directions = np.zeros((EXPRESSION_SIZE, weights.size))
    flat_directions[:, used] = (scaled / weights.reshape(-1)[used, None]).T
    directions = flat_directions.reshape(EXPRESSION_SIZE, -1, 3)
    # a sign convention, so that retraining gives the same face: the largest lip movement points up
    for direction in directions:
        lips = direction[LIPS]
        if lips.reshape(-1)[np.abs(lips).argmax()] < 0:
            direction *= -1
    print("share of weighted variance:", np.round(np.cumsum(values[order])[[0, 4, 9, 14, 24, 49]] / values.sum(), 4))
    return directions.astype(np.float32)
