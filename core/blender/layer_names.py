# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer a curve of a line goes into."""

from __future__ import annotations

import bpy

from ..direct.layer_parts import part_of_bone, parts_of_keys
from ..face.basis import open_basis
from ..rig.solve import prepare_solver
from .layer_strips import REST, LayerStrip
from .read_rig import read_rig


class PartNames:
    """The part of each curve, as the layers say it; asked of the rig for those that are new."""

    def __init__(self, obj: bpy.types.Object, layers: list[LayerStrip] | None = None) -> None:
        self._obj = obj
        self._known: dict[str, str] = {}
        for found in layers or ():
            if found.part != REST:
                for path, _ in found.curves():
                    self._known[path] = found.part
        self._asked = False

    def of(self, path: str) -> str:
        """The part of a curve with this path."""
        if path not in self._known and not self._asked:
            self._asked = True
            rig = read_rig(self._obj)
            for key, part in parts_of_keys(prepare_solver(rig, open_basis())).items():
                self._known.setdefault(key, part)
            self._rig = rig
        if path not in self._known:
            self._known[path] = (part_of_bone(self._rig, path) if self._asked else None) or "face"
        return self._known[path]
