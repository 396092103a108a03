# SPDX-License-Identifier: GPL-3.0-or-later
"""Additions to a user's bank of pose styles; nothing is trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.request import BankRequest
from ..exchange.results import BankResult
from ..files import changed_by_one
from ..pose.user_bank import save_user_bank

if TYPE_CHECKING:
    from ..style.style import Style
    from .backends.head import HeadBackend


def extend_bank(request: BankRequest, style: Style, head: HeadBackend) -> BankResult:
    """Add the style to the bank file. Raises :class:`MimeshError` where its name is taken or it has no pose matrix."""
    from ..models.pose.apply import bank_entry

    generator = head.generator(present_bank(request.bank))
    name = request.name or style.name
    entry = dataclasses.replace(bank_entry(style, generator), name=name, speaker=name)
    with changed_by_one(request.bank):
        # read again: another Blender may have added a style meanwhile
        found = present_bank(request.bank)
        extended = (generator.bank if found is None else head.generator(found).bank).added(entry)
        save_user_bank(extended, request.bank)
    return BankResult(name, tuple(entry.name for entry in extended.entries))


def present_bank(bank: Path) -> Path | None:
    """The bank's file where there is one yet, else None: the bundled bank, of which it will begin as a copy."""
    return bank if bank.is_file() else None
