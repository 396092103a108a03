# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the installable zip with Blender's own extension tool, which comes with the bpy wheel.

    python .ci/build_extension.py [--output-dir dist] [--website https://…]
    python .ci/build_extension.py --complete linux-x64-3.11 [--wheels FOLDER] [--face-model FILE]

``--complete`` makes a larger zip for one system and one Blender's Python (``all``: one for each), which brings the
engine's packages along, so that nothing is downloaded when it is set up.

The tool runs on a clean copy of what git knows, so that nothing lying about in the folder gets in.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_FOR_ANIMATORS = ("tests/", "research/", "docs/", ".ci/", "build/", "dist/", "demo/work/", "benchmark/")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, check, print where the zip is and how large."""
    parser = argparse.ArgumentParser(description="Build the Mimesh extension zip.")
    parser.add_argument("--output-dir", type=Path, default=ROOT / "dist")
    parser.add_argument("--website", default="", help="where these pages are published; written into the manifest")
    parser.add_argument("--complete", metavar="TARGET", default="", help="with the engine's packages; or: all")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="where wheels are kept")
    parser.add_argument("--face-model", type=Path, help="your face_landmarker.task, for Python 3.13")
    options = parser.parse_args(arguments)
    output = options.output_dir.resolve()
    output.mkdir(parents=True, exist_ok=True)
    if options.complete:
        from build_complete import build_complete

        return build_complete(options)
    path = output / zip_name()
    return build(path, options.website)


def build(path: Path, website: str = "", add: Callable[[Path], None] | None = None) -> int:
    """Write the zip. add: what else is done to the staged copy before."""
    tool = extension_tool()
    with tempfile.TemporaryDirectory(prefix="mimesh-extension-") as folder:
        source = Path(folder) / "mimesh"
        stage(source)
        build_manual(source / "manual")
        manifest = source / "blender_manifest.toml"
        if website:
            manifest.write_text(with_website(manifest.read_text("utf-8"), website), "utf-8")
        if add is not None:
            add(source)
        run(tool, "validate", f"--valid-tags={tags_file(tool)}", str(source))
        run(tool, "build", "--source-dir", str(source), "--output-filepath", str(path))
    run(tool, "validate", str(path))
    if misplaced := misplaced_members(path):
        print(f"{path} contains what animators do not need: {', '.join(misplaced[:5])}", file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {member_count(path)} files")
    return 0


def extension_tool() -> Path:
    """Blender's command-line tool inside the bpy package of this Python."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        raise SystemExit(f"{sys.executable} has no bpy package; run this with the Python of .venv")
    found = sorted(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise SystemExit(f"the bpy package at {spec.origin} has no extension tool")
    return found[-1]


def tags_file(tool: Path) -> Path:
    """The list of tags that the validator checks against."""
    return tool.parents[3] / "modules" / "_bpy_internal" / "extensions" / "tags.py"


def stage(target: Path) -> None:
    """Copy the files that git knows or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def with_website(manifest: str, address: str) -> str:
    """The manifest with the address of whoever publishes it: the repository itself has no public one."""
    if not re.fullmatch(r"https?://[^\s\"]+", address):
        raise SystemExit(f"{address} is no address of a website; give one that begins with https://")
    return re.sub(r"^(maintainer = .*)$", rf'\1\nwebsite = "{address}"', manifest, count=1, flags=re.MULTILINE)


def build_manual(target: Path) -> None:
    """The docs as a site, for Blender's right click > Online Manual; left out where mkdocs is not installed."""
    if importlib.util.find_spec("material") is None:
        print("mkdocs-material is not installed: the zip has no manual", file=sys.stderr)
        return
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The manual cannot be built:\n{done.stdout}{done.stderr}")
    # pages for search engines and addresses that nobody asks for on one's own disk
    for name in ("404.html", "sitemap.xml", "sitemap.xml.gz"):
        (target / name).unlink(missing_ok=True)
    for path in target.rglob("*.map"):
        path.unlink()
    # of the search, in languages that the manual is not written in
    shutil.rmtree(target / "assets" / "javascripts" / "lunr", ignore_errors=True)


def run(tool: Path, *arguments: str) -> None:
    """Run the tool; its output is shown only when it fails."""
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{tool.name} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def zip_name() -> str:
    """The name that the tool gives: id and version of the manifest."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return f"{manifest['id']}-{manifest['version']}.zip"


def misplaced_members(path: Path) -> list[str]:
    """Members of the zip that should have been left out."""
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if name.startswith(NOT_FOR_ANIMATORS)]


def member_count(path: Path) -> int:
    """Files in the zip."""
    with zipfile.ZipFile(path) as archive:
        return sum(not name.endswith("/") for name in archive.namelist())


if __name__ == "__main__":
    sys.exit(main())
