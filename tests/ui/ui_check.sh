#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `make ui-check`: a real Blender 4.3 window, a real click. Needs root and Debian's debootstrap.
# Usage: tests/ui/ui_check.sh [SCREENSHOT_FOLDER]
#
#   MIMESH_UI_CHROOT      where the Debian folder is kept          (/var/tmp/mimesh-trixie)
#   MIMESH_ENGINE_PYTHON  the engine's Python                      (.venv/bin/python of this checkout)
#   MIMESH_UI_PATIENCE    how many times longer than on a quiet machine everything may take   (1)
#   MIMESH_UI_ROBOT       ui_check, or panel_pictures for the docs' pictures
#   MIMESH_UI_SPEECH, MIMESH_UI_REFERENCE   media to use           (the bundled demo's)
#
# Everything is mounted in a mount namespace of its own and read-only, so nothing can be left behind or lost.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
chroot_folder=${MIMESH_UI_CHROOT:-/var/tmp/mimesh-trixie}
shots=$(realpath -m "${1:-$repo/build/ui-check}")
python=${MIMESH_ENGINE_PYTHON:-$repo/.venv/bin/python}
speech=$(realpath "${MIMESH_UI_SPEECH:-$repo/demo/input/speech.ogg}")
reference=$(realpath "${MIMESH_UI_REFERENCE:-$repo/demo/input/reference.mp4}")

if [ "${MIMESH_PRIVATE_MOUNTS:-}" != 1 ]; then
  "$here/make_chroot.sh" "$chroot_folder"
  "$python" "$repo/.ci/build_extension.py"
  MIMESH_PRIVATE_MOUNTS=1 exec unshare --mount --pid --fork --propagation private "$0" "$shots"
fi

show_read_only() { # the same path inside as outside, read-only
  mkdir -p "$chroot_folder$1"
  mount --bind "$1" "$chroot_folder$1"
  mount -o remount,bind,ro "$chroot_folder$1"
}

base=$("$python" -c 'import sys; print(sys.base_prefix)')
environment=$("$python" -c 'import sys; print(sys.prefix)')
if [ "$base" = /usr ]; then
  echo "$python belongs to /usr of this system, which Debian trixie cannot run; use a Python from its own folder" >&2
  exit 2
fi
mount -t proc proc "$chroot_folder/proc"
mount --bind /dev "$chroot_folder/dev"
mount -t tmpfs tmpfs "$chroot_folder/tmp"
show_read_only "$repo"
for folder in "$base" "$environment" "$(dirname "$speech")" "$(dirname "$reference")"; do
  case "$folder/" in "$repo"/*) ;; *) show_read_only "$folder" ;; esac
done
rm -f "$shots"/[0-9]*_*.png "$shots"/failed.png
mkdir -p "$shots" "$chroot_folder/tmp/shots"
mount --bind "$shots" "$chroot_folder/tmp/shots"

chroot "$chroot_folder" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin HOME=/tmp/home LANG=C.UTF-8 \
  LIBGL_ALWAYS_SOFTWARE=1 MIMESH_UI_PATIENCE="${MIMESH_UI_PATIENCE:-1}" MIMESH_ENGINE_PYTHON="$python" \
  python3 "$here/${MIMESH_UI_ROBOT:-ui_check}.py" --repo "$repo" --shots /tmp/shots --speech "$speech" --reference "$reference"
