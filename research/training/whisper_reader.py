# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training whisper``: Whisper's leading values, and a small reader of what they say of the lips.

The reader learns lips apart, closed and lip to teeth from recordings with known texts and from synthetic speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.models.speech.articulation import FEATURES
from core.models.speech.whisper import PROJECTION_FILE, WhisperProjection, around
from core.models.speech.whisper_files import MODEL_SHA256
from core.weights import VENDOR_MODELS, record_checksum, write_tensors
from research.paths import DATA_ROOT
from research.training.phonetic.data import LabelledSpeech
from research.training.phonetic.student import load_distillation, teacher_values
from research.training.whisper_projection import CACHE_ROOT, SHIPPED_WIDTH, components, wide_projection

HIDDEN = 64
STEPS = 1500
BATCH = 1024
LEARNING_RATE = 2e-3
LIPS = [feature.name for feature in FEATURES].index("lips")
CLOSED = FEATURES[LIPS].classes.index("closed")


def width_projection(width: int) -> WhisperProjection:
    """The first ``width`` components with a reader of the lips of their own, cached under build/whisper."""
    path = CACHE_ROOT / f"projection-{width}.safetensors"
    if not path.is_file():
        save_projection(fit_reader(wide_projection(), width, load_distillation(DATA_ROOT)), path)
    return WhisperProjection.load(path)


def fit_reader(wide: WhisperProjection, width: int, speech: Sequence[LabelledSpeech]) -> WhisperProjection:
    """A two-layer reader of the lips from five frames of ``width`` values."""
    torch.manual_seed(0)
    known = [item for item in speech if (item.articulation[:, LIPS] >= 0).any()]
    inputs = torch.from_numpy(np.concatenate([_around(item, width) for item in known]))
    lips = torch.from_numpy(np.concatenate([item.articulation[:, LIPS] for item in known])).long()
    unseen = torch.from_numpy(np.concatenate([np.full(len(item.phones), item.heldout) for item in known]))
    inner, outer = torch.nn.Linear(inputs.shape[1], HIDDEN), torch.nn.Linear(HIDDEN, len(FEATURES[LIPS].classes))
    optimiser = torch.optim.AdamW([*inner.parameters(), *outer.parameters()], lr=LEARNING_RATE, weight_decay=0.05)
    places = torch.nonzero((lips >= 0) & ~unseen)[:, 0]
    generator = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
        chosen = places[torch.randint(len(places), (BATCH,), generator=generator)]
        given = inputs[chosen].float()
        given = given + 0.1 * torch.randn(given.shape, generator=generator)
        loss = torch.nn.functional.cross_entropy(outer(torch.relu(inner(given))), lips[chosen])
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


def _around(item: LabelledSpeech, width: int) -> NDArray[np.float16]:
    return around(teacher_values(item)[:, :width].astype(np.float32)).astype(np.float16)


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
    components(data)
    save_projection(
        fit_reader(wide_projection(), SHIPPED_WIDTH, load_distillation(data)), VENDOR_MODELS / PROJECTION_FILE
    )
    print(f"{PROJECTION_FILE}: sha256 {record_checksum(PROJECTION_FILE)}")
