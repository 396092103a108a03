# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a scene's mix of styles: registered with the extension, so apart from what reads them."""

from __future__ import annotations

import contextlib

import bpy


class MimeshWeightedStyle(bpy.types.PropertyGroup):
    """One of the styles of a mix, and its weight at the present frame."""

    style: bpy.props.StringProperty(name="Style", description="Name in the library, or path of a style file")
    weight: bpy.props.FloatProperty(
        name="Weight",
        description="Share of this style; key it along the shot (I over the slider)",
        min=0.0,
        max=1.0,
        default=0.0,
        subtype="FACTOR",
        options={"ANIMATABLE"},
    )


class MimeshStyleMix(bpy.types.PropertyGroup):
    """The styles of a scene's mix."""

    use: bpy.props.BoolProperty(name="Style over Time", description="Mix these styles by their keyed weights")
    styles: bpy.props.CollectionProperty(type=MimeshWeightedStyle)
    active: bpy.props.IntProperty(name="Style")


_CLASSES = (MimeshWeightedStyle, MimeshStyleMix)


def register_style_mix() -> None:
    """Attach the mix to scenes."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.mimesh_style_mix = bpy.props.PointerProperty(type=MimeshStyleMix)  # type: ignore


def unregister_style_mix() -> None:
    """Detach it; the values stay in the file as custom properties."""
    with contextlib.suppress(AttributeError):
        del bpy.types.Scene.mimesh_style_mix  # type: ignore[attr-defined]
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
