# SPDX-License-Identifier: GPL-3.0-or-later
"""A quick film of the face with the sound of the edit, beside the reference clip. Main thread only.

The face is drawn by :mod:`core.rig.raster` as it is evaluated, with the artist's keys, so that it needs neither a
window nor a GPU; Blender's sequencer joins pictures, clip and sound.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..client.steps import StepStatus
from ..errors import MimeshError, RigError
from ..exchange.media_range import MediaRange
from ..face.rotations import FloatArray
from ..png import png
from ..rig.raster import View, draw
from . import compat
from .correspond import load_binding
from .read_mesh import read_triangles, vertex_colours, vertex_positions
from .session import find_object, find_scene
from .strips.mix_down import can_mix_down, mix_down
from .strips.place import places

PIXELS = 320
_SKIN = np.array([0.80, 0.62, 0.52])
# of the face's own size, so that the head is in the picture
_ROOM = 1.7
# seen from the front: Blender's -Y
_FRONT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def playblast_steps(
    scene: bpy.types.Scene, face: str, path: Path, span: tuple[int, int], reference: MediaRange | None
) -> Generator[StepStatus, None, int]:
    """Write the film of the frames ``span`` to ``path`` (.mp4); returns how many frames. Raises :class:`MimeshError`.

    The playhead is put back; nothing else of the scene is touched.
    """
    name, first, last = scene.name, *span
    if last < first:
        raise RigError(f"The frames {first} to {last} are none.", "Set the preview range or the scene's range.")
    before, subframe = scene.frame_current, scene.frame_subframe
    with tempfile.TemporaryDirectory(prefix="mimesh-", ignore_cleanup_errors=True) as folder:
        try:
            view: View | None = None
            colours: FloatArray | None = None
            for number, frame in enumerate(range(first, last + 1)):
                here, obj = find_scene(name), find_object(face)
                here.frame_set(frame)
                points, triangles = _evaluated(obj)
                view = view or _view(obj, points, triangles)
                if colours is None or len(colours) != len(points):
                    colours = _colours(obj, len(points))
                rgb = draw(points, triangles, colours, view).rgb
                (Path(folder) / f"{number:05d}.png").write_bytes(png(rgb))
                yield StepStatus(f"Frame {frame} of {last}", 0.9 * (number + 1) / (last - first + 1))
        finally:
            if name in bpy.data.scenes:
                find_scene(name).frame_set(before, subframe=subframe)
        yield StepStatus("Joining pictures and sound", 0.95)
        _join(find_scene(name), Path(folder), path, span, reference)
    return last - first + 1


def _evaluated(obj: bpy.types.Object) -> tuple[FloatArray, NDArray[np.int32]]:
    """World positions of the vertices after keys and bones, and the mesh's triangles."""
    evaluated: Any = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(evaluated.matrix_world)
    points = vertex_positions(evaluated.data).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return points, read_triangles(evaluated.data)


def _colours(obj: bpy.types.Object, count: int) -> FloatArray:
    """(count, 3) of the evaluated vertices; plain skin where a modifier adds some."""
    colours = vertex_colours(obj.data, _SKIN)
    return colours if len(colours) == count else np.tile(_SKIN, (count, 1))


def _view(obj: bpy.types.Object, points: FloatArray, triangles: NDArray[np.int32]) -> View:
    """The face, where its landmarks are known; else the whole mesh."""
    binding = load_binding(obj, triangles)
    shown = points if binding is None else binding.points(points)[binding.valid]
    low, high = shown.min(axis=0), shown.max(axis=0)
    return View(_FRONT, (low + high) / 2, float((high - low).max()) * _ROOM, PIXELS)


def _join(
    scene: bpy.types.Scene, pictures: Path, path: Path, span: tuple[int, int], reference: MediaRange | None
) -> None:
    """Render a scene of its own that holds pictures, clip and sound side by side; it is gone afterwards."""
    count = span[1] - span[0] + 1
    film = bpy.data.scenes.new("Mimesh Playblast")
    try:
        render = film.render
        render.fps, render.fps_base = scene.render.fps, scene.render.fps_base
        render.resolution_x, render.resolution_y = PIXELS * (2 if reference else 1), PIXELS
        render.resolution_percentage = 100
        film.frame_start, film.frame_end = 1, count
        film.view_settings.view_transform = "Standard"
        _as_movie(render, path)
        editor = film.sequence_editor_create()
        strips = compat.strips_of(editor)
        image = strips.new_image("face", str(pictures / "00000.png"), 1, 1, fit_method="ORIGINAL")
        for number in range(1, count):
            image.elements.append(f"{number:05d}.png")
        if reference is not None:
            _beside(strips, image, reference)
        _add_sound(scene, strips, span)
        try:
            bpy.ops.render.render(animation=True, scene=film.name)
        except RuntimeError as error:
            raise MimeshError(
                f"Blender cannot write {path} ({str(error).strip()}).", "Choose another place."
            ) from error
    finally:
        bpy.data.scenes.remove(film)
    if not path.is_file():
        raise MimeshError(f"Blender wrote no film to {path}.", "Choose another place; .mp4 is written.")


def _beside(strips: Any, image: Any, reference: MediaRange) -> None:
    image.transform.offset_x = -PIXELS / 2
    movie = strips.new_movie("reference", str(reference.path), 2, 1, fit_method="ORIGINAL")
    size = movie.elements[0]
    scale = PIXELS / max(size.orig_width, size.orig_height, 1)
    movie.transform.scale_x = movie.transform.scale_y = scale
    movie.transform.offset_x = PIXELS / 2
    # it shows beside the face, not instead of it
    movie.blend_type = "ALPHA_OVER"


def _add_sound(scene: bpy.types.Scene, strips: Any, span: tuple[int, int]) -> None:
    names = frozenset(p.strip.name for p in places(scene) if p.strip.type == "SOUND" and not p.silenced_by())
    if names and can_mix_down() and span[0] >= 0:
        strips.new_sound("sound", str(mix_down(scene, names, span[0], span[1] + 1)), 3, 1)


def _as_movie(render: Any, path: Path) -> None:
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        # since 5.0 a film is another kind of output
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
    render.use_file_extension = False
    render.use_sequencer = True
    render.filepath = str(path)
