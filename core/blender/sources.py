# SPDX-License-Identifier: GPL-3.0-or-later
"""From the chosen sources (strips, channels, files, styles) to the parts of files that the engine reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import bpy

from ..client.choices import SourceChoice
from ..errors import MediaError
from ..exchange.media_range import MediaRange
from .read_scene import StripRange, find_strip, read_strip_range, read_strips_together, sound_strips_on_channel
from .strips.played_file import with_playback


@dataclasses.dataclass(frozen=True, slots=True)
class PlacedMedia:
    """Part of a file, and the scene frame (fractional) at which that part begins."""

    media: MediaRange
    first_frame: float
    warnings: tuple[str, ...] = ()


def read_speech(scene: bpy.types.Scene, choice: SourceChoice) -> PlacedMedia:
    """The speech's file range and its place; a file starts at the scene's first frame. Raises :class:`MediaError`."""
    if choice.kind == "file":
        media = MediaRange(existing_file(choice.value, "speech"), track=choice.track)
        return PlacedMedia(with_playback(media, scene), float(scene.frame_start))
    if choice.kind == "strips":
        names = [name for name in choice.value.splitlines() if name]
        return _placed(read_strips_together([find_strip(scene, name) for name in names], scene), choice)
    if choice.kind == "channel":
        return _placed(read_strips_together(_strips_on_channel(scene, choice.value), scene), choice)
    # Blender plays the track that it likes: where another is chosen, the file itself is read
    directly = choice.track is not None
    return _placed(read_strip_range(find_strip(scene, choice.value), scene, picture=directly), choice)


def read_reference(scene: bpy.types.Scene, choice: SourceChoice) -> tuple[MediaRange | None, Path | None]:
    """The reference's clip or its style file, whichever is chosen. Raises :class:`MediaError`."""
    if choice.kind == "strip":
        return _placed(read_strip_range(find_strip(scene, choice.value), scene, picture=True), choice).media, None
    if choice.kind == "file":
        media = MediaRange(existing_file(choice.value, "reference"), track=choice.track, person=choice.person)
        return media, None
    if choice.kind == "style":
        return None, existing_file(choice.value, "style")
    return None, None


def existing_file_range(text: str, scene: bpy.types.Scene) -> MediaRange:
    """The whole of a speech's file, as the scene plays it. Raises :class:`MediaError`."""
    return with_playback(MediaRange(existing_file(text, "speech")), scene)


def existing_file(text: str, role: str) -> Path:
    """The file of a field; ``//`` is the blend file's folder. Raises :class:`MediaError`."""
    if not text:
        raise MediaError(f"No {role} file is chosen.", "Choose one in the Mimesh panel.")
    path = Path(bpy.path.abspath(text))
    if not path.is_file():
        raise MediaError(f"The {role} file {path} does not exist.", "Choose another file.")
    return path


def _placed(strip: StripRange, choice: SourceChoice) -> PlacedMedia:
    # a mix has one track, whatever the files in it had
    track = None if strip.label else choice.track
    media = MediaRange(strip.path, strip.start_seconds, strip.end_seconds, track, choice.person, strip.label)
    return PlacedMedia(media, strip.first_frame, strip.warnings)


def _strips_on_channel(scene: bpy.types.Scene, channel: str) -> list[Any]:
    found = sound_strips_on_channel(scene, int(channel)) if channel.isdecimal() else []
    if not found:
        raise MediaError(
            f'There is no sound strip on channel {channel} of "{scene.name}".', "Choose the channel with the speech."
        )
    return found
