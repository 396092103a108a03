# SPDX-License-Identifier: GPL-3.0-or-later
"""``python fetch_file.py URL PATH``: a download in a process of its own, which can be stopped at once.

Run by its path in the engine's new environment, so it uses nothing of ours. Prints ``Progress N of M``.
"""

from __future__ import annotations

import http.client
import ssl
import sys
import time
import urllib.request
from pathlib import Path

_SILENT_SECONDS = 30.0
_PIECE = 256 * 1024
_TELL_SECONDS = 0.2


def main() -> int:
    """0 when the file is there; else 1, and the last line says why."""
    url, path = sys.argv[1], Path(sys.argv[2])
    try:
        _fetch(url, path)
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _fetch(url: str, path: Path) -> None:
    done, told = 0, 0.0
    with (
        urllib.request.urlopen(url, timeout=_SILENT_SECONDS, context=_certificates()) as answer,
        path.open("wb") as out,
    ):
        total = int(answer.headers.get("Content-Length") or 0)
        sys.stdout.write(f"Downloading {path.name} ({total} bytes)\n")
        while piece := answer.read(_PIECE):
            out.write(piece)
            done += len(piece)
            if time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                sys.stdout.write(f"Progress {done} of {total}\n")
                sys.stdout.flush()
    if done < total:
        raise OSError(f"IncompleteRead: {done} of {total} bytes came")


def _certificates() -> ssl.SSLContext:
    """The system's; where it has none (Python from python.org on a Mac), those that came with the packages."""
    context = ssl.create_default_context()
    if not context.get_ca_certs() and not ssl.get_default_verify_paths().capath:
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context


if __name__ == "__main__":
    sys.exit(main())
