# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people in one picture: each is tracked for itself, and the one whose lips go with the sound is taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from core.errors import ReferenceClipError
from core.face.basis import open_basis
from core.face.landmarks import OPENING_PAIRS
from core.face.motion import INTERNAL_FPS
from core.tracking.appearance import CHIP_SIZE
from core.tracking.face_track import CHECK_STRIDE, FaceTrack
from core.tracking.lanes import Appearance, find_lanes, track_lanes
from core.tracking.people import Person, find_people
from core.tracking.speaker import choose_speaker
from core.tracking.stretch import choose_stretch
from core.tracking.video import VideoFrame

SECONDS = 8
FRAMES = round(SECONDS * INTERNAL_FPS)
RNG = np.random.default_rng(4)


def talk(seed: int) -> np.ndarray:
    """(T,) cm a mouth that opens and shuts at random, as speech does, some four times a second."""
    noise = np.random.default_rng(seed).normal(size=FRAMES + 6)
    return np.clip(0.5 + 0.6 * np.convolve(noise, np.hanning(9)[1:-1] / 2, "valid"), 0.0, 2.0)


def face(opening: np.ndarray, x: float, width: float = 1.0) -> np.ndarray:
    """(T, 478, 3) pixels of a face at a place in the picture."""
    points = open_basis().neutral[None] * [width, 1.0, 1.0] + np.zeros((len(opening), 1, 3))
    points[:, OPENING_PAIRS[:, 1], 1] -= opening[:, None]
    pixels = points * 12.0 * [1, -1, -1] + [x, 150, 0]
    return (pixels + RNG.normal(scale=0.1, size=(len(opening), 1, 3))).astype(np.float32)


