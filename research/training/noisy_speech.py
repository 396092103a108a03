# SPDX-License-Identifier: GPL-3.0-or-later
"""Open speech as Whisper and the bundled encoder hear it, clean and through noise: what the correction learns from.

Nobody whom the protocol scores is heard here, and none of the readers that it scores with.
"""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import itertools
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE
from core.models.speech.mel import power_spectrogram
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.prosody import prosody
from core.models.speech.whisper import WhisperProjection, in_windows, whisper_mel
from research.corpus.augment import colour, mel_features, smear
from research.corpus.clips import KNOWN_TALKER
from research.corpus.crowd import Crowd, added, heard_readers, unheard_readers
from research.corpus.speech import Utterance, aligned_utterances, is_heldout, unlabelled_utterances
from research.paths import BUILD
from research.training.expression.rest import music
from research.training.whisper_projection import network

CACHE_ROOT = BUILD / "noise"
# one recording in so many of each corpus; of GRID only s1, whom no fold leaves out unless asked
ONE_IN = {"librispeech": 3, "ljspeech": 14, "vctk": 4, "facegood": 8, "grid": 40}
MOST_SECONDS, PART_SECONDS, WINDOW_SECONDS = 8, 40, 10
LOUDNESS = 0.05
COMPLETE = "complete"
# pieces in which nobody speaks: one in seven, so that music is not made speech
REST_PARTS = 4
# how a part is heard: as it is, with talkers, with anything
CLEAN, TALKERS, ANYTHING = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """heard: (3, N, 166) Whisper's values, the bundled encoder's and prosody, by way of hearing."""

    heldout: bool
    speaks: bool
    heard: NDArray[np.float16]

    def clean(self, way: int, frames: slice) -> NDArray[np.float32]:
        """(T, 166) what shall be made of that way of hearing; where nobody speaks there is nothing to correct."""
        return self.heard[CLEAN if self.speaks else way, frames].astype(np.float32)


