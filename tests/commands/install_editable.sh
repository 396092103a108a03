#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `pip install --no-deps --editable .` as the docs have it, in an environment of its own; then `mimesh` itself.
# Usage: install_editable.sh REPOSITORY FOLDER
set -euo pipefail
repository=$1 folder=$2
mkdir "$folder" "$folder/copy"
cp -r "$repository/core" "$repository/pyproject.toml" "$repository/vendor_models" "$repository/README.md" "$folder/copy"
python -m venv "$folder/environment"
# with the packages of this Python, as an engine's environment has them
python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' >"$(echo "$folder"/environment/lib/python*/site-packages)/lent.pth"
sound=$PWD/talk.wav
cd "$folder/copy"
unset PYTHONPATH
../environment/bin/python -m pip install --quiet --no-deps --editable .
cd /
"$OLDPWD/../environment/bin/mimesh" motion --audio "$sound" --engine mimic --out "$OLDPWD/../motion.npz"
