# SPDX-License-Identifier: GPL-3.0-or-later
"""Set Up Engine and Test Engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .engine_access import close_engine, engine_client, forget_engine_python, has_engine
from .preferences import engine_folder, preferences
from .properties import run_state
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory, explain

if TYPE_CHECKING:
    from ..core.client.setup_plan import SetupChoice

_OFFLINE = "Allow Online Access in Preferences > System first, or name a folder of wheels in Mimesh's preferences."
_OFFLINE_FORCED = "Blender was started with --offline-mode: name a folder of wheels in Mimesh's preferences."


def _offline_forced() -> bool:
    return bool(getattr(bpy.app, "online_access_override", False))


def setup_choice(context: bpy.types.Context, torch: str = "cpu") -> SetupChoice:
    """Where the packages come from: what the user named, else what came with Mimesh, else PyPI."""
    from ..core.client.setup_plan import BUNDLED_WHEELS, SetupChoice, comes_complete

    chosen = preferences(context)
    source, face_model = chosen.package_source, bpy.path.abspath(chosen.face_model)
    if not source and comes_complete():
        return SetupChoice("cpu", str(BUNDLED_WHEELS), face_model, Path(sys.executable), unpacked_packages())
    return SetupChoice(torch, source if "://" in source else bpy.path.abspath(source), face_model)  # type: ignore[arg-type]


def unpacked_packages() -> tuple[Path, ...]:
    """The folders into which Blender has unpacked what came with Mimesh, and that of its own numpy."""
    import numpy as np

    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    local = Path(bpy.utils.user_resource("EXTENSIONS")) / ".local" / "lib" / python / "site-packages"
    return local, Path(np.__file__).parents[1]


def offline_reason(context: bpy.types.Context) -> str:
    """Why Set Up cannot fetch anything; empty when it can, or when it need not."""
    from ..core.client.setup_plan import comes_complete

    if bpy.app.online_access or preferences(context).package_source or comes_complete():
        return ""
    return _OFFLINE_FORCED if _offline_forced() else _OFFLINE


class MIMESH_OT_setup_engine(bpy.types.Operator):
    """Install the engine's packages into a folder of their own. Asks first: says how much, from where and where to"""

    bl_idname = "mimesh.setup_engine"
    bl_label = "Set Up Engine"
    bl_options = {"INTERNAL"}

    torch: bpy.props.EnumProperty(
        name="Runs On",
        items=(
            ("cpu", "Processor", "The smaller download; made for any computer"),
            ("cuda", "NVIDIA Card", "PyTorch for CUDA: a much larger download, needs a recent NVIDIA driver"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with the user's consent to go online, or a source on this computer."""
        run = run_state(context)
        return explain(cls, f"{run.task} is running." if run.running else offline_reason(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first."""
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Set Up")

    def draw(self, context: bpy.types.Context) -> None:
        """What would happen, in words."""
        from ..core.client.graphics_card import card_obstacle, has_nvidia_driver
        from ..core.client.setup_plan import expected_megabytes

        layout = self.layout
        download, disk = expected_megabytes(self.torch)
        choice = setup_choice(context, self.torch)
        if choice.packages:
            layout.label(text="Nothing is downloaded: the packages came with Mimesh. The engine's Python is made in")
        else:
            source = choice.source or "PyPI and PyTorch's own server"
            layout.label(
                text=f"Nothing is downloaded: the packages are in {source};"
                if choice.wheels
                else f"Downloads about {download} MB from {source};"
            )
            layout.label(text=f"needs about {disk} MB on the disk, in")
        layout.label(text=str(engine_folder(context)))
        layout.label(text="An engine that works now stays until the new one is checked.")
        # what came with Mimesh is for the processor
        if has_nvidia_driver() and not choice.packages:
            layout.prop(self, "torch", expand=True)
        if self.torch == "cuda" and (obstacle := card_obstacle()):
            layout.label(text=f"It would not run: {obstacle}.", icon="ERROR")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Hand over to the operator that does it: in a window it leaves Blender usable."""
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        done: OperatorResult = bpy.ops.mimesh.run_engine_setup(how, torch=self.torch)  # type: ignore[attr-defined]
        return {"FINISHED"} if "RUNNING_MODAL" in done else done


class MIMESH_OT_run_engine_setup(SteppedOperator, bpy.types.Operator):
    """Install the engine's packages now"""

    bl_idname = "mimesh.run_engine_setup"
    bl_label = "Set Up Engine Now"
    bl_options = {"INTERNAL"}

    task = "Set Up Engine"
    torch: bpy.props.EnumProperty(items=(("cpu", "Processor", ""), ("cuda", "NVIDIA Card", "")))

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.client.install."""
        from ..core.client.setup_steps import setup_steps

        choice = setup_choice(context, self.torch)
        words = yield from setup_steps(engine_folder(context), choice, bpy.app.online_access)
        # only now: until here the engine that was there could be used
        close_engine()
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


register, unregister = classes_factory((MIMESH_OT_setup_engine, MIMESH_OT_run_engine_setup, MIMESH_OT_test_engine))
