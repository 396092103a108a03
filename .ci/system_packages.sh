#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The system libraries that Blender's Python module loads; installs them on Debian/Ubuntu as root, else names them.
set -u
packages=(libgl1 libegl1 libgl1-mesa-dri libx11-6 libxrender1 libxxf86vm1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgomp1
          # a disk as Windows makes them, for tests/unit/test_windows_disk.py
          ntfs-3g)
libraries=(libGL.so.1 libEGL.so.1 libX11.so.6 libXrender.so.1 libXxf86vm.so.1 libXfixes.so.3 libXi.so.6 libxkbcommon.so.0 libSM.so.6 libgomp.so.1)

missing=()
known=$(ldconfig -p 2>/dev/null)
for library in "${libraries[@]}"; do
    grep -qF "$library" <<<"$known" || missing+=("$library")
done
# Mesa's software driver has no soname of its own: without it Workbench cannot draw
[ -e /usr/lib/x86_64-linux-gnu/dri ] || [ -e /usr/lib/aarch64-linux-gnu/dri ] || missing+=("Mesa drivers")
# Debian splits venv's pip off its Python
if ! "${PYTHON:-python3.11}" -c 'import ensurepip' 2>/dev/null; then
    missing+=("Python 3.11 with venv")
    packages+=(python3.11 python3.11-venv)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing system libraries for Blender: ${packages[*]}"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
    exit $?
fi
echo "Blender's Python module needs system libraries that are missing: ${missing[*]}." >&2
echo "On Debian or Ubuntu: sudo apt-get install ${packages[*]}" >&2
exit 1
