# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings that the speech encoder learns from: where they are, who speaks, what is said.

Whole speakers are held out; the scored people of GRID and of the addresses are not in these lists at all.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import re
from dataclasses import dataclass
from pathlib import Path

from core.audio.decode import load_speech
from core.audio.speech import Speech
from research.corpus.clips import training_clips
from research.corpus.phones import PhoneTrack, aligned_phones, grid_transcript
from research.corpus.vctk_sentences import vctk_sentence
from research.paths import DATA_ROOT

# every n-th LibriSpeech speaker, one VCTK speaker: never trained on
HELDOUT_LIBRISPEECH_EVERY = 10
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@dataclass(frozen=True, slots=True, order=True)
class Utterance:
    """One recording. transcript: lower-case words, None where nobody wrote them down."""

    corpus: str
    speaker: str
    path: Path
    transcript: str | None = None

    @property
    def key(self) -> str:
        """Short unique name, also the stem of cached files."""
        return f"{self.corpus}-{self.speaker}-{self.path.stem}"

    def load(self) -> Speech:
        """The sound at 16 kHz."""
        return load_speech(self.path)


def aligned_utterances(data: Path = DATA_ROOT) -> list[Utterance]:
    """English recordings that can be given phones: LibriSpeech, LJSpeech, VCTK and GRID's training talkers."""
    return _librispeech(data) + _ljspeech(data) + _vctk(data) + _grid(data)


def unlabelled_utterances(data: Path = DATA_ROOT) -> list[Utterance]:
    """Mandarin recordings without text: for self-supervised targets only."""
    return [Utterance("facegood", "facegood", path) for path in sorted((data / "facegood").glob("*.ogg"))]


def is_heldout(utterance: Utterance) -> bool:
    """True for speakers that the encoder is scored on and never trained on."""
    if utterance.corpus == "librispeech":
        return int(utterance.speaker) % HELDOUT_LIBRISPEECH_EVERY == 0
    return utterance.corpus == "vctk" and utterance.speaker == "p225"


def phones_of(utterance: Utterance, speech: Speech | None = None) -> PhoneTrack | None:
    """Forced alignment, from the cache where it is; None where pocketsphinx finds none. ``speech``: where at hand.

    LJSpeech's and VCTK's texts have words that the dictionary lacks: those recordings are recognised instead. GRID's
    sentences are not: the language model knows nothing like "bin blue at f two now".
    """
    speech = utterance.load() if speech is None else speech
    track = aligned_phones(utterance.key, speech, utterance.transcript)
    if track is None and utterance.corpus in ("ljspeech", "vctk"):
        return aligned_phones(utterance.key, speech, None)
    return track


def align_all(data: Path = DATA_ROOT, processes: int = 2) -> None:
    """Fill the cache of alignments; an interrupted run resumes (about 20 minutes on 2 cores)."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        for _ in pool.map(phones_of, aligned_utterances(data), chunksize=4):
            pass


def plain_words(text: str) -> str:
    """Lower-case words without punctuation, as the aligner's dictionary spells them."""
    return " ".join(_WORD.findall(text.lower().replace("’", "'")))


def _librispeech(data: Path) -> list[Utterance]:
    paths = sorted((data / "speech" / "librispeech").glob("*.ogg"))
    return [Utterance("librispeech", path.stem.split("-")[0], path) for path in paths]


def _ljspeech(data: Path) -> list[Utterance]:
    folder = data / "speech" / "ljspeech"
    table = folder / "transcripts.csv"
    rows = [line.split("|") for line in table.read_text(encoding="utf-8").splitlines()] if table.is_file() else []
    spoken = {row[0]: plain_words(row[-1]) for row in rows}
    paths = sorted(folder.glob("*.ogg"))
    return [Utterance("ljspeech", "lj", path, spoken.get(path.stem)) for path in paths]


def _vctk(data: Path) -> list[Utterance]:
    paths = sorted((data / "speech" / "vctk").glob("*.ogg"))
    return [Utterance("vctk", path.stem.split("_")[0], path, vctk_sentence(path.stem)) for path in paths]


def _grid(data: Path) -> list[Utterance]:
    return [Utterance("grid", clip.person, clip.path, grid_transcript(clip, data)) for clip in training_clips(data)]
