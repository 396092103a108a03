# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sequencer: which strips there are, and which seconds of which file are played. Main thread only.

Blender's own playback is the judge: where a strip's file does not tell what is played of the strip, the strip is
mixed down by Blender and the mix is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import bpy

from ..errors import MediaError
from . import compat
from .strips.media import is_retimed, media_path, media_rate, needs_mixing, refuse_retimed
from .strips.mix_down import can_mix_down, mix_down, whole_frames
from .strips.place import StripPlace, place_of, places, scenes_to_search

StripKind = Literal["sound", "movie", "mix"]
# a meta or scene strip is taken as one: what Blender mixes of it
_KINDS: dict[str, StripKind] = {"SOUND": "sound", "MOVIE": "movie", "META": "mix", "SCENE": "mix"}
_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class StripInfo:
    """A strip to choose from. label: for a menu. scene: the one that it lies in."""

    name: str
    kind: StripKind
    channel: int
    label: str
    scene: str = ""


@dataclass(frozen=True, slots=True)
class StripRange:
    """Seconds [start, end) of a file; first_frame: scene frame (fractional) at which ``start_seconds`` sounds.

    label: names the strips where the file is Blender's mix of them.
    """

    path: Path
    kind: StripKind
    start_seconds: float
    end_seconds: float
    first_frame: float
    last_frame: float
    warnings: tuple[str, ...] = ()
    label: str = ""


def scene_fps(scene: bpy.types.Scene) -> float:
    """True frames per second: 30 / 1.001 is 29.97."""
    return float(scene.render.fps / scene.render.fps_base)


def list_strips(scene: bpy.types.Scene) -> tuple[StripInfo, ...]:
    """What is played, in the order of the timeline; the scene's own before those of other scenes."""
    found: dict[str, StripInfo] = {}
    for searched in scenes_to_search(scene):
        usable = [place for place in places(searched) if _is_usable(place.strip)]
        usable.sort(key=lambda place: (place.span[0], place.strip.channel))
        where = "" if searched == scene else f", scene {searched.name}"
        for place in usable:
            strip = place.strip
            label = f"{strip.name} (channel {strip.channel}{where})"
            info = StripInfo(strip.name, _KINDS[strip.type], strip.channel, label, searched.name)
            found.setdefault(strip.name, info)
    return tuple(found.values())


def has_strip(scene: bpy.types.Scene, name: str) -> bool:
    """Whether a strip of this name can be found; cheap enough for a panel."""
    return any(strip.name == name for other in scenes_to_search(scene) for strip in compat.sequencer_strips(other))


def find_strip(scene: bpy.types.Scene, name: str) -> Any:
    """The strip of this name, in this scene or in another. Raises :class:`MediaError` naming those that are there."""
    present: list[str] = []
    for searched in scenes_to_search(scene):
        usable = {strip.name: strip for strip in compat.sequencer_strips(searched) if _is_usable(strip)}
        if name in usable:
            return usable[name]
        present += usable
    raise MediaError(
        f'The sequencer of "{scene.name}" has no sound or movie strip "{name}" '
        f"(present: {', '.join(sorted(set(present))) or 'none'}).",
        "Choose a strip in the Mimesh panel.",
    )


def read_strip_range(strip: Any, scene: bpy.types.Scene, picture: bool = False) -> StripRange:
    """What is played of the strip, on the frames of ``scene``. Raises :class:`MediaError`.

    picture: the file itself is wanted, for its picture, even where its sound would have to be mixed.
    """
    if strip.type not in _KINDS:
        raise MediaError(f'"{strip.name}" is not a sound or movie strip.', "Choose another strip.")
    place = place_of(strip)
    left, right = place.span
    if right <= left:
        raise MediaError(f'The strip "{strip.name}" shows no part of its file.', "Pull its handles over the media.")
    if strip.type == "MOVIE" or (picture and strip.type == "SOUND"):
        refuse_retimed(strip)
        found = _read_directly(place)
    else:
        found = _read_sound(place)
    return on_frames_of(scene, place.scene, found)


def read_strips_together(strips: Sequence[Any], scene: bpy.types.Scene) -> StripRange:
    """Several sound strips of one scene as one speech, as Blender mixes them. Raises :class:`MediaError`."""
    if not strips:
        raise MediaError("No strip with sound is chosen.", "Choose the strips of one character.")
    chosen = sorted((place_of(strip) for strip in strips), key=lambda place: place.span)
    if any(place.scene != chosen[0].scene for place in chosen):
        raise MediaError("The chosen strips lie in different scenes.", "Choose strips of one scene.")
    if len(chosen) == 1:
        return read_strip_range(chosen[0].strip, scene)
    audible = [place for place in chosen if not place.silenced_by()]
    left_out = [place.strip.name for place in chosen if place not in audible]
    if not audible:
        raise MediaError(f"All of the chosen strips are muted ({', '.join(left_out)}).", "Unmute one of them.")
    warnings = [f"Silent and left out: {', '.join(left_out)}."] if left_out else []
    warnings += [
        f'The strips "{a.strip.name}" and "{b.strip.name}" overlap; both sound there.' for a, b in _overlaps(audible)
    ]
    left, right = min(place.span[0] for place in audible), max(place.span[1] for place in audible)
    mixed = _mixed(audible[0].scene, [place.strip.name for place in audible], left, right, tuple(warnings))
    return on_frames_of(scene, audible[0].scene, mixed)


