# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks on the timeline where an m, b or p of a line stays open on the mesh. Main thread only."""

from __future__ import annotations

import bpy
import numpy as np

from ..direct.closure_check import STAYS_OPEN_CM, Closure, MeshLips, closures, mesh_lips
from ..direct.closure_hold import find_lips
from ..errors import RigError
from ..face.basis import open_basis
from ..rig.solve import prepare_solver
from .adjust_record import line_adjust
from .kept import KeptLine, load
from .read_mesh import vertex_positions
from .read_rig import read_rig
from .tags import CLOSURE_MARKER


def mark_open_closures(scene: bpy.types.Scene, obj: bpy.types.Object, line: KeptLine) -> tuple[Closure, ...]:
    """Put a marker at each closure of the line whose lips come nowhere near each other; earlier ones go.

    Raises :class:`MimeshError` before anything is changed.
    """
    wanted = line_closures(obj, line)
    lips = mesh_lips(read_rig(obj), open_basis())
    present = scene.frame_current, scene.frame_subframe
    try:
        still_open = tuple(found for found in wanted if _least_opening(scene, obj, lips, found) > STAYS_OPEN_CM)
    finally:
        scene.frame_set(present[0], subframe=present[1])
    for marker in [m for m in scene.timeline_markers if m.name.startswith(CLOSURE_MARKER)]:
        if line.first <= marker.frame <= line.last:
            scene.timeline_markers.remove(marker)
    for found in still_open:
        scene.timeline_markers.new(CLOSURE_MARKER, frame=found.middle)
    return still_open


def line_closures(obj: bpy.types.Object, line: KeptLine) -> tuple[Closure, ...]:
    """Where the line's own motion shuts the lips, in the scene's frames."""
    kept, rig = load(line), read_rig(obj)
    solver = prepare_solver(rig, open_basis())
    lips = find_lips(solver)
    if lips is None:
        raise RigError(f'The landmarks of "{obj.name}" have not been found.', "Click Find Face Landmarks.")
    solved = kept.solved if kept.solved is not None else solver.solve(kept.motion)
    opening = lips.openings(solved.key_values.astype(np.float64), solved.jaw.astype(np.float64))
    frames = kept.timing.frames((len(solved) - 1) / solved.fps)
    seconds = kept.timing.seconds_at(frames) + line_adjust(line).lead_frames / kept.timing.fps
    return closures(frames, np.interp(seconds, np.arange(len(solved)) / solved.fps, opening))


def _least_opening(scene: bpy.types.Scene, obj: bpy.types.Object, lips: MeshLips, closure: Closure) -> float:
    """The least that the lips are apart in a closure; it is looked for no further once they are shut."""
    least = np.inf
    for frame in sorted(range(closure.first, closure.last + 1), key=lambda f: abs(f - closure.middle)):
        scene.frame_set(frame)
        least = min(least, lips.opening(_vertices(obj)))
        if least <= STAYS_OPEN_CM:
            break
    return float(least)


def _vertices(obj: bpy.types.Object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    try:
        count = len(mesh.vertices)
        if count != len(obj.data.vertices):
            raise RigError(
                f'"{obj.name}" has {count} vertices after its modifiers and {len(obj.data.vertices)} before.',
                "Turn off subdivision and what else adds vertices in the viewport, then check again.",
            )
        return vertex_positions(mesh).astype(np.float64)
    finally:
        evaluated.to_mesh_clear()
