# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training student``: teaches the phonetic encoder what Whisper-base hears in clean speech.

The teacher hears the recording in a throat of any length and at any place of its window, the student the same in a
room, with noise, music, six talkers behind or by telephone. Phones and articulation are kept beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.models.device import choose_device
from core.models.speech.articulation import ARPABET, SILENCE, SILENCE_NAME
from core.models.speech.phonetic import PHONETIC_FILE, save_phonetic
from core.models.speech.phonetic_network import PhoneticNetwork
from core.models.speech.whisper_files import MODEL_SHA256
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.augment import add_music, augment, exponential, mask_bands, mel_features, warp_frequency
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech
from research.training.phonetic.distillation import load_distillation
from research.training.phonetic.first_stage import first_stage
from research.training.phonetic.source import Drawing, Shares, SpeechBatch, SpeechSource
from research.training.phonetic.teacher import Teaching
from research.training.phonetic.train import PhoneticSettings, phonetic_loss
from research.training.whisper_projection import SHIPPED_WIDTH, teaching

WITHOUT_SPEECH = 1 / 16
SILENCE_BATCHES = 4
# blocks that are added to the network of the first stage; they begin as if they were not there
ADDED_DILATIONS = (2, 4, 8)
# judging: windows of 8 s that begin at so many different moments before the same two seconds
JUDGED_POSITIONS, JUDGED_FRAMES, JUDGED_BATCHES = 7, 100, 4


@dataclass(frozen=True, slots=True)
class StudentSettings:
    """What the one-command reproduction fixes; shares are of the samples drawn, crops in frames of 20 ms."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=3776,
            horizon_steps=3776,
            cool_down_steps=472,
            learning_rate=1e-3,
            weight_decay=0.02,
            average_decay=0.998,
            save_every=314,
            seed=20261126,
        )
    )
    batch: int = 96
    crop_frames: int = 250
    shares: Shares = (
        ("librispeech", 0.44),
        ("ljspeech", 0.07),
        ("vctk", 0.05),
        ("grid", 0.18),
        ("facegood", 0.08),
        ("flite", 0.04),
        ("espeak", 0.14),
    )
    labels_weight: float = 0.35
    threads: int = 1

    @property
    def drawing(self) -> Drawing:
        """Half of the samples keep their tempo."""
        return Drawing(self.shares, self.batch, self.crop_frames, (0.85, 1.2), 0.5)


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


def train(
    speech: Sequence[LabelledSpeech], first: PhoneticNetwork, teacher: Teaching, settings: StudentSettings, name: str
) -> PhoneticNetwork:
    """Train, resuming from the checkpoint of ``name``; returns the averaged network that hears strangers best."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    device = teacher.mean.device
    source = SpeechSource(speech, settings.drawing, device)
    silence = silent_values(source, teacher)
    loss_of = distillation_loss(source, teacher, silence, settings)
    run = TrainingRun(student_network(first).to(device), settings.schedule, name)
    judged = [item for item in speech if item.heldout and item.source == "librispeech"]
    trained: PhoneticNetwork = run.train(loss_of, judge(judged, teacher) if judged else None)
    return trained.cpu()


def distillation_loss(
    source: SpeechSource, teacher: Teaching, silence: Tensor, settings: StudentSettings
) -> Callable[[nn.Module, Chance], Tensor]:
    """The squared distance from the teacher's values, and how phones and articulation are told."""
    labels = PhoneticSettings()

    def loss_of(student: nn.Module, chance: Chance) -> Tensor:
        generator = chance.generator
        batch = source.draw(chance.rng)
        # another throat for both: the teacher knows what such a person would sound like
        batch = replace(batch, power=warp_frequency(batch.power, generator))
        wanted = teacher.values(batch.power)
        batch, wanted = some_without_speech(batch, wanted, silence, generator)
        heard = augment(batch.power, generator, ("vocal tract",), hard=True)
        with torch.autocast(heard.device.type, torch.bfloat16):
            output = student(mask_bands(mel_features(heard), generator))
        missed = (output.teacher.float() - wanted).square().mean()
        return missed + settings.labels_weight * phonetic_loss(output, batch, labels)

    return loss_of


