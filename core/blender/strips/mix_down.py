# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself plays of chosen strips, written to a sound file. Leaves nothing behind in the file."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import bpy

from ...errors import MediaError
from .place import places, volume_is_animated

# stereo, because Blender's mix to mono adds the channels and clips; the engine averages them
_RATE = 48000
# strips begin and end with a block: at Blender's own 1,024 samples they end up to 21 ms late
_BLOCK_SAMPLES = 128


def can_mix_down() -> bool:
    """Whether this Blender was built with its sound library."""
    return bool(bpy.app.build_options.audaspace)


def mix_down(scene: bpy.types.Scene, names: frozenset[str], first_frame: int, last_frame: int) -> Path:
    """Mix the scene's strips of these names to a file that begins at ``first_frame``; nothing else sounds in it.

    The file lies in Blender's temporary folder of this session. Mutes are lifted: who chooses a muted strip wants
    its sound. Raises :class:`MediaError`.
    """
    path = _file_for(scene, names, first_frame, last_frame)
    with _copy_with_only(scene, names) as copy:
        copy.frame_start, copy.frame_end = first_frame, last_frame
        known = bpy.ops.sound.mixdown.get_rna_type().properties  # type: ignore[call-arg]
        options = {"container": "WAV", "codec": "PCM", "format": "S16", "channels": "STEREO", "mixrate": _RATE}
        options["accuracy"] = _BLOCK_SAMPLES
        try:
            with bpy.context.temp_override(scene=copy):
                if any(place.strip.name in names and volume_is_animated(copy, place.strip) for place in places(copy)):
                    # Blender plays animated volumes from a table that only this fills
                    bpy.ops.sound.update_animation_flags()
                    bpy.ops.sound.bake_animation()
                bpy.ops.sound.mixdown(
                    filepath=str(path),
                    check_existing=False,
                    relative_path=False,
                    **{name: value for name, value in options.items() if name in known},  # type: ignore[arg-type]
                )
        except RuntimeError as error:
            raise MediaError(
                f"Blender cannot mix down {', '.join(sorted(names))} ({str(error).strip()}).",
                "Bake the strip into a sound file and use that.",
            ) from error
    return path


def _file_for(scene: bpy.types.Scene, names: frozenset[str], first_frame: int, last_frame: int) -> Path:
    folder = Path(bpy.app.tempdir) / "mimesh"
    folder.mkdir(parents=True, exist_ok=True)
    what = "\n".join([scene.name, *sorted(names), str(first_frame), str(last_frame)])
    readable = re.sub(r"[^\w. -]+", "_", sorted(names)[0])[:40]
    return folder / f"{readable} {hashlib.sha256(what.encode()).hexdigest()[:8]}.wav"


@contextlib.contextmanager
def _copy_with_only(scene: bpy.types.Scene, names: frozenset[str]) -> Iterator[bpy.types.Scene]:
    workspace = bpy.context.workspace
    # since 5.0 the sequencer of the workspace, not of the context's scene, may be what is mixed
    shown = getattr(workspace, "sequencer_scene", None)
    copy = scene.copy()
    try:
        # objects make no sound that belongs to a strip, and evaluating them takes long
        for child in list(copy.collection.children):
            copy.collection.children.unlink(child)
        for item in list(copy.collection.objects):
            copy.collection.objects.unlink(item)
        _silence_others(copy, names)
        if shown is not None:
            workspace.sequencer_scene = copy  # type: ignore[union-attr]
        yield copy
    finally:
        if shown is not None:
            workspace.sequencer_scene = shown  # type: ignore[union-attr]
        # scenes.remove looks at the context's window, which `blender -b file -c` has not: 4.3 crashes there
        bpy.data.batch_remove([copy])


def _silence_others(copy: bpy.types.Scene, names: frozenset[str]) -> None:
    copy.use_audio = True
    copy.use_preview_range = False
    copy.audio_volume = 1.0
    found = places(copy)
    wanted = [place for place in found if place.strip.name in names]
    around = {meta.name for place in wanted for meta in place.metas}
    inside = {
        place.strip.name for place in found if any(meta.name in names for meta in place.metas) and not place.strip.mute
    }
    for owner in [copy.sequence_editor, *(place.strip for place in found if place.strip.type == "META")]:
        for channel in owner.channels:
            channel.mute = False
    for place in found:
        place.strip.mute = place.strip.name not in names | around | inside
    for place in wanted:
        if getattr(place.strip, "volume", 1.0) == 0.0 and not volume_is_animated(copy, place.strip):
            place.strip.volume = 1.0


def whole_frames(left: float, right: float) -> tuple[int, int]:
    """The frames to mix for a span: Blender mixes from whole frames on, and none before frame 0.

    One more at the end: handles between frames are told as whole ones, and nothing else sounds in the mix.
    """
    first = max(math.floor(left), 0)
    return first, max(math.ceil(right) + 1, first + 1)
