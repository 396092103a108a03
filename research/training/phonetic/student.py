# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training student``: teaches the phonetic encoder what Whisper-base hears in clean speech.

The teacher hears the recording as it is, the student the same in other throats and rooms, with noise, music, six
talkers behind or by telephone. Phones and articulation are kept beside it: those of synthetic speech are known, of
recordings they are the first stage's own sure ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.audio.speech import Speech
from core.models.speech.articulation import ARPABET, SILENCE, SILENCE_NAME
from core.models.speech.mel import power_spectrogram
from core.models.speech.phonetic import STUDENT_FILE, PhoneticEncoder, save_phonetic
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from core.models.speech.whisper import WhisperProjection, in_windows, whisper_mel
from core.models.speech.whisper_files import MODEL_SHA256
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.augment import add_music, augment, mask_bands, mel_features
from research.corpus.speech import Utterance, aligned_utterances, is_heldout, unlabelled_utterances
from research.corpus.synthetic_speech import load_synthetic
from research.corpus.tempo import retimed
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech, synthetic_labels
from research.training.phonetic.train import PhoneticSettings, SpeechBatch, phonetic_loss
from research.training.whisper_projection import CACHE_ROOT as WHISPER_CACHE
from research.training.whisper_projection import SHIPPED_WIDTH, network, wide_projection

# how much of each source the teacher is asked about: it takes two seconds of one core for a minute of speech
ONE_IN = {"librispeech": 2, "ljspeech": 3, "grid": 6, "facegood": 6}
SYNTHETIC_ONE_IN = 6
# probability from which the first stage's own label is taken
SURE = 0.6
WITHOUT_SPEECH = 1 / 16
# blocks that are added to the network of the first stage; they begin as if they were not there
ADDED_DILATIONS = (2, 4, 8)


@dataclass(frozen=True, slots=True)
class StudentSettings:
    """What the one-command reproduction fixes; shares are of the samples drawn, crops in frames of 20 ms."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=700,
            horizon_steps=700,
            cool_down_steps=60,
            learning_rate=8e-4,
            weight_decay=0.02,
            average_decay=0.99,
            save_every=20,
            seed=20261126,
        )
    )
    batch: int = 16
    crop_frames: int = 160
    shares: tuple[tuple[str, float], ...] = (
        ("librispeech", 0.40),
        ("ljspeech", 0.07),
        ("vctk", 0.05),
        ("grid", 0.18),
        ("facegood", 0.08),
        ("flite", 0.04),
        ("espeak", 0.18),
    )
    labels_weight: float = 0.35
    threads: int = 1


class DistillationSource:
    """Draws crops, every corpus by its share and every speaker of it alike, half of them at another tempo."""

    def __init__(self, speech: Sequence[LabelledSpeech], settings: StudentSettings) -> None:
        self._settings = settings
        self._speakers: dict[str, dict[str, list[LabelledSpeech]]] = {}
        for item in speech:
            if not item.heldout:
                self._speakers.setdefault(item.source, {}).setdefault(item.speaker, []).append(item)
        present = [(name, share) for name, share in settings.shares if name in self._speakers]
        self._sources = [name for name, _ in present]
        self._chances = np.array([share for _, share in present]) / sum(share for _, share in present)

    def draw(self, rng: np.random.Generator) -> tuple[SpeechBatch, Tensor]:
        """A batch and the teacher's (B, T, 64) of it; the same generator state gives the same ones."""
        crops = [self._crop(rng) for _ in range(self._settings.batch)]
        batch = SpeechBatch(
            power=torch.exp(torch.from_numpy(np.stack([crop.log_power for crop in crops])).float()),
            phones=torch.from_numpy(np.stack([crop.phones for crop in crops])).long(),
            articulation=torch.from_numpy(np.stack([crop.articulation for crop in crops])).long(),
        )
        return batch, torch.from_numpy(np.stack([teacher_values(crop) for crop in crops])).float()

    def _crop(self, rng: np.random.Generator) -> LabelledSpeech:
        speakers = self._speakers[self._sources[rng.choice(len(self._sources), p=self._chances)]]
        own = speakers[list(speakers)[rng.integers(len(speakers))]]
        frames = self._settings.crop_frames
        item = own[rng.integers(len(own))]
        tempo = rng.uniform(0.85, 1.2) if rng.random() < 0.5 else 1.0
        first = int(rng.integers(max(len(item.phones) - int(np.ceil(frames * tempo)) - 1, 0) + 1))
        label = np.minimum(first + np.round(np.arange(frames) * tempo).astype(int), len(item.phones) - 1)
        return replace(
            item,
            log_power=retimed(item.log_power, frames * MEL_PER_LABEL, tempo, first=MEL_PER_LABEL * first),
            phones=item.phones[label],
            articulation=item.articulation[label],
            teacher=retimed(teacher_values(item)[:, :SHIPPED_WIDTH], frames, tempo, first=first).astype(np.float16),
        )


