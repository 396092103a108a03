# SPDX-License-Identifier: GPL-3.0-or-later
"""Types that Blender's type stubs get wrong or leave out, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import bpy

from .sentences import translated

OperatorResult = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
# of a field for a path: ``//`` is the blend file's folder, which Blender wants to be told from 4.5 on
PATH_OPTIONS: set[Any] = {"ANIMATABLE", *(["PATH_SUPPORTS_BLEND_RELATIVE"] if bpy.app.version >= (4, 5, 0) else [])}
Registration = tuple[Callable[[], None], Callable[[], None]]


def classes_factory(classes: Sequence[type[Any]]) -> Registration:
    """A module's register and unregister functions; the stubs say that Blender's own factory returns nothing."""
    made: Any = bpy.utils.register_classes_factory(classes)  # type: ignore[func-returns-value]
    return made  # type: ignore[no-any-return]


def refused_with(error: RuntimeError) -> str:
    """The sentence with which an operator refused that was called by another one."""
    return str(error).strip().removeprefix("Error: ")


def explain(operator: type[Any], reason: str) -> bool:
    """The answer of a ``poll``: yes for no reason against it, else no, with the reason as what Blender shows."""
    if reason:
        operator.poll_message_set(translated(reason))
    return not reason
