#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `make ui-check`: a real Blender 4.3 window, a real click. Needs root and Debian's debootstrap; see in_debian.sh.
# Usage: tests/ui/ui_check.sh [SCREENSHOT_FOLDER]
#
#   MIMESH_UI_CHROOT      where the Debian folder is kept          (/var/tmp/mimesh-trixie)
#   MIMESH_ENGINE_PYTHON  the engine's Python                      (.venv/bin/python of this checkout)
#   MIMESH_UI_PATIENCE    how many times longer than on a quiet machine everything may take   (1)
#   MIMESH_UI_ROBOT       ui_check, session_check for an animator's session, panel_pictures for the docs' pictures
#   MIMESH_UI_SPEECH, MIMESH_UI_REFERENCE   media to use           (the bundled demo's)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
shots=$(realpath -m "${1:-$repo/build/ui-check}")
speech=$(realpath "${MIMESH_UI_SPEECH:-$repo/demo/input/speech.ogg}")
reference=$(realpath "${MIMESH_UI_REFERENCE:-$repo/demo/input/reference.mp4}")

"${MIMESH_ENGINE_PYTHON:-$repo/.venv/bin/python}" "$repo/.ci/build_extension.py"
rm -f "$shots"/[0-9]*_*.png "$shots"/failed.png
MIMESH_SHOW="$(dirname "$speech"):$(dirname "$reference")" exec "$here/in_debian.sh" "$shots" \
  env MIMESH_UI_PATIENCE="${MIMESH_UI_PATIENCE:-1}" \
  python3 "$here/${MIMESH_UI_ROBOT:-ui_check}.py" --repo "$repo" --shots /tmp/results \
  --speech "$speech" --reference "$reference"
