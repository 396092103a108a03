# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads about the stage that a job is in, by the stage's name in progress messages."""

from __future__ import annotations

STAGE_LABELS = {
    "start": "Starting the engine",
    "audio": "Reading the sound",
    "track": "Tracking the reference",
    "style": "Learning the style",
    "motion": "Generating the motion",
    "head": "Generating the head motion",
    "picture": "Finding the face on the mesh",
}


def stage_label(stage: str) -> str:
    """The label of a stage; its bare name where it has none."""
    return STAGE_LABELS.get(stage, stage)
