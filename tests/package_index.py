# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages without content, in a folder or on a server of our own that misbehaves on demand: for real installers."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_STALL_SECONDS = 60.0


def make_wheel(folder: Path, name: str, version: str, content: bytes = b"") -> Path:
    """A wheel that any installer takes, holding one file with ``content``."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{name.replace('-', '_')}/data.bin": content,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in files.items()]
    record.append(f"{stem}.dist-info/RECORD,,")
    files[f"{stem}.dist-info/RECORD"] = "\n".join(record).encode()
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return path


def make_wheels(folder: Path, pinned: dict[str, str], size: int = 0) -> Path:
    """A folder with a wheel for each of the pinned versions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in pinned.items():
        make_wheel(folder, name, version, bytes(size))
    return folder


@dataclass(slots=True)
class Index:
    """A simple index over a folder of wheels.

    faults: package to ``missing``, ``login``, ``cut``, ``stall`` or ``wrong``.
    stalled: set once a download stands still.
    """

    wheels: Path
    address: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    stalled: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(wheels: Path) -> Iterator[Index]:
    """An index at ``address`` until the end of the block."""
    index = Index(wheels)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(index))
    server.daemon_threads = True
    index.address = f"http://127.0.0.1:{server.server_port}/simple"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield index
    finally:
        index.closing.set()
        server.shutdown()
        server.server_close()


def _handler(index: Index) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")[-1]
            if name.endswith(".whl"):
                self._send_wheel(index.wheels / name)
            else:
                self._send_page(name)

        def do_HEAD(self) -> None:
            # asked by uv of a wheel
            name = self.path.strip("/").split("/")[-1]
            self.send_response(200)
            self.send_header("Content-Length", str((index.wheels / name).stat().st_size))
            self.end_headers()

        def _send_page(self, package: str) -> None:
            fault = index.faults.get(package, "")
            status = {"missing": 404, "login": 401}.get(fault, 200)
            links = [
                f'<a href="/files/{path.name}#sha256={self._hash(path, fault)}">{path.name}</a>'
                for path in sorted(index.wheels.glob("*.whl"))
                if _same(path.name.split("-")[0], package)
            ]
            self._answer(status if links or status != 200 else 404, "<html>" + "<br>".join(links) + "</html>")

        def _send_wheel(self, path: Path) -> None:
            fault = next((f for name, f in index.faults.items() if _same(path.name.split("-")[0], name)), "")
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if fault in ("cut", "stall"):
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                if fault == "stall":
                    index.stalled.set()
                    index.closing.wait(_STALL_SECONDS)
                self.close_connection = True
            else:
                self.wfile.write(data)

        def _hash(self, path: Path, fault: str) -> str:
            return "0" * 64 if fault == "wrong" else hashlib.sha256(path.read_bytes()).hexdigest()

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="studio"')
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


def _same(one: str, other: str) -> bool:
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