def clip(landmarks: np.ndarray, boxes: list[np.ndarray] | None = None) -> FaceTrack:
    seen = [] if boxes is None else boxes
    return FaceTrack(
        landmarks=landmarks,
        seconds=np.arange(len(landmarks)) / INTERNAL_FPS,
        valid=np.isfinite(landmarks[:, 0, 0]),
        faces_seen=np.array([len(found) for found in seen], np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=640,
        frame_height=300,
        source="interview.mp4",
        chips=RNG.integers(110, 130, (len(landmarks), CHIP_SIZE, CHIP_SIZE, 3), np.uint8),
        boxes=tuple(seen),
    )


def pair(left: np.ndarray, right: np.ndarray) -> tuple[Person, ...]:
    """Two people beside each other, by their openings."""
    track = clip(face(left, 160.0))
    chips = track.chips
    assert chips is not None
    beside = [Appearance(0, face(opening, x, w), chips, 0) for opening, x, w in ((left, 160, 1), (right, 480, 1.15))]
    return find_people(track, beside)


BOTH = np.array([[100, 90, 120, 120], [420, 90, 110, 110]], np.float32)


def test_two_people_in_one_picture_have_a_lane_each_that_never_overlap() -> None:
    shaken = [BOTH + np.array([step % 5, 0, 0, 0], np.float32) for step in range(FRAMES // CHECK_STRIDE)]
    left, right = find_lanes(clip(face(talk(1), 160.0), shaken))
    assert left.left < 100 < 220 < left.right <= right.left < 420 < 530 < right.right
    assert left.top >= 0 and right.bottom <= 300


def test_a_passer_by_makes_no_lane() -> None:
    boxes = [BOTH if 3 <= step < 6 else BOTH[:1] for step in range(FRAMES // CHECK_STRIDE)]
    assert find_lanes(clip(face(talk(1), 160.0), boxes)) == []


def test_only_the_shot_that_shows_two_is_looked_at_again() -> None:
    checks = FRAMES // CHECK_STRIDE
    boxes = [BOTH[:1] if step < checks // 2 else BOTH for step in range(checks)]
    track = dataclasses.replace(clip(face(talk(1), 160.0), boxes), cuts=np.array([FRAMES // 2]))
    assert {(lane.frames.start, lane.frames.stop) for lane in find_lanes(track)} == {(FRAMES // 2, FRAMES)}


def test_a_lane_is_tracked_in_its_own_part_of_the_picture() -> None:
    track = clip(face(talk(1), 160.0), [BOTH] * (FRAMES // CHECK_STRIDE))
    sizes: list[tuple[int, ...]] = []

    class Tracker:
        def for_video(self) -> Tracker:
            return self

        def landmarks(self, rgb: np.ndarray, seconds: float) -> np.ndarray:
            sizes.append(rgb.shape)
            return np.ones((478, 3), np.float32)

        def close(self) -> None: ...

    def frames() -> Iterator[VideoFrame]:
        for second in track.seconds:
            yield VideoFrame(np.zeros((300, 640, 3), np.uint8), float(second))

    lanes = find_lanes(track)
    told: list[float] = []
    left, right = track_lanes(Tracker(), frames(), track, lanes, told.append)  # type: ignore[arg-type]
    assert (left.landmarks[0, 0, 0], right.landmarks[0, 0, 0]) == (lanes[0].left + 1, lanes[1].left + 1)
    assert max(width for _, width, _ in sizes) < 640
    assert told[-1] == 1.0 and len(told) == FRAMES


@pytest.mark.parametrize("speaks", [0, 1])
def test_the_one_whose_lips_go_with_the_sound_is_taken_and_told(speaks: int) -> None:
    openings = [talk(1), talk(2)]
    speaker = choose_speaker(pair(*openings), openings[speaks] + 0.1 * RNG.normal(size=FRAMES))
    assert speaker.person.number == speaks + 1
    where = ("on the left", "on the right")[speaks]
    assert f"2 people are seen; person {speaks + 1}, {where}, is used (lips and sound agree by 0.9" in speaker.note
    assert not speaker.others_turn.any()


def test_the_longer_reaction_shot_is_not_taken_for_the_speaker() -> None:
    spoken = talk(1)
    listening = np.full(FRAMES, 0.2) + 0.02 * RNG.normal(size=FRAMES)
    cut = FRAMES * 2 // 5
    landmarks = np.concatenate([face(spoken, 160.0)[:cut], face(listening, 160.0, 1.15)[cut:]])
    people = find_people(dataclasses.replace(clip(landmarks), cuts=np.array([cut])))
    assert len(people) == 2
    assert choose_speaker(people, spoken).person.number == 1


def test_where_the_sound_does_not_tell_it_is_asked_with_numbers_and_places() -> None:
    with pytest.raises(ReferenceClipError, match="the sound does not tell which of them speaks") as asked:
        choose_speaker(pair(talk(1), talk(2)), talk(3))
    assert asked.value.hint == "Choose the person to learn from: 1 (on the left), 2 (on the right)."
    assert choose_speaker(pair(talk(1), talk(2)), talk(3), wanted=2).person.number == 2


def test_a_clip_without_sound_asks_too() -> None:
    with pytest.raises(ReferenceClipError, match="shows 2 people and has no sound that tells who speaks"):
        choose_speaker(pair(talk(1), talk(2)), None)


@pytest.mark.parametrize("wanted", [0, 3])
def test_a_person_who_is_not_there_is_refused(wanted: int) -> None:
    with pytest.raises(ReferenceClipError, match=f"shows 2 people; there is no person {wanted}"):
        choose_speaker(pair(talk(1), talk(2)), talk(1), wanted)


def test_the_seconds_in_which_the_other_one_speaks_are_left_out() -> None:
    openings, half = [talk(1), talk(2)], FRAMES // 2
    people = pair(*openings)
    sound = np.concatenate([openings[0][:half], openings[1][half:]])
    speaker = choose_speaker(people, sound, wanted=2)
    assert speaker.others_turn[:4].all() and not speaker.others_turn[6:].any()
    chosen = choose_stretch(speaker, [people[0].track])
    assert chosen.left_out.startswith("Left out: 0 to ") and "somebody else speaks" in chosen.left_out
    assert 4.0 <= chosen.track.seconds[0] <= 6.0