class Listener:
    """Both encoders, and the sounds that are put behind speech."""

    def __init__(self, data: Path) -> None:
        torch.set_num_threads(1)
        self._data = data
        self._projection = WhisperProjection.load()
        self._other = PhoneticEncoder.load().network

    @functools.cached_property
    def _crowd(self) -> Crowd:
        return Crowd.of_recordings(heard_readers(self._data))

    def rest(self, samples: NDArray[np.float32], seed: int) -> NDArray[np.float16]:
        """(3, N, 166) of a sound in which nobody speaks, at three places, at last in a room."""
        generator = torch.Generator().manual_seed(seed)
        return np.stack([self._heard(samples, first, room) for first, room in ((0, None), (4, None), (7, generator))])

    def part(self, samples: NDArray[np.float32], seed: int) -> NDArray[np.float16]:
        """(3, N, 166) of one sound, each time at another place of Whisper's window."""
        rng = np.random.default_rng([20261127, seed])
        behind = self._talkers(samples, rng, (0.0, 18.0)) if rng.random() < 0.4 else self._sound(samples, rng)
        found = [
            self._heard(samples, 0.0, None),
            self._heard(self._talkers(samples, rng, (-4.0, 13.0)), rng.choice([2.5, 7.5]), None),
            self._heard(behind, rng.choice([1.0, 4.0, 8.0]), torch.Generator().manual_seed(seed)),
        ]
        return np.stack(found)

    def _talkers(
        self, samples: NDArray[np.float32], rng: np.random.Generator, decibels: tuple[float, float]
    ) -> NDArray[np.float32]:
        """Other talkers every ten seconds, one to eight of them."""
        size = WINDOW_SECONDS * SAMPLE_RATE
        pieces = [samples[first : first + size] for first in range(0, len(samples), size)]
        counts = rng.choice([1, 2, 3, 4, 6, 6, 6, 8], len(pieces))
        return np.concatenate(
            [self._crowd.behind(p, rng.uniform(*decibels), rng, int(n)) for p, n in zip(pieces, counts, strict=True)]
        )

    def _sound(self, samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Music or coloured noise behind."""
        if rng.random() < 0.5:
            pieces = [music(rng) for _ in range(len(samples) // (12 * SAMPLE_RATE) + 1)]
            return added(samples, np.concatenate(pieces)[: len(samples)], rng.uniform(-2.0, 20.0))
        spectrum = np.fft.rfft(rng.normal(size=len(samples)))
        tilt = np.interp(np.linspace(0, 5, len(spectrum)), np.arange(6), rng.normal(size=6))
        return added(samples, np.fft.irfft(spectrum * np.exp(tilt), len(samples)), rng.uniform(-2.0, 20.0))

    def _heard(
        self, samples: NDArray[np.float32], seconds: float, generator: torch.Generator | None
    ) -> NDArray[np.float16]:
        """(N, 166); the first window is ``seconds`` long. generator: of a room and a microphone."""
        power = power_spectrogram(samples)[: len(samples) // 320 * 2]
        size, first = 100 * WINDOW_SECONDS, round(100 * seconds)
        cuts = [0, *range(first or size, len(power) - size // 2, size), len(power)]
        pieces = [power[a:b] for a, b in itertools.pairwise(cuts)]
        if generator is not None:
            pieces = [colour(smear(torch.from_numpy(p)[None], generator), generator)[0].numpy() for p in pieces]
        values = [in_windows(network(), whisper_mel(piece, self._projection.filters)) for piece in pieces]
        with torch.inference_mode():
            other = self._other(mel_features(torch.from_numpy(np.concatenate(pieces))[None])).features[0].numpy()
        sounds = prosody(samples)[: len(other)]
        return np.concatenate([self._projection.leading(np.concatenate(values)), other, sounds], axis=1).astype(
            np.float16
        )


def recordings(data: Path) -> list[Utterance]:
    """What is heard, in the order of parts."""
    never = {utterance.key for utterance in unheard_readers(data)}
    everything = aligned_utterances(data) + unlabelled_utterances(data)
    chosen = []
    for corpus, every in ONE_IN.items():
        own = [u for u in everything if u.corpus == corpus and (corpus != "grid" or u.speaker == KNOWN_TALKER)]
        chosen += [utterance for utterance in own[::every] if utterance.key not in never]
    return sorted(chosen, key=is_heldout)


def tapes(data: Path) -> list[tuple[bool, NDArray[np.float32]]]:
    """Held out or not, and 40 s of several speakers each, every recording equally loud."""
    found: list[tuple[bool, NDArray[np.float32]]] = []
    for left_out in (False, True):
        tape = np.concatenate([_loud(u) for u in recordings(data) if is_heldout(u) is left_out])
        size = PART_SECONDS * SAMPLE_RATE
        found += [(left_out, tape[a : a + size]) for a in range(0, len(tape) - size // 2, size)]
    return [(left_out, part[: len(part) // 320 * 320]) for left_out, part in found]


def rest_tapes() -> list[NDArray[np.float32]]:
    """40 s each of silence with hiss of several levels, then of music."""
    rng, size = np.random.default_rng(20261128), PART_SECONDS * SAMPLE_RATE
    hiss = [rng.normal(size=size // 4) * level for level in (0.0, *(10 ** rng.uniform(-4, -1.5, 3)))]
    found = [np.concatenate(hiss)]
    for _ in range(REST_PARTS - 1):
        pieces = [music(rng) for _ in range(PART_SECONDS // 12 + 1)]
        found.append(np.concatenate(pieces)[:size])
    return [tape.astype(np.float32) for tape in found]


def _loud(utterance: Utterance) -> NDArray[np.float32]:
    samples = utterance.load().samples[: MOST_SECONDS * SAMPLE_RATE]
    scaled: NDArray[np.float32] = (samples * (LOUDNESS / max(float(np.std(samples)), 1e-6))).astype(np.float32)
    return scaled


def parts(data: Path, processes: int = 2) -> list[Part]:
    """All of it, from the cache where it is; an interrupted run resumes."""
    folder = CACHE_ROOT / _described(data)
    if not (folder / COMPLETE).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        sounds = [("heldout" if left_out else "heard", tape) for left_out, tape in tapes(data)]
        sounds += [("rest", tape) for tape in rest_tapes()]
        named = [(f"{k:03}-{kind}.npy", k, tape) for k, (kind, tape) in enumerate(sounds)]
        missing = [item for item in named if not (folder / item[0]).is_file()]
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
            for name in pool.map(functools.partial(_fill, data, folder), missing):
                print(f"heard {name}", flush=True)
        (folder / COMPLETE).touch()
    kinds = [(path, path.stem.split("-")[1]) for path in sorted(folder.glob("*.npy"))]
    return [Part(kind == "heldout", kind != "rest", np.load(path)) for path, kind in kinds]


def _described(data: Path) -> str:
    """A folder's name: what is heard, and by whom."""
    ears = [WhisperProjection.load().hash, PhoneticEncoder.load().hash, str(REST_PARTS)]
    keys = [*ears, *(item.key for item in recordings(data))]
    return hashlib.sha256(" ".join(keys).encode()).hexdigest()[:12]


@functools.cache
def _listener(data: Path) -> Listener:
    return Listener(data)


def _fill(data: Path, folder: Path, item: tuple[str, int, NDArray[np.float32]]) -> str:
    name, index, samples = item
    listener = _listener(data)
    heard = listener.rest(samples, index) if name.endswith("rest.npy") else listener.part(samples, index)
    partial = folder / f"{name}.part"
    with partial.open("wb") as file:
        np.save(file, heard)
    partial.rename(folder / name)
    return name
