# SPDX-License-Identifier: GPL-3.0-or-later
"""``KeptMotion``: what the engine delivered for a line and what the rig made of it, and its compact form in bytes.

Half-precision numbers, frame to frame differences of their bit patterns, zlib: about 6 KB for a second of speech.
Standard library and numpy.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..face.motion import Motion
from ..rig.description import RigDescription
from ..rig.solve import RigMotion
from ..rig.timing import SceneTiming
from .packing import pack_array, unpack_array

_MAGIC = b"mimesh-kept-1\n"
_MOTION_ARRAYS = ("expression", "jaw", "head", "gaze")
_SOLVED_ARRAYS = ("key_values", "jaw", "head", "eyes")


@dataclass(frozen=True, slots=True, eq=False)
class KeptMotion:
    """A line's motion before it became keys.

    motion: as delivered, in the style that was asked for at ``strength``. plain: the same line with style strength 0,
    None where no style had a part in it. timing: where it lies on the scene's frames. solved, plain_solved: both on
    the rig whose :func:`rig_digest` is ``rig``; None where they were never solved.
    """

    motion: Motion
    plain: Motion | None
    strength: float
    timing: SceneTiming
    solved: RigMotion | None = None
    plain_solved: RigMotion | None = None
    rig: str = ""

    def rounded(self) -> KeptMotion:
        """With the precision that :meth:`pack` keeps, so that keys can be made again to the bit."""
        return dataclasses.replace(
            self,
            motion=_rounded(self.motion, _MOTION_ARRAYS),
            plain=_rounded(self.plain, _MOTION_ARRAYS),
            solved=_rounded(self.solved, _SOLVED_ARRAYS),
            plain_solved=_rounded(self.plain_solved, _SOLVED_ARRAYS),
        )

    def shifted(self, frames: float) -> KeptMotion:
        """The same line so many of the scene's frames later."""
        timing = dataclasses.replace(self.timing, first_frame=self.timing.first_frame + frames)
        return dataclasses.replace(self, timing=timing)

    def with_head(self, head: NDArray[np.float32], gaze: NDArray[np.float32]) -> KeptMotion:
        """With another head motion (T, 3) and gaze (T, 2, 2), which both versions share."""
        eyes = np.concatenate([gaze, np.zeros((len(gaze), 2, 1), np.float32)], axis=2)

        def turned(solved: RigMotion | None) -> RigMotion | None:
            return None if solved is None else dataclasses.replace(solved, head=head, eyes=eyes)

        return dataclasses.replace(
            self,
            motion=self.motion.replace(head=head, gaze=gaze),
            plain=None if self.plain is None else self.plain.replace(head=head, gaze=gaze),
            solved=turned(self.solved),
            plain_solved=turned(self.plain_solved),
        ).rounded()

    def pack(self) -> bytes:
        """As bytes, for a property of the line's action."""
        header: dict[str, Any] = {
            "strength": self.strength,
            "timing": [self.timing.fps, self.timing.first_frame, self.timing.last_frame],
            "rig": self.rig,
            "fps": self.motion.fps,
            "basis": [self.motion.basis_name, self.motion.basis_hash],
            "arrays": {},
        }
        if self.solved is not None:
            header["solved_fps"] = self.solved.fps
            header["flame_to_object"] = np.asarray(self.solved.flame_to_object, np.float64).tolist()
        body = b""
        for name, array in self._arrays():
            packed = pack_array(array)
            header["arrays"][name] = [list(array.shape), len(packed)]
            body += packed
        text = json.dumps(header).encode()
        return _MAGIC + len(text).to_bytes(4, "little") + text + body

    @classmethod
    def unpack(cls, data: bytes) -> KeptMotion:
        """Inverse of :meth:`pack`. Raises :class:`ModelError` for anything else, damaged or of a later version."""
        try:
            return cls._unpack(data)
        except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
            raise ModelError(
                f"The motion kept with this line cannot be read ({error}).", "Generate the line again to keep it anew."
            ) from error

    @classmethod
    def _unpack(cls, data: bytes) -> KeptMotion:
        if not data.startswith(_MAGIC):
            raise ValueError("it is damaged or of another version")
        start = len(_MAGIC) + 4
        size = int.from_bytes(data[len(_MAGIC) : start], "little")
        header = json.loads(data[start : start + size])
        arrays, at = {}, start + size
        for name, (shape, length) in header["arrays"].items():
            arrays[name] = unpack_array(data[at : at + length], tuple(shape))
            at += length

        def motion(kind: str) -> Motion | None:
            if f"{kind}.expression" not in arrays:
                return None
            parts = {name: arrays.get(f"{kind}.{name}", arrays[f"motion.{name}"]) for name in _MOTION_ARRAYS}
            return Motion(fps=header["fps"], basis_name=header["basis"][0], basis_hash=header["basis"][1], **parts)

        def solved(kind: str) -> RigMotion | None:
            if f"{kind}.key_values" not in arrays:
                return None
            parts = {name: arrays.get(f"{kind}.{name}", arrays[f"solved.{name}"]) for name in _SOLVED_ARRAYS}
            return RigMotion(header["solved_fps"], **parts, flame_to_object=np.array(header["flame_to_object"]))

        delivered = motion("motion")
        if delivered is None:
            raise ValueError("it holds no motion")
        timing = SceneTiming(*header["timing"])
        kept = cls(delivered, motion("plain"), float(header["strength"]), timing, rig=str(header["rig"]))
        return dataclasses.replace(kept, solved=solved("solved"), plain_solved=solved("plain_solved"))

    def _arrays(self) -> list[tuple[str, NDArray[np.float32]]]:
        """What must be stored: head and eyes are the same for the plain motion, so they are stored once."""
        found = [(f"motion.{name}", getattr(self.motion, name)) for name in _MOTION_ARRAYS]
        if self.plain is not None:
            found += [(f"plain.{name}", getattr(self.plain, name)) for name in ("expression", "jaw")]
        if self.solved is not None:
            found += [(f"solved.{name}", getattr(self.solved, name)) for name in _SOLVED_ARRAYS]
        if self.plain_solved is not None:
            found += [(f"plain_solved.{name}", getattr(self.plain_solved, name)) for name in ("key_values", "jaw")]
        return found


def rig_digest(rig: RigDescription) -> str:
    """Names what a solve depends on: the keys, what they do to the face, the jaw. Another rig, another digest."""
    total = zlib.crc32("\n".join(rig.key_names).encode())
    total = zlib.crc32(f"{rig.convention.label} {rig.jaw_bone} {rig.turns_jaw()} {rig.basis_hash}".encode(), total)
    points = rig.key_deltas if rig.binding is None else rig.binding.points(rig.key_deltas)
    total = zlib.crc32(np.ascontiguousarray(points, np.float32).tobytes(), total)
    return f"{total:08x}"


def _rounded(what: Any, names: tuple[str, ...]) -> Any:
    if what is None:
        return None
    halves = {name: np.asarray(getattr(what, name)).astype(np.float16).astype(np.float32) for name in names}
    return dataclasses.replace(what, **halves)
