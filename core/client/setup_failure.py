# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed installer meant, in one sentence that names the true cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError


class NoReleaseError(EngineSetupError):
    """Index or folder have no fitting release of a package."""


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: str
    message: str
    hint: str
    error: type[EngineSetupError] = EngineSetupError


# first match wins: the special before the general
_CAUSES = (
    _Cause(
        r"No space left on device|Errno 28|WinError 112|not enough space|Disk quota exceeded|Errno 122",
        "The disk of {folder} is full.",
        "Make room, or choose another Engine Folder in the preferences.",
    ),
    _Cause(
        r"WinError 206|filename or extension is too long|File name too long|Errno 36",
        "A path under {folder} is longer than this system allows.",
        "Choose a shorter Engine Folder in the preferences.",
    ),
    _Cause(
        r"407 Proxy|ProxyError|Tunnel connection failed|Cannot connect to proxy",
        "The proxy refused the connection.",
        "Check the proxy of the system (HTTPS_PROXY), or install from a folder of wheels.",
    ),
    _Cause(
        r"CERTIFICATE_VERIFY_FAILED|SSLError|certificate verify failed|invalid peer certificate",
        "The server's certificate is not trusted here.",
        "Name the studio's certificate file in SSL_CERT_FILE and PIP_CERT, or install from a folder of wheels.",
    ),
    _Cause(
        r"Temporary failure in name resolution|getaddrinfo failed|nodename nor servname|NewConnectionError"
        r"|Network is unreachable|No route to host|ConnectTimeout|Read timed out|ReadTimeout|Connection refused"
        r"|Connection reset|Max retries exceeded|failed to lookup address|dns error|RemoteDisconnected|IncompleteRead",
        "The server cannot be reached.",
        "Check the network, then press Set Up again; or install from a folder of wheels.",
    ),
    _Cause(
        r"ensurepip is not available|No module named '?ensurepip|No module named '?venv|No module named pip",
        "The Python {python} lacks its module for environments.",
        "On Debian or Ubuntu install python3-venv; elsewhere choose another Python.",
    ),
    _Cause(
        r"DO NOT MATCH THE HASHES|HashMismatch|Hash mismatch|checksum",
        "A package that arrived is not the one that was published.",
        "Press Set Up again; if it stays so, something on the way changes files.",
    ),
    _Cause(
        r"or secure host and is being ignored",
        "pip leaves out an index without https: {detail}.",
        "Use its https address, or name its host in PIP_TRUSTED_HOST.",
    ),
    _Cause(
        r"No matching distribution|Could not find a version|No solution found|from versions:",
        "A package has no release for this Python and system: {detail}.",
        "Check the index or the folder of wheels; else choose another Python.",
        NoReleaseError,
    ),
    _Cause(
        r"Permission denied|Access is denied|WinError 5\b|Errno 13|Read-only file system|Errno 30|not permitted",
        "{folder} cannot be written.",
        "Choose another Engine Folder in the preferences, or check its rights.",
    ),
    _Cause(
        r"401 |403 |404 |HTTP error 40",
        "The index refused a package: {detail}.",
        "Check the index address in the preferences.",
    ),
)


def setup_failure(said: list[str], folder: Path, python: Path) -> EngineSetupError:
    """The sentence for an installer that said this before it failed."""
    for cause in _CAUSES:
        found = [line for line in said if re.search(cause.pattern, line, re.IGNORECASE)]
        if found:
            detail = _shortened(found[-1])
            return cause.error(cause.message.format(folder=folder, python=python, detail=detail), cause.hint)
    last = _shortened(said[-1]) if said else "it said nothing"
    return EngineSetupError(f"The engine setup failed: {last}.", "Its whole output is in setup.log beside the engine.")


def _shortened(line: str) -> str:
    return re.sub(r"^(ERROR|error|WARNING): ", "", line).rstrip(".")[:200]
