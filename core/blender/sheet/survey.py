# SPDX-License-Identifier: GPL-3.0-or-later
"""What every line of a sheet would be made from now, and what its keys were made from. Changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ...client.choices import GenerateSettings, SourceChoice
from ...engines import find_engine
from ...errors import MediaError, MimeshError, RigError
from ...exchange.sheet import LineStatus, Made, SheetLine, blocked, compare
from ...rig.existing import ExistingAction, ExistingDatablock
from ...settings import groups_to_json
from ..read_animation import line_owners, read_datablock
from ..read_scene import StripRange, on_frames_of, scene_fps
from ..strips.place import StripPlace, places, scenes_to_search
from ..style_mix import WeightCurve
from ..tags import MADE_PROPERTY, record
from .digests import FileDigests, character_digest, digest, strips_digest

# a style's name or path as typed to its file; raises MimeshError
ResolveStyle = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class MadeLine:
    """Keys of ours for one sound. made: None where an earlier version, or a part of it, noted nothing."""

    made: Made | None
    edited: bool


@dataclass(slots=True)
class Survey:
    """One look at a scene: every strip, file and rig is looked at once. Not to be kept.

    rigs: digests by character; who knows that no mesh has changed since may hand in earlier ones, which spares the
    slowest part. mix: what is mixed for lines without a style of their own.
    """

    scene: bpy.types.Scene
    files: FileDigests
    rigs: dict[str, str] = field(default_factory=dict)
    mix: tuple[WeightCurve, ...] = ()
    _places: dict[str, StripPlace] | None = None
    _made: dict[str, dict[str, MadeLine]] = field(default_factory=dict)

    def made_from(self, settings: GenerateSettings, first_frame: float | None = None, own_style: bool = False) -> Made:
        """What the line would be made from now; first_frame: of a file. Raises :class:`MimeshError`."""
        sound, first = self._sound(settings.speech, first_frame)
        # on the frames that keys lie on, which the scene's time remapping stretches
        first *= self.scene.render.frame_map_old / self.scene.render.frame_map_new
        return Made(sound, self._settings(settings, own_style), self.rig(settings.object_name), first)

    def rig(self, name: str) -> str:
        """Digest of a character's rig. Raises :class:`RigError`."""
        if name not in self.rigs:
            obj = bpy.data.objects.get(name)
            if obj is None or obj.type != "MESH":
                raise RigError(f'There is no mesh called "{name}".', "Choose the line's character again.")
            self.rigs[name] = character_digest(obj)
        return self.rigs[name]

    def status(self, line: SheetLine, base: GenerateSettings, resolve: ResolveStyle) -> LineStatus:
        """The state of one line; never raises."""
        if not line.character:
            return blocked("Choose the character who speaks this line.")
        try:
            settings = line_settings(base, line, resolve)
            now = self.made_from(settings, line.first_frame, bool(line.style))
        except MimeshError as error:
            return blocked(str(error))
        found = self.made(line.character).get(line.source)
        if found is None:
            return compare(None, now, False)
        if found.made is None:
            return LineStatus("settings", "Made by an earlier version, which did not note from what.", found.edited)
        return compare(found.made, now, found.edited)

    def made(self, character: str) -> dict[str, MadeLine]:
        """Our lines on a character by their sound."""
        if character not in self._made:
            self._made[character] = _made_lines(bpy.data.objects[character])
        return self._made[character]

    def _sound(self, choice: SourceChoice, first_frame: float | None) -> tuple[str, float]:
        if choice.kind == "file":
            path = Path(bpy.path.abspath(choice.value))
            return self.files.of(path), float(self.scene.frame_start) if first_frame is None else first_frame
        chosen = self._chosen(choice)
        left, right = min(p.span[0] for p in chosen), max(p.span[1] for p in chosen)
        if right <= left:
            raise MediaError(f'The strip "{choice.value}" shows no part of its file.', "Pull its handles out.")
        # the path is of no account: only the frames are asked for
        shown = on_frames_of(self.scene, chosen[0].scene, StripRange(Path(), "sound", 0.0, 0.0, left, right))
        return strips_digest(chosen, self.files), shown.first_frame

    def _chosen(self, choice: SourceChoice) -> list[StripPlace]:
        if self._places is None:
            self._places = {}
            for scene in scenes_to_search(self.scene):
                for place in places(scene):
                    self._places.setdefault(place.strip.name, place)
        if choice.kind == "channel":
            own = (p for p in self._places.values() if p.scene == self.scene and not p.metas)
            found = [p for p in own if p.strip.type == "SOUND" and str(p.strip.channel) == choice.value]
            if not found:
                raise MediaError(f"Channel {choice.value} has no sound strip.", "Choose the channel with the speech.")
            return found
        names = choice.value.splitlines() if choice.kind == "strips" else [choice.value]
        missing = [name for name in names if name not in self._places]
        if missing:
            raise MediaError(f'The sequencer has no strip called "{missing[0]}" any more.', "Choose its strip again.")
        return [self._places[name] for name in names]

    def _settings(self, settings: GenerateSettings, own_style: bool) -> str:
        groups = groups_to_json(settings)
        # where the networks run decides nothing
        groups["run"] = {**groups["run"], "device": ""}
        if settings.head.bank is not None:
            groups["head"] = {**groups["head"], "bank": self.files.of(settings.head.bank)}
        bake = {**settings.bake.to_json(), "on_existing": ""}
        second = self.files.of(Path(settings.second_style)) if settings.second_style else ""
        render = self.scene.render
        pace = [round(scene_fps(self.scene), 5), render.frame_map_old, render.frame_map_new]
        parts = [groups, bake, self._reference(settings.reference), second, pace]
        if self.mix and not own_style:
            parts.append([[self.files.of(curve.style), curve.first, curve.values] for curve in self.mix])
        return digest(parts)

    def _reference(self, choice: SourceChoice) -> str:
        if choice.kind == "none":
            return ""
        if choice.kind == "strip":
            return strips_digest(self._chosen(choice), self.files)
        return self.files.of(Path(bpy.path.abspath(choice.value)))


