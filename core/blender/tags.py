# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mimesh leaves on the actions and assets that it makes. No numpy: asked while Blender draws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

# custom properties on our actions: provenance as JSON; a checksum of what was written, for each datablock; the speech
# and face of the line; the values that stood there before us
PROVENANCE_PROPERTY = "mimesh"
FINGERPRINT_PROPERTY = "mimesh_fingerprint"
LINE_PROPERTY = "mimesh_line"
BEFORE_PROPERTY = "mimesh_before"
# the motion that the keys were made of, in bytes (core.direct.kept_motion)
KEPT_PROPERTY = "mimesh_kept"
# digests of what the line was made from, for the dialogue sheet
MADE_PROPERTY = "mimesh_made"
# what of its keys is ours, in bytes (core.direct.written), and how the line is adjusted and thinned, as JSON
WRITTEN_PROPERTY = "mimesh_written"
ADJUST_PROPERTY = "mimesh_adjust"
# on an action that only keeps shape keys at rest between lines
REST_PROPERTY = "mimesh_rest"
# on a copy of some of a line's curves: the part of the face; on the line that such copies stand for
LAYER_PROPERTY = "mimesh_layer"
LAYERED_PROPERTY = "mimesh_layered"
LAYER_CURVES_PROPERTY = "mimesh_layer_curves"
# name of the timeline's markers where an m, b or p stays open
CLOSURE_MARKER = "Lips open"
# on the Empty of a style's asset: the style's file, in bytes; and what marks the asset, and its folder
STYLE_PROPERTY = "mimesh_style"
STYLE_TAG = "lip sync style"
STYLE_FOLDER = "styles"


def is_ours(action: Any) -> bool:
    """Whether Mimesh made the action."""
    return action is not None and PROVENANCE_PROPERTY in action


def is_layer(action: Any) -> bool:
    """Whether the action is a part of a line that is in layers."""
    return action is not None and LAYER_PROPERTY in action


def our_actions(owner: Any) -> Iterator[Any]:
    """Our actions on a datablock: the active one, then those of NLA strips from the top down."""
    data = owner.animation_data if owner is not None else None
    if data is None:
        return
    if is_ours(data.action):
        yield data.action
    for track in reversed(list(data.nla_tracks)):
        yield from (strip.action for strip in track.strips if is_ours(strip.action))


def record(action: Any, name: str) -> dict[str, Any]:
    """One of the JSON properties above, empty where an earlier version did not write it."""
    text = str(action.get(name, ""))
    found = json.loads(text) if text.startswith("{") else {}
    return found if isinstance(found, dict) else {}


def store_bytes(owner: Any, name: str, data: bytes) -> None:
    """Keep bytes as a property. One that is there must go first: Blender cuts a new value at its first zero byte."""
    if name in owner:
        del owner[name]
    owner[name] = data
