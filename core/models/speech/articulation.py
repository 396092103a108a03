# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mouth does for a phone, in seven features that hold in every language: ARPAbet and IPA to articulation.

The names follow the chart of the International Phonetic Association (2020), with places and heights merged that
neither the ear of a small network nor the eye tells apart.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Feature:
    """One property of a sound and the values it can take."""

    name: str
    classes: tuple[str, ...]


FEATURES = (
    Feature("voicing", ("silence", "voiceless", "voiced")),
    # uvular counts as velar, retroflex as postalveolar, pharyngeal as glottal; vowels have none
    Feature(
        "place",
        ("none", "bilabial", "labiodental", "dental", "alveolar", "postalveolar", "palatal", "velar", "glottal"),
    ),
    # laterals are approximants, taps are trills, clicks and implosives are stops
    Feature("manner", ("silence", "stop", "fricative", "affricate", "nasal", "approximant", "trill", "vowel")),
    # of vowels; glides are close
    Feature("height", ("none", "close", "near_close", "mid", "open")),
    Feature("backness", ("none", "front", "central", "back")),
    Feature("rounding", ("unrounded", "rounded")),
    Feature("lips", ("apart", "closed", "lip_teeth")),
)


@dataclass(frozen=True, slots=True)
class Articulation:
    """One class of each feature, by name."""

    voicing: str
    place: str
    manner: str
    height: str = "none"
    backness: str = "none"
    rounding: str = "unrounded"
    lips: str = "apart"

    def indices(self) -> tuple[int, ...]:
        """Class of each of ``FEATURES``, in their order."""
        return tuple(feature.classes.index(getattr(self, feature.name)) for feature in FEATURES)


SILENCE_NAME = "SIL"
SILENCE = Articulation("silence", "none", "silence")

