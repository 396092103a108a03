# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sound file, or the sound of any video, to :class:`Speech`, with PyAV: only the seconds that are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from .media import (
    PREROLL_SECONDS,
    in_our_words,
    length_seconds_of,
    open_media,
    packets,
    seek_before,
    start_seconds_of,
    why_unreadable,
)
from .priming import priming_seconds
from .repair import to_full_scale
from .sound_tracks import choose_track, sound_tracks
from .speech import SILENCE_PEAK, Speech
from .speech_likeness import speech_likeness
from .timeline import Layout, SoundTimeline

if TYPE_CHECKING:
    from av.container import InputContainer

Progress = Callable[[float], None]

# what is decoded of each track to tell which one holds speech
PROBE_SECONDS = 20.0
_PROGRESS_EVERY_SECONDS = 0.25
# a hole shorter than this is a lost block, and not worth a sentence
_TOLD_GAP_SECONDS = 0.1
# a file that ends this much before the length it claims was cut off
_TOLD_MISSING_SECONDS = 1.0


def load_speech(
    path: Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    track: int | None = None,
    progress: Progress = lambda fraction: None,
) -> Speech:
    """Decode the range [start, end) of a file's sound to mono 16 kHz.

    Every sample lies at the time its timestamp says: holes and a late start are silence. Channels are averaged, so
    the mix can never exceed full scale; where they cancel each other, the loudest is taken alone. track: counted
    from 1; None chooses. What was repaired or chosen is told in ``notes``. Raises :class:`MediaError`.
    """
    path = Path(path)
    reading = _read(path, start_seconds, end_seconds, track, progress)
    alone = {
        layout: channel for layout, mix in reading.timeline.mixes.items() if (channel := mix.better_alone) is not None
    }
    if alone:
        reading = _read(path, start_seconds, end_seconds, reading.track, progress, alone)
    samples, peak = to_full_scale(reading.samples)
    if len(samples) == 0:
        raise _nothing_decoded(path, start_seconds, end_seconds, reading)
    if reading.timeline.repair.hopeless:
        raise MediaError(
            f"Most samples of {path.name} are no numbers (from {reading.timeline.repair.first_seconds:.2f} s on).",
            "Export it again.",
        )
    notes = _notes(path, reading, alone, end_seconds)
    if peak > 1.0 and samples is not reading.samples:
        notes = (*notes, f"The sound of {path.name} went {peak:.3g} times over full scale and was brought down to it.")
    return Speech(samples=samples, source=str(path), start_seconds=start_seconds, notes=notes)


def require_sound(speech: Speech) -> None:
    """Refuse digital or near silence (peak under -60 dB of full scale)."""
    peak = float(max(speech.samples.max(initial=0.0), -speech.samples.min(initial=0.0)))
    if peak < SILENCE_PEAK:
        raise MediaError(
            f"The sound of {Path(speech.source).name} is silent (peak {peak:.5f} of full scale).",
            "Choose the strip that carries the speech, or raise its recording level.",
        )


@dataclass(slots=True)
class _Reading:
    """One pass over a range of a track."""

    timeline: SoundTimeline
    track: int
    choice_note: str = ""
    samples: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    bad_packets: int = 0
    first_bad_seconds: float | None = None
    broken_off: Exception | None = None
    claimed_seconds: float | None = None
    reached_end: bool = False
    # the timestamp of second 0
    origin: float = 0.0


def _read(
    path: Path,
    start_seconds: float,
    end_seconds: float | None,
    wanted: int | None,
    progress: Progress,
    alone: dict[Layout, int] | None = None,
) -> _Reading:
    with open_media(path) as container:
        choice = choose_track(
            sound_tracks(container), path, wanted, lambda number: _likeness(path, number, start_seconds, end_seconds)
        )
        origin = start_seconds_of(container) + priming_seconds(path, choice.number)
        for seeking in (True, False):
            timeline = SoundTimeline(path.name, start_seconds, end_seconds, alone or {})
            reading = _Reading(
                timeline, choice.number, choice.note, claimed_seconds=length_seconds_of(container), origin=origin
            )
            stream = container.streams.audio[choice.number - 1]
            sought = seeking and seek_before(container, stream, start_seconds)
            if not seeking:
                container.seek(int(start_seconds_of(container) * 1_000_000))
            if _decode(container, stream, reading, progress, sought) or not sought:
                break
        reading.samples = timeline.finish()
    return reading


