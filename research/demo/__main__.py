# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.demo``: the whole path on the bundled head, as a user would walk it. Needs bpy in this Python.

Enables the extension from this checkout, adds two demo heads, lets each say the speech in the way of its own
reference through the extension's code with a real engine process, and films both side by side.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from core.engines import DEFAULT_ENGINE, engine_names
from core.errors import MediaError, MimeshError, SettingsError
from research.paths import ROOT

DEMO = ROOT / "demo"
INPUT = DEMO / "input"
RENDERERS = ("preview", "cycles", "eevee")


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """What the demo is made from and what it makes.

    audio, references: media files; a head for each reference. out: folder for the results. height: of the picture in
    pixels, its width is 16 to 9. film_seconds: how much of it is filmed. engine: a name in core.engines. renderer: of
    RENDERERS. pictures: folder for the film as the docs show it, None for none.
    """

    audio: Path
    references: tuple[Path, ...]
    out: Path
    height: int
    film_seconds: float
    seed: int
    engine: str
    renderer: str
    pictures: Path | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A named piece of work and how long it took."""

    name: str
    seconds: float


class Clock:
    """Laps, in order."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._started = time.perf_counter()

    def lap(self, name: str) -> None:
        """The time since the last lap went into this."""
        now = time.perf_counter()
        self.stages.append(Stage(name, now - self._started))
        self._started = now


def main(argv: list[str] | None = None) -> int:
    """Run the demo; 0 when everything was written."""
    try:
        run_demo(_read_arguments(argv))
    except MimeshError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    return 0


def run_demo(request: DemoRequest) -> None:
    """Build, generate, save, film, and say what was done."""
    from research.demo import scene as demo_scene

    for path in (request.audio, *request.references):
        if not path.is_file():
            raise MediaError(f"The file {path} does not exist.", "Check AUDIO and REFERENCE.")
    request.out.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    scene = demo_scene.open_blender()
    clock.lap("Blender and the extension")
    heads = demo_scene.build_scene(scene, request)
    clock.lap("Heads, strips and studio")
    for head, reference in zip(heads, request.references, strict=True):
        print(demo_scene.generate(head, reference, request, clock))
    demo_scene.close_engine()
    demo_scene.save(scene, request.out / "demo.blend")
    clock.lap("Saving demo.blend")
    _film(scene, heads, request, clock)
    print("\n".join(f"{stage.seconds:7.1f} s  {stage.name}" for stage in clock.stages))
    print(f"{sum(stage.seconds for stage in clock.stages):7.1f} s  in all")
    for name in ("demo.blend", "preview.mp4", "contact_sheet.png"):
        print(f"Wrote {request.out / name}")


def _film(scene: object, heads: list[object], request: DemoRequest, clock: Clock) -> None:
    from research.demo import filming

    pictures = filming.draw_frames(scene, heads, request, clock)
    filming.write_films(scene, pictures, request)
    clock.lap("Films and contact sheet")


def _read_arguments(argv: list[str] | None) -> DemoRequest:
    parser = argparse.ArgumentParser(prog="python -m research.demo", description=__doc__)
    parser.add_argument("--audio", type=Path, default=INPUT / "line.ogg", help="the speech to be said")
    parser.add_argument(
        "--reference",
        type=Path,
        default=INPUT / "reference.mp4",
        help="video of a person talking, for the head on the left",
    )
    parser.add_argument("--other", type=Path, default=INPUT / "lively.mp4", help="the same for the head on the right")
    parser.add_argument("--alone", action="store_true", help="one head")
    parser.add_argument("--out", type=Path, default=DEMO, help="folder for demo.blend, preview.mp4, contact_sheet.png")
    parser.add_argument("--height", type=int, default=432, help="of the film in pixels")
    parser.add_argument("--film-seconds", type=float, default=30.0, help="film at most this much")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=engine_names(), default=DEFAULT_ENGINE, help="what makes the face")
    parser.add_argument(
        "--renderer",
        choices=RENDERERS,
        default=RENDERERS[0],
        help="preview draws the light that Cycles has baked once; the others take seconds a frame",
    )
    parser.add_argument("--pictures", type=Path, help="folder for demo.mp4 and demo.webp, as the docs show them")
    values = parser.parse_args(argv)
    if not 128 <= values.height <= 2160 or values.height % 36:
        raise SettingsError(f"The film cannot be {values.height} pixels high.", "Give a multiple of 36, 144 to 2160.")
    references = [values.reference] if values.alone else [values.reference, values.other]
    return DemoRequest(
        audio=values.audio.absolute(),
        references=tuple(path.absolute() for path in references),
        out=values.out,
        height=values.height,
        film_seconds=values.film_seconds,
        seed=values.seed,
        engine=values.engine,
        renderer=values.renderer,
        pictures=values.pictures,
    )


if __name__ == "__main__":
    sys.exit(main())
