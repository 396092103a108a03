# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training whisper``: Whisper's leading values, and a small reader of what they say of the lips.

The reader learns lips apart, closed and lip to teeth from recordings with known texts and from synthetic speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.models.device import choose_device
from core.models.speech.articulation import FEATURES
from core.models.speech.whisper import PROJECTION_FILE, WINDOW_FRAMES, WhisperProjection, around
from core.models.speech.whisper_files import MODEL_SHA256
from core.weights import VENDOR_MODELS, record_checksum, write_tensors
from research.paths import DATA_ROOT
from research.training.phonetic.data import LabelledSpeech
from research.training.phonetic.distillation import load_distillation
from research.training.phonetic.first_stage import first_stage
from research.training.phonetic.source import Drawing, Shares, SpeechSource
from research.training.phonetic.teacher import Teaching, WhisperTeacher, load_teacher
from research.training.whisper_projection import (
    CACHE_ROOT,
    LEADING,
    SHIPPED_WIDTH,
    components,
    files,
    wide_projection,
)

HIDDEN = 64
STEPS = 1500
WINDOWS, ROUNDS = 32, 20
SHARES: Shares = (("librispeech", 0.5), ("ljspeech", 0.1), ("vctk", 0.1), ("grid", 0.1), ("espeak", 0.2))
BATCH = 1024
LEARNING_RATE = 2e-3
LIPS = [feature.name for feature in FEATURES].index("lips")
CLOSED = FEATURES[LIPS].classes.index("closed")


def width_projection(width: int) -> WhisperProjection:
    """The first ``width`` components with a reader of the lips of their own, cached under build/whisper."""
    path = CACHE_ROOT / f"projection-{width}.safetensors"
    if not path.is_file():
        device = torch.device(choose_device("auto"))
        speech = list(load_distillation(DATA_ROOT, first_stage().to(device)))
        save_projection(fit_reader(wide_projection(), width, heard(speech, load_teacher(files()), device)), path)
    return WhisperProjection.load(path)


@dataclass(frozen=True, slots=True, eq=False)
class HeardLips:
    """values (N, T, ``LEADING``) of windows of speech, lips (N, T) their class, -1 unknown; unseen (N,): whose."""

    values: NDArray[np.float16]
    lips: NDArray[np.int8]
    unseen: NDArray[np.bool_]


def heard(speech: Sequence[LabelledSpeech], network: WhisperTeacher, device: torch.device) -> HeardLips:
    """What the teacher says in windows at random moments, of voices to learn from and of others."""
    wide = Teaching.of(network, wide_projection(), LEADING, device)
    values, lips, unseen = [], [], []
    for left_out, rounds in ((False, ROUNDS), (True, ROUNDS // 4)):
        drawing = Drawing(SHARES, WINDOWS, WINDOW_FRAMES, (0.85, 1.2), 0.5)
        source = SpeechSource(speech, drawing, device, heldout=left_out)
        for index in range(rounds):
            batch = source.draw(np.random.default_rng([17, int(left_out), index]))
            values.append(wide.values(batch.power).half().cpu().numpy())
            lips.append(batch.articulation[:, :, LIPS].cpu().numpy().astype(np.int8))
            unseen.append(np.full(len(batch.power), left_out))
    return HeardLips(np.concatenate(values), np.concatenate(lips), np.concatenate(unseen))


def fit_reader(wide: WhisperProjection, width: int, samples: HeardLips) -> WhisperProjection:
    """A two-layer reader of the lips from five frames of ``width`` values."""
    torch.manual_seed(0)
    given = [around(window[:, :width].astype(np.float32)).astype(np.float16) for window in samples.values]
    inputs = torch.from_numpy(np.concatenate(given))
    lips = torch.from_numpy(np.concatenate(samples.lips)).long()
    unseen = torch.from_numpy(np.repeat(samples.unseen, samples.lips.shape[1]))
    inner, outer = torch.nn.Linear(inputs.shape[1], HIDDEN), torch.nn.Linear(HIDDEN, len(FEATURES[LIPS].classes))
    optimiser = torch.optim.AdamW([*inner.parameters(), *outer.parameters()], lr=LEARNING_RATE, weight_decay=0.05)
    places = torch.nonzero((lips >= 0) & ~unseen)[:, 0]
    generator = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
        chosen = places[torch.randint(len(places), (BATCH,), generator=generator)]
        noisy = inputs[chosen].float()
        noisy = noisy + 0.1 * torch.randn(noisy.shape, generator=generator)
        loss = torch.nn.functional.cross_entropy(outer(torch.relu(inner(noisy))), lips[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.inference_mode():
        found = outer(torch.relu(inner(inputs.float()))).argmax(dim=1)
    for name, mask in (("seen", (lips >= 0) & ~unseen), ("unseen", (lips >= 0) & unseen)):
        _tell(name, found[mask], lips[mask])
    return replace(
        wide,
        components=wide.components[:, :width],
        inner=inner.weight.detach().numpy().T.copy(),
        inner_offset=inner.bias.detach().numpy(),
        outer=outer.weight.detach().numpy().T.copy(),
        outer_offset=outer.bias.detach().numpy(),
    )


def _tell(name: str, found: torch.Tensor, lips: torch.Tensor) -> None:
    right, shut, said = (found == lips).float(), lips == CLOSED, found == CLOSED
    print(
        f"{name} voices: {len(lips)} frames, {right.mean():.3f} right; shut lips found {right[shut].mean():.3f}, "
        f"said shut and shut {right[said].mean():.3f}",
        flush=True,
    )


def save_projection(projection: WhisperProjection, path: Path) -> None:
    """Write for :meth:`WhisperProjection.load`."""
    names = ("mean", "components", "inner", "inner_offset", "outer", "outer_offset", "filters")
    write_tensors(path, {name: getattr(projection, name) for name in names}, {"teacher": MODEL_SHA256})


def run(data: Path) -> None:
    """Fit and write the shipped projection, and its checksum."""
    device = torch.device(choose_device("auto"))
    speech = list(load_distillation(data, first_stage().to(device)))
    wide = components(speech, device)
    fitted = fit_reader(wide, SHIPPED_WIDTH, heard(speech, load_teacher(files()), device))
    save_projection(fitted, VENDOR_MODELS / PROJECTION_FILE)
    print(f"{PROJECTION_FILE}: sha256 {record_checksum(PROJECTION_FILE)}")
