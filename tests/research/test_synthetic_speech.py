# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic speech: sounds are where their times say, and what is held out is never trained on."""

from __future__ import annotations

import ctypes
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import EngineSetupError
from core.models.speech.articulation import articulations_of_ipa
from research.corpus import espeak as espeak_module
from research.corpus import flite as flite_module
from research.corpus import synthetic_speech
from research.corpus.espeak import Delivery, TimedSpeech, espeak, timed_phones
from research.corpus.flite import flite_speech
from research.corpus.languages import languages
from research.corpus.synthetic_speech import Amounts, load_synthetic, render_all, synthetic_recipes

RATE = 16_000


def _has_espeak() -> bool:
    try:
        ctypes.CDLL(espeak_module.LIBRARY)
    except OSError:
        return False
    return True


needs_espeak = pytest.mark.skipif(not _has_espeak(), reason="espeak-ng is not installed")
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def _decibels(speech: TimedSpeech, start: float, end: float) -> float:
    part = speech.samples[round(start * RATE) : round(end * RATE)].astype(float) / 32768.0
    return float(20 * np.log10(np.sqrt(np.mean(part**2)) + 1e-6))


def _tone(seconds: float, rate: int = 22_050) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate)


def test_the_silence_before_a_burst_belongs_to_the_stop() -> None:
    sound = np.concatenate([_tone(0.2), np.zeros(1764), _tone(0.2)])  # 80 ms of silence
    phones = timed_phones([(0.0, "a"), (0.28, "p"), (0.31, "a")], sound, 22_050)
    assert [p.name for p in phones] == ["a", "p", "a"]
    assert phones[1].start_seconds == pytest.approx(0.2, abs=0.005)


def test_other_sounds_keep_the_start_that_espeak_gives() -> None:
    sound = np.concatenate([_tone(0.2), np.zeros(1764), _tone(0.2)])
    phones = timed_phones([(0.0, "a"), (0.28, "s"), (0.31, "a")], sound, 22_050)
    assert phones[1].start_seconds == pytest.approx(0.28)


def test_nameless_events_are_pauses_only_where_nothing_sounds() -> None:
    sound = np.concatenate([_tone(0.2), np.zeros(4410), _tone(0.2)])
    paused = timed_phones([(0.0, "a"), (0.2, ""), (0.4, "m")], sound, 22_050)
    assert [p.name for p in paused] == ["a", "SIL", "m"]
    linked = timed_phones([(0.0, "a"), (0.1, ""), (0.15, "m")], _tone(0.6), 22_050)
    assert [(p.name, p.start_seconds) for p in linked] == [("a", 0.0), ("m", 0.1)]


def test_pauses_in_a_row_become_one_and_language_marks_vanish() -> None:
    sound = np.concatenate([np.zeros(6615), _tone(0.3)])
    phones = timed_phones([(0.05, ""), (0.1, "(en)"), (0.2, ""), (0.3, "a")], sound, 22_050)
    assert [(p.name, p.start_seconds) for p in phones] == [("SIL", 0.0), ("a", pytest.approx(0.3, abs=0.01))]


@needs_espeak
def test_closures_of_p_are_quiet_and_vowels_around_are_loud() -> None:
    speech = espeak().say("Papa abita. Apa opa.", Delivery("it"))
    stops = [p for p in speech.phones if p.name == "p"]
    assert len(stops) == 4
    for stop in stops:
        assert _decibels(speech, stop.start_seconds + 0.004, stop.start_seconds + 0.03) < -50
    for vowel in (p for p in speech.phones if p.name == "a"):
        assert _decibels(speech, vowel.start_seconds, vowel.end_seconds) > -30


@needs_espeak
def test_the_first_sound_begins_where_its_event_says() -> None:
    speech = espeak().say("Mama.", Delivery("it"))
    first = next(p for p in speech.phones if p.name == "m")
    loud = np.flatnonzero(np.abs(speech.samples) > 200)[0] / RATE
    assert loud == pytest.approx(first.start_seconds, abs=0.02)