_CONSONANTS = {
    "voiceless bilabial stop": "p ʘ",
    "voiced bilabial stop": "b ɓ",
    "voiced bilabial nasal": "m",
    "voiced bilabial trill": "ʙ",
    "voiceless bilabial fricative": "ɸ",
    "voiced bilabial fricative": "β",
    "voiceless labiodental fricative": "f",
    "voiced labiodental fricative": "v",
    "voiced labiodental nasal": "ɱ",
    "voiced labiodental approximant": "ʋ",
    "voiced labiodental trill": "ⱱ",
    "voiceless dental fricative": "θ",
    "voiced dental fricative": "ð",
    "voiceless dental stop": "ǀ",
    "voiceless alveolar stop": "t ǃ ǁ",
    "voiced alveolar stop": "d ɗ",
    "voiced alveolar nasal": "n",
    "voiced alveolar trill": "r ɾ ɺ",
    "voiceless alveolar fricative": "s ɬ",
    "voiced alveolar fricative": "z ɮ",
    "voiced alveolar approximant": "ɹ l ɫ",
    "voiceless postalveolar stop": "ʈ",
    "voiced postalveolar stop": "ɖ ᶑ",
    "voiced postalveolar nasal": "ɳ",
    "voiced postalveolar trill": "ɽ",
    "voiceless postalveolar fricative": "ʃ ʂ ɕ ɧ",
    "voiced postalveolar fricative": "ʒ ʐ ʑ",
    "voiced postalveolar approximant": "ɻ ɭ",
    "voiceless palatal stop": "c ǂ",
    "voiced palatal stop": "ɟ ʄ",
    "voiced palatal nasal": "ɲ",
    "voiceless palatal fricative": "ç",
    "voiced palatal fricative": "ʝ",
    "voiced palatal approximant": "ʎ",
    "voiceless velar stop": "k q",
    "voiced velar stop": "ɡ ɢ ɠ ʛ",
    "voiced velar nasal": "ŋ ɴ",
    "voiced velar trill": "ʀ",
    "voiceless velar fricative": "x χ",
    "voiced velar fricative": "ɣ ʁ",
    "voiced velar approximant": "ʟ",
    "voiceless glottal stop": "ʔ ʡ",
    "voiceless glottal fricative": "h ħ ʜ",
    "voiced glottal fricative": "ɦ ʕ ʢ",
}
# a glide is a consonant with the tongue and the lips of a close vowel
_GLIDES = {
    "voiced palatal front unrounded": "j",
    "voiced palatal front rounded": "ɥ",
    "voiced velar back unrounded": "ɰ",
    "voiced velar back rounded": "w",
    "voiceless velar back rounded": "ʍ",
}
_VOWELS = {
    "close front unrounded": "i",
    "close front rounded": "y",
    # the last two: what the tip of the tongue hums after Mandarin s and sh
    "close central unrounded": "ɨ ɿ ʅ",
    "close central rounded": "ʉ",
    "close back unrounded": "ɯ",
    "close back rounded": "u",
    "near_close front unrounded": "ɪ",
    "near_close front rounded": "ʏ",
    "near_close central unrounded": "ᵻ",
    "near_close central rounded": "ᵿ",
    "near_close back rounded": "ʊ",
    "mid front unrounded": "e ɛ",
    "mid front rounded": "ø œ",
    # ʌ is back on the chart, but what English and Hindi write so is said further forward
    "mid central unrounded": "ə ɘ ɜ ʌ ɚ ɝ",
    "mid central rounded": "ɵ ɞ",
    "mid back unrounded": "ɤ",
    "mid back rounded": "o ɔ",
    "open front unrounded": "a æ",
    "open front rounded": "ɶ",
    "open central unrounded": "ɐ",
    "open back unrounded": "ɑ",
    "open back rounded": "ɒ",
}
_ARPABET_SPELT = (
    "AA:ɑ AE:æ AH:ʌ AO:ɔ AW:aʊ AY:aɪ B:b CH:tʃ D:d DH:ð EH:ɛ ER:ɝ EY:eɪ F:f G:ɡ HH:h IH:ɪ IY:i JH:dʒ K:k L:l M:m N:n "
    "NG:ŋ OW:oʊ OY:ɔɪ P:p R:ɹ S:s SH:ʃ T:t TH:θ UH:ʊ UW:u V:v W:w Y:j Z:z ZH:ʒ"
)
_ARPABET_IPA: dict[str, str] = dict(pair.split(":") for pair in _ARPABET_SPELT.split())
ARPABET = (SILENCE_NAME, *_ARPABET_IPA)

# how the same sound is also written: ligatures, and espeak-ng's own ways for Mandarin, Hindi and Swedish
_SPELLINGS = {"ʦ": "ts", "ʣ": "dz", "ʧ": "tʃ", "ʤ": "dʒ", "ʨ": "tɕ", "ʥ": "dʑ", "g": "ɡ", "c\u0327": "ç"}
_SPELLINGS |= {".h": ".", "ph": "p", "th": "t", "kh": "k", "sh": "s", "ɕh": "ɕ", "s.": "ʂ", "r.": "ɽ", "sx": "ɧ"}
_SPELLINGS |= {"i.": "ɨ", "i\u032a": "ɨ", "o-": "ɤ", "nɡ": "ŋ"}
# marks of stress, length, tone, aspiration, secondary places: nothing that these features tell apart
_IGNORED = "ˈˌ'ʼːˑ:.-ʰʱ˞ʲˠˤ˔˕ⁿᵝ˥˦˧˨˩→↗↘↓↑0123456789ˀ|‿"
_ROUNDED_MARKS = "ʷ\u032b"
_VOICELESS_MARKS = "\u0325\u030a"
# sounds of one place, one after the other, that the tongue makes in one stroke
_AFFRICATE_PLACES = {("alveolar", "alveolar"), ("alveolar", "postalveolar"), ("postalveolar", "postalveolar")}
_AFFRICATE_PLACES |= {("palatal", "palatal"), ("velar", "velar"), ("palatal", "postalveolar")}


