# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training demo-inputs``: the bundled demo's speech and reference clips. Needs bpy and flite.

line.ogg is two sentences of the VCTK corpus (CC BY 4.0), speech.ogg synthetic speech for tests and benchmarks.
The references show the demo head driven by tracked motion: the face of a GRID training talker (CC BY 4.0), the head
of a public-domain address. Their sound is synthetic too: each GRID word, spoken by flite and stretched to the
interval in which the talker said it. No recorded picture is in any of these files.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import SettingsError
from core.face.basis import FaceBasis, open_basis
from core.face.motion import INTERNAL_FPS, Motion
from core.face.rotations import mean_rotation, rotvec_from_matrix
from core.tracking.align import align, uniform_landmarks
from core.tracking.smooth import savitzky_golay
from research.corpus.clips import Clip, free_training_clips, load_tracked, training_clips
from research.paths import ROOT
from research.training.motion_data import load_pair

OUTPUT = ROOT / "demo" / "input"
SPEECH_VOICE, REFERENCE_VOICE = "rms", "awb"
SENTENCES = (
    "Mama and Papa bought a new blue boat. Bob may move the big moon map above the room. "
    "Do you know who put more butter on the bread? Please open the purple book now."
)
LINE = ("p227_003", "p227_005")
_PAUSE_SECONDS, _MARGIN_SECONDS = 0.45, 0.12
REFERENCE_PIXELS = 512
_LEAD_SECONDS, _TAIL_SECONDS = 0.2, 0.24
_BLEND_FRAMES = 6
# eyes stay on the camera for most of what the head turns
_GAZE_HOLD = 0.7
_SPOKEN = {"a": "ay", "sp": "", "sil": ""}


@dataclass(frozen=True, slots=True)
class _Reference:
    """A clip to be made: whose face (which of the talker's recordings), and whose head."""

    name: str
    talker: str
    clips: tuple[str, ...]
    head_track: str


