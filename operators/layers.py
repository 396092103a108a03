# SPDX-License-Identifier: GPL-3.0-or-later
"""A line in layers and one again, and the influence of each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import MimeshError
from ..core.face_parts import LABELS, PARTS
from .adjust import OnKeptLine, current_line
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory, explain

if TYPE_CHECKING:
    from ..core.blender.layer_strips import LayerStrip


class MIMESH_OT_layer_line(OnKeptLine, bpy.types.Operator):
    """Put lips, jaw, brows, lids, gaze and head of the line on NLA tracks of their own, each with an influence"""

    bl_idname = "mimesh.layer_line"
    bl_label = "Split into Layers"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says which layers there are."""
        from ..core.blender.layers import layer_line

        target, line = scene_settings(context).target, current_line(context)
        assert line is not None  # poll
        try:
            parts = layer_line(target, line)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        found = f"Layers: {', '.join(LABELS[part] for part in parts)}."
        if "face" in parts:
            found += (
                " This rig's keys each move the whole face, so lips, brows and lids stay together: use the sliders."
            )
        self.report({"INFO"}, found)
        return {"FINISHED"}


class MIMESH_OT_unlayer_line(OnKeptLine, bpy.types.Operator):
    """Make the line one again; your keys stay, influences of the layers go"""

    bl_idname = "mimesh.unlayer_line"
    bl_label = "Join Layers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a line in layers."""
        reason = "" if current_layers(context) else "The line is not in layers."
        return explain(cls, reason) and super().poll(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.layers."""
        from ..core.blender.layers import unlayer_line

        line = current_line(context)
        assert line is not None  # poll
        unlayer_line(scene_settings(context).target, line.line)
        return {"FINISHED"}


class _Drawn:
    """While the panel draws its rows, the layers that it has found: each slider would look for them again."""

    layers: dict[str, list[LayerStrip]] | None = None


@contextmanager
def drawn_layers(context: bpy.types.Context) -> Iterator[dict[str, list[LayerStrip]]]:
    """:func:`current_layers`, looked for once for as long as this lasts."""
    _Drawn.layers = current_layers(context)
    try:
        yield _Drawn.layers
    finally:
        # Blender's strips must not be held any longer: undo frees them
        _Drawn.layers = None


def current_layers(context: bpy.types.Context) -> dict[str, list[LayerStrip]]:
    """The layers of the line that the sliders are of, by part; cheap enough for a panel."""
    from ..core.blender.layer_strips import parts_of_line

    if _Drawn.layers is not None:
        return _Drawn.layers
    line = current_line(context)
    return {} if line is None else parts_of_line(scene_settings(context).target, line.line)


class MimeshLayers(bpy.types.PropertyGroup):
    """Influence of each layer of the chosen line, read from its NLA strips and written to them"""


def _declare(group: Any) -> None:
    for part in PARTS:
        group.__annotations__[part] = bpy.props.FloatProperty(  # type: ignore[func-returns-value]
            name=LABELS[part],
            description="How much of this layer shows; keyed in the NLA editor, it changes at the present frame",
            min=0.0,
            max=1.0,
            default=1.0,
            subtype="FACTOR",
            get=_getter(part),
            set=_setter(part),
        )


def _getter(part: str) -> Callable[[Any], float]:
    def get(self: Any) -> float:
        from ..core.blender.layer_strips import influence_of

        found = current_layers(bpy.context).get(part)
        return influence_of(found[0].strip) if found else 1.0

    return get


def _setter(part: str) -> Callable[[Any, float], None]:
    def set_(self: Any, value: float) -> None:
        from ..core.blender.layer_strips import set_influence

        for found in current_layers(bpy.context).get(part, ()):
            set_influence(found.strip, value)

    return set_


_CLASSES = (MimeshLayers, MIMESH_OT_layer_line, MIMESH_OT_unlayer_line)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """Attach the influences to the scene."""
    _declare(MimeshLayers)
    _register_classes()
    bpy.types.Scene.mimesh_layers = bpy.props.PointerProperty(type=MimeshLayers)  # type: ignore


def unregister() -> None:
    """Detach them."""
    del bpy.types.Scene.mimesh_layers  # type: ignore[attr-defined]
    _unregister_classes()
