"""Two small networks to map, with seeded weights, and data for them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tests.nn.networks import randomise


class Mlp(nn.Module):
    """Two linear layers, 20 -> 12 -> 5."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(20, 12)
        self.second = nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(functional.relu(self.first(x)))


class Cnn(nn.Module):
    """Stem, depthwise and dilated convolutions, batch normalisation, a residual addition."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(6)
        self.depth = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.wide = nn.Conv2d(6, 6, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn(self.stem(x)))
        x = functional.relu(x + self.bn2(self.wide(functional.relu(self.depth(x)))))
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def seeded(network: type[nn.Module]) -> nn.Module:
    """Build it with the same weights every time, in evaluation mode."""
    torch.manual_seed(7)
    return randomise(network())


def inputs(network: type[nn.Module], samples: int = 12) -> torch.Tensor:
    """Some inputs, with negative values."""
    generator = torch.Generator().manual_seed(3)
    shape = (20,) if network is Mlp else (2, 9, 7)
    return torch.randn(samples, *shape, generator=generator)
