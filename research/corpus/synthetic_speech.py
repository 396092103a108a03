# SPDX-License-Identifier: GPL-3.0-or-later
"""Two and a half hours of synthetic speech in 22 languages with the time of every sound, cached in build/synthetic.

What is said and by whom follows from a seed. Some voices, and each language's last sentences, are held out together:
neither is ever trained on. Needs espeak-ng and flite.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import EngineSetupError
from core.models.speech.articulation import SILENCE_NAME
from research.corpus.espeak import Delivery, TimedSpeech, espeak
from research.corpus.flite import flite_speech
from research.corpus.frame_labels import Symbols
from research.corpus.languages import Language, languages
from research.corpus.phones import Phone
from research.paths import BUILD

CACHE_ROOT = BUILD / "synthetic"
# a change of how sounds are made or timed makes old files useless
VERSION = 1
# espeak-ng's variants: formants, pitch and voice quality; the rare ones creak or whisper
VARIANTS = (
    *("m1", "m2", "m3", "m4", "m5", "m6", "m8", "f1", "f2", "f3", "f5"),
    *("klatt2", "klatt4", "Andrea", "Alex", "Mario", "steph", "Michael"),
)
RARE_VARIANTS = ("croak", "whisper", "whisperf")
HELDOUT_VARIANTS = ("m7", "f4", "klatt3")
FLITE_VOICES = ("slt", "awb")
HELDOUT_FLITE_VOICE = "rms"
_RARE_EVERY = 12
_PAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Amounts:
    """Utterances for each language by espeak-ng, and by flite in English; about 6 s each."""

    of_each_language: int = 56
    by_flite: int = 260


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that one utterance follows from. delivery: espeak-ng's, or with ``flite-`` before flite's voice."""

    language: str
    text: str
    delivery: Delivery
    heldout: bool

    @property
    def by_flite(self) -> bool:
        """True for flite's English."""
        return self.delivery.voice.startswith("flite-")

    @property
    def key(self) -> str:
        """File name: the language and a fingerprint."""
        made_of = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return f"{self.language.lower()}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticUtterance:
    """samples: (N,) float32 at 16 kHz; phones: gapless, in the alphabet that ``symbols`` names."""

    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]
    symbols: Symbols
    language: str
    voice: str
    heldout: bool

    @property
    def speech(self) -> Speech:
        """As encoders take it."""
        return Speech(self.samples, f"synthetic {self.language} {self.voice}")


def synthetic_recipes(amounts: Amounts | None = None, seed: int = 0) -> list[Recipe]:
    """What to say and how; the same for the same seed. Held-out ones are last and do not depend on the amounts."""
    amounts = amounts or Amounts()
    train = [recipe for language in languages() for recipe in _train_recipes(language, amounts, seed)]
    heldout = [recipe for language in languages() for recipe in _heldout_recipes(language)]
    return list(dict.fromkeys(train + heldout))


def render_all(
    amounts: Amounts | None = None, seed: int = 0, processes: int = 2, cache: Path = CACHE_ROOT
) -> list[Path]:
    """Fill the cache (a minute); an interrupted run resumes. Files in the recipes' order."""
    return _render_missing(synthetic_recipes(amounts, seed), processes, cache)


def load_synthetic(
    amounts: Amounts | None = None, seed: int = 0, cache: Path = CACHE_ROOT
) -> Iterator[SyntheticUtterance]:
    """Every utterance of the recipes. Raises :class:`EngineSetupError` where they are not rendered yet."""
    for recipe in synthetic_recipes(amounts, seed):
        path = _path(recipe, cache)
        if not path.is_file():
            raise EngineSetupError(
                f"Synthetic speech is not rendered: {path} is missing.", "Run python -m research.training synthetic."
            )
        yield _load(path)


def heldout_utterances(processes: int = 2, cache: Path = CACHE_ROOT) -> Iterator[SyntheticUtterance]:
    """What is held out, rendered where it is not there yet. Raises :class:`EngineSetupError` without the engines."""
    recipes = [recipe for recipe in synthetic_recipes(Amounts(0, 0)) if recipe.heldout]
    return (_load(path) for path in _render_missing(recipes, processes, cache))


def render(recipe: Recipe) -> SyntheticUtterance:
    """One utterance with a little silence on both sides. Raises :class:`EngineSetupError` without the engines."""
    if recipe.by_flite:
        timed = flite_speech(recipe.text, recipe.delivery.voice.removeprefix("flite-"))
    else:
        timed = espeak().say(recipe.text, recipe.delivery)
    timed = _padded(timed)
    return SyntheticUtterance(
        timed.samples.astype(np.float32) / 32768.0,
        timed.phones,
        "arpabet" if recipe.by_flite else "ipa",
        recipe.language,
        recipe.delivery.voice,
        recipe.heldout,
    )


