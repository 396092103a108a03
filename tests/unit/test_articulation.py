# SPDX-License-Identifier: GPL-3.0-or-later
"""Articulatory features: the same sound is the same whatever alphabet or marks it is written with."""

from __future__ import annotations

import pytest

from core.models.speech.articulation import ARPABET, FEATURES, SILENCE, articulations_of_arpabet, articulations_of_ipa

SPELT = "P:p B:b M:m F:f V:v TH:θ SH:ʃ CH:t͡ʃ JH:dʒ NG:ŋ Y:j W:w R:ɹ HH:h AA:ɑ UW:u AY:aɪ OW:oʊ ER:ɜ AH:ə OY:ɔɪ"
SAME_SOUND: dict[str, str] = dict(pair.split(":") for pair in SPELT.split())


@pytest.mark.parametrize("name", SAME_SOUND)
def test_both_alphabets_give_the_same_features(name: str) -> None:
    assert articulations_of_arpabet(name) == articulations_of_ipa(SAME_SOUND[name])


def test_there_are_forty_arpabet_names_and_all_have_valid_classes() -> None:
    assert len(set(ARPABET)) == 40
    assert ARPABET[0] == "SIL"
    for name in ARPABET:
        for sound in articulations_of_arpabet(name):
            assert len(sound.indices()) == len(FEATURES)


def test_only_the_diphthongs_of_arpabet_have_two_halves() -> None:
    assert {n for n in ARPABET if len(articulations_of_arpabet(n)) == 2} == {"AW", "AY", "EY", "OW", "OY"}
    first, second = articulations_of_arpabet("AY")
    assert (first.height, second.height) == ("open", "near_close")


def test_m_is_a_nasal_with_closed_lips() -> None:
    (sound,) = articulations_of_ipa("m")
    assert (sound.voicing, sound.place, sound.manner, sound.lips) == ("voiced", "bilabial", "nasal", "closed")


def test_indices_are_places_in_the_classes() -> None:
    (sound,) = articulations_of_arpabet("P")
    names = [f.classes[i] for f, i in zip(FEATURES, sound.indices(), strict=True)]
    assert names == ["voiceless", "bilabial", "stop", "none", "none", "unrounded", "closed"]


@pytest.mark.parametrize("symbol", ["p", "b", "pʰ", "ph", "bʱ", "pʲ", "b̥", "pʷ", "ɓ", "pː", "m̩"])
def test_lips_close_for_all_kin_of_m_b_p(symbol: str) -> None:
    (sound,) = articulations_of_ipa(symbol)
    assert sound.lips == "closed"


@pytest.mark.parametrize("symbol", ["f", "v", "ʋ", "ɱ"])
def test_lip_meets_teeth(symbol: str) -> None:
    assert articulations_of_ipa(symbol)[0].lips == "lip_teeth"


@pytest.mark.parametrize("symbol", ["β", "ɸ", "w", "t", "a", "u"])
def test_lips_stay_apart(symbol: str) -> None:
    assert articulations_of_ipa(symbol)[0].lips == "apart"


@pytest.mark.parametrize("symbol", ["y", "yː", "ø", "œ", "ʏ", "u", "ʊ", "o", "ɔ̃", "ɒ", "w", "ɥ", "ʍ", "kʷ", "ʉ", "ɵ"])
def test_rounded(symbol: str) -> None:
    assert articulations_of_ipa(symbol)[0].rounding == "rounded"


@pytest.mark.parametrize("symbol", ["i", "e", "ɯ", "ɯᵝ", "ɤ", "a", "ɑ̃", "ə", "j", "k", "ʃ"])
def test_unrounded(symbol: str) -> None:
    assert articulations_of_ipa(symbol)[0].rounding == "unrounded"


def test_front_and_back_of_vowels() -> None:
    found = {symbol: articulations_of_ipa(symbol)[0].backness for symbol in ("y", "œ", "ɯ", "u", "ɨ", "ə")}
    assert found == {"y": "front", "œ": "front", "ɯ": "back", "u": "back", "ɨ": "central", "ə": "central"}


def test_nasal_vowels_are_vowels() -> None:
    assert articulations_of_ipa("ɑ̃") == articulations_of_ipa("ɑ")
    assert articulations_of_ipa("ã") == articulations_of_ipa("a")


@pytest.mark.parametrize(
    ("symbol", "place", "voicing"),
    [
        ("ts", "alveolar", "voiceless"),
        ("t͡s", "alveolar", "voiceless"),
        ("ʣ", "alveolar", "voiced"),
        ("tʃʰ", "postalveolar", "voiceless"),
        ("tɕ", "postalveolar", "voiceless"),
        ("ʈʂ", "postalveolar", "voiceless"),
        ("tsh", "alveolar", "voiceless"),
        ("ts.h", "postalveolar", "voiceless"),
        ("dʒ", "postalveolar", "voiced"),
    ],
)
def test_affricates_are_one_sound(symbol: str, place: str, voicing: str) -> None:
    (sound,) = articulations_of_ipa(symbol)
    assert (sound.place, sound.manner, sound.voicing) == (place, "affricate", voicing)


def test_german_pf_closes_the_lips_and_then_meets_the_teeth() -> None:
    assert [sound.lips for sound in articulations_of_ipa("p͡f")] == ["closed", "lip_teeth"]


@pytest.mark.parametrize(
    ("symbol", "place", "manner"),
    [
        ("q", "velar", "stop"),
        ("χ", "velar", "fricative"),
        ("ʁ", "velar", "fricative"),
        ("ħ", "glottal", "fricative"),
        ("ʕ", "glottal", "fricative"),
        ("ʔ", "glottal", "stop"),
        ("sˤ", "alveolar", "fricative"),
        ("ɖʱ", "postalveolar", "stop"),
        ("ɾ", "alveolar", "trill"),
        ("ç", "palatal", "fricative"),
        ("ʎ", "palatal", "approximant"),
        ("ɬ", "alveolar", "fricative"),
        ("ɲ", "palatal", "nasal"),
    ],
)
def test_places_and_manners_across_languages(symbol: str, place: str, manner: str) -> None:
    (sound,) = articulations_of_ipa(symbol)
    assert (sound.place, sound.manner) == (place, manner)


def test_glides_have_the_height_of_close_vowels() -> None:
    glides = {symbol: articulations_of_ipa(symbol)[0] for symbol in "jɥwʍ"}
    assert {(s.manner, s.height) for s in glides.values()} == {("approximant", "close")}
    assert [s.backness for s in glides.values()] == ["front", "front", "back", "back"]
    assert glides["ʍ"].voicing == "voiceless"


def test_a_ring_takes_the_voice_away() -> None:
    assert articulations_of_ipa("b̥")[0].voicing == "voiceless"


def test_stress_length_and_tone_change_nothing() -> None:
    assert articulations_of_ipa("ˈaː˥1") == articulations_of_ipa("a")


def test_silence_has_its_own_classes() -> None:
    assert articulations_of_ipa("SIL") == articulations_of_arpabet("SIL") == (SILENCE,)
    assert SILENCE.indices() == (0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("symbol", ["", "ː", "?", "K", "a§"])
def test_unknown_ipa_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="IPA"):
        articulations_of_ipa(symbol)


@pytest.mark.parametrize("name", ["AH0", "p", "", "sil"])
def test_unknown_arpabet_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="ARPAbet"):
        articulations_of_arpabet(name)
