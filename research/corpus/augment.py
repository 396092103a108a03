# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes few voices sound like many: augmentation of power spectrograms (B, N, 257) at 100 Hz, in torch.

Vocal-tract length (Jaitly & Hinton 2013), colour, band limits, stationary noise, a second talker and smear.
Everything works on power, so one training batch needs no second pass over the waveform, and on the device of its
generator, which is the power's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from core.audio.speech import SAMPLE_RATE
from core.models.speech.mel import BANDS, BINS, DYNAMIC_RANGE_NATS, SCALE_NATS, SPEECH_RANGE_NATS, mel_filters

NYQUIST_HZ = SAMPLE_RATE / 2


def augment(power: Tensor, generator: torch.Generator, left_out: tuple[str, ...] = (), hard: bool = False) -> Tensor:
    """A differently voiced, coloured and disturbed copy of ``power``. left_out: of the augmentations, by name."""
    for name, change in (HARD_AUGMENTATIONS if hard else AUGMENTATIONS).items():
        if name not in left_out:
            power = change(power, generator)
    return power


def mel_features(power: Tensor) -> Tensor:
    """(B, N, 257) to (B, N, 80): the same normalisation as :func:`core.models.speech.mel.normalise`."""
    filters = torch.from_numpy(mel_filters()).to(power)
    mel = torch.log(power @ filters.T + 1e-10)
    loudness = mel.mean(dim=2)
    loud = torch.quantile(loudness, 0.95, dim=1)[:, None]
    floored = torch.maximum(mel, (loud - DYNAMIC_RANGE_NATS)[:, :, None])
    speaking = (loudness > loud - SPEECH_RANGE_NATS).to(mel)[:, :, None]
    mean = (floored * speaking).sum(dim=1, keepdim=True) / speaking.sum(dim=1, keepdim=True)
    return (floored - mean) / SCALE_NATS


def features(power: Tensor) -> Tensor:
    """(B, 2 N, 257) to (B, N, 160): what :class:`core.models.speech.mel.MelEncoder` gives."""
    return mel_features(power).reshape(len(power), -1, 2 * BANDS)


