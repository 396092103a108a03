# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded sound on its own clock: every block goes where its timestamp says, mono and at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from .downmix import ChannelMix
from .media import MAX_GAP_SECONDS
from .placed import PlacedSound
from .repair import SampleRepair
from .speech import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioFrame

# containers round timestamps to a millisecond; the shortest block that can be missing lasts 20
CONTINUOUS_WITHIN_SECONDS = 0.01
# a clock that goes back further than blocks overlap was set back
CLOCK_RESET_SECONDS = 0.5
_BATCH_SECONDS = 0.5
# planar frames of more channels keep their planes where PyAV does not look
_MAX_PLANES = 8

Layout = tuple[str, ...]


@dataclass(slots=True)
class SoundTimeline:
    """Collects blocks between ``start_seconds`` and ``end_seconds`` of a file's own time.

    only: the channel to be taken alone, by layout, where the layout's channels cancel each other.
    """

    name: str
    start_seconds: float
    end_seconds: float | None
    only: dict[Layout, int] = field(default_factory=dict)
    mixes: dict[Layout, ChannelMix] = field(default_factory=dict)
    repair: SampleRepair = field(default_factory=SampleRepair)
    clock_reset_seconds: float | None = None
    gaps: list[tuple[float, float]] = field(default_factory=list)
    _placed: PlacedSound[Layout] = field(default_factory=PlacedSound)
    _run: _Run | None = None
    _expected: float | None = None
    _stamp: float | None = None
    _clock_shift: float = 0.0

    def feed(self, frame: AudioFrame, seconds: float | None) -> bool:
        """Place a frame that begins at ``seconds`` (None: right after the one before). False at the range's end."""
        at = self._place(seconds)
        if self.end_seconds is not None and at >= self.end_seconds:
            return False
        length = frame.samples / frame.rate
        self._expected = at + length
        # a little before the range's start, so that the resampler has swung in there
        if at + length <= self.start_seconds - 0.1:
            self._close()
            return True
        signature = _signature(frame)
        if self._run is None or self._run.signature != signature:
            self._close()
            self._run = _Run(signature, at)
        self._run.pending.append(frame)
        self._run.pending_samples += frame.samples
        if self._run.pending_seconds >= _BATCH_SECONDS:
            self._flush(self._run)
        return True

    def finish(self) -> NDArray[np.float32]:
        """(N,) what was placed, silence where nothing was; index 0 is ``start_seconds``."""
        self._close()
        # an encoder's priming and the frame that the range begins in lie before index 0
        last = None if self.end_seconds is None else round((self.end_seconds - self.start_seconds) * SAMPLE_RATE)
        return self._placed.finish(lambda layout: self.mixes[layout].gain, last)

    @property
    def end_of_sound(self) -> float | None:
        """Second at which the last frame ended."""
        return self._expected

    def _place(self, seconds: float | None) -> float:
        expected = self._expected
        # RealMedia writes one timestamp for a group of blocks: a clock that stands still tells nothing
        stands_still = seconds is not None and seconds == self._stamp
        self._stamp = seconds if seconds is not None else self._stamp
        if seconds is None or stands_still:
            return 0.0 if expected is None else expected
        at = seconds + self._clock_shift
        if expected is None:
            self._refuse_gap(self.start_seconds, at)
            return at
        if at < expected - CLOCK_RESET_SECONDS:
            self._clock_shift += expected - at
            self.clock_reset_seconds = self.clock_reset_seconds or expected
            return expected
        if abs(at - expected) <= CONTINUOUS_WITHIN_SECONDS:
            return expected if self._run is not None else at
        self._refuse_gap(max(expected, self.start_seconds), at)
        if at > expected:
            self.gaps.append((expected, at))
        self._close()
        return at

    def _refuse_gap(self, before: float, after: float) -> None:
        reached = after if self.end_seconds is None else min(after, self.end_seconds)
        if reached - before <= MAX_GAP_SECONDS:
            return
        raise MediaError(
            f"The timestamps of {self.name} jump from {before:.1f} s to {after:.1f} s; nothing lies between.",
            "Choose a range before or after the jump, or export the file again.",
        )

    def _close(self) -> None:
        if self._run is not None:
            self._flush(self._run, last=True)
            self._run = None

    def _flush(self, run: _Run, last: bool = False) -> None:
        layout = run.signature[2]
        mix = self.mixes.setdefault(layout, ChannelMix(layout, self.only.get(layout)))
        start = run.next_seconds
        packed = run.take()
        if packed is not None:
            mono = mix.mix(self.repair.clean(packed, start, run.rate))
            self._add(run, layout, run.resample(mono))
        if last:
            self._add(run, layout, run.resample(None))

    def _add(self, run: _Run, layout: Layout, samples: NDArray[np.float32]) -> None:
        if len(samples):
            at = round((run.start_seconds - self.start_seconds) * SAMPLE_RATE) + run.written
            self._placed.add(at, layout, samples)
            run.written += len(samples)


@dataclass(slots=True)
class _Run:
    """Frames of one kind without a hole between them."""

    signature: tuple[str, int, Layout]
    start_seconds: float
    pending: list[AudioFrame] = field(default_factory=list)
    pending_samples: int = 0
    read: int = 0
    written: int = 0
    _packer: Any = None
    _resampler: Any = None

    def __post_init__(self) -> None:
        import av

        self._packer = av.AudioResampler(format="flt")
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)

    @property
    def rate(self) -> int:
        """Samples per second before resampling."""
        return self.signature[1]

    @property
    def next_seconds(self) -> float:
        """Where the pending frames begin."""
        return self.start_seconds + self.read / self.rate

    @property
    def pending_seconds(self) -> float:
        """How much waits to be resampled."""
        return self.pending_samples / self.rate

    def take(self) -> NDArray[np.float32] | None:
        """(N, C) the pending frames."""
        channels = len(self.signature[2])
        parts = [part for frame in self.pending for part in self._arrays(frame)]
        self.pending.clear()
        self.pending_samples = 0
        if not parts:
            return None
        packed = _as_float(np.concatenate(parts).reshape(-1, channels))
        self.read += len(packed)
        return packed

    def _arrays(self, frame: AudioFrame) -> list[NDArray[Any]]:
        if frame.format.is_packed:
            return [frame.to_ndarray().reshape(-1)]
        if len(self.signature[2]) < _MAX_PLANES:
            return [frame.to_ndarray().T.reshape(-1)]
        frame.pts = None
        return [out.to_ndarray().reshape(-1) for out in self._packer.resample(frame)]

    def resample(self, mono: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """(M,) at 16 kHz; None empties the resampler."""
        import av

        frame = None
        if mono is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(mono)[None], format="flt", layout="mono")
            frame.rate = self.rate
        elif not self.read:
            return np.zeros(0, np.float32)
        parts = [out.to_ndarray().reshape(-1) for out in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _as_float(samples: NDArray[Any]) -> NDArray[np.float32]:
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return samples.astype(np.float32, copy=False)
    full_scale = float(2 ** (8 * samples.dtype.itemsize - 1))
    # only 8-bit sound is unsigned
    middle = full_scale if samples.dtype.kind == "u" else 0.0
    return ((samples.astype(np.float32) - np.float32(middle)) / np.float32(full_scale)).astype(np.float32)


def _signature(frame: AudioFrame) -> tuple[str, int, Layout]:
    return frame.format.name, frame.rate, tuple(channel.name for channel in frame.layout.channels)
