# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator that cannot do its work must leave behind: one sentence, and nothing else."""

from __future__ import annotations

from typing import Any

import bpy
import pytest

from tests.blender.builders import snapshot


def refused(operator: Any, match: str, **options: Any) -> str:
    """The operator must fail with one sentence, and the scene must be as before; gives the message."""
    run = bpy.context.window_manager.mimesh_run
    before, running = snapshot(), run.running
    with pytest.raises(RuntimeError, match=match) as caught:
        operator(**options)
    assert snapshot() == before
    assert run.running == running
    message = str(caught.value)
    assert "Traceback" not in message
    return message
