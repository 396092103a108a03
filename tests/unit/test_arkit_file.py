# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Apple's 52 shapes: Live Link Face's order and turns out; every spelling, clock and gap in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.arkit.live_link import eyes_of_turns, head_of_turns, head_turns, write_live_link
from core.arkit.names import COLUMNS, SHAPES
from core.arkit.read import read_recording
from core.errors import MediaError
from core.face.rotations import matrix_from_rotvec

JAW = SHAPES.index("jawOpen")
COUNT = 90


def take(fps: float = 30.0, count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    """A jaw that rises evenly, and a head that turns about all axes."""
    values = np.zeros((count, 52))
    values[:, JAW] = np.linspace(0.0, 0.8, count)
    head = np.stack(
        [0.1 * np.sin(np.arange(count) / fps), 0.2 * np.arange(count) / count, np.full(count, -0.05)], axis=1
    )
    return values, head


def written(tmp_path: Path, text: str, name: str = "take.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_order_is_live_link_faces() -> None:
    # places in Apple's own order, as Epic's app writes them
    for place, name in {
        0: "eyeBlinkLeft",
        7: "eyeBlinkRight",
        17: "jawOpen",
        18: "mouthClose",
        43: "browInnerUp",
    }.items():
        assert SHAPES[place] == name
    assert len(set(SHAPES)) == 52 and len(COLUMNS) == 61 and SHAPES[-1] == "tongueOut"


def test_values_stand_under_their_names_and_frames_have_time_codes() -> None:
    values, head = take(count=31)
    values[:, JAW] *= 1.5
    rows = list(csv.DictReader(io.StringIO(write_live_link(values, 30.0, head))))
    assert len(rows) == 31 and rows[0]["BlendShapeCount"] == "61"
    assert [rows[frame]["Timecode"] for frame in (0, 29, 30)] == [
        "00:00:00:00.000",
        "00:00:00:29.000",
        "00:00:01:00.000",
    ]
    # a coefficient of Apple's ends at one
    assert float(rows[30]["JawOpen"]) == 1.0 and float(rows[10]["MouthClose"]) == 0.0
    # to the person's left is a negative yaw
    assert float(rows[30]["HeadYaw"]) < -0.1


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_what_goes_out_comes_in(fps: float, tmp_path: Path) -> None:
    values, head = take(fps, 150)
    gaze = np.full((150, 2, 2), 0.1)
    found = read_recording(written(tmp_path, write_live_link(values, fps, head, gaze)))
    assert found.fps == fps and len(found) == 150 and found.notes == ()
    np.testing.assert_allclose(found.values, values, atol=1e-6)
    assert found.head is not None and found.eyes is not None
    np.testing.assert_allclose(found.head, head, atol=1e-5)
    np.testing.assert_allclose(found.eyes, gaze, atol=1e-6)


def test_a_turn_is_the_same_there_and_back() -> None:
    head = np.random.default_rng(0).normal(0.0, 0.4, (50, 3))
    turned = matrix_from_rotvec(head_of_turns(head_turns(head)))
    np.testing.assert_allclose(turned, matrix_from_rotvec(head), atol=1e-9)
    nod = head_turns(np.array([[0.3, 0.0, 0.0]]))
    np.testing.assert_allclose(nod, [[0.0, 0.3, 0.0]], atol=1e-12)
    np.testing.assert_allclose(eyes_of_turns(np.array([[0, 0, 0, -0.2, 0.1, 0, 0, 0, 0]]))[0], [[0.1, 0.2], [0, 0]])


@pytest.mark.parametrize("spelling", ["JawOpen", "jawOpen", "jaw_open", "JAWOPEN", " Jaw Open "])
@pytest.mark.parametrize("form", ["{}", "\ufeff{}", "crlf", "semicolon"])
def test_spellings_and_forms_of_a_table_are_known(spelling: str, form: str, tmp_path: Path) -> None:
    lines = [f"Timecode,BlendshapeCount,{spelling},MouthClose"]
    lines += [f"01:59:5{8 + f // 60}:{f % 60:02d}.000,61,{0.01 * f:.2f},0.5" for f in range(90)]
    text = "\n".join(lines)
    if form == "semicolon":
        text = text.replace(",", ";").replace(".", ",").replace(",000;", ".000;")
    elif form == "crlf":
        text = text.replace("\n", "\r\n")
    else:
        text = form.format(text)
    path = tmp_path / "take.csv"
    path.write_bytes(text.encode())
    found = read_recording(path)
    assert found.fps == 60.0 and len(found) == 90
    np.testing.assert_allclose(found.values[:, JAW], 0.01 * np.arange(90), atol=1e-6)
    assert found.start_seconds == pytest.approx(7198.0)
    assert "50 of Apple's shapes" not in " ".join(found.notes) and "are not in the file" in " ".join(found.notes)


def test_subframes_missing_frames_and_midnight_are_understood(tmp_path: Path) -> None:
    frames = [f for f in range(180) if f not in (40, 41, 42)]
    lines = ["Timecode,BlendShapeCount,JawOpen"]
    for f in frames:
        total = 23 * 3600 + 59 * 60 + 58 + f // 60
        h, m, s = total // 3600 % 24, total // 60 % 60, total % 60
        lines.append(f"{h:02d}:{m:02d}:{s:02d}:{f % 60 + 0.1:06.3f},61,{f / 200:.4f}")
    found = read_recording(written(tmp_path, "\n".join(lines)))
    assert found.fps == 60.0 and len(found) == 180
    np.testing.assert_allclose(found.values[:, JAW], np.arange(180) / 200, atol=1e-4)
    assert any("3 of 180 frames are missing" in note for note in found.notes)


def test_a_rate_of_television_is_given(tmp_path: Path) -> None:
    values, _ = take(30.0, 300)
    path = written(tmp_path, write_live_link(values, 30.0))
    assert read_recording(path).fps == 30.0
    found = read_recording(path, 29.97)
    assert found.fps == 29.97 and len(found) == 300
    np.testing.assert_allclose(found.values, values, atol=1e-6)


def test_a_lost_face_and_a_calibrated_file_are_told(tmp_path: Path) -> None:
    text = write_live_link(take()[0], 30.0).splitlines()
    for line in (20, 21):
        cells = text[line].split(",")
        text[line] = ",".join([cells[0], "0", *([""] * 61)])
    path = written(tmp_path, "\n".join(text))
    written(tmp_path, "\n".join(text), "take_cal.csv")
    found = read_recording(path)
    assert any("lost on 2 of 90" in note for note in found.notes)
    assert any("take_cal.csv" in note for note in found.notes)
    np.testing.assert_allclose(found.values[:, JAW], take()[0][:, JAW], atol=1e-6)
    # a calibrated one may go beyond, and ends where a face does
    cal = written(tmp_path, "Timecode,JawOpen\n00:00:00:00.0,-0.2\n00:00:00:01.0,2.0\n", "other_cal.csv")
    assert read_recording(cal).values[:, JAW].tolist() == [0.0, 1.5]


def mediapipe(kind: str) -> Any:
    """The same take in ways that apps write it."""
    values, head = take()
    frames = []
    for frame, (row, turn) in enumerate(zip(values, head, strict=True)):
        matrix = np.eye(4)
        matrix[:3, :3] = 1.3 * matrix_from_rotvec(turn)
        matrix[:3, 3] = (0.5, -2.0, -40.0)
        named = {name: float(value) for name, value in zip(SHAPES, row, strict=True)}
        scores = [{"index": 0, "categoryName": "_neutral", "score": 0.1}]
        scores += [{"categoryName": name, "score": value} for name, value in named.items()]
        if kind == "dictionary":
            frames.append({"timestamp_ms": frame * 1000 / 30, "blendshapes": named, "matrix": matrix.tolist()})
        elif kind == "javascript":
            frames.append(
                {
                    "timestamp": frame * 1000 / 30,
                    "faceBlendshapes": [{"categories": scores, "headIndex": -1}],
                    "facialTransformationMatrixes": [{"rows": 4, "columns": 4, "data": matrix.T.ravel().tolist()}],
                }
            )
        elif kind == "python":
            frames.append(
                {
                    "time": frame / 30,
                    "face_blendshapes": [[{"category_name": s["categoryName"], "score": s["score"]} for s in scores]],
                    "facial_transformation_matrixes": [matrix.ravel().tolist()],
                }
            )
        else:
            frames.append({**named, "transform": matrix.tolist()})
    return frames if kind != "object" else {"fps": 30, "frames": frames}


@pytest.mark.parametrize("kind", ["dictionary", "javascript", "python", "object"])
def test_json_of_mediapipe_and_arkit_is_read_with_its_head(kind: str, tmp_path: Path) -> None:
    values, head = take()
    found = read_recording(written(tmp_path, json.dumps(mediapipe(kind)), "take.json"))
    assert found.fps == 30.0 and len(found) == COUNT
    np.testing.assert_allclose(found.values, values, atol=1e-6)
    assert found.head is not None
    np.testing.assert_allclose(found.head, head, atol=1e-6)


def test_a_matrix_in_a_table_turns_the_head(tmp_path: Path) -> None:
    values, head = take()
    lines = [",".join(["timestamp_ms", "jawOpen", *(f"m{i}" for i in range(16))])]
    for frame in range(COUNT):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[2, 3] = matrix_from_rotvec(head[frame]), -30.0
        lines.append(",".join(map(str, [frame * 1000 / 30, values[frame, JAW], *matrix.ravel()])))
    found = read_recording(written(tmp_path, "\n".join(lines)))
    assert found.fps == 30.0 and found.head is not None
    np.testing.assert_allclose(found.head, head, atol=1e-6)


def test_audio2faces_export_is_read(tmp_path: Path) -> None:
    data = {
        "exportFps": 60,
        "numPoses": 2,
        "facsNames": ["JawOpen", "TongueOut"],
        "weightMat": [[0.1, 0.0], [0.2, 0.0]],
    }
    found = read_recording(written(tmp_path, json.dumps(data), "a2f.json"))
    assert found.fps == 60.0 and found.values[:, JAW].tolist() == [0.1, 0.2] and found.head is None


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.csv", "Timecode,Left,Right\n00:00:00:00,1,2\n", "none of Apple's shapes of the mouth"),
        ("a.csv", "Timecode,EyeBlinkLeft\n00:00:00:00,1\n", "none of Apple's shapes of the mouth"),
        ("a.csv", "Timecode,JawOpen\n", "has no frames"),
        ("a.csv", "", "has no frames"),
        ("a.csv", "Timecode,JawOpen\n00:00:00:00,half\n", "Line 2 of a.csv has 'half' as JawOpen"),
        ("a.csv", "Timecode,JawOpen\nsoon,0.5\n", "timecode of frame 1 is 'soon'"),
        ("a.csv", "JawOpen\n0.5\n", "does not tell its rate"),
        ("a.csv", "Timecode,JawOpen\n00:00:00:00,0.5,0.6\n", "Line 2 of a.csv has 3 values for 2 columns"),
        ("a.csv", "Timecode,BlendShapeCount,JawOpen\n00:00:00:00,0,\n", "No frame of a.csv shows a face"),
        ("a.json", "{", "is no JSON"),
        ("a.json", "[]", "no list of frames"),
        ("a.json", '{"frames": [1, 2]}', "no list of frames"),
        ("a.json", '[{"time": 0, "jawOpen": "wide"}]', "Frame 1 of a.json has 'wide' as jawOpen"),
        ("a.json", '[{"time": 0, "jawOpen": 0.1, "matrix": [1, 2, 3]}]', "3 numbers"),
        ("a.json", '{"facsNames": ["jawOpen"], "weightMat": [[1, 2]]}', "do not go with its names"),
        ("a.txt", "JawOpen", "It must be .csv or .json"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(name: str, text: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        read_recording(written(tmp_path, text, name))
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("a.csv", "gone.csv"):
        with pytest.raises(MediaError, match="cannot be read"):
            read_recording(tmp_path / name)
