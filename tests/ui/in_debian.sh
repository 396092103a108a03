#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command inside the Debian folder with the real Blender 4.3, everything of ours mounted read-only.
# Usage (as root): tests/ui/in_debian.sh RESULTS COMMAND [ARGUMENT...]
#
#   RESULTS               a folder of ours that is /tmp/results inside, writable
#   MIMESH_UI_CHROOT      where the Debian folder is kept          (/var/tmp/mimesh-trixie)
#   MIMESH_ENGINE_PYTHON  the engine's Python                      (.venv/bin/python of this checkout)
#   MIMESH_SHOW           more folders to show read-only, separated by colons
#
# It works in a mount namespace of its own, so nothing can be left behind or lost.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
root=${MIMESH_UI_CHROOT:-/var/tmp/mimesh-trixie}
python=${MIMESH_ENGINE_PYTHON:-$repo/.venv/bin/python}

if [ "${MIMESH_PRIVATE_MOUNTS:-}" != 1 ]; then
  "$here/make_chroot.sh" "$root"
  MIMESH_PRIVATE_MOUNTS=1 exec unshare --mount --pid --fork --propagation private "$0" "$@"
fi

results=$(realpath -m "$1")
shift
show_read_only() { # the same path inside as outside
  mkdir -p "$root$1"
  mount --bind "$1" "$root$1"
  mount -o remount,bind,ro "$root$1"
}

base=$("$python" -c 'import sys; print(sys.base_prefix)')
environment=$(realpath "$("$python" -c 'import sys; print(sys.prefix)')")
if [ "$base" = /usr ]; then
  echo "$python belongs to /usr of this system, which Debian trixie cannot run; use a Python from its own folder" >&2
  exit 2
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
show_read_only "$repo"
IFS=: read -r -a more <<<"${MIMESH_SHOW:-}"
for folder in "$base" "$environment" "${more[@]}"; do
  case "$folder/" in / | "$repo"/*) ;; *) show_read_only "$folder" ;; esac
done
mkdir -p "$results" "$root/tmp/results"
mount --bind "$results" "$root/tmp/results"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin HOME=/tmp/home LANG=C.UTF-8 \
  LIBGL_ALWAYS_SOFTWARE=1 MIMESH_ENGINE_PYTHON="$python" "$@"