def _train_recipes(language: Language, amounts: Amounts, seed: int) -> Iterator[Recipe]:
    rng = _generator(language.name, seed)
    for index in range(amounts.of_each_language):
        variant = str(rng.choice(RARE_VARIANTS if index % _RARE_EVERY == _RARE_EVERY - 1 else VARIANTS))
        delivery = Delivery(
            f"{language.voice}+{variant}",
            words_per_minute=int(rng.integers(120, 221)),
            pitch=int(rng.integers(20, 81)),
            pitch_range=int(rng.integers(20, 81)),
        )
        yield Recipe(language.name, _text(language, rng, index), delivery, heldout=False)
    for index in range(amounts.by_flite if language.name == "English" else 0):
        delivery = Delivery(f"flite-{FLITE_VOICES[index % len(FLITE_VOICES)]}")
        yield Recipe(language.name, _text(language, rng, index), delivery, heldout=False)


def _heldout_recipes(language: Language) -> Iterator[Recipe]:
    for index, text in enumerate(language.heldout):
        # slow, usual, fast
        rate = (140, 170, 200)[index % 3]
        for variant in HELDOUT_VARIANTS[:2] if index % 2 == 0 else HELDOUT_VARIANTS[1:]:
            yield Recipe(language.name, text, Delivery(f"{language.voice}+{variant}", rate), heldout=True)
        if language.name == "English":
            yield Recipe(language.name, text, Delivery(f"flite-{HELDOUT_FLITE_VOICE}"), heldout=True)


def _text(language: Language, rng: np.random.Generator, index: int) -> str:
    # every other utterance is two whole sentences; the rest mixes words, for contexts that sentences lack
    if index % 2 == 0:
        first, second = rng.choice(len(language.sentences), 2, replace=False)
        return f"{language.sentences[first]} {language.sentences[second]}"
    words = " ".join(language.sentences).split()
    count = min(int(rng.integers(12, 19)), len(words))
    return " ".join(words[i].strip(".?!。") for i in rng.choice(len(words), count, replace=False)) + "."


def _generator(name: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{name} {seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _padded(timed: TimedSpeech) -> TimedSpeech:
    pad = np.zeros(round(_PAD_SECONDS * SAMPLE_RATE), np.int16)
    shifted = [Phone(p.name, p.start_seconds + _PAD_SECONDS, p.end_seconds + _PAD_SECONDS) for p in timed.phones]
    samples = np.concatenate([pad, timed.samples, pad])
    end = shifted[-1].end_seconds if shifted else 0.0
    before, after = Phone(SILENCE_NAME, 0.0, _PAD_SECONDS), Phone(SILENCE_NAME, end, len(samples) / SAMPLE_RATE)
    return TimedSpeech(samples, (before, *shifted, after))


def _path(recipe: Recipe, cache: Path) -> Path:
    return cache / f"{recipe.key}.npz"


def _render_missing(recipes: Sequence[Recipe], processes: int, cache: Path) -> list[Path]:
    cache.mkdir(parents=True, exist_ok=True)
    batches: dict[tuple[object, ...], list[Recipe]] = {}
    for recipe in recipes:
        batches.setdefault((recipe.language, recipe.heldout, recipe.by_flite), []).append(recipe)
    missing = [batch for batch in batches.values() if not all(_path(recipe, cache).is_file() for recipe in batch)]
    # espeak-ng's noise depends on all that its process said before: a fresh one for each batch repeats it
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=1) as pool:
        for _ in pool.map(_render_batch, missing, [cache] * len(missing)):
            pass
    return [_path(recipe, cache) for recipe in recipes]


def _render_batch(recipes: Sequence[Recipe], cache: Path) -> None:
    for recipe in recipes:
        _render_to(recipe, cache)


def _render_to(recipe: Recipe, cache: Path) -> None:
    made, path = render(recipe), _path(recipe, cache)
    details = {"symbols": made.symbols, "language": made.language, "voice": made.voice, "heldout": made.heldout}
    times = np.array([(p.start_seconds, p.end_seconds) for p in made.phones])
    # an interrupted run must not leave half a file under the final name
    unfinished = path.with_suffix(".part.npz")
    np.savez(
        unfinished,
        samples=np.round(made.samples * 32768.0).astype(np.int16),
        times=times,
        names=np.array([p.name for p in made.phones]),
        details=np.array(json.dumps(details)),
    )
    unfinished.replace(path)


def _load(path: Path) -> SyntheticUtterance:
    with np.load(path) as file:
        times, names = file["times"], file["names"]
        phones = tuple(Phone(str(n), float(a), float(b)) for n, (a, b) in zip(names, times, strict=True))
        samples = file["samples"].astype(np.float32) / 32768.0
        details = json.loads(str(file["details"]))
    return SyntheticUtterance(samples, phones, **details)
