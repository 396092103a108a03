# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene lacks for a first line: the demo head, the demo speech, the demo reference. Takes itself back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import bpy
from mathutils import Vector

from ..errors import MediaError
from .compat import sequencer_strips, strip_right, strips_of
from .demo_head import create_demo_head
from .strips.mix_down import can_mix_down

_EXAMPLES = Path(__file__).resolve().parents[2] / "demo" / "input"
SPEECH, REFERENCE = _EXAMPLES / "line.ogg", _EXAMPLES / "reference.mp4"
# between the head and what stands there already, which is then out of the picture
_ROOM_METRES = 0.3

Role = Literal["speech", "reference"]


@dataclass(slots=True)
class Added:
    """What was put into the scene; :meth:`take_back` removes it again."""

    scene: bpy.types.Scene
    objects: list[bpy.types.Object] = field(default_factory=list)
    strips: list[str] = field(default_factory=list)
    frame_end: int = 0

    def take_back(self) -> None:
        """The scene as it was."""
        for name in self.strips:
            strips = strips_of(self.scene.sequence_editor)
            strips.remove(strips[name])
        data = [obj.data for obj in self.objects]
        materials = [material for item in data if isinstance(item, bpy.types.Mesh) for material in item.materials]
        # an object goes with its data
        bpy.data.batch_remove([*data, *materials])
        self.scene.frame_end = self.frame_end


def add_head(scene: bpy.types.Scene, added: Added) -> bpy.types.Object:
    """The demo head, beside whatever stands at its place."""
    taken = [obj for obj in scene.objects if obj.type == "MESH"]
    head = create_demo_head(scene)
    rig = head.parent
    assert rig is not None
    added.objects += [head, rig]
    right = max((_reach(obj).x for obj in taken), default=None)
    if right is not None:
        half = max(abs(corner[0]) for corner in head.bound_box)
        rig.location.x = max(right + half + _ROOM_METRES, 0.0)
    return head


def add_strip(scene: bpy.types.Scene, path: Path, role: Role, added: Added) -> str:
    """A file as a strip on a free channel from the scene's first frame on; empty where Blender has no sound.

    Raises :class:`MediaError` where Blender cannot read the file; nothing was added then.
    """
    if role == "speech" and not can_mix_down():
        # the bpy 4.2 module is built without sound
        return ""
    strips = strips_of(scene.sequence_editor or scene.sequence_editor_create())
    channel = 1 + max((strip.channel for strip in sequencer_strips(scene)), default=0)
    make = strips.new_sound if role == "speech" else strips.new_movie
    strip: Any = None
    try:
        strip = make(path.stem.capitalize(), str(path), channel, scene.frame_start)
        # a sound that cannot be decoded becomes a silent strip without an error
        readable = role != "speech" or strip.sound.samplerate > 0
    except RuntimeError:
        readable = False
    if not readable:
        if strip is not None:
            strips.remove(strip)
        raise MediaError(f"Blender cannot read {path.name}.", "Choose another file, or convert it to WAV or MP4.")
    added.strips.append(strip.name)
    if role == "speech":
        # the last key rests one frame after the sound
        scene.frame_end = max(scene.frame_end, round(strip_right(strip)))
    else:
        # seen in the Sequencer, not in the render
        strip.mute = True
    return str(strip.name)


def _reach(obj: bpy.types.Object) -> Vector:
    """The object's furthest corner along the world's axes."""
    corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
    return Vector([max(corner[axis] for corner in corners) for axis in range(3)])