def silent_values(source: SpeechSource, teacher: Teaching) -> Tensor:
    """(64,) what the teacher says of pauses, on the mean."""
    pauses = []
    for index in range(SILENCE_BATCHES):
        batch = source.draw(np.random.default_rng([7, index]))
        pauses.append(teacher.values(batch.power)[batch.phones == ARPABET.index(SILENCE_NAME)])
    found = torch.cat(pauses)
    return found.mean(dim=0) if len(found) else torch.zeros_like(teacher.components[0])


def some_without_speech(
    batch: SpeechBatch, teacher: Tensor, silence: Tensor, generator: torch.Generator
) -> tuple[SpeechBatch, Tensor]:
    """One sample in sixteen becomes music or noise alone: whatever sounds there, nobody speaks."""
    power, phones, articulation = batch.power.clone(), batch.phones.clone(), batch.articulation.clone()
    teacher = teacher.clone()
    place = generator.device
    chosen = torch.nonzero(torch.rand(len(power), generator=generator, device=place) < WITHOUT_SPEECH)[:, 0]
    if len(chosen) == 0:
        return batch, teacher
    plain = torch.full_like(power[chosen], float(power.mean()))
    sound = add_music(plain, generator, 1.0, (-20.0, 10.0))
    hiss = exponential(plain, generator) * plain
    music = torch.rand(len(chosen), 1, 1, generator=generator, device=place) < 0.7
    power[chosen] = torch.where(music, sound - plain + 1e-3 * hiss, hiss)
    phones[chosen] = ARPABET.index(SILENCE_NAME)
    articulation[chosen] = torch.tensor(SILENCE.indices(), device=place)
    teacher[chosen] = silence
    return SpeechBatch(power, phones, articulation), teacher


def judge(speech: Sequence[LabelledSpeech], teacher: Teaching) -> Callable[[PhoneticNetwork], float]:
    """Share of the teacher's variance that a student explains on these speakers, clean.

    The teacher's values depend on where in its window a sound lies; what is wanted is their mean over positions.
    """
    corpora = tuple((name, 1.0) for name in dict.fromkeys(item.source for item in speech))
    every = JUDGED_FRAMES // 2
    frames = JUDGED_FRAMES + (JUDGED_POSITIONS - 1) * every
    drawing = Drawing(corpora, 32, 2 * frames - JUDGED_FRAMES, (1.0, 1.0), 0.0)
    source = SpeechSource(speech, drawing, teacher.mean.device, heldout=True)
    powers = [source.draw(np.random.default_rng([11, index])).power for index in range(JUDGED_BATCHES)]
    before = frames - JUDGED_FRAMES
    wanted = []
    for power in powers:
        windows = []
        for position in range(JUDGED_POSITIONS):
            start = before - position * every
            values = teacher.values(power[:, MEL_PER_LABEL * start : MEL_PER_LABEL * (start + frames)])
            windows.append(values[:, before - start : before - start + JUDGED_FRAMES])
        wanted.append(torch.stack(windows).mean(dim=0))
    total = sum(float((values - values.mean(dim=(0, 1))).square().sum()) for values in wanted)

    @torch.inference_mode()
    def explained(student: PhoneticNetwork) -> float:
        missed = 0.0
        for power, values in zip(powers, wanted, strict=True):
            given = student(mel_features(power)).teacher[:, before : before + JUDGED_FRAMES].float()
            missed += float((given - values).square().sum())
        return 1 - missed / total

    return explained


def run(data: Path, steps: int | None = None, threads: int | None = None) -> None:
    """From the first stage's weights to the shipped ones, with their checksum."""
    settings = StudentSettings()
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    device = torch.device(choose_device("auto"))
    first = first_stage().to(device)
    speech = list(load_distillation(data, first))
    print(f"{len(speech)} recordings, {sum(item.seconds for item in speech) / 60:.0f} min", flush=True)
    network = train(speech, first.cpu(), teaching(device), settings, f"student-{settings.schedule.steps}")
    save_student(network, VENDOR_MODELS / PHONETIC_FILE, settings)
    print(f"{PHONETIC_FILE}: sha256 {record_checksum(PHONETIC_FILE)}")


def save_student(network: PhoneticNetwork, path: Path, settings: StudentSettings) -> None:
    """Write for :class:`PhoneticEncoder`."""
    metadata = {"training": json.dumps(asdict(settings)), "phones": " ".join(ARPABET), "teacher": MODEL_SHA256}
    save_phonetic(network, path, metadata)