def _decode(container: InputContainer, stream: Any, reading: _Reading, progress: Progress, sought: bool) -> bool:
    """Fill the timeline; False where seeking led past the range's start, so that all has to be read."""
    import av

    timeline, origin = reading.timeline, reading.origin
    span = _expected_span(timeline, reading)
    told = time.monotonic()
    first = True
    for packet, error in packets(container, stream):
        if packet is None:
            reading.broken_off = error
            return True
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            _count_bad(reading, packet)
            continue
        for frame in frames:
            seconds = None if frame.time is None else frame.time - origin
            if first and sought and (seconds is None or seconds > timeline.start_seconds):
                return False
            # right after a seek a decoder has not got what it needs from before
            if first and sought and seconds is not None and seconds > timeline.start_seconds - PREROLL_SECONDS / 4:
                return False
            first = False
            if frame.samples and not timeline.feed(frame, seconds):
                reading.reached_end = True
                return True
        if time.monotonic() - told > _PROGRESS_EVERY_SECONDS:
            told = time.monotonic()
            progress(min(((timeline.end_of_sound or 0.0) - timeline.start_seconds) / span, 1.0))
    return not first or not sought


def _expected_span(timeline: SoundTimeline, reading: _Reading) -> float:
    end = timeline.end_seconds or reading.claimed_seconds or 0.0
    return max(end - timeline.start_seconds, 1e-3)


def _count_bad(reading: _Reading, packet: Any) -> None:
    reading.bad_packets += 1
    if reading.first_bad_seconds is None:
        known = packet.pts is not None and packet.time_base is not None
        reading.first_bad_seconds = (
            float(packet.pts * packet.time_base) - reading.origin if known else reading.timeline.end_of_sound or 0.0
        )


def _likeness(path: Path, number: int, start_seconds: float, end_seconds: float | None) -> float:
    probe_end = start_seconds + PROBE_SECONDS
    if end_seconds is not None:
        probe_end = min(probe_end, end_seconds)
    try:
        samples = _read(path, start_seconds, probe_end, number, lambda fraction: None).samples
    except MediaError:
        return 0.0
    # what is too short to judge, or no speech, still goes before silence
    audible = float(np.abs(samples).max(initial=0.0)) >= SILENCE_PEAK
    return max(speech_likeness(samples), 1e-6) if audible else 0.0


def _nothing_decoded(path: Path, start: float, end: float | None, reading: _Reading) -> MediaError:
    if reading.bad_packets or reading.broken_off is not None:
        reason = why_unreadable(path, reading.broken_off)
        at = reading.first_bad_seconds or reading.timeline.end_of_sound or start
        return MediaError(
            f"The sound of {path.name} is damaged at {max(at, 0.0):.2f} s: {reason}.", "Export it again as wav."
        )
    until = "its end" if end is None else f"{end:.2f} s"
    there = reading.timeline.end_of_sound
    lasts = "" if there is None or there > start else f"; it ends at {there:.2f} s"
    return MediaError(
        f"The file {path.name} has no sound between {start:.2f} s and {until}{lasts}.", "Check the strip's trim."
    )


def _notes(path: Path, reading: _Reading, alone: dict[Layout, int], end_seconds: float | None) -> tuple[str, ...]:
    name, timeline = path.name, reading.timeline
    found = [reading.choice_note]
    for layout, channel in alone.items():
        found.append(f"The {len(layout)} channels of {name} cancel each other; channel {channel + 1} is used alone.")
    if timeline.repair.broken:
        found.append(
            f"{timeline.repair.broken} sample{'s' * (timeline.repair.broken > 1)} of {name} were no numbers "
            f"(from {timeline.repair.first_seconds:.2f} s on) and were repaired."
        )
    if reading.bad_packets:
        found.append(
            f"{reading.bad_packets} block{'s' * (reading.bad_packets > 1)} of {name} cannot be decoded "
            f"(from {max(reading.first_bad_seconds or 0.0, 0.0):.2f} s on); silence stands there."
        )
    gaps = [gap for gap in timeline.gaps if gap[1] - gap[0] >= _TOLD_GAP_SECONDS and gap[1] > timeline.start_seconds]
    if gaps:
        seconds = sum(after - before for before, after in gaps)
        found.append(f"{name} has holes in its sound ({seconds:.1f} s from {gaps[0][0]:.2f} s on); they are silent.")
    if timeline.clock_reset_seconds is not None:
        found.append(f"The clock of {name} is set back at {timeline.clock_reset_seconds:.2f} s; it goes on there.")
    found.append(_cut_off_note(name, reading, end_seconds))
    return tuple(filter(None, found))


def _cut_off_note(name: str, reading: _Reading, end_seconds: float | None) -> str:
    ended = reading.timeline.end_of_sound
    if reading.reached_end or ended is None or reading.broken_off is None:
        return ""
    wanted = min(end_seconds or np.inf, reading.claimed_seconds or np.inf)
    if np.isfinite(wanted) and wanted - ended < _TOLD_MISSING_SECONDS:
        return ""
    return f"{name} cannot be read beyond {ended:.2f} s ({in_our_words(reading.broken_off)}); what is before is used."
