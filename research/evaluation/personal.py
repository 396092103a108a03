# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a reference makes the result look like that person.

Fitted on one part of a held-out person's clips, scored on the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import FaceBasis, open_basis
from core.face.motion import INTERNAL_FPS, Motion
from core.face.rotations import FloatArray, mean_rotation, rotvec_from_matrix
from core.models.affine.apply import apply_style
from core.models.affine.fit import Generator, fit_style
from core.models.pose.reference_motion import extend_head_motion
from core.tracking.align import align, uniform_landmarks
from core.tracking.fit import fit
from core.tracking.quality import report
from core.tracking.reference import HEAD_WINDOW_FRAMES, TrackedReference
from core.tracking.smooth import neutral_face, savitzky_golay, smooth_landmarks
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips, load_tracked
from research.evaluation.accuracy import LONG_GRID_PEOPLE, ClipScore, TruthClip, score
from research.evaluation.distributions import diversity, frechet_distance, pose_spread, windows
from research.evaluation.style.distance import Identification, StyleScale, identify, style_distance, style_statistics

REFERENCE_CLIPS = 4
REFERENCE_SECONDS = 10.0
# a free clip shorter than this leaves too little beside the reference
LONG_CLIP_SECONDS = 20.0
# the head's own windows: one second, a step apart of a fifth
_SECONDS_FRAMES = round(INTERNAL_FPS)


@dataclass(frozen=True, slots=True, eq=False)
class PersonPart:
    """A stretch of one person: tracked reference (motion, speech, landmarks), cut to whole frames."""

    person: str
    reference: TrackedReference


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """What the style is fitted on, and what it is scored on."""

    name: str
    reference: PersonPart
    tests: tuple[PersonPart, ...]


@dataclass(frozen=True, slots=True)
class PersonScore:
    """Median over a person's test parts; plain is the model without a reference.

    own_distance: style distance to the person's own reference part, in deviations of the people scored here.
    """

    person: str
    parts: int
    plain_error_mm: float
    styled_error_mm: float
    plain_correlation: float
    styled_correlation: float
    plain_own_distance: float
    styled_own_distance: float


@dataclass(frozen=True, slots=True)
class PoseScore:
    """Head motion against the generated one, radians; Fréchet distances over one-second windows, squared degrees."""

    person: str
    true_spread: float
    spread: float
    true_diversity: float
    diversity: float
    frechet: float
    still_frechet: float


@dataclass(frozen=True, slots=True, eq=False)
class PersonalResult:
    """identification: of the true test parts (the measure's own ceiling), of plain and of styled motion."""

    people: tuple[PersonScore, ...]
    poses: tuple[PoseScore, ...]
    truth: Identification
    plain: Identification
    styled: Identification
    head_true: dict[str, NDArray[np.float32]]
    head_generated: dict[str, NDArray[np.float32]]


def evaluation_people(data: Path) -> list[Person]:
    """The three long GRID talkers (four clips for the style) and the long free clips (10 s); the rest to test."""
    basis = open_basis()
    people = []
    for name in LONG_GRID_PEOPLE:
        parts = [part_of(clip, basis) for clip in heldout_clips(data) if clip.person == name]
        people.append(Person(name, _joined(parts[:REFERENCE_CLIPS]), tuple(parts[REFERENCE_CLIPS:])))
    for clip in free_scoring_clips(data):
        whole, cut = part_of(clip, basis), round(REFERENCE_SECONDS * INTERNAL_FPS)
        if whole.reference.motion.seconds >= LONG_CLIP_SECONDS:
            people.append(Person(clip.person, cut_part(whole, 0, cut), (cut_part(whole, cut, None),)))
    return people