# of the talkers we may ship, s2 opens the mouth least and s3 most: their jaws' ranges are as 1 to 1.7
REFERENCES = (
    _Reference("reference", "s2", ("bbaszs", "bbal5n", "bbbf7p", "bbaf2s", "bbas2a"), "obama_address_20s"),
    _Reference("lively", "s3", ("bbaf1s", "bbal5s", "bbas1a", "bbaf2p", "bbal7a"), "obama_diwali_30s"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Take:
    """One sentence: face (T, 53) at 25 fps and its sound (N,) at 16 kHz, both from the same instant on."""

    face: NDArray[np.float32]
    sound: NDArray[np.float32]


def run(data_root: Path) -> None:
    """Write everything in ``demo/input``."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    _write_ogg(_spoken(SENTENCES, SPEECH_VOICE).samples, OUTPUT / "speech.ogg")
    _write_ogg(_line(data_root), OUTPUT / "line.ogg")
    for reference in REFERENCES:
        write_reference(data_root, reference)
    for path in sorted(OUTPUT.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def write_reference(data_root: Path, reference: _Reference) -> None:
    """One reference clip, rendered."""
    basis = open_basis()
    takes = [_take(clip, data_root, basis) for clip in _clips(data_root, reference)]
    face = _joined([take.face for take in takes])
    sound = np.concatenate([take.sound for take in takes])
    head = _head_motion(data_root, basis, reference.head_track, len(face))
    gaze = np.repeat(-_GAZE_HOLD * head[:, None, :2], 2, axis=1)
    motion = Motion(
        fps=INTERNAL_FPS,
        expression=face[:, :50].astype(np.float32),
        jaw=face[:, 50:].astype(np.float32),
        head=head.astype(np.float32),
        gaze=gaze.astype(np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
    _render(motion, sound, OUTPUT / f"{reference.name}.mp4")


def _line(data_root: Path) -> NDArray[np.float32]:
    """(N,) at 16 kHz: the sentences one after the other, without the silence round them."""
    from librosa.effects import trim

    from core.audio.decode import load_speech

    margin = round(_MARGIN_SECONDS * SAMPLE_RATE)
    pieces: list[NDArray[np.float32]] = []
    for name in LINE:
        samples = load_speech(data_root / "speech" / "vctk" / f"{name}.ogg").samples
        _, (first, last) = trim(samples, top_db=35)
        said = samples[max(first - margin, 0) : last + margin]
        # as loud as each other
        pieces += [said / np.sqrt(np.mean(said**2)), np.zeros(round(_PAUSE_SECONDS * SAMPLE_RATE), np.float32)]
    return np.concatenate(pieces).astype(np.float32)


def _clips(data_root: Path, reference: _Reference) -> list[Clip]:
    found = {clip.path.stem: clip for clip in training_clips(data_root) if clip.person == reference.talker}
    return [found[name] for name in reference.clips]


def _take(clip: Clip, data_root: Path, basis: FaceBasis) -> _Take:
    """The clip from a little before its first word to a little after its last."""
    words = json.loads((data_root / "grid" / "words.json").read_text())[f"{clip.person}/{clip.path.stem}"]
    spoken = [(start, end, _SPOKEN.get(word, word)) for start, end, word in words]
    spoken = [word for word in spoken if word[2]]
    pair = load_pair(clip, basis, 0.0)
    if pair is None:
        raise SettingsError(f"The clip {clip.key} was not tracked well enough for the demo.", "Choose another.")
    first = max(round((spoken[0][0] - _LEAD_SECONDS) * INTERNAL_FPS), 0)
    last = min(round((spoken[-1][1] + _TAIL_SECONDS) * INTERNAL_FPS), len(pair.motion))
    face = pair.motion[first:last]
    sound = np.zeros(round(len(face) / INTERNAL_FPS * SAMPLE_RATE), np.float32)
    for start, end, word in spoken:
        _place(sound, start - first / INTERNAL_FPS, end - start, word)
    return _Take(face, sound)


def _place(sound: NDArray[np.float32], start_seconds: float, seconds: float, word: str) -> None:
    """Add a synthetic word, stretched to ``seconds``."""
    from librosa.effects import time_stretch, trim

    voice, _ = trim(_spoken(word, REFERENCE_VOICE).samples, top_db=35)
    wanted = round(seconds * SAMPLE_RATE)
    voice = time_stretch(voice, rate=len(voice) / wanted)[:wanted]
    fade = np.minimum(1.0, np.minimum(np.arange(len(voice)), np.arange(len(voice))[::-1]) / 80.0)
    first = round(start_seconds * SAMPLE_RATE)
    room = sound[first : first + len(voice)]
    room += (voice * fade)[: len(room)]


def _spoken(text: str, voice: str) -> Speech:
    """Synthetic speech by flite."""
    from core.audio.decode import load_speech

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        try:
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SettingsError(f"The speech synthesiser flite did not run ({error}).", "Install flite.") from error
        return load_speech(path)


def _joined(faces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Takes end to end; the last frames of each run into the next one's first pose."""
    for before, after in itertools.pairwise(faces):
        blend = (np.arange(1, _BLEND_FRAMES + 1) / (_BLEND_FRAMES + 1))[:, None]
        before[-_BLEND_FRAMES:] = (1 - blend) * before[-_BLEND_FRAMES:] + blend * after[0]
    return np.concatenate(faces)


def _head_motion(data_root: Path, basis: FaceBasis, track: str, frames: int) -> NDArray[np.float64]:
    """(T, 3) head rotation of the address, relative to its mean pose."""
    clip = next(clip for clip in free_training_clips(data_root) if clip.path.stem == track)
    landmarks = uniform_landmarks(load_tracked(clip).track, INTERNAL_FPS).landmarks
    rotation = align(landmarks, basis.neutral).rotation[:frames]
    return savitzky_golay(rotvec_from_matrix(mean_rotation(rotation).T @ rotation), 9)


def _render(motion: Motion, sound: NDArray[np.float32], path: Path) -> None:
    from core.blender.demo_head import create_demo_head
    from research.render import film, preview
    from research.render.demo_motion import key_motion

    scene = preview.fresh_scene()
    preview.set_stage(scene, preview.PreviewSettings(pixels=REFERENCE_PIXELS, fine=True))
    key_motion(create_demo_head(scene), motion, first_frame=1)
    with tempfile.TemporaryDirectory() as folder:
        pictures = preview.render_frames(scene, 1, len(motion), Path(folder))
        film.write_film(pictures, round(INTERNAL_FPS), _at_film_rate(sound), path, quality=23)


def _at_film_rate(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    from librosa import resample

    from research.render.film import AUDIO_RATE

    loud = sound / max(float(np.abs(sound).max()), 1e-6) * 0.7
    return np.asarray(resample(loud, orig_sr=SAMPLE_RATE, target_sr=AUDIO_RATE), np.float32)


def _write_ogg(samples: NDArray[np.float32], path: Path) -> None:
    import soundfile

    soundfile.write(path, samples / np.abs(samples).max() * 0.7, SAMPLE_RATE, format="OGG", subtype="VORBIS")
