# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a line's place among other animation, and what is refused."""

from __future__ import annotations

from ..errors import RigError
from .existing import ExistingAction, ExistingDatablock


def under(where: str, action: ExistingAction, touched: frozenset[str]) -> str:
    """What becomes of an action that the new line covers."""
    shared = len(action.paths & touched)
    channels = "1 channel" if shared == 1 else f"{shared} channels"
    return (
        f'The action "{action.name}" on the {where} is kept on an NLA track and plays on; the new line covers '
        f"{channels} of it while it lasts."
    )


def refuse_tweaking(where: str, block: ExistingDatablock) -> None:
    """Raises :class:`RigError` while a strip is open in tweak mode."""
    if block.tweaking:
        raise RigError(
            f"The {where} is being tweaked in the NLA editor, so its action cannot change.",
            "Leave tweak mode (Tab in the NLA editor) and try again.",
        )


def kept_aside(where: str, action: ExistingAction) -> str:
    """What becomes of an edited line of other speech."""
    return (
        f'"{action.name}" on the {where} was edited by hand and is of other speech or of an earlier version, so it is '
        "kept on a muted NLA strip."
    )


def overwrite_refused(where: str, action: ExistingAction) -> RigError:
    """For an action that is not ours."""
    return RigError(
        f'The {where} is animated by the action "{action.name}", which Mimesh did not make.',
        'Choose "Push Down" to keep it on an NLA track below the new one, where it plays on before and after the '
        "line, or unlink the action.",
    )
