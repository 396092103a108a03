# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip is judged second by second: what is flawed is left out and told, what is not stays as it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.tracking.survey as survey_module
from core.audio.speech import SAMPLE_RATE, Speech
from core.client.quality_bar import QualityBar, quality_bar
from core.errors import ReferenceClipError
from core.face.basis import open_basis
from core.face.rotations import matrix_from_rotvec
from core.tracking.appearance import CHIP_SIZE, face_chip
from core.tracking.cover import covered_frames, mouth_strangeness
from core.tracking.face_track import FaceTrack
from core.tracking.people import find_people
from core.tracking.quality import QualityReport, require_usable
from core.tracking.seconds import with_agreement
from core.tracking.speaker import choose_speaker
from core.tracking.stretch import ChosenStretch, choose_stretch
from core.tracking.sync import loudness
from core.tracking.video import VideoFrame, VideoInfo

FPS = 25
RNG = np.random.default_rng(8)


def face_picture(seed: int, skin: tuple[int, int, int] = (190, 150, 130)) -> np.ndarray:
    """(24, 24, 3) a face's light and dark as a person's own pattern on skin."""
    pattern = np.random.default_rng(seed).normal(size=(6, 6)).repeat(4, axis=0).repeat(4, axis=1)
    return np.clip(np.array(skin) + 25 * pattern[..., None], 0, 255)


@dataclasses.dataclass(frozen=True)
class Face:
    """A made person: a picture, and the proportions of the skull."""

    picture: np.ndarray
    width: float = 1.0

    def lit(self, level: float) -> Face:
        return dataclasses.replace(self, picture=self.picture * level)

    def fading_to(self, other: Face, share: float) -> Face:
        def between(a: Any, b: Any) -> Any:
            return a * (1 - share) + b * share

        return Face(between(self.picture, other.picture), between(self.width, other.width))