def teacher_values(item: LabelledSpeech) -> NDArray[np.float16]:
    """What the teacher said, (N, 128). ValueError where it was not asked."""
    if item.teacher is None:
        raise ValueError(f"a recording of {item.speaker} has no teacher's values")
    return item.teacher


def with_teacher(projection: WhisperProjection, key: str, speech: Speech, labels: LabelledSpeech) -> LabelledSpeech:
    """``labels`` with the teacher's leading values of the clean sound, cached under build/whisper/teacher."""
    path = WHISPER_CACHE / "teacher" / f"{key}.npy"
    if not path.is_file():
        values = in_windows(network(), whisper_mel(power_spectrogram(speech.samples), projection.filters))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npy")
        np.save(partial, projection.leading(values).astype(np.float16))
        partial.rename(path)
    teacher = np.load(path, allow_pickle=False)
    frames = min(len(teacher), len(labels.phones))
    return replace(
        labels,
        log_power=labels.log_power[: MEL_PER_LABEL * frames],
        phones=labels.phones[:frames],
        articulation=labels.articulation[:frames],
        teacher=teacher[:frames],
    )


def _recorded(utterance: Utterance, speech: Speech, first: PhoneticNetwork) -> LabelledSpeech:
    """Labelled by the first stage's own clean hearing where it is sure: no recording is aligned a second time."""
    power = np.log(power_spectrogram(speech.samples) + 1e-10).astype(np.float16)
    power = power[: len(power) // MEL_PER_LABEL * MEL_PER_LABEL]
    with torch.inference_mode():
        output = first(mel_features(torch.exp(torch.from_numpy(power.astype(np.float32)))[None]))
    phones = _sure(output.phones)
    articulation = np.stack([_sure(logits) for logits in output.articulation], axis=1)
    return LabelledSpeech(utterance.corpus, utterance.speaker, is_heldout(utterance), power, phones, articulation)


def _sure(logits: Tensor) -> NDArray[np.int8]:
    """(1, T, classes) to (T,) class, -1 where its probability is under ``SURE``."""
    chance, label = logits[0].softmax(dim=1).max(dim=1)
    found: NDArray[np.int8] = torch.where(chance >= SURE, label, -1).numpy().astype(np.int8)
    return found


def distilled_utterances(data: Path) -> list[Utterance]:
    """Every n-th recording of each source; held-out LibriSpeech speakers are among them."""
    found = aligned_utterances(data) + unlabelled_utterances(data)
    own = {name: [item for item in found if item.corpus == name] for name in dict.fromkeys(u.corpus for u in found)}
    return [item for name, items in own.items() for item in items[:: ONE_IN.get(name, 1)]]


def load_distillation(data: Path) -> list[LabelledSpeech]:
    """Open speech with the teacher's values; synthetic speech with the labels that it was made from."""
    projection, first, found = wide_projection(), first_stage(), []
    for utterance in distilled_utterances(data):
        speech = utterance.load()
        found.append(with_teacher(projection, utterance.key, speech, _recorded(utterance, speech, first)))
    for index, item in enumerate(load_synthetic()):
        if index % SYNTHETIC_ONE_IN == 0:
            found.append(with_teacher(projection, f"synthetic-{index}", item.speech, synthetic_labels(item)))
    return found


def student_network(first: PhoneticNetwork) -> PhoneticNetwork:
    """The first stage's network with more blocks, which begin as identities, and a head for the teacher's values."""
    config = replace(first.config, dilations=(*first.config.dilations, *ADDED_DILATIONS), teacher_size=SHIPPED_WIDTH)
    student = PhoneticNetwork(config)
    student.load_state_dict(first.state_dict(), strict=False)
    for name, value in student.named_parameters():
        part = name.split(".")
        if part[0] == "blocks" and int(part[1]) >= len(first.config.dilations) and part[2] == "mix":
            nn.init.zeros_(value)
    return student


def train(speech: Sequence[LabelledSpeech], first: PhoneticNetwork, settings: StudentSettings, name: str) -> nn.Module:
    """Train, resuming from the checkpoint of ``name``; returns the averaged network."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    source = DistillationSource(speech, settings)
    labels = PhoneticSettings()
    silence = silent_values(speech)

    def loss_of(student: nn.Module, chance: Chance) -> Tensor:
        batch, teacher = source.draw(chance.rng)
        batch, teacher = some_without_speech(batch, teacher, silence, chance.generator)
        mel = mask_bands(mel_features(augment(batch.power, chance.generator, hard=True)), chance.generator)
        with torch.autocast("cpu", torch.bfloat16):
            output = student(mel)
        missed = (output.teacher.float() - teacher).square().mean()
        return missed + settings.labels_weight * phonetic_loss(output, batch, labels)

    return TrainingRun(student_network(first), settings.schedule, name).train(loss_of)


def silent_values(speech: Sequence[LabelledSpeech]) -> Tensor:
    """(64,) what the teacher says of pauses, on the mean."""
    pauses = [teacher_values(item)[item.phones == ARPABET.index(SILENCE_NAME), :SHIPPED_WIDTH] for item in speech]
    return torch.from_numpy(np.concatenate(pauses).astype(np.float32).mean(axis=0))


def some_without_speech(
    batch: SpeechBatch, teacher: Tensor, silence: Tensor, generator: torch.Generator
) -> tuple[SpeechBatch, Tensor]:
    """One sample in sixteen becomes music or noise alone: whatever sounds there, nobody speaks."""
    power, phones, articulation = batch.power.clone(), batch.phones.clone(), batch.articulation.clone()
    teacher = teacher.clone()
    chosen = torch.nonzero(torch.rand(len(power), generator=generator) < WITHOUT_SPEECH)[:, 0]
    if len(chosen) == 0:
        return batch, teacher
    plain = torch.full_like(power[chosen], float(power.mean()))
    sound = add_music(plain, generator, 1.0, (-20.0, 10.0))
    hiss = -torch.log(torch.rand(plain.shape, generator=generator).clamp_min(1e-6)) * plain
    music = torch.rand(len(chosen), 1, 1, generator=generator) < 0.7
    power[chosen] = torch.where(music, sound - plain + 1e-3 * hiss, hiss)
    phones[chosen] = ARPABET.index(SILENCE_NAME)
    articulation[chosen] = torch.tensor(SILENCE.indices())
    teacher[chosen] = silence
    return SpeechBatch(power, phones, articulation), teacher


def explained(student: PhoneticNetwork, speech: Sequence[LabelledSpeech]) -> float:
    """Share of the teacher's variance on clean recordings of speakers never trained on."""
    missed, total = 0.0, 0.0
    with torch.inference_mode():
        for item in speech:
            if item.heldout and item.source == "librispeech":
                power = torch.exp(torch.from_numpy(item.log_power.astype(np.float32)))[None]
                given = student(mel_features(power)).teacher[0].numpy()
                wanted = teacher_values(item)[:, :SHIPPED_WIDTH].astype(np.float32)
                frames = min(len(given), len(wanted))
                missed += float(np.square(given[:frames] - wanted[:frames]).sum())
                total += float(np.square(wanted - wanted.mean(axis=0)).sum())
    return 1 - missed / total


def run(data: Path, steps: int | None = None, threads: int | None = None) -> None:
    """From the first stage's weights to the shipped ones, with their checksum."""
    settings = StudentSettings()
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    first = first_stage()
    speech = load_distillation(data)
    print(f"{len(speech)} recordings, {sum(item.seconds for item in speech) / 60:.0f} min", flush=True)
    network_ = train(speech, first, settings, f"student-{settings.schedule.steps}")
    assert isinstance(network_, PhoneticNetwork)
    print(f"explains {explained(network_, speech):.3f} of the teacher's variance on unseen speakers", flush=True)
    metadata = {"training": json.dumps(asdict(settings)), "phones": " ".join(ARPABET), "teacher": MODEL_SHA256}
    save_phonetic(network_, VENDOR_MODELS / STUDENT_FILE, metadata)
    print(f"{STUDENT_FILE}: sha256 {record_checksum(STUDENT_FILE)}")


def first_stage() -> PhoneticNetwork:
    """The bundled network that knows phones alone (``python -m research.training phonetic``)."""
    network_ = PhoneticEncoder.load().network
    assert isinstance(network_.config, PhoneticConfig)
    return network_
