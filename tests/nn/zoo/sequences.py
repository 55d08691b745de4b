"""Networks for sequences and tables: plain torch, narrow."""

from __future__ import annotations

import torch
from torch import nn


class Vit(nn.Module):
    """Patches, a class token, positions, an encoder of torch with its norm first."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.position = nn.Parameter(torch.randn(1, 17, 16))
        layer = nn.TransformerEncoderLayer(
            16, 4, 32, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16), enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.encoder(x)[:, 0])


class Mixer(nn.Module):
    """MLP-Mixer: linear layers over tokens and over channels in turn."""

    class Block(nn.Module):
        """One mixing of tokens, one of channels."""

        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(12), nn.LayerNorm(12)
            self.tokens = nn.Sequential(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 16))
            self.channels = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
            return x + self.channels(self.norm2(x))

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 4, 4)
        self.blocks = nn.Sequential(Mixer.Block(), Mixer.Block())
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.patch(x).flatten(2).mT)
        return self.head(self.norm(x).mean(1))


class Dlrm(nn.Module):
    """Dense features, bags and tables of embeddings, all dot products of pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.bottom = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU())
        self.bag = nn.EmbeddingBag(20, 8, mode="sum")
        self.mean = nn.EmbeddingBag(11, 8)
        self.table = nn.Embedding(30, 8)
        self.top = nn.Sequential(nn.Linear(14, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
        self.register_buffer("pairs", torch.tril_indices(4, 4, -1))

    def forward(
        self, dense: torch.Tensor, many: torch.Tensor, few: torch.Tensor, one: torch.Tensor
    ) -> torch.Tensor:
        x = self.bottom(dense)
        found = torch.stack([x, self.bag(many), self.mean(few), self.table(one)], 1)
        dots = torch.bmm(found, found.transpose(1, 2))
        pairs = dots[:, self.pairs[0], self.pairs[1]]
        return self.top(torch.cat([x, pairs], 1))


class Tagger(nn.Module):
    """An LSTM in both directions, two layers deep, and tags for every token."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, 2, batch_first=True, bidirectional=True, dropout=0.3)
        self.tags = nn.Linear(10, 4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(self.tags(self.lstm(self.words(ids))[0]), -1)


class Gru(nn.Module):
    """A GRU, time first, then a cell that reads its last state, and plain recurrence."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.rnn = nn.GRU(5, 6, 2), nn.RNN(6, 4)
        self.cell, self.head = nn.GRUCell(4, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, last = self.gru(x.transpose(0, 1))
        out, _ = self.rnn(states)
        return self.head(self.cell(out[-1], last[-1]))


class Attention(nn.Module):
    """MultiheadAttention in all its ways: both layouts, with weights and without, other keys."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.MultiheadAttention(8, 2)
        self.second = nn.MultiheadAttention(8, 2, batch_first=True, kdim=5, vdim=6)

    def forward(
        self, x: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        turned = x.transpose(0, 1)
        y = self.first(turned, turned, turned, need_weights=False)[0].transpose(0, 1)
        return self.second(y, key, value)
