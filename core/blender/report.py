# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report of what is on the faces of a file: one section for each line whose motion is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import bpy

from ..direct.report import ReportLine, report_page
from ..errors import RigError, SettingsError
from ..exchange.provenance import Provenance
from ..files import whole_file
from .kept import KeptLine, kept_lines, load


def write_report(path: Path, faces: Iterable[bpy.types.Object], reference: bytes = b"") -> int:
    """Write the page; returns how many lines it has. Raises :class:`MimeshError` where there is none.

    reference: a PNG of the reference with its landmarks, where it was looked at.
    """
    lines = report_lines(faces)
    title = Path(bpy.data.filepath).stem or "Mimesh"
    page = report_page(f"{title}: {len(lines)} lines", [_section(line) for line in lines], reference)
    try:
        with whole_file(path) as partial:
            partial.write_text(page, "utf-8")
    except OSError as error:
        raise SettingsError(
            f"The report {path} cannot be written ({error.strerror or error}).", "Choose another place."
        ) from error
    return len(lines)


def report_lines(faces: Iterable[bpy.types.Object]) -> list[KeptLine]:
    """The lines that a page is about. Raises :class:`RigError` where there is none."""
    lines = [line for face in faces for line in kept_lines(face) if line.has_motion]
    if not lines:
        raise RigError("There is no line to report on.", "Generate first.")
    return lines


def _section(line: KeptLine) -> ReportLine:
    values = json.loads(line.provenance_json)
    made = Provenance.from_json(values)
    facts = {
        "Character": line.object_name,
        "Frames": f"{line.first:g} to {line.last:g}",
        "Sound": f"{Path(made.audio_source).name}, {made.audio_seconds:.2f} s",
        "Engine": made.face.engine,
        "Style": f"{made.style_name or 'the mean speaker'}, strength {made.face.style_strength:g}",
    }
    if made.reference_quality:
        facts["Reference"] = made.reference_quality
    if made.mixed_in:
        facts["Mixed in"] = made.mixed_in
    for name, group in made.groups().items():
        facts[name.capitalize()] = ", ".join(f"{key} {value}" for key, value in group.to_json().items())
    facts["Bake"] = ", ".join(f"{key} {value}" for key, value in values.get("bake", {}).items())
    hashes = {"face": made.model_hash, "head": made.pose_hash or "none", "basis": made.basis_hash}
    facts["Models"] = ", ".join(f"{name} {text[:12]}" for name, text in hashes.items())
    return ReportLine(f"{line.line.sound or 'Line'} ({line.object_name})", load(line).motion, facts)