def mask_bands(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Blank up to two runs of 16 bands and one of 0.2 s (SpecAugment, Park et al. 2019), each in half the samples.

    mel: (B, N, 80) at 100 Hz.
    """
    batch, frames, _ = mel.shape
    band = torch.arange(BANDS, device=mel.device)
    hidden = _run(batch, BANDS, 16, generator)(band) | _run(batch, BANDS, 16, generator)(band)
    silent = _run(batch, frames, 20, generator)(torch.arange(frames, device=mel.device))
    return mel * ~hidden[:, None, :] * ~silent[:, :, None]


def mask(features: Tensor, generator: torch.Generator) -> Tensor:
    """:func:`mask_bands` on (B, N, 160) stacked features at 50 Hz."""
    batch, frames, _ = features.shape
    return mask_bands(features.reshape(batch, 2 * frames, BANDS), generator).reshape(batch, frames, 2 * BANDS)


def blur_harmonics(power: Tensor, generator: torch.Generator) -> Tensor:
    """Average over up to 9 neighbouring bins in half of the samples: what is left has formants but no pitch."""
    batch = len(power)
    width = 1 + 2 * (_uniform(batch, 0, 5, generator).long() * (_uniform(batch, 0, 1, generator) < 0.5))
    total = torch.nn.functional.pad(power.cumsum(dim=2), (1, 0))
    half = (width // 2)[:, None]
    bins = torch.arange(BINS, device=power.device)
    high = (bins + half + 1).clamp(max=BINS)
    low = (bins - half).clamp(min=0)
    index = power.shape[1]
    sums = total.gather(2, high[:, None].expand(-1, index, -1)) - total.gather(2, low[:, None].expand(-1, index, -1))
    blurred = (sums / (high - low)[:, None]).clamp_min(0.0)
    return torch.where((width > 1)[:, None, None], blurred, power)


def warp_frequency(power: Tensor, generator: torch.Generator) -> Tensor:
    """Stretch the frequency axis by 0.77 .. 1.3 (vocal-tract length), most of the time."""
    batch = len(power)
    factor = torch.exp(_uniform(batch, math.log(0.77), math.log(1.3), generator))
    factor = torch.where(_uniform(batch, 0, 1, generator) < 0.92, factor, torch.ones_like(factor))
    source = (torch.arange(BINS, device=power.device) * factor[:, None]).clamp(0, BINS - 1.001)
    low = source.long()
    blend = (source - low)[:, None, :]
    index = low[:, None, :].expand(-1, power.shape[1], -1)
    return (1 - blend) * power.gather(2, index) + blend * power.gather(2, index + 1)


def add_noise(power: Tensor, generator: torch.Generator) -> Tensor:
    """Coloured stationary noise at 0 .. 30 dB in two of three samples; each bin exponential, as real noise is."""
    batch = len(power)
    level = power.mean(dim=(1, 2)) * 10 ** (-_uniform(batch, 0, 30, generator) / 10)
    level = level * (_uniform(batch, 0, 1, generator) < 0.66)
    spectrum = torch.exp(_random_curve(batch, 2.0, generator))
    spectrum = spectrum / spectrum.mean(dim=1, keepdim=True)
    noise = exponential(power, generator)
    return power + level[:, None, None] * spectrum[:, None, :] * noise


def add_second_talker(power: Tensor, generator: torch.Generator) -> Tensor:
    """Another sample of the batch in the background at 10 .. 25 dB, in one of eight."""
    batch = len(power)
    other = power[_permutation(batch, generator)]
    gain = 10 ** (-_uniform(batch, 10, 25, generator) / 10) * (_uniform(batch, 0, 1, generator) < 0.125)
    relative = power.mean(dim=(1, 2)) / other.mean(dim=(1, 2)).clamp_min(1e-10)
    return power + (gain * relative)[:, None, None] * other


def smear(power: Tensor, generator: torch.Generator) -> Tensor:
    """A room's tail: exponentially decaying energy after every sound, in one of four samples."""
    batch, frames, _ = power.shape
    decay = torch.exp(-1.0 / _uniform(batch, 3, 15, generator))
    wet = _uniform(batch, 0.02, 0.25, generator) * (_uniform(batch, 0, 1, generator) < 0.25)
    taps = torch.arange(1, 33, device=power.device)
    kernel = decay[:, None] ** taps * wet[:, None]
    tail = torch.zeros_like(power)
    for tap in range(0, 32, 4):
        share = kernel[:, tap : tap + 4].sum(dim=1)[:, None, None]
        tail[:, tap + 1 :] += share * power[:, : frames - tap - 1]
    return power + tail


def colour(power: Tensor, generator: torch.Generator) -> Tensor:
    """Random smooth equaliser, and in one of six samples a telephone's or codec's band limits."""
    batch = len(power)
    gain = _random_curve(batch, 1.5, generator)
    hertz = torch.linspace(0, NYQUIST_HZ, BINS, device=power.device)
    limited = (_uniform(batch, 0, 1, generator) < 0.17)[:, None]
    low = _uniform(batch, 80, 400, generator)[:, None]
    high = _uniform(batch, 3000, 6000, generator)[:, None]
    outside = (hertz < low) | (hertz > high)
    gain = gain - 9.0 * (outside & limited)
    return power * torch.exp(gain)[:, None, :]


def add_crowd(power: Tensor, generator: torch.Generator) -> Tensor:
    """Six other samples of the batch talking behind at 0 .. 20 dB together, in two of five samples."""
    batch = len(power)
    level = power.mean(dim=(1, 2), keepdim=True).clamp_min(1e-10)
    crowd = sum((power / level)[_permutation(batch, generator)] for _ in range(6)) / 6
    gain = 10 ** (-_uniform(batch, 0, 20, generator) / 10) * (_uniform(batch, 0, 1, generator) < 0.4)
    return power + gain[:, None, None] * level * crowd


def add_music(
    power: Tensor, generator: torch.Generator, share: float = 0.2, decibel: tuple[float, float] = (3.0, 25.0)
) -> Tensor:
    """Chords of three notes with ten overtones each, a new one every 0.3 s, so far under the speech."""
    batch, frames, _ = power.shape
    chords = -(-frames // 30)
    hertz = 80.0 * 2 ** _uniform(batch * chords * 3, 0, 4, generator).view(batch, chords, 3, 1)
    overtone = torch.arange(1, 11, device=power.device)
    centre = (hertz * overtone).flatten(2) / NYQUIST_HZ * (BINS - 1)
    height = (1.0 / overtone**1.5).expand(batch, chords, 3, 10).flatten(2)
    distance = torch.arange(BINS, device=power.device)[None, None, :, None] - centre[:, :, None]
    spectrum = (torch.exp(-((distance / 0.8) ** 2)) * height[:, :, None]).sum(dim=3)
    music = spectrum.repeat_interleave(30, dim=1)[:, :frames]
    music = music / music.mean(dim=(1, 2), keepdim=True).clamp_min(1e-10)
    gain = 10 ** (-_uniform(batch, *decibel, generator) / 10) * (_uniform(batch, 0, 1, generator) < share)
    return power + gain[:, None, None] * power.mean(dim=(1, 2), keepdim=True) * music


# in the order in which a recording comes about: throat, room, microphone
AUGMENTATIONS: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "vocal tract": warp_frequency,
    "blurred harmonics": blur_harmonics,
    "second talker": add_second_talker,
    "room": smear,
    "noise": add_noise,
    "colour": colour,
}


# what a student hears while its teacher hears the clean recording
HARD_AUGMENTATIONS: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "vocal tract": warp_frequency,
    "blurred harmonics": blur_harmonics,
    "crowd": add_crowd,
    "music": add_music,
    "room": smear,
    "noise": add_noise,
    "colour": colour,
}


def _random_curve(batch: int, deviation: float, generator: torch.Generator) -> Tensor:
    """(B, 257) smooth random log gains: six knots, linear between."""
    knots = torch.randn(batch, 1, 6, generator=generator, device=generator.device) * deviation * 0.7
    return torch.nn.functional.interpolate(knots, size=BINS, mode="linear", align_corners=True)[:, 0]


def _run(batch: int, size: int, longest: int, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """A random run of at most ``longest`` places in each sample; half of the samples have none."""
    start = _uniform(batch, 0, size, generator)[:, None]
    length = _uniform(batch, 0, longest, generator) * (_uniform(batch, 0, 1, generator) < 0.5)
    return lambda place: (place >= start) & (place < start + length[:, None])


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) * (high - low) + low


def _permutation(count: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=generator, device=generator.device)


def exponential(like: Tensor, generator: torch.Generator) -> Tensor:
    """Exponentially distributed values of mean 1, in the shape of ``like``."""
    return -torch.log(torch.rand(like.shape, generator=generator, device=generator.device).clamp_min(1e-6))
