# SPDX-License-Identifier: GPL-3.0-or-later
"""Where strips lie: in which scene, in which meta strips, and whether anything there silences them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat


@dataclass(frozen=True, slots=True)
class StripPlace:
    """A strip, its scene, and the meta strips around it, outermost first."""

    strip: Any
    scene: bpy.types.Scene
    metas: tuple[Any, ...] = ()

    @property
    def span(self) -> tuple[float, float]:
        """First scene frame shown and the one after the last, as far as the metas around let it be seen."""
        around = (self.strip, *self.metas)
        return max(compat.strip_left(s) for s in around), min(compat.strip_right(s) for s in around)

    def silenced_by(self) -> str:
        """What keeps it silent on playback, in words; empty where nothing does."""
        strip = self.strip
        if strip.mute:
            return "it is muted"
        for meta in self.metas:
            if meta.mute:
                return f'its meta strip "{meta.name}" is muted'
        for owner, inside in zip((self.scene.sequence_editor, *self.metas), (*self.metas, strip), strict=True):
            if inside.channel < len(owner.channels) and owner.channels[inside.channel].mute:
                return f'the channel "{owner.channels[inside.channel].name}" is muted'
        if getattr(strip, "volume", 1.0) == 0.0 and not volume_is_animated(self.scene, strip):
            return "its volume is 0"
        # Blender names it the wrong way round: use_audio is the interface's "Mute Audio", inverted
        if not self.scene.use_audio:
            return f'the sound of the scene "{self.scene.name}" is muted'
        return ""


def places(scene: bpy.types.Scene) -> list[StripPlace]:
    """Every strip of the scene with its place, those inside meta strips too."""
    editor = scene.sequence_editor
    return [] if editor is None else list(_inside(compat.strips_of(editor), scene, ()))


def place_of(strip: Any) -> StripPlace:
    """The place of one strip."""
    scene = strip.id_data
    return next((place for place in places(scene) if place.strip == strip), StripPlace(strip, scene))


def scenes_to_search(scene: bpy.types.Scene) -> list[bpy.types.Scene]:
    """The scene itself, the one that the sequencer shows (5.0 on), and then all others."""
    shown = getattr(bpy.context.workspace, "sequencer_scene", None) if bpy.context.workspace else None
    first = [scene] if shown is None or shown == scene else [scene, shown]
    return first + [other for other in bpy.data.scenes if other not in first]


def volume_is_animated(scene: bpy.types.Scene, strip: Any) -> bool:
    """Whether a curve or a driver sets the strip's volume."""
    data = scene.animation_data
    if data is None:
        return False
    ending = f'["{bpy.utils.escape_identifier(strip.name)}"].volume'
    curves = [*compat.owner_curves(scene), *data.drivers]
    return any(curve.data_path.endswith(ending) for curve in curves) or bool(data.nla_tracks)


def _inside(strips: Any, scene: bpy.types.Scene, metas: tuple[Any, ...]) -> Iterator[StripPlace]:
    for strip in strips:
        yield StripPlace(strip, scene, metas)
        if strip.type == "META":
            yield from _inside(compat.strips_of(strip), scene, (*metas, strip))
