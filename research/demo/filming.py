# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's frames, and from them preview.mp4, the contact sheet and the docs' moving pictures."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.render import film
from research.render.in_parts import render_in_parts

if TYPE_CHECKING:
    from research.demo.__main__ import Clock, DemoRequest

_SHEET_PICTURES, _SHEET_COLUMNS, _SHEET_HEIGHT = 15, 5, 216
_PROCESSES = 2
# half as large again and then shrunk: without a graphics card that is smoother than FXAA in less time
_DRAWN_PERCENT = 150
# the README's picture moves at half the rate: it is for the eye, without sound
_WEBP_EVERY, _WEBP_QUALITY = 2, 60


def draw_frames(scene: Any, heads: Sequence[Any], request: DemoRequest, clock: Clock) -> list[Path]:
    """Every frame of the line as a picture file, from a copy of the scene that is set up for the film."""
    from research.render import baked_light, preview, studio

    bpy = importlib.import_module("bpy")
    work = request.out / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if request.renderer == "preview" and preview.has_software_gl():
        backdrop = scene.objects[studio.BACKDROP]
        baked_light.bake_light(scene, [*heads, backdrop])
        baked_light.draw_baked_light(scene)
        scene.render.resolution_percentage = _DRAWN_PERCENT
        clock.lap("Baking the light")
    elif request.renderer != "eevee":
        scene.render.engine, scene.cycles.samples = "CYCLES", 8
    blend = work / "film.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend.absolute()), copy=True)
    last = min(scene.frame_end, scene.frame_start + round(request.film_seconds * scene.render.fps) - 1)
    print(f"Drawing {last - scene.frame_start + 1} frames ...", flush=True)
    pictures = render_in_parts(blend, scene.frame_start, last, work / "frames", _PROCESSES)
    clock.lap(f"Drawing {len(pictures)} frames")
    return pictures


def write_films(scene: Any, pictures: Sequence[Path], request: DemoRequest) -> None:
    """preview.mp4 with the speech as its sound, the contact sheet, and what the docs want."""
    fps = scene.render.fps
    sound = film.read_sound(request.audio, 0.0, len(pictures) / fps)
    film.write_film(pictures, fps, sound, request.out / "preview.mp4", height=request.height)
    chosen = [pictures[round(i * (len(pictures) - 1) / (_SHEET_PICTURES - 1))] for i in range(_SHEET_PICTURES)]
    film.contact_sheet(
        [film.read_picture(path, _SHEET_HEIGHT) for path in chosen], _SHEET_COLUMNS, request.out / "contact_sheet.png"
    )
    if request.pictures is not None:
        request.pictures.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(request.out / "preview.mp4", request.pictures / "demo.mp4")
        film.write_webp(
            pictures[::_WEBP_EVERY], fps / _WEBP_EVERY, _WEBP_QUALITY, request.height, request.pictures / "demo.webp"
        )
    shutil.rmtree(request.out / "work", ignore_errors=True)
