# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist said about a face rig, kept on the object as custom properties: bones by name, keys by meaning.

Plain properties travel with the file, are there without the extension, and can be set by a script:
``obj["mimesh_jaw_bone"] = "Jaw.Bone.001"``, ``obj["mimesh_keys"] = '{"MyGrin": "mouthSmileLeft", "Hat": ""}'``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import RigError
from ..rig.names import ROLES

KEYS_PROPERTY = "mimesh_keys"


def bone_property(role: str) -> str:
    """The custom property that names the bone of a role (``jaw``, ``head``, ``neck``, ``left_eye``, ``right_eye``)."""
    return f"mimesh_{role}_bone"


def chosen_bones(obj: Any, armature: Any | None) -> dict[str, str]:
    """Role to bone, as far as the artist named any. Raises :class:`RigError` for a bone that is not there."""
    chosen = {role: str(obj.get(bone_property(role), "")) for role in ROLES}
    chosen = {role: name for role, name in chosen.items() if name}
    for role, name in chosen.items():
        if armature is None or name not in armature.pose.bones:
            where = f'the armature "{armature.name}"' if armature is not None else "its missing armature"
            part = role.replace("_", " ")
            raise RigError(
                f'"{name}" is named as the {part} bone of "{obj.name}", but {where} has no such bone.',
                "Choose the bone again in the Face Rig panel, or leave the field empty.",
            )
    return chosen


def chosen_keys(obj: Any) -> dict[str, str]:
    """Key name to meaning, an empty one for a key to leave out. Raises :class:`RigError` for a damaged property."""
    text = str(obj.get(KEYS_PROPERTY, "") or "{}")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise RigError(
            f'The property "{KEYS_PROPERTY}" of "{obj.name}" is not readable ({error}).', "Delete it and choose again."
        ) from error
    if not isinstance(found, dict):
        raise RigError(f'The property "{KEYS_PROPERTY}" of "{obj.name}" is no table of names.', "Delete it.")
    return {str(name): str(meaning) for name, meaning in found.items()}


def choose_bone(obj: Any, role: str, name: str) -> None:
    """Keep a bone's name with the object; an empty one lets Mimesh look for it again."""
    _keep(obj, bone_property(role), name)


def choose_keys(obj: Any, meanings: Mapping[str, str]) -> None:
    """Keep what keys mean with the object."""
    _keep(obj, KEYS_PROPERTY, json.dumps(dict(meanings), ensure_ascii=False) if meanings else "")


def _keep(obj: Any, name: str, value: str) -> None:
    if value:
        obj[name] = value
    elif name in obj:
        del obj[name]
