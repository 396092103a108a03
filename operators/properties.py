# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses (stored in the scene) and how the present run stands (stored in the window manager)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ..core.client.choices import GenerateSettings, SourceChoice
from ..core.engines import find_engine, mixing_engines
from ..core.settings import MOTION_GROUPS, BakeSettings, RunSettings
from ..core.settings_schema import SettingsGroup
from .pose_properties import MimeshPose
from .preferences import preferences, style_folder
from .setting_properties import declare, read_group
from .stubs import PATH_OPTIONS, classes_factory

SPEECH_KINDS = (
    ("strip", "Strip", "A sound or movie strip of the sequencer; its place and trim are followed"),
    ("strips", "Strips", "Several sound strips of one character, taken together as one speech"),
    ("channel", "Channel", "All sound strips on a channel of the sequencer, taken together as one speech"),
    ("file", "File", "A sound or video file; it starts at the scene's first frame"),
)
REFERENCE_KINDS = (
    ("strip", "Strip", "A movie strip of the sequencer that shows the person talking"),
    ("file", "File", "A video file that shows the person talking"),
    ("style", "Style", "A style of the library, or a style file, saved from an earlier reference"),
    ("none", "None", "No reference: a neutral way of talking, the head moves as an average person's"),
)

_MAX_TRACKS = 32
_TRACK_HELP = "Which sound track, where the file has several; 0 takes the default one, else the one most like speech"


def _search_speech(self: MimeshSettings, context: bpy.types.Context, edit_text: str) -> Iterator[str]:
    return _strip_names(context, {"sound", "movie"})


def _search_reference(self: MimeshSettings, context: bpy.types.Context, edit_text: str) -> Iterator[str]:
    return _strip_names(context, {"movie"})


def _strip_names(context: bpy.types.Context, kinds: set[str]) -> Iterator[str]:
    from ..core.blender.read_scene import list_strips

    scene: bpy.types.Scene = context.scene
    return (strip.name for strip in list_strips(scene) if strip.kind in kinds)