@needs_espeak
def test_phones_cover_the_whole_sound_without_gaps() -> None:
    speech = espeak().say("Ein Pferd hüpft, und dann?", Delivery("de+f3", words_per_minute=200))
    edges = [(p.start_seconds, p.end_seconds) for p in speech.phones]
    assert edges[0][0] == 0.0
    assert edges[-1][1] == pytest.approx(speech.seconds, abs=0.001)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))


@needs_espeak
def test_rate_and_pitch_change_the_speech() -> None:
    slow, fast = (espeak().say("Una frase breve.", Delivery("it", words_per_minute=r)).seconds for r in (120, 220))
    assert fast < 0.75 * slow
    low, high = (espeak().say("mamma", Delivery("it", pitch=p)).samples for p in (20, 80))
    assert not np.array_equal(low, high)


@needs_espeak
def test_every_symbol_of_every_language_is_known() -> None:
    for language in languages():
        for text in (language.sentences[0], language.heldout[0]):
            speech = espeak().say(text, Delivery(language.voice))
            names = {p.name for p in speech.phones}
            assert all(articulations_of_ipa(name) for name in names), language.name
            assert any(articulations_of_ipa(name)[0].lips == "closed" for name in names), language.name


@needs_espeak
def test_an_unknown_voice_is_refused_with_its_name() -> None:
    with pytest.raises(EngineSetupError, match="xx-nothing"):
        espeak().say("a", Delivery("xx-nothing"))


@needs_flite
def test_flite_gives_arpabet_with_times() -> None:
    speech = flite_speech("My baby.", "rms")
    assert [p.name for p in speech.phones] == ["SIL", "M", "AY", "B", "EY", "B", "IY", "SIL"]
    assert speech.phones[-1].end_seconds == pytest.approx(speech.seconds, abs=0.03)


def test_missing_engines_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_module, "LIBRARY", "libespeak-not-there.so")
    with pytest.raises(EngineSetupError, match="apt-get install espeak-ng"):
        espeak_module.Espeak()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineSetupError, match="apt-get install flite"):
        flite_module.flite_speech("a", "rms")


def test_recipes_follow_from_the_seed_and_scoring_from_nothing() -> None:
    amounts = Amounts(of_each_language=4, by_flite=3)
    first, again, other = (synthetic_recipes(amounts, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert [r for r in first if r.heldout] == [r for r in other if r.heldout]


def test_heldout_voices_and_sentences_are_never_trained_on() -> None:
    recipes = synthetic_recipes()
    voices = [{r.delivery.voice.split("+")[-1] for r in recipes if r.heldout is kind} for kind in (True, False)]
    assert not voices[0] & voices[1]
    heldout_texts = {r.text for r in recipes if r.heldout}
    assert heldout_texts == {text for language in languages() for text in language.heldout}
    assert not any(text in r.text for r in recipes if not r.heldout for text in heldout_texts)


def test_there_are_many_languages_with_sentences_of_their_own() -> None:
    found = languages()
    assert len({language.voice for language in found}) >= 14
    assert all(len(language.heldout) == 3 and len(language.sentences) >= 9 for language in found)


def test_loading_what_was_not_rendered_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EngineSetupError, match=r"python -m research\.training"):
        next(load_synthetic(cache=tmp_path))


@needs_espeak
def test_rendering_again_gives_the_same_and_loads_as_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [r for r in synthetic_recipes() if not r.by_flite][:2]
    monkeypatch.setattr(synthetic_speech, "synthetic_recipes", lambda amounts, seed: some)
    for folder in ("one", "two"):
        assert all(path.is_file() for path in render_all(processes=1, cache=tmp_path / folder))
    one, two = (list(load_synthetic(cache=tmp_path / folder)) for folder in ("one", "two"))
    for recipe, first, second in zip(some, one, two, strict=True):
        assert np.array_equal(first.samples, second.samples)
        assert first.phones == second.phones
        assert (first.symbols, first.language, first.voice) == ("ipa", recipe.language, recipe.delivery.voice)
        assert len(first.samples) / RATE == pytest.approx(first.phones[-1].end_seconds, abs=0.001)
        assert np.std(first.samples) > 0.02
