"""A command line in a folder of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

NETWORKS = """
import os
import sys
import torch
from torch import nn

def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)
    ).eval()

def in_training():
    return small().train()

def with_pairs():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pairs, self.last = nn.Bilinear(8, 8, 8), nn.Linear(8, 3)
        def forward(self, x):
            x = x.reshape(-1, 8, 8)
            return self.last(self.pairs(x[:, 0], x[:, 1]))
    return Net().eval()

def a_dictionary():
    return {"weight": 1}

def needs_depth(depth):
    return small()

def quits():
    raise SystemExit("enough")

def broken_stream():
    yield images()
    raise ValueError("the stream broke")

def noisy():
    print("print")
    sys.__stdout__.write("the stdout that was there before")
    os.system("echo a child process")
    os.write(1, b"a library")
    return small()

def fails():
    raise ValueError("no such depth")

def images():
    return torch.rand(12, 1, 8, 8), torch.arange(12) % 3

number = 7
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a module of networks, `nets`, and a data file, `data.npz`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    (tmp_path / "nets.py").write_text(NETWORKS, encoding="utf-8")
    draw = np.random.default_rng(0)
    np.savez(
        tmp_path / "data.npz",
        x=draw.random((12, 1, 8, 8), dtype=np.float32),
        y=np.arange(12) % 3,
    )
    return tmp_path


@pytest.fixture
def crossbar(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run ``crossbar WORDS...`` in `folder`, as the installed command does."""
    from crossbar.cli.main import main

    def run(*words: str | os.PathLike[str]) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([os.fspath(word) for word in words])
        written = capfd.readouterr()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else -1, written.out, written.err)

    return run