def line_settings(base: GenerateSettings, line: SheetLine, resolve: ResolveStyle) -> GenerateSettings:
    """The panel's settings with what the line says itself. Raises :class:`MimeshError` for an unknown style."""
    engine = line.engine or base.face.engine
    reference = SourceChoice("style", resolve(line.style)) if line.style else base.reference
    mixes = find_engine(engine).can_mix and reference.kind != "none"
    return dataclasses.replace(
        base,
        object_name=line.character,
        speech=SourceChoice(line.kind, line.source),
        reference=reference,
        second_style=base.second_style if mixes else "",
        face=dataclasses.replace(base.face, engine=engine),
    )


def survey_sheet(
    scene: bpy.types.Scene,
    lines: Iterable[SheetLine],
    base: GenerateSettings,
    resolve: ResolveStyle,
    files: FileDigests,
    rigs: dict[str, str],
    mix: tuple[WeightCurve, ...] = (),
) -> list[LineStatus]:
    """The state of every line. files, rigs, mix: as in :class:`Survey`, filled here."""
    survey = Survey(scene, files, rigs, mix)
    return [survey.status(line, base, resolve) for line in lines]


def _made_lines(obj: bpy.types.Object) -> dict[str, MadeLine]:
    found: dict[str, MadeLine] = {}
    for owner in line_owners(obj):
        seen: set[str] = set()
        for action in _playing(read_datablock(owner)):
            sound = action.line.sound
            if action.line.face not in ("", obj.name) or not sound or sound in seen:
                continue
            seen.add(sound)
            known = found.get(sound, MadeLine(None, False))
            noted = Made.from_json(record(bpy.data.actions[action.name], MADE_PROPERTY))
            found[sound] = MadeLine(known.made or noted, known.edited or action.edited)
    return found


def _playing(block: ExistingDatablock) -> list[ExistingAction]:
    """Our lines that are in force: the active action, then strips from the top; muted ones are old versions."""
    active = [block.action] if block.action is not None and block.action.tagged else []
    strips = [s for track in reversed(block.tracks) for s in track.strips if not s.muted and s.action.tagged]
    return [*active, *(strip.action for strip in strips)]
