# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a file's sound tracks is read: the chosen one, else the default one, else the one with speech."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """number: counted from 1 among the file's sound tracks. label: for a sentence. default: its flag is set.

    readable: there is a decoder for it.
    """

    number: int
    label: str
    default: bool
    readable: bool = True


@dataclass(frozen=True, slots=True)
class ChosenTrack:
    """The track to read, and the sentence that tells of the choice; empty where there was none to make."""

    number: int
    note: str = ""


def sound_tracks(container: InputContainer) -> tuple[SoundTrack, ...]:
    """The sound tracks in the file's order."""
    import av

    flag = av.stream.Disposition.default
    return tuple(
        SoundTrack(number, _label(number, stream), bool(stream.disposition & flag), stream.codec_context is not None)
        for number, stream in enumerate(container.streams.audio, start=1)
    )


def choose_track(
    tracks: tuple[SoundTrack, ...], path: Path, wanted: int | None, likeness: Callable[[int], float]
) -> ChosenTrack:
    """Choose by number, flag and then ``likeness`` to speech (0 is silence) of a track's number.

    Raises :class:`MediaError` where there is no sound, or no track of the wanted number.
    """
    name = Path(path).name
    if not tracks:
        raise MediaError(f"The file {name} has no sound.", "Choose a file or strip with speech in it.")
    if not any(track.readable for track in tracks):
        raise MediaError(
            f"The sound of {name} is coded in a way that our decoder does not know.", "Export it again as wav."
        )
    if wanted is not None:
        if not 1 <= wanted <= len(tracks):
            raise MediaError(
                f"The file {name} has {_count(len(tracks))}; there is no track {wanted}.",
                f"Choose one from 1 to {len(tracks)}.",
            )
        if not tracks[wanted - 1].readable:
            raise MediaError(f"Track {wanted} of {name} cannot be decoded.", "Choose another one.")
        return ChosenTrack(wanted)
    if len(tracks) == 1:
        return ChosenTrack(1)
    flagged = [track for track in tracks if track.default and track.readable]
    if len(flagged) == 1 and likeness(flagged[0].number) > 0.0:
        return _told(name, tracks, flagged[0], "the file's default")
    tracks_read = [track for track in tracks if track.readable]
    scores = {track.number: likeness(track.number) for track in tracks_read}
    best = max(tracks_read, key=lambda track: scores[track.number])
    return _told(name, tracks, best, "the one most like speech" if scores[best.number] > 0 else "all are silent")


def _told(name: str, tracks: tuple[SoundTrack, ...], chosen: SoundTrack, why: str) -> ChosenTrack:
    return ChosenTrack(
        chosen.number, f"{name} has {_count(len(tracks))}; {chosen.label} is used ({why}). Another can be chosen."
    )


def _count(tracks: int) -> str:
    return f"{tracks} sound track{'s' * (tracks != 1)}"


def _label(number: int, stream: Any) -> str:
    title = str(stream.metadata.get("title") or "")
    language = str(stream.metadata.get("language") or "")
    said = ", ".join(part for part in (title, language) if part and part != "und")
    return f"track {number} ({said})" if said else f"track {number}"
