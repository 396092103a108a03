# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines for tests: real processes with the real worker loop around a scripted runner, and broken ones."""

from __future__ import annotations

import sys
from pathlib import Path

from core.client.client import EngineClient, Patience
from core.client.transport import EngineCommand, ProcessTransport, StopDeadlines

ROOT = Path(__file__).resolve().parents[1]
QUICK = StopDeadlines(close_seconds=0.5, terminate_seconds=0.5)

# the body of ``run(folder, request, progress)`` differs per test
_SCRIPTED = """
import json, os, sys, time, platform
from pathlib import Path
import numpy as np
from core.exchange.provenance import Provenance
from core.exchange.request import MotionRequest
from core.exchange.results import HeadResult, MotionResult
from core.exchange.results import write_head_result, write_motion_result
from core.exchange.protocol import PROTOCOL_VERSION, BankJob, HeadJob, PictureJob, Ready
from core.engine.stdio import Outbox, claim_standard_streams
from core.engine.worker import Inbox, Worker
from core.errors import MediaError
from core.face.basis import open_basis
from core.face.motion import Motion

def motion_result(request, frames=50):
    zeros = np.zeros
    expression = zeros((frames, 50), np.float32)
    expression[:, 0] = request.run.seed
    jaw = zeros((frames, 3), np.float32)
    jaw[:, 0] = 0.2 * np.sin(np.arange(frames) / 3) ** 2
    basis = open_basis()
    motion = Motion(25.0, expression, jaw, zeros((frames, 3), np.float32), zeros((frames, 2, 2), np.float32),
                    basis.name, basis.hash)
    origin = Provenance(str(request.audio.path), "a", 2.0, "m", "hash", **request.groups())
    return MotionResult(motion, None, None, {"audio": 0.1}, origin, ("pid %d" % os.getpid(),))

class Runner:
    def run(self, message, progress, on_first):
        folder = Path(message.folder)
        if isinstance(message, PictureJob):
            rgb = np.load(folder / "picture.npz")["rgb"]
            if not rgb.any():
                return {"found": False}
            np.savez(folder / "landmarks.npz", landmarks=np.full((478, 3), rgb.max(), np.float32))
            return {"found": True}
        if isinstance(message, BankJob):
            return {"added": message.request["name"], "names": ["Bundled", message.request["name"]]}
        request = MotionRequest.from_json(message.request)
        if isinstance(message, HeadJob):
            result = motion_result(request)
            head = np.full((50, 3), request.head.seed, np.float32)
            return write_head_result(folder, HeadResult(head, result.motion.gaze, (), result.provenance))
        return self.generate(folder, request, progress, on_first if message.first else None)

    def generate(self, folder, request, progress, on_first):
BODY

    def warm_steps(self):
        return ()

    def release(self):
        pass

channel = claim_standard_streams()
outbox = Outbox(channel.outgoing)
outbox.send(Ready(PROTOCOL_VERSION, platform.python_version(), "", {}))
Worker(Inbox(channel.incoming), outbox, Runner()).run()
"""
ANSWER = """
for stage, fraction in (("audio", 0.1), ("track", 0.5), ("motion", 0.9)):
    progress(stage, fraction)
return write_motion_result(folder, motion_result(request))
"""


def scripted(body: str) -> str:
    """A worker whose generate jobs run ``body`` (lines of a function of folder, request, progress, on_first)."""
    indented = "\n".join(f"        {line}" for line in body.strip().splitlines())
    return _SCRIPTED.replace("BODY", indented)


def client_of(script: str, folder: Path, patience: Patience | None = None) -> EngineClient:
    """A client whose engine is ``script``, run anew at each start."""

    def start() -> ProcessTransport:
        arguments = (sys.executable, "-u", "-c", script)
        return ProcessTransport(EngineCommand(arguments, ROOT, folder, client.log, QUICK))

    client = EngineClient(Path(sys.executable), ROOT, folder, patience or Patience(), start=start)
    return client
