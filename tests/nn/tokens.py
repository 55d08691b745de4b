"""A small network of tokens, and data with outliers for it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

import crossbar as xb

IDEAL = {"adc.policy": "lossless", "adc.bits": None}
ENCODINGS = ("offset", "differential", "twos_complement")


class Tokens(nn.Module):
    """Query and key of the same tokens, and a layer behind an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(6, 4)
        self.key = nn.Linear(6, 4, bias=False)
        self.out = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(functional.gelu(self.query(x)) + self.key(x))


def tokens(samples: int = 5, length: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(samples, length, 6, generator=generator)
    x[:, :, 2] = 30 * x[:, :, 2].abs()  # one channel of outliers, all on one side
    return x * torch.logspace(-2, 1, length)[None, :, None]


def mapped_of(net, x, arch="isaac_8bit", **how):
    return xb.map_model(net, arch, calibration=x, **how)