def part_of(clip: Clip, basis: FaceBasis) -> PersonPart:
    """A cached clip as the tracker would hand it over; the picture's registered delay is taken out."""
    tracked = load_tracked(clip)
    uniform = uniform_landmarks(tracked.track, INTERNAL_FPS, clip.picture_delay_seconds)
    free = align(uniform.landmarks, basis.neutral)
    landmarks = smooth_landmarks(free.landmarks)
    neutral = neutral_face(landmarks)
    fitted = fit(landmarks - neutral, basis)
    head = rotvec_from_matrix(mean_rotation(free.rotation).T @ free.rotation)
    frames = min(len(landmarks), round(tracked.speech.seconds * INTERNAL_FPS))
    motion = Motion(
        fps=INTERNAL_FPS,
        expression=fitted.expression[:frames],
        jaw=fitted.jaw[:frames],
        head=savitzky_golay(head, HEAD_WINDOW_FRAMES)[:frames].astype(np.float32),
        gaze=fitted.gaze[:frames],
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
    reference = TrackedReference(
        motion=motion,
        track=tracked.track,
        speech=tracked.speech,
        report=report(tracked.track, uniform, free, None, 0),
        landmarks=landmarks[:frames].astype(np.float32),
        neutral=neutral.astype(np.float32),
        weights=uniform.measured[:frames].astype(np.float32),
    )
    return PersonPart(clip.person, reference)


def measure_people(people: Sequence[Person], generator: Generator, seed: int = 0) -> PersonalResult:
    """Fit every person's style, generate their test speech with and without it, and score."""
    trials = [trial for person in people for trial in _trials(person, generator, seed)]
    gallery = {person.name: _true_statistics(person.reference) for person in people}
    truth = [(trial.person, _true_statistics(trial.part)) for trial in trials]
    scale = StyleScale.of([*gallery.values(), *(item for _, item in truth)])
    heads = {p.name: [trial.styled.head for trial in trials if trial.person == p.name] for p in people}
    true_heads = {p.name: [part.reference.motion.head for part in p.tests] for p in people}
    return PersonalResult(
        people=tuple(_person_score(p.name, [t for t in trials if t.person == p.name], gallery, scale) for p in people),
        poses=tuple(pose_score(name, true_heads[name], heads[name]) for name in heads),
        truth=identify(truth, gallery, scale),
        plain=identify([(t.person, _statistics(t.plain)) for t in trials], gallery, scale),
        styled=identify([(t.person, _statistics(t.styled)) for t in trials], gallery, scale),
        head_true={name: np.concatenate(parts) for name, parts in true_heads.items()},
        head_generated={name: np.concatenate(parts) for name, parts in heads.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One test part of a person, spoken without and with their style."""

    person: str
    part: PersonPart
    plain: Motion
    styled: Motion


def _trials(person: Person, generator: Generator, seed: int) -> list[_Trial]:
    style = fit_style(generator, person.reference.reference)
    trials = []
    for part in person.tests:
        plain = generator.generate(_speech(part))
        styled = apply_style(plain, style, 1.0).replace(head=extend_head_motion(style.head, len(plain), seed))
        trials.append(_Trial(person.name, part, plain, styled))
    return trials


def _person_score(
    person: str, trials: Sequence[_Trial], gallery: Mapping[str, FloatArray], scale: StyleScale
) -> PersonScore:
    plain = [_score(trial.part, trial.plain) for trial in trials]
    styled = [_score(trial.part, trial.styled) for trial in trials]
    own = gallery[person]
    return PersonScore(
        person=person,
        parts=len(trials),
        plain_error_mm=_median([s.lip_error_mm for s in plain]),
        styled_error_mm=_median([s.lip_error_mm for s in styled]),
        plain_correlation=_median([s.correlation for s in plain]),
        styled_correlation=_median([s.correlation for s in styled]),
        plain_own_distance=_median([style_distance(_statistics(t.plain), own, scale) for t in trials]),
        styled_own_distance=_median([style_distance(_statistics(t.styled), own, scale) for t in trials]),
    )


def _score(part: PersonPart, motion: Motion) -> ClipScore:
    basis = open_basis()
    return score(_truth(part), basis.displacement(motion), basis)


def _statistics(motion: Motion) -> NDArray[np.float64]:
    return style_statistics(open_basis().landmarks(motion))


def _true_statistics(part: PersonPart) -> NDArray[np.float64]:
    return style_statistics(open_basis().neutral + _displacement(part))


def pose_score(person: str, true: Sequence[NDArray], generated: Sequence[NDArray]) -> PoseScore:
    """Spread, diversity and Fréchet distance of head motion, beside a head that never moves."""
    still = [np.zeros_like(part) for part in true]
    degrees = [windows([np.degrees(p) for p in parts], _SECONDS_FRAMES) for parts in (true, generated, still)]
    return PoseScore(
        person=person,
        true_spread=_median([pose_spread(part) for part in true]),
        spread=_median([pose_spread(part) for part in generated]),
        true_diversity=_median([diversity(part) for part in true]),
        diversity=_median([diversity(part) for part in generated]),
        frechet=frechet_distance(degrees[0], degrees[1]),
        still_frechet=frechet_distance(degrees[0], degrees[2]),
    )


def _displacement(part: PersonPart) -> NDArray[np.float32]:
    return part.reference.landmarks - part.reference.neutral


def _truth(part: PersonPart) -> TruthClip:
    clip = Clip("personal", part.person, Path(part.reference.report.source))
    return TruthClip(clip, _speech(part), _displacement(part).astype(np.float64))


def _speech(part: PersonPart) -> Speech:
    assert part.reference.speech is not None
    return part.reference.speech


def cut_part(part: PersonPart, first: int, last: int | None) -> PersonPart:
    """Frames first .. last - 1 of a part, with their sound."""
    # the parts keep the whole clip's resting face: a person has one
    whole, cut = part.reference, slice(first, last)
    motion = _map_motion([whole.motion], lambda values: values[0][cut])
    start = round(first * SAMPLE_RATE / INTERNAL_FPS)
    end = None if last is None else round(last * SAMPLE_RATE / INTERNAL_FPS)
    speech = Speech(_speech(part).samples[start:end], _speech(part).source)
    reference = TrackedReference(
        motion, whole.track, speech, whole.report, whole.landmarks[cut], whole.neutral, whole.weights[cut]
    )
    return PersonPart(part.person, reference)


def _joined(parts: Sequence[PersonPart]) -> PersonPart:
    """Several clips as one reference; each keeps its own resting face by being moved to the first one's."""
    first = parts[0].reference
    landmarks = np.concatenate([_displacement(part) + first.neutral for part in parts])
    samples = []
    for part in parts:
        count = round(len(part.reference.motion) * SAMPLE_RATE / INTERNAL_FPS)
        own = _speech(part).samples[:count]
        samples.append(np.pad(own, (0, count - len(own))))
    reference = TrackedReference(
        motion=_map_motion([part.reference.motion for part in parts], np.concatenate),
        track=first.track,
        speech=Speech(np.concatenate(samples), _speech(parts[0]).source),
        report=first.report,
        landmarks=landmarks.astype(np.float32),
        neutral=first.neutral,
        weights=np.concatenate([part.reference.weights for part in parts]),
    )
    return PersonPart(parts[0].person, reference)


def _map_motion(motions: Sequence[Motion], merge: Callable[[list[NDArray]], NDArray]) -> Motion:
    fields = {name: merge([getattr(m, name) for m in motions]) for name in ("expression", "jaw", "head", "gaze")}
    return motions[0].replace(**fields)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