def _is_mesh(self: MimeshSettings, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


class MimeshSettings(bpy.types.PropertyGroup):
    """The choices behind the Generate button, one set per scene."""

    target: bpy.props.PointerProperty(
        name="Face", description="The mesh with the expression shape keys", type=bpy.types.Object, poll=_is_mesh
    )
    speech_kind: bpy.props.EnumProperty(name="Speech", description="Where the speech is", items=SPEECH_KINDS)
    speech_strip: bpy.props.StringProperty(
        name="Speech Strip", description="Strip with the speech", search=_search_speech
    )
    speech_strips: bpy.props.StringProperty(
        name="Speech Strips", description="Names of the strips; Pick From Scene takes the selected ones"
    )
    speech_channel: bpy.props.IntProperty(
        name="Channel", description="Channel of the sequencer with the speech", default=1, min=1, max=128
    )
    speech_track: bpy.props.IntProperty(name="Sound Track", description=_TRACK_HELP, min=0, max=_MAX_TRACKS)
    speech_file: bpy.props.StringProperty(
        name="Speech File",
        description="Sound or video file with the speech",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    reference_kind: bpy.props.EnumProperty(
        name="Reference", description="Whose way of talking to follow", items=REFERENCE_KINDS
    )
    reference_strip: bpy.props.StringProperty(
        name="Reference Strip", description="Movie strip of the person talking", search=_search_reference
    )
    reference_file: bpy.props.StringProperty(
        name="Reference File",
        description="Video of the person talking, best 5 to 15 seconds",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    reference_track: bpy.props.IntProperty(name="Sound Track", description=_TRACK_HELP, min=0, max=_MAX_TRACKS)
    reference_person: bpy.props.IntProperty(
        name="Person",
        description="Which of several people to learn from, from left to right; 0 takes the one whose lips go with "
        "the sound",
        min=0,
        max=_MAX_TRACKS,
    )
    style_file: bpy.props.StringProperty(
        name="Style",
        description="Name of a style in the library, or path of a style file",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    second_style: bpy.props.StringProperty(
        name="Second Style",
        description="Style to mix into the face: its name in the library, or path of a style file "
        f"({' or '.join(entry.label for entry in mixing_engines())} only)",
    )
    pose: bpy.props.PointerProperty(type=MimeshPose)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The settings of :data:`GROUPS`, which are declared in core.settings."""


GROUPS: tuple[type[SettingsGroup], ...] = (*MOTION_GROUPS.values(), BakeSettings)
declare(MimeshSettings, "", GROUPS)


def _bar_colour(red: float, green: float, blue: float, description: str) -> Any:
    """One that stays as it is: what the quality bar is drawn with."""
    return bpy.props.FloatVectorProperty(
        name="Quality", description=description, subtype="COLOR_GAMMA", get=lambda _: (red, green, blue)
    )


class MimeshRun(bpy.types.PropertyGroup):
    """How the present or last run stands; never saved, not part of undo."""

    running: bpy.props.BoolProperty(options={"SKIP_SAVE"})
    cancel_requested: bpy.props.BoolProperty(options={"SKIP_SAVE"})
    task: bpy.props.StringProperty(options={"SKIP_SAVE"})
    stage: bpy.props.StringProperty(options={"SKIP_SAVE"})
    fraction: bpy.props.FloatProperty(options={"SKIP_SAVE"}, min=0.0, max=1.0, subtype="FACTOR")
    seconds_left: bpy.props.FloatProperty(options={"SKIP_SAVE"}, default=-1.0, description="Negative while unknown")
    result: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Lines in plain words")
    warnings: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Those of the lines that need attention")
    outcome: bpy.props.EnumProperty(
        options={"SKIP_SAVE"},
        items=(("done", "Done", ""), ("failed", "Failed", ""), ("cancelled", "Cancelled", "")),
    )
    neighbours: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Pose styles of the last head, by line")
    codes: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Codes of the last head, in plain words")
    engine_status: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Lines in plain words")
    quality: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="What was seen of the reference, as JSON")
    colour_used: _bar_colour(0.30, 0.65, 0.42, "These seconds of the reference are used")  # type: ignore[valid-type]
    colour_usable: _bar_colour(0.50, 0.52, 0.55, "These seconds would do, and are not used")  # type: ignore[valid-type]
    colour_flawed: _bar_colour(0.86, 0.42, 0.18, "Something is wrong here, and named below")  # type: ignore[valid-type]
    rig_report: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="What the face rig has, by line")
    cache_status: bpy.props.StringProperty(options={"SKIP_SAVE"})


def scene_settings(context: bpy.types.Context) -> MimeshSettings:
    """The choices of the present scene."""
    return context.scene.mimesh


def all_scene_settings() -> list[MimeshSettings]:
    """Those of every scene in the file."""
    return [scene.mimesh for scene in bpy.data.scenes]  # type: ignore[attr-defined]


def run_state(context: bpy.types.Context) -> MimeshRun:
    """How the present or last run stands."""
    return context.window_manager.mimesh_run


def busy_reason(context: bpy.types.Context) -> str:
    """Why nothing can be begun just now, in one sentence: no scene, or another run; empty when something can."""
    if context.scene is None:
        return "There is no scene."
    run = run_state(context)
    return f"{run.task} is running." if run.running else ""


def freeze_settings(settings: MimeshSettings) -> GenerateSettings:
    """Freeze the choices, so that later clicks cannot change a run.

    Raises :class:`MimeshError` when the style is neither in the library nor a path.
    """
    speech = {
        "strip": settings.speech_strip,
        "strips": settings.speech_strips,
        "channel": str(settings.speech_channel),
        "file": settings.speech_file,
    }
    groups = {name: read_group(settings, group) for name, group in MOTION_GROUPS.items()}
    return GenerateSettings(
        object_name=settings.target.name if settings.target else "",
        speech=SourceChoice(settings.speech_kind, speech[settings.speech_kind], settings.speech_track or None),
        reference=freeze_reference(settings),
        second_style=resolve_style(settings.second_style) if mixes_styles(settings) else "",
        bake=read_group(settings, BakeSettings),
        **{**groups, "run": _on_default_device(groups["run"])},
    )


def freeze_reference(settings: MimeshSettings) -> SourceChoice:
    """Whom to talk like. Raises :class:`MimeshError` as :func:`freeze_settings` does."""
    if settings.reference_kind == "style":
        return SourceChoice("style", resolve_style(settings.style_file))
    if settings.reference_kind == "none":
        return SourceChoice("none")
    value = settings.reference_strip if settings.reference_kind == "strip" else settings.reference_file
    return SourceChoice(
        settings.reference_kind, value, settings.reference_track or None, settings.reference_person or None
    )


def _on_default_device(run: RunSettings) -> RunSettings:
    """What a scene leaves to Mimesh, the preferences decide."""
    chosen: str = preferences(bpy.context).device
    return dataclasses.replace(run, device=chosen) if run.device == "auto" else run


def can_mix_styles(settings: MimeshSettings) -> bool:
    """Whether a second style has a meaning: the engine mixes, and there is a first to mix it into."""
    return find_engine(settings.engine).can_mix and settings.reference_kind != "none"


def mixes_styles(settings: MimeshSettings) -> bool:
    """Whether a second style will be mixed in."""
    return can_mix_styles(settings) and bool(settings.second_style)


def resolve_style(name_or_path: str) -> str:
    """The file of a style given by its name in the library or by its path. Raises :class:`MimeshError`."""
    from ..core.style.library import StyleLibrary

    return str(StyleLibrary(style_folder(bpy.context)).resolve(name_or_path))


_CLASSES = (MimeshSettings, MimeshRun)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """Attach the two groups."""
    _register_classes()
    bpy.types.Scene.mimesh = bpy.props.PointerProperty(type=MimeshSettings)  # type: ignore
    bpy.types.WindowManager.mimesh_run = bpy.props.PointerProperty(type=MimeshRun)  # type: ignore


def unregister() -> None:
    """Detach them again; the values stay in the file as custom properties."""
    del bpy.types.WindowManager.mimesh_run  # type: ignore[attr-defined]
    del bpy.types.Scene.mimesh  # type: ignore[attr-defined]
    _unregister_classes()
