# SPDX-License-Identifier: GPL-3.0-or-later
"""The zips that bring the engine's packages along: see ``build_extension.py --complete``."""

from __future__ import annotations

import argparse
import functools
import re
import shutil
import sys
from pathlib import Path

import build_extension
from engine_wheels import Target, fetch_wheels, metadata, targets

# as core/client/setup_plan.py looks for it
FOLDER = "wheels"


def build_complete(options: argparse.Namespace) -> int:
    """One zip for each wanted target; 1 where one could not be made."""
    wanted = targets() if options.complete == "all" else [Target.parse(options.complete)]
    failed = 0
    for target in wanted:
        try:
            files = fetch_wheels(target, options.wheels / str(target), options.face_model)
        except SystemExit as error:
            # one system's packages that cannot be had must not take the others' zips with them
            print(error, file=sys.stderr)
            failed = 1
            continue
        path = options.output_dir.resolve() / zip_name(target)
        failed |= build_extension.build(
            path, options.website, functools.partial(add_wheels, target=target, files=files)
        )
    return failed


def zip_name(target: Target) -> str:
    """Which system and Blender it is for."""
    return f"{Path(build_extension.zip_name()).stem}-{target.system}-py{target.python.replace('.', '')}.zip"


def add_wheels(source: Path, target: Target, files: list[Path]) -> None:
    """Put them into the staged copy, say who made them, and write the manifest for this system alone."""
    folder = source / FOLDER
    folder.mkdir()
    for path in files:
        shutil.copy2(path, folder)
    (folder / "README.md").write_text(licences_page(files), encoding="utf-8")
    manifest = source / "blender_manifest.toml"
    manifest.write_text(for_target(manifest.read_text("utf-8"), target, files), "utf-8")


def licences_page(files: list[Path]) -> str:
    """A table of the packages with their licences, as they tell them themselves."""
    lines = ["# Packages of the engine", "", "Unchanged, as published. Licences lie in the packages.", ""]
    lines += ["| package | version | licence | home |", "|---|---|---|---|"]
    for path in files:
        if path.suffix == ".whl":
            told = metadata(path)
            kinds = [c.split(" :: ")[-1] for c in told.get_all("Classifier") or [] if c.startswith("License")]
            licence = told["License-Expression"] or ", ".join(kinds) or (told["License"] or "").split("\n")[0]
            pages = dict(page.lower().split(", ", 1) for page in told.get_all("Project-URL") or [])
            known = (pages.get(label) for label in ("homepage", "home", "source", "source code", "repository"))
            home = told["Home-page"] or next(filter(None, known), next(iter(pages.values()), ""))
            lines.append(f"| {told['Name']} | {told['Version']} | {licence} | {home} |")
        else:
            lines.append(f"| {path.name} | | Apache-2.0 | MediaPipe |")
    return "\n".join(lines) + "\n"


def for_target(manifest: str, target: Target, files: list[Path]) -> str:
    """Its system, its Blenders, the packages' makers, and no permission for a network that it never uses."""
    first, end = target.blenders
    names = ", ".join(sorted({path.name.split("-")[0].replace("_", "-") for path in files if path.suffix == ".whl"}))
    versions = f'blender_version_min = "{first}"' + (f'\nblender_version_max = "{end}"' if end else "")
    wheels = ", ".join(f'"./{FOLDER}/{path.name}"' for path in files if path.suffix == ".whl")
    for pattern, text in (
        (r"^platforms = .*$", f'platforms = ["{target.system}"]\nwheels = [{wheels}]'),
        (r"^blender_version_min = .*$", versions),
        (r"^network = .*\n", ""),
        (r'^copyright = \["(.*)"\]$', rf'copyright = ["\1", "2026 Authors of {names}"]'),
    ):
        manifest, count = re.subn(pattern, text, manifest, count=1, flags=re.MULTILINE)
        if count != 1:
            raise SystemExit(f"blender_manifest.toml has no line {pattern}")
    return manifest
