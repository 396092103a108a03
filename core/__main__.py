# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core``: the command line."""

from __future__ import annotations

import sys

from .cli.commands import Host
from .cli.main import main

if __name__ == "__main__":
    sys.exit(main(host=Host("python -m core")))