def track_of(faces: list[Face], yaw_degrees: float = 0.0, pixels_per_cm: float = 20.0) -> FaceTrack:
    """One frame for each, with the sensor's noise."""
    frames = len(faces)
    pictures = [face.picture for face in faces]
    proportions = np.array([[[face.width, 1.0, 1.0]] for face in faces])
    turned = (open_basis().neutral * proportions) @ matrix_from_rotvec(
        np.array([[0.0, np.radians(yaw_degrees), 0.0]])
    )[0].T
    points = turned * pixels_per_cm * [1, -1, -1] + [300, 250, 0]
    landmarks = points + RNG.normal(scale=0.2, size=(frames, 1, 3))
    noise = RNG.normal(scale=3, size=(frames, CHIP_SIZE, CHIP_SIZE, 3))
    return FaceTrack(
        landmarks=landmarks.astype(np.float32),
        seconds=np.arange(frames) / FPS,
        valid=np.ones(frames, bool),
        faces_seen=np.ones(3, np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=640,
        frame_height=480,
        source="clip.mp4",
        chips=np.clip(np.stack(pictures) + noise, 0, 255).astype(np.uint8),
    )


def covered(face: Face) -> Face:
    """Something black before the mouth."""
    hidden = face.picture.copy()
    hidden[14:, 5:19] = 15
    return dataclasses.replace(face, picture=hidden)


ADA, BEN = Face(face_picture(1)), Face(face_picture(2, (150, 110, 95)), 1.12)


def stretch_of(track: FaceTrack) -> ChosenStretch:
    """What is used of a clip without sound."""
    people = find_people(track)
    speaker = choose_speaker(people, None)
    return choose_stretch(speaker, [each.track for each in people if each is not speaker.person])


def test_a_clip_without_a_flaw_is_kept_whole() -> None:
    track = track_of([ADA] * 100)
    chosen = stretch_of(track)
    assert len(chosen.track) == 100
    assert chosen.track.landmarks is track.landmarks
    assert chosen.notes == ()
    assert [second.usable for second in chosen.seconds] == [True] * 4


def test_seconds_with_a_covered_mouth_are_left_out_and_named() -> None:
    chosen = stretch_of(track_of([ADA] * 100 + [covered(ADA)] * 50 + [ADA] * 75))
    assert (chosen.track.seconds[0], len(chosen.track)) == (0.0, 100)
    assert chosen.notes == ("Left out: 4 to 6 s: mouth covered.",)


def test_a_clip_with_the_mouth_covered_throughout_is_refused_with_its_seconds() -> None:
    with pytest.raises(ReferenceClipError, match=r"No second of clip\.mp4 can be used \(0 to 4 s: mouth covered\)"):
        stretch_of(track_of([covered(ADA)] * 100))


@pytest.mark.parametrize("skin", [(235, 200, 180), (190, 150, 130), (120, 85, 65), (70, 48, 38)])
def test_no_colour_of_skin_is_taken_for_a_cover(skin: tuple[int, int, int]) -> None:
    track = track_of([Face(face_picture(3, skin))] * 50)
    assert mouth_strangeness(track.chips).max() < 0.6  # type: ignore[arg-type]
    assert not covered_frames(track).any()


def test_a_change_of_person_without_a_visible_cut_is_found_and_the_longer_one_is_used() -> None:
    chosen = stretch_of(track_of([ADA] * 60 + [BEN] * 90))
    assert chosen.notes == (
        "2 people are seen; person 2, from 2 s, is used (seen longest). Another can be chosen.",
        "Left out: 0 to 3 s: another person.",
    )
    # the second that the change falls into is nobody's
    assert (chosen.track.seconds[0], len(chosen.track)) == (pytest.approx(3.0), 75)


def test_a_cross_fade_between_people_is_found() -> None:
    fade = [ADA.fading_to(BEN, share) for share in np.linspace(0, 1, 12)]
    first, second = find_people(track_of([ADA] * 75 + fade + [BEN] * 60))
    assert 70 <= np.flatnonzero(second.track.valid)[0] <= 92
    assert not (first.track.valid & second.track.valid).any()


def test_a_person_who_comes_back_is_the_same_person() -> None:
    first, second = find_people(track_of([ADA] * 60 + [BEN] * 60 + [ADA] * 60))
    assert first.track.valid[[10, 90, -10]].tolist() == [True, False, True]
    assert second.track.valid[[10, 90, -10]].tolist() == [False, True, False]


def test_one_person_stays_one_person_under_slowly_changing_light() -> None:
    track = track_of([ADA.lit(level) for level in np.linspace(1.0, 0.8, 250)])
    assert len(find_people(track)) == 1


def test_another_light_and_another_picture_of_one_person_are_one_person() -> None:
    # as at a jump cut to a second camera
    other = Face(face_picture(5, (120, 85, 65)), ADA.width)
    track = dataclasses.replace(track_of([ADA] * 60 + [other] * 60), cuts=np.array([60]))
    assert len(find_people(track)) == 1


def test_seconds_without_a_face_and_turned_away_are_left_out() -> None:
    track = track_of([ADA] * 200)
    track.valid[50:75] = False
    track.landmarks[50:75] = np.nan
    away = track_of([ADA] * 25, yaw_degrees=65.0)
    track.landmarks[100:125] = away.landmarks
    chosen = stretch_of(track)
    assert chosen.notes == ("Left out: 2 to 3 s: no face; 4 to 5 s: turned 65° away.",)
    assert (chosen.track.seconds[0], len(chosen.track)) == (5.0, 75)


def test_cuts_part_shots_and_the_longest_is_used() -> None:
    track = dataclasses.replace(track_of([ADA] * 100), cuts=np.array([30]))
    chosen = stretch_of(track)
    assert (chosen.track.seconds[0], len(chosen.track)) == (pytest.approx(1.2), 70)
    assert chosen.notes == ()


def test_too_few_pictures_a_second_are_refused_with_the_number() -> None:
    track = track_of([ADA] * 20)
    slow = dataclasses.replace(track, seconds=np.arange(20) / 5)
    with pytest.raises(ReferenceClipError, match=r"clip\.mp4 has a rate of 5 pictures a second; 12 are needed"):
        require_usable(slow)


def test_the_bar_crosses_the_process_border_and_says_what_stands_for_what() -> None:
    chosen = stretch_of(track_of([ADA] * 75 + [covered(ADA)] * 25))
    report = QualityReport(
        "clip.mp4", 3.0, 25.0, 0.0, 200.0, 0.1, 2.0, 0.0, 0.9, used_seconds=(0.0, 3.0), bar=chosen.seconds
    )
    assert QualityReport.from_json(json.loads(json.dumps(report.to_json()))) == report
    seen, left_out = report.bar_text().splitlines()
    assert seen == "[###m] each a second (# usable, m mouth covered); used: 0.0 to 3.0 s"
    assert left_out == "3 to 4 s: mouth covered"


def test_a_panel_shows_a_cell_a_second_and_the_reasons() -> None:
    chosen = stretch_of(track_of([ADA] * 75 + [covered(ADA)] * 50 + [ADA] * 25))
    report = QualityReport(
        "clip.mp4", 3.0, 25.0, 0.0, 200.0, 0.1, 2.0, 0.0, 0.9, used_seconds=(0.0, 3.0), bar=chosen.seconds
    )
    text = json.dumps(report.to_json())
    found = quality_bar(text, 30)
    assert found == QualityBar(
        "clip.mp4: 0 to 3 s are used", ("used",) * 3 + ("flawed",) * 2 + ("usable",), ("3 to 5 s: mouth covered",)
    )
    narrow = quality_bar(text, 3)
    assert narrow is not None and narrow.cells == ("used", "flawed", "flawed")
    assert quality_bar("", 30) is None


def test_every_second_says_how_well_mouth_and_sound_agree() -> None:
    seconds = stretch_of(track_of([ADA] * 200)).seconds
    sound = RNG.normal(size=200)
    mouth = np.where(np.arange(200) < 100, sound, RNG.normal(size=200))
    found = with_agreement(seconds, mouth, sound, float(FPS))
    assert [second.agreement for second in found[:3]] == [pytest.approx(1.0)] * 3
    assert all(abs(second.agreement or 0.0) < 0.5 for second in found[5:])
    still = with_agreement(seconds, np.zeros(200), sound, float(FPS))
    assert {second.agreement for second in still} == {None}


def test_of_a_long_recording_the_best_seen_half_minute_is_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, far = track_of([ADA]).landmarks[0], track_of([ADA], pixels_per_cm=4.0).landmarks[0]
    looked_at: list[float] = []

    def frames(path: Path, moments: list[float], within: float) -> Iterator[VideoFrame | None]:
        for moment in moments:
            looked_at.append(moment)
            # frames between a keyframe and the moment
            yield None
            yield VideoFrame(np.zeros((4, 4, 3), np.uint8), moment - within / 2)

    class Tracker:
        def for_picture(self) -> Tracker:
            return self

        def landmarks(self, rgb: np.ndarray, seconds: float) -> np.ndarray:
            return fine if 600 <= seconds < 640 else far

        def close(self) -> None: ...

    monkeypatch.setattr(survey_module, "video_info", lambda path: VideoInfo(1800.0, 25.0))
    monkeypatch.setattr(survey_module, "pictures_near", frames)
    told: list[float] = []
    found = survey_module.survey(Tracker(), Path("talk.mp4"), 0.0, None, told.append)  # type: ignore[arg-type]
    assert len(looked_at) == survey_module.MAX_PROBES
    assert 590 <= found.start_seconds <= 640
    assert found.end_seconds == pytest.approx(found.start_seconds + 30.0)
    assert found.note.startswith("Of 1800 s, ")
    assert told == sorted(told)


def test_a_report_of_before_has_no_bar() -> None:
    old = QualityReport("clip.mp4", 3.0, 25.0, 0.0, 200.0, 0.1, 2.0, 0.0, 0.9).to_json()
    del old["bar"], old["used_seconds"]
    assert QualityReport.from_json(old).bar_text() == ""


def test_the_chip_follows_the_face_upright() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[:, :200] = (200, 0, 0)
    points = np.zeros((478, 3), np.float32)
    # the person's right eye is on the left of the picture
    points[33], points[263] = (150, 200, 0), (250, 200, 0)
    chip = face_chip(picture, points)
    assert chip[:, :10, 0].min() > 150 > 50 > chip[:, 14:, 0].max()
    # the head leans by a quarter turn: what was left of it is now above
    points[33], points[263] = (200, 150, 0), (200, 250, 0)
    leaning = np.zeros((400, 400, 3), np.uint8)
    leaning[:200] = (200, 0, 0)
    chip = face_chip(leaning, points)
    assert chip[:, :10, 0].min() > 150 > 50 > chip[:, 14:, 0].max()


def test_loudness_is_centred_on_the_frame() -> None:
    samples = np.zeros(SAMPLE_RATE * 2, np.float32)
    at = round(20 / FPS * SAMPLE_RATE)
    samples[at - 100 : at + 100] = 0.5
    level = loudness(Speech(samples, "click"), float(FPS), 50)
    assert level.argmax() == 20
    # a burst half a frame earlier lies as much in the window before
    samples = np.roll(samples, -round(SAMPLE_RATE / FPS / 2))
    level = loudness(Speech(samples, "click"), float(FPS), 50)
    assert level[19] == pytest.approx(level[20], abs=0.5)