@functools.cache
def articulations_of_arpabet(name: str) -> tuple[Articulation, ...]:
    """The sound of an ARPAbet name without stress (AY: two halves), or of ``SIL``. ValueError for other names."""
    if name == SILENCE_NAME:
        return (SILENCE,)
    if name not in _ARPABET_IPA:
        raise ValueError(f"no ARPAbet phone: {name!r}")
    return articulations_of_ipa(_ARPABET_IPA[name])


@functools.cache
def articulations_of_ipa(symbol: str) -> tuple[Articulation, ...]:
    """The sounds of an IPA symbol, or of ``SIL``: one, or the parts of a diphthong or of pf in order.

    Marks of length, stress, tone, aspiration and nasalisation change nothing; labialisation rounds, a ring below
    takes the voice away. Affricates are one sound, tied or not. ValueError for what is not in the alphabet.
    """
    if symbol == SILENCE_NAME:
        return (SILENCE,)
    sounds: list[Articulation] = []
    for character in _plain(symbol):
        if character in _ROUNDED_MARKS + _VOICELESS_MARKS and sounds:
            sounds[-1] = _marked(sounds[-1], character)
        elif not unicodedata.combining(character):
            sounds.append(_sound_of(character, symbol))
    if not sounds:
        raise ValueError(f"no sound in IPA symbol {symbol!r}")
    return _with_affricates(sounds)


def _plain(symbol: str) -> str:
    # a lone ʲ is the glide itself
    if symbol == "ʲ":
        return "j"
    # NFD splits ã into a and its tilde
    letters = unicodedata.normalize("NFD", symbol)
    for spelling, letter in _SPELLINGS.items():
        letters = letters.replace(spelling, letter)
    return "".join(letter for letter in letters if letter not in _IGNORED)


def _marked(sound: Articulation, mark: str) -> Articulation:
    if mark in _VOICELESS_MARKS:
        return replace(sound, voicing="voiceless")
    return replace(sound, rounding="rounded")


def _sound_of(character: str, symbol: str) -> Articulation:
    sound = _alphabet().get(character)
    if sound is None:
        raise ValueError(f"unknown IPA character {character!r} in {symbol!r}")
    return sound


def _with_affricates(sounds: list[Articulation]) -> tuple[Articulation, ...]:
    merged: list[Articulation] = []
    for sound in sounds:
        if merged and _is_affricate(merged[-1], sound):
            merged[-1] = replace(sound, manner="affricate")
        else:
            merged.append(sound)
    return tuple(merged)


def _is_affricate(first: Articulation, second: Articulation) -> bool:
    manners = (first.manner, second.manner)
    return manners == ("stop", "fricative") and (first.place, second.place) in _AFFRICATE_PLACES


@functools.cache
def _alphabet() -> dict[str, Articulation]:
    return _consonants() | _glides() | _vowels()


def _consonants() -> dict[str, Articulation]:
    found = {}
    for names, letters in _CONSONANTS.items():
        voicing, place, manner = names.split()
        sound = Articulation(voicing, place, manner, lips=_lips(place, manner))
        found.update(dict.fromkeys(letters.split(), sound))
    return found


def _lips(place: str, manner: str) -> str:
    if place == "labiodental":
        return "lip_teeth"
    return "closed" if place == "bilabial" and manner != "fricative" else "apart"


def _glides() -> dict[str, Articulation]:
    found = {}
    for names, letter in _GLIDES.items():
        voicing, place, backness, rounding = names.split()
        found[letter] = Articulation(voicing, place, "approximant", "close", backness, rounding)
    return found


def _vowels() -> dict[str, Articulation]:
    found = {}
    for names, letters in _VOWELS.items():
        height, backness, rounding = names.split()
        sound = Articulation("voiced", "none", "vowel", height, backness, rounding)
        found.update(dict.fromkeys(letters.split(), sound))
    return found
