# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses (stored in the scene) and how the present run stands (stored in the window manager)."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..core.client.choices import GenerateSettings, SourceChoice
from ..core.engines import engine_items, find_engine, mixing_engines
from .pose_properties import MimeshPose, pose_choice
from .preferences import style_folder
from .stubs import classes_factory

SPEECH_KINDS = (
    ("strip", "Strip", "A sound or movie strip of the sequencer; its place and trim are followed"),
    ("file", "File", "A sound or video file; it starts at the scene's first frame"),
)
REFERENCE_KINDS = (
    ("strip", "Strip", "A movie strip of the sequencer that shows the person talking"),
    ("file", "File", "A video file that shows the person talking"),
    ("style", "Style", "A style of the library, or a style file, saved from an earlier reference"),
    ("none", "None", "No reference: a neutral way of talking, the head moves as an average person's"),
)
EXISTING_CHOICES = (
    ("refuse", "Refuse", "Stop with a message when somebody else's action is in the way"),
    ("push_down", "Push Down", "Keep the other action on a muted NLA track and use ours"),
)


# as in core.engine.pipeline, which is not imported here because it brings numpy into Blender's start-up
STYLE_STRENGTH_LIMIT = 1.5
HEAD_AMOUNT_LIMIT = 2.0
GAZE_AMOUNT_LIMIT = 2.0


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
    speech_file: bpy.props.StringProperty(
        name="Speech File", description="Sound or video file with the speech", subtype="FILE_PATH"
    )
    reference_kind: bpy.props.EnumProperty(
        name="Reference", description="Whose way of talking to follow", items=REFERENCE_KINDS
    )
    reference_strip: bpy.props.StringProperty(
        name="Reference Strip", description="Movie strip of the person talking", search=_search_reference
    )
    reference_file: bpy.props.StringProperty(
        name="Reference File", description="Video of the person talking, best 5 to 15 seconds", subtype="FILE_PATH"
    )
    style_file: bpy.props.StringProperty(
        name="Style", description="Name of a style in the library, or path of a style file", subtype="FILE_PATH"
    )
    second_style: bpy.props.StringProperty(
        name="Second Style",
        description="Style to mix into the face: its name in the library, or path of a style file "
        f"({' or '.join(entry.label for entry in mixing_engines())} only)",
    )
    style_mix: bpy.props.FloatProperty(
        name="Mix",
        description="Share of the second style in the face; head and eyes stay the first's",
        default=0.5,
        min=0.0,
        max=1.0,
        step=5,
        subtype="FACTOR",
    )
    style_strength: bpy.props.FloatProperty(
        name="Style Strength",
        description="How far to follow the reference: 0 is neutral, 1 is like the reference",
        default=1.0,
        min=0.0,
        max=STYLE_STRENGTH_LIMIT,
        step=5,
    )
    head_amount: bpy.props.FloatProperty(
        name="Head Motion",
        description="How much the head moves: 0 is still, 1 is like the reference",
        default=1.0,
        min=0.0,
        max=HEAD_AMOUNT_LIMIT,
        step=5,
    )
    neck_share: bpy.props.FloatProperty(
        name="Neck Share",
        description="How much of the head's turn the neck takes, on rigs with a neck and a head bone",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
    )
    blinks: bpy.props.BoolProperty(
        name="Blinks", description="Blink as often as the reference does, or as people usually do", default=True
    )
    gaze_amount: bpy.props.FloatProperty(
        name="Gaze",
        description="How much the eyes wander: 0 keeps them still, 1 is natural",
        default=1.0,
        min=0.0,
        max=GAZE_AMOUNT_LIMIT,
        step=5,
    )
    pose: bpy.props.PointerProperty(type=MimeshPose)
    seed: bpy.props.IntProperty(
        name="Seed", description="Another number gives another motion; the same gives the same", min=0
    )
    engine: bpy.props.EnumProperty(name="Engine", description="What makes the face", items=engine_items())
    on_existing: bpy.props.EnumProperty(
        name="Existing Keys",
        description="What to do when the face already has an action that Mimesh did not make",
        items=EXISTING_CHOICES,
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
    outcome: bpy.props.EnumProperty(
        options={"SKIP_SAVE"},
        items=(("done", "Done", ""), ("failed", "Failed", ""), ("cancelled", "Cancelled", "")),
    )
    neighbours: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Pose styles of the last head, by line")
    engine_status: bpy.props.StringProperty(options={"SKIP_SAVE"}, description="Lines in plain words")
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


def freeze_settings(settings: MimeshSettings) -> GenerateSettings:
    """Freeze the choices, so that later clicks cannot change a run.

    Raises :class:`MimeshError` when the style is neither in the library nor a path.
    """
    speech = {"strip": settings.speech_strip, "file": settings.speech_file}
    reference = {
        "strip": settings.reference_strip,
        "file": settings.reference_file,
        "style": _style_path(settings.style_file) if settings.reference_kind == "style" else "",
        "none": "",
    }
    return GenerateSettings(
        object_name=settings.target.name if settings.target else "",
        speech=SourceChoice(settings.speech_kind, speech[settings.speech_kind]),
        reference=SourceChoice(settings.reference_kind, reference[settings.reference_kind]),
        style_strength=settings.style_strength,
        head_amount=settings.head_amount,
        seed=settings.seed,
        engine=settings.engine,
        on_existing=settings.on_existing,
        neck_share=settings.neck_share,
        pose=pose_choice(settings.pose),
        blinks=settings.blinks,
        gaze_amount=settings.gaze_amount,
        second_style=_style_path(settings.second_style) if mixes_styles(settings) else "",
        style_mix=settings.style_mix if mixes_styles(settings) else 0.0,
    )


def can_mix_styles(settings: MimeshSettings) -> bool:
    """Whether a second style has a meaning: the engine mixes, and there is a first to mix it into."""
    return find_engine(settings.engine).can_mix and settings.reference_kind != "none"


def mixes_styles(settings: MimeshSettings) -> bool:
    """Whether a second style will be mixed in."""
    return can_mix_styles(settings) and bool(settings.second_style)


def _style_path(name_or_path: str) -> str:
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
