# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundled encoder is taught and by whom: the teacher's file, values without their place, batches on tapes."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models.speech.articulation import ARPABET, FEATURES, SILENCE_NAME
from core.models.speech.whisper import SIZE
from research.training import loop
from research.training.expression.data import _voice
from research.training.feature_bank import FacePair
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import LabelledSpeech
from research.training.phonetic.source import Drawing, SpeechBatch, SpeechSource
from research.training.phonetic.student import some_without_speech
from research.training.phonetic.teacher import WhisperTeacher, _torch_name, encoder_tensors
from research.training.whisper_projection import Moments, leading_components

pytestmark = pytest.mark.slow
DRAWING = Drawing((("made", 1.0),), 16, 20, (1.0, 1.0), 0.0)


def recording(speaker: str, first: int, frames: int, heldout: bool = False) -> LabelledSpeech:
    """Every frame's power tells which it is."""
    power = np.repeat(np.log(np.arange(first, first + 2 * frames) + 1.0)[:, None], 257, axis=1).astype(np.float32)
    phones = (np.arange(frames) % 39).astype(np.int8)
    return LabelledSpeech("made", speaker, heldout, power, phones, np.zeros((frames, len(FEATURES)), np.int8))


def variable(name: str, array: np.ndarray, kind: int) -> bytes:
    text = name.encode() + b"\0"
    shape = struct.pack(f"<{array.ndim}I", *array.shape)
    head = struct.pack("<H", len(text)) + text + bytes([array.ndim]) + shape
    return head + struct.pack("<BI", kind, array.nbytes) + array.tobytes()


def test_the_teachers_file_is_read_by_name_shape_and_type() -> None:
    half, single = np.arange(6, dtype=np.float16).reshape(2, 3), np.ones(4, np.float32)
    body = variable("encoder/conv1/weight", half, 4) + variable("decoder/x", single, 0)
    body += variable("encoder/layer_0/ffn/layer_norm/beta", single, 0)
    text = b"WhisperSpec\0"
    found = dict(
        encoder_tensors(struct.pack("<IH", 6, len(text)) + text + struct.pack("<II", 3, 3) + body + b"\0\0\0\0")
    )
    assert list(found) == ["conv1/weight", "layer_0/ffn/layer_norm/beta"]
    np.testing.assert_array_equal(found["conv1/weight"], half)


def test_every_weight_of_the_teacher_has_a_name_in_the_file() -> None:
    parts = ("self_attention/layer_norm", "self_attention/linear_0", "self_attention/linear_1")
    parts += ("ffn/layer_norm", "ffn/linear_0", "ffn/linear_1")
    ends = {"layer_norm": ("gamma", "beta")}
    names = [
        f"layer_{k}/{part}/{end}"
        for k in range(6)
        for part in parts
        for end in ends.get(part.split("/")[1], ("weight", "bias"))
    ]
    names += ["conv1/weight", "conv1/bias", "conv2/weight", "conv2/bias", "layer_norm/gamma", "layer_norm/beta"]
    names += ["position_encodings/encodings"]
    with torch.device("meta"):
        wanted = set(WhisperTeacher().state_dict())
    assert {_torch_name(name) for name in names} == wanted


def test_components_leave_out_what_only_the_place_changes() -> None:
    same, changing = np.eye(SIZE) * 0.01, np.eye(SIZE) * 0.001
    same[0, 0] = same[1, 1] = 1.0
    # larger than all else, and nothing but the place
    changing[2, 2] = 50.0
    found = leading_components(Moments(np.zeros(SIZE), same, changing))
    strength = np.square(found[:, :64]).sum(axis=1)
    assert set(np.argsort(-strength)[:2]) == {0, 1}
    assert strength[2] < 1e-3 * strength[0]


def test_crops_run_through_what_a_speaker_said_and_begin_again_at_its_end() -> None:
    source = SpeechSource([recording("a", 0, 15), recording("a", 30, 15)], DRAWING)
    batch = source.draw(np.random.default_rng(0))
    steps = batch.power[:, :, 0].round() - 1
    assert batch.power.shape == (16, 40, 257) and batch.phones.shape == (16, 20)
    torch.testing.assert_close((steps[:, 1:] - steps[:, :-1]) % 60, torch.ones(16, 39))
    # labels stay with their frames
    place = (steps[:, ::2] / 2).long()
    torch.testing.assert_close(batch.phones, (place % 15) % 39)


def test_nobody_who_is_held_out_is_drawn_and_everybody_speaks_alike() -> None:
    speech = [recording("a", 0, 30), recording("b", 1000, 60), recording("c", 5000, 60, heldout=True)]
    drawn = torch.cat([SpeechSource(speech, DRAWING).draw(np.random.default_rng(k)).power[:, 0, 0] for k in range(20)])
    assert drawn.max() < 2000
    assert 0.35 < (drawn > 500).float().mean() < 0.65


def test_faster_speech_takes_more_of_the_tape() -> None:
    quick = SpeechSource([recording("a", 0, 200)], replace(DRAWING, tempo=(2.0, 2.0), retimed_share=1.0))
    power = quick.draw(np.random.default_rng(0)).power[:, :, 0]
    inside = power[power[:, 0] < power[:, -1]]
    torch.testing.assert_close(inside[:, 1:] - inside[:, :-1], torch.full((len(inside), 39), 2.0), atol=0.1, rtol=0)


def test_music_and_noise_alone_are_silence() -> None:
    batch = SpeechBatch(torch.rand(256, 40, 257), torch.ones(256, 20).long(), torch.ones(256, 20, 7).long())
    changed, values = some_without_speech(
        batch, torch.ones(256, 20, 64), torch.zeros(64), torch.Generator().manual_seed(0)
    )
    silent = (changed.phones == ARPABET.index(SILENCE_NAME)).all(dim=1)
    assert 4 <= silent.sum() <= 40
    assert (values[silent] == 0).all() and (values[~silent] == 1).all()
    torch.testing.assert_close(changed.power[~silent], batch.power[~silent])
    assert torch.isfinite(changed.power).all()


@pytest.mark.parametrize(("share", "crowds"), [(0.0, {0.0, 1.0}), (1.0, {2.0}), (None, {0.0, 1.0, 2.0})])
def test_a_crowd_is_behind_as_many_samples_as_wanted(share: float | None, crowds: set[float]) -> None:
    voices = np.repeat(np.arange(3, dtype=np.float16)[:, None, None], 4, axis=1)
    pair = FacePair("a", voices, np.zeros((2, 53), np.float32), np.zeros(12, np.float32), crowded=1)
    rng = np.random.default_rng(0)
    assert {float(_voice(pair, rng, share)[0, 0]) for _ in range(60)} == crowds


def test_the_average_that_was_judged_best_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    schedule = Schedule(steps=6, horizon_steps=6, cool_down_steps=1, learning_rate=0.1, save_every=1)
    seen: list[torch.Tensor] = []

    def judge(network: torch.nn.Linear) -> float:
        seen.append(network.weight.detach().clone())
        return -abs(len(seen) - 3)

    def loss_of(network: torch.nn.Module, chance: Chance) -> torch.Tensor:
        return network(torch.ones(1, 1)).square().sum()

    trained = TrainingRun(torch.nn.Linear(1, 1), schedule, "judged").train(loss_of, judge)
    torch.testing.assert_close(trained.weight, seen[2])
    assert not torch.equal(seen[2], seen[5])
