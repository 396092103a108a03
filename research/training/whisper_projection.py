# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Whisper's 512 values a frame matter: those that say what is said, and not where in the window it is.

Whisper's encoder knows every frame's place among thirty seconds, and half of the variance of its leading principal
components is that place. So the same two seconds are heard at nine places; what stays the same (S) and what changes
(N) give the best linear guess of the former, S (S + N)^-1 (Wiener 1949), whose principal components are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.audio.speech import SAMPLE_RATE
from core.errors import ModelError
from core.models.speech.mel import BANDS, FFT_SIZE
from core.models.speech.whisper import SIZE, WINDOW_FRAMES, WhisperNetwork, WhisperProjection
from core.models.speech.whisper_files import WhisperFiles, find_whisper
from core.weights import file_hash
from research.paths import BUILD
from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech
from research.training.phonetic.source import Drawing, Shares, SpeechSource
from research.training.phonetic.teacher import Teaching, WhisperTeacher, load_teacher

CACHE_ROOT = BUILD / "whisper"
# more components than ship: the protocol finds how many serve
LEADING = 128
SHIPPED_WIDTH = 64
CONTENT_FRAMES = 100
PLACES = 9
ROUNDS, BATCH = 60, 8
# of the mean variance, added to what changes: no direction is trusted without limit
FLOOR = 1e-3
SHARES: Shares = (
    ("librispeech", 0.6),
    ("ljspeech", 0.1),
    ("vctk", 0.1),
    ("grid", 0.2),
)


def files() -> WhisperFiles:
    """Whisper-base's. Raises :class:`ModelError` where its weights are not here."""
    found = find_whisper()
    if found is None:
        raise ModelError("There is no Whisper-base here.", "Name its folder in MIMESH_WHISPER.")
    return found


@functools.cache
def network() -> WhisperNetwork:
    """Whisper-base on one core, as the product runs it."""
    return WhisperNetwork(files(), threads=1)


@functools.cache
def filters() -> NDArray[np.float32]:
    """(80, 257) Whisper's own bands (librosa's of unit area up to 8 kHz), scaled to a longer transform's more bins."""
    import librosa

    bands: NDArray[np.float32] = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_SIZE, n_mels=BANDS)
    return bands * np.float32(400 / FFT_SIZE)


def teaching(device: torch.device) -> Teaching:
    """The teacher with the shipped components of its values."""
    return Teaching.of(load_teacher(files()), wide_projection(), SHIPPED_WIDTH, device)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of Whisper's values: mean (512,); same, changing (512, 512): covariance of what a place leaves and alters."""

    mean: NDArray[np.float64]
    same: NDArray[np.float64]
    changing: NDArray[np.float64]


@torch.no_grad()
def moments(source: SpeechSource, whole: Teaching, rounds: int = ROUNDS) -> Moments:
    """source: crops of :data:`CROP`. whole: the teacher with all of its values as they are."""
    total = torch.zeros(SIZE, dtype=torch.float64)
    square, within = (torch.zeros(SIZE, SIZE, dtype=torch.float64) for _ in range(2))
    count = 0
    for index in range(rounds):
        power = source.draw(np.random.default_rng([13, index])).power
        heard = torch.stack([_content(power, place, whole) for place in range(PLACES)])
        same = heard.mean(dim=0)
        changes = (heard - same).flatten(0, 2).double().cpu()
        flat = same.flatten(0, 1).double().cpu()
        total, square, within = total + flat.sum(0), square + flat.T @ flat, within + changes.T @ changes
        count += len(flat)
    mean = total / count
    changing = within / (count * (PLACES - 1))
    # the mean of nine places still holds a ninth of what changes
    kept = square / count - torch.outer(mean, mean) - changing / PLACES
    return Moments(mean.numpy(), kept.numpy(), changing.numpy())


def _content(power: Tensor, place: int, whole: Teaching) -> Tensor:
    """(B, 100, 512) of the middle of a crop, heard at one of the places of a window."""
    before = place * (WINDOW_FRAMES - CONTENT_FRAMES) // (PLACES - 1)
    start = WINDOW_FRAMES - CONTENT_FRAMES - before
    window = power[:, MEL_PER_LABEL * start : MEL_PER_LABEL * (start + WINDOW_FRAMES)]
    return whole.values(window)[:, before : before + CONTENT_FRAMES]


def crops(device: torch.device | str, speech: Sequence[LabelledSpeech]) -> SpeechSource:
    """What :func:`moments` draws from: the content with all that can stand around it in a window."""
    drawing = Drawing(SHARES, BATCH, 2 * WINDOW_FRAMES - CONTENT_FRAMES, (1.0, 1.0), 0.0)
    return SpeechSource(speech, drawing, device)


def leading_components(found: Moments) -> NDArray[np.float32]:
    """(512, ``LEADING``), in units in which the first ``SHIPPED_WIDTH`` have variance 1 on the mean."""
    noise = found.changing + FLOOR * np.trace(found.same) / SIZE * np.eye(SIZE)
    guess = np.linalg.solve(found.same + noise, found.same)
    size, directions = np.linalg.eigh(found.same @ guess)
    size, directions = size[::-1], directions[:, ::-1]
    scale = 1.0 / np.sqrt(size[:SHIPPED_WIDTH].mean())
    print(
        f"{np.trace(found.changing) / np.trace(found.same + found.changing):.2f} of the variance is the place; "
        f"{SHIPPED_WIDTH} components hold {size[:SHIPPED_WIDTH].sum() / np.trace(found.same):.2f} of the rest",
        flush=True,
    )
    components: NDArray[np.float32] = (guess @ directions[:, :LEADING] * scale).astype(np.float32)
    return components


def everything(network_: WhisperTeacher, device: torch.device) -> Teaching:
    """The teacher with its 512 values as they are."""
    none = np.zeros((0, 0), np.float32)
    plain = WhisperProjection(
        np.zeros(SIZE, np.float32), np.eye(SIZE, dtype=np.float32), none, none, none, none, filters(), ""
    )
    return Teaching.of(network_, plain, SIZE, device)


def components(speech: Sequence[LabelledSpeech], device: torch.device) -> WhisperProjection:
    """Mean and ``LEADING`` components, cached under build/whisper. The reader of the lips is empty."""
    path = CACHE_ROOT / "components.npz"
    if not path.is_file():
        found = moments(crops(device, speech), everything(load_teacher(files()), device))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=found.mean.astype(np.float32), components=leading_components(found))
    return wide_projection()


def wide_projection() -> WhisperProjection:
    """All ``LEADING`` components, for caches. Raises :class:`ModelError` where they were not fitted yet."""
    path = CACHE_ROOT / "components.npz"
    if not path.is_file():
        raise ModelError("Whisper's components have not been fitted here.", "Run python -m research.training whisper.")
    with np.load(path) as stored:
        mean, leading = stored["mean"].astype(np.float32), stored["components"].astype(np.float32)
    none = np.zeros((0, 0), np.float32)
    projection = WhisperProjection(mean, leading, none, none, none, none, filters(), "")
    return replace(projection, hash=f"components {file_hash(path)}")
