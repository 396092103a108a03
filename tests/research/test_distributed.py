# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in two processes through torchrun: one result, from both processes' samples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
import torch
from torch import nn
from research.training import distributed, loop

loop.CHECKPOINTS = Path(sys.argv[1])
torch.set_num_threads(1)
distributed.join()
torch.manual_seed(0)
network = nn.Linear(3, 1)
schedule = loop.Schedule.to_the_end(int(sys.argv[2]), 0.05, weight_decay=0.0, save_every=5, seed=1)
drawn = []

def loss_of(network, chance):
    x = torch.randn(4, 3, generator=chance.generator)
    drawn.append(x)
    return (network(x) - x.sum(dim=1, keepdim=True)).square().mean()

run = loop.TrainingRun(network, schedule, "two")
average = run.train(loss_of)
state = {"weights": run.network.weight.detach().clone(), "drawn": torch.stack(drawn), "size": distributed.size()}
torch.save(state, Path(sys.argv[1]) / f"rank{distributed.rank()}.pt")
distributed.leave()
"""


def train(folder: Path, steps: int) -> list[dict[str, object]]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(program)]
    subprocess.run([*command, str(folder), str(steps)], check=True, cwd=ROOT, timeout=300, capture_output=True)
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_two_processes_draw_their_own_samples_and_end_with_one_network(tmp_path: Path) -> None:
    first, second = train(tmp_path, 150)
    assert first["size"] == second["size"] == 2
    assert not torch.equal(first["drawn"], second["drawn"])
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)
    # the task is learnt: every weight is one
    assert (first["weights"] - 1).abs().max() < 0.3
    # only one of them wrote
    assert [path.name for path in tmp_path.glob("two*")] == ["two.pt"]
    # and all of it
    saved = torch.load(tmp_path / "two.pt", weights_only=True)
    assert saved["step"] == 150