def sound_strips_on_channel(scene: bpy.types.Scene, channel: int) -> list[Any]:
    """The sound strips that lie on a channel of the scene itself, not inside metas."""
    return [
        place.strip
        for place in places(scene)
        if not place.metas and place.strip.type == "SOUND" and place.strip.channel == channel
    ]


def on_frames_of(scene: bpy.types.Scene, owner: bpy.types.Scene, found: StripRange) -> StripRange:
    """A range of the sequencer of ``owner``, on the frames of ``scene``, whose objects get the keys.

    Where the owner shows the scene through a scene strip, through that; else frame numbers are the same in both.
    """
    if scene == owner:
        return found
    shown = [s for s in compat.sequencer_strips(owner) if s.type == "SCENE" and s.scene == scene]
    shift, how = 0.0, "the same frame numbers are used"
    if shown:
        content = compat.strip_content_start(shown[0]) - compat.strip_trimmed_frames(shown[0])
        shift, how = scene.frame_start - content, f'its place under the scene strip "{shown[0].name}" is followed'
    warnings = [
        *found.warnings,
        f'The strip lies in the scene "{owner.name}"; the keys are set in "{scene.name}": {how}.',
    ]
    rate, own = scene_fps(scene), scene_fps(owner)
    if abs(rate - own) > _RATE_TOLERANCE:
        warnings.append(f'"{owner.name}" runs at {own:g} fps and "{scene.name}" at {rate:g}.')
    first = found.first_frame + shift
    return replace(
        found,
        first_frame=first,
        last_frame=first + (found.last_frame - found.first_frame) * rate / own,
        warnings=tuple(warnings),
    )


def _is_usable(strip: Any) -> bool:
    if strip.type == "META":
        return any(inner.type == "SOUND" or _is_usable(inner) for inner in compat.strips_of(strip))
    if strip.type == "SCENE":
        return strip.scene is not None and any(s.type == "SOUND" for s in compat.sequencer_strips(strip.scene))
    return strip.type in ("SOUND", "MOVIE")


def _read_sound(place: StripPlace) -> StripRange:
    strip = place.strip
    why = "it holds other strips" if strip.type in ("META", "SCENE") else needs_mixing(place)
    if not why:
        return _read_directly(place)
    if can_mix_down():
        left, right = place.span
        return _mixed(place.scene, [strip.name], left, right, _warnings(place))
    if strip.type != "SOUND" or is_retimed(strip):
        raise MediaError(
            f'The strip "{strip.name}" has to be mixed down, because {why}; this Blender is built without sound.',
            "Use an official Blender, or bake the strip into a sound file.",
        )
    return _read_directly(place)


def _read_directly(place: StripPlace) -> StripRange:
    strip = place.strip
    left, right = place.span
    fps = scene_fps(place.scene)
    rate = media_rate(strip, fps)
    start = (left + compat.strip_trimmed_frames(strip) - compat.strip_content_start(strip)) / rate
    start -= getattr(strip, "sound_offset", 0.0)
    if start < 0:
        # a strip pulled out beyond its media holds the first frame; there is no sound there
        left -= start * rate
        start = 0.0
    if right <= left:
        raise MediaError(f'The strip "{strip.name}" shows no part of its file.', "Pull its handles over the media.")
    drift = ()
    if strip.type == "MOVIE" and abs(rate - fps) > _RATE_TOLERANCE:
        drift = (
            f'The movie "{strip.name}" has {rate:g} fps and is played at the scene\'s {fps:g}; '
            "its picture and sound drift apart in the sequencer.",
        )
    return StripRange(
        path=media_path(strip),
        kind=_KINDS[strip.type],
        start_seconds=start,
        end_seconds=start + (right - left) / rate,
        first_frame=left,
        last_frame=right,
        warnings=(*_warnings(place), *drift),
    )


def _mixed(
    scene: bpy.types.Scene, names: Sequence[str], left: float, right: float, warnings: tuple[str, ...]
) -> StripRange:
    if not can_mix_down():
        raise MediaError(
            f"{', '.join(names)} have to be mixed down; this Blender is built without sound.",
            "Use an official Blender, or bake the strips into one sound file.",
        )
    first, last = whole_frames(left, right)
    fps = scene_fps(scene)
    if right <= first:
        raise MediaError(f'The strip "{names[0]}" lies before frame 0, where nothing is played.', "Move it.")
    return StripRange(
        path=mix_down(scene, frozenset(names), first, last),
        kind="sound",
        start_seconds=0.0,
        end_seconds=(last - first) / fps,
        first_frame=float(first),
        last_frame=float(last),
        warnings=warnings,
        label=f'{", ".join(names)} (mixed from the sequencer of "{scene.name}")',
    )


def _overlaps(chosen: Sequence[StripPlace]) -> list[tuple[StripPlace, StripPlace]]:
    return [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1 :] if b.span[0] < a.span[1]]


def _warnings(place: StripPlace) -> tuple[str, ...]:
    silenced = place.silenced_by()
    if not silenced:
        return ()
    if place.strip.mute:
        return (f'The strip "{place.strip.name}" is muted: it is used, but left out of playback.',)
    return (f'The strip "{place.strip.name}" is silent on playback ({silenced}); it is used all the same.',)
