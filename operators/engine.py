# SPDX-License-Identifier: GPL-3.0-or-later
"""Set Up Engine and Test Engine."""

from __future__ import annotations

import bpy

from .engine_access import close_engine, engine_client, forget_engine_python, has_engine
from .preferences import user_folder
from .properties import run_state
from .stepping import SteppedOperator, Steps
from .stubs import classes_factory


class MIMESH_OT_setup_engine(SteppedOperator, bpy.types.Operator):
    """Download the engine's packages (about 1 GB) into the extension's own folder; Blender stays usable"""

    bl_idname = "mimesh.setup_engine"
    bl_label = "Set Up Engine"
    bl_options = {"INTERNAL"}

    task = "Set Up Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with the user's consent to go online."""
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif not bpy.app.online_access:
            cls.poll_message_set("Allow Online Access in Preferences > System first.")
        else:
            return True
        return False

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.client.setup_steps."""
        from ..core.client.setup_steps import setup_steps

        close_engine()
        words = yield from setup_steps(user_folder() / "engine", bpy.app.online_access)
        forget_engine_python()
        run_state(context).engine_status = words
        return words


class MIMESH_OT_test_engine(SteppedOperator, bpy.types.Operator):
    """Start the engine and see whether it answers"""

    bl_idname = "mimesh.test_engine"
    bl_label = "Test Engine"
    bl_options = {"INTERNAL"}

    task = "Test Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a Python to start."""
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif not has_engine(context):
            cls.poll_message_set("Press Set Up first, or name the engine's Python in the preferences.")
        else:
            return True
        return False

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.client.setup_steps."""
        from ..core.client.setup_steps import probe_steps

        forget_engine_python()
        words = yield from probe_steps(engine_client(context))
        run_state(context).engine_status = words
        return words


register, unregister = classes_factory((MIMESH_OT_setup_engine, MIMESH_OT_test_engine))
