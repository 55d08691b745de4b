"""A small attention, and what puts it on crossbars with keys and values in cells."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

import crossbar as xb

F, HEADS, TOKENS = 8, 2, 5
WIDTH = F // HEADS


class Attention(nn.Module):
    """Projections and a fused attention, or the same in plain products."""

    def __init__(self, *, fused: bool = True, causal: bool = False) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(F, F) for _ in range(4))
        self.fused, self.causal = fused, causal

    def split(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(x.shape[0], x.shape[1], HEADS, WIDTH).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            y = torch.softmax(q @ k.transpose(-2, -1) / WIDTH**0.5, -1) @ v
        return self.o(y.transpose(1, 2).reshape(x.shape))


def network(**options: bool) -> Attention:
    torch.manual_seed(3)
    return Attention(**options).eval()


def samples(count: int = 6, tokens: int = TOKENS) -> torch.Tensor:
    return torch.randn(count, tokens, F, generator=torch.Generator().manual_seed(1))


def mapped(
    model: nn.Module | None = None, arch: str = "ideal_8bit", **overrides: Any
) -> xb.MappedModel:
    hardware = xb.load_arch(arch, {"attention": "crossbar", **overrides})
    return xb.map_model(model or network(), hardware, calibration=samples())
