#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes a Debian trixie folder with Blender 4.3.2 and an X server for `make ui-check`. Kept between runs.
# Usage (as root): tests/ui/make_chroot.sh FOLDER
#
# It works in its own mount namespace: whatever it mounts disappears with it, also when it is killed.
set -euo pipefail

root=${1:?"give the folder to make"}
ready="$root/.mimesh-ready"
# what was added since the first such folder was made
later=(python3-xlib)
[ -e "$ready" ] && [ -d "$root/usr/lib/python3/dist-packages/Xlib" ] && exit 0

if [ "${MIMESH_PRIVATE_MOUNTS:-}" != 1 ]; then
  MIMESH_PRIVATE_MOUNTS=1 exec unshare --mount --propagation private "$0" "$root"
fi

mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
  sed -n 's/^URIs: //p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' | head -1 || true)
mirror=${mirror:-http://deb.debian.org/debian}

if [ ! -e "$ready" ]; then
  # A half-made folder is removed before we start; nothing is mounted in it in this namespace.
  if [ -d "$root" ]; then
    grep -q " $root/" /proc/self/mounts && { echo "something is mounted under $root" >&2; exit 1; }
    rm -rf --one-file-system "$root"
  fi
  mkdir -p "$root"
  debootstrap --variant=minbase trixie "$root" "$mirror"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot "$root" apt-get install -y --no-install-recommends \
  blender python3-numpy python3-requests python3-zstandard xvfb xauth imagemagick xdotool libgl1-mesa-dri openbox \
  fonts-dejavu-core libgl1 libegl1 libgles2 "${later[@]}"
chroot "$root" apt-get clean
ln -sf /proc/self/mounts "$root/etc/mtab"
touch "$ready"
