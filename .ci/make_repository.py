# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a static extension repository with Blender's own tool: index.json, index.html and the zips in a folder.

    python .ci/make_repository.py [--output-dir dist/repository]

Put the folder on any web server; users add its index.json under Preferences > Get Extensions > Repositories, and
Blender offers updates from then on. Zips of earlier versions that lie in the folder stay listed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_extension


def main() -> int:
    """Build the zip into the folder, list the folder, check what the list says."""
    parser = argparse.ArgumentParser(description="Make a static extension repository.")
    parser.add_argument("--output-dir", type=Path, default=build_extension.ROOT / "dist" / "repository")
    folder = parser.parse_args().output_dir.resolve()
    built = build_extension.main(["--output-dir", str(folder)])
    if built:
        return built
    make_index(folder)
    listed = json.loads((folder / "index.json").read_text(encoding="utf-8"))["data"]
    names = [f"{entry['id']} {entry['version']}" for entry in listed]
    print(f"{folder}: {', '.join(names)}")
    return 0 if any(entry["archive_url"].endswith(build_extension.zip_name()) for entry in listed) else 1


def make_index(folder: Path) -> None:
    """Write index.json and index.html for the zips in the folder."""
    build_extension.run(build_extension.extension_tool(), "server-generate", "--repo-dir", str(folder), "--html")


if __name__ == "__main__":
    sys.exit(main())
