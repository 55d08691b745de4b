"""Small networks with awkward corners, for the capture tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional


def randomise(model: nn.Module) -> nn.Module:
    """Give batch normalisations statistics that a fold can get wrong; evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for tensor in module.state_dict().values():
                if tensor.is_floating_point():
                    tensor.uniform_(0.4, 1.6, generator=generator)
    return model.eval()


class Perceptron(nn.Module):
    """Two layers, a dropout, an in-place activation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(12, 8)
        self.norm = nn.BatchNorm1d(8)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout()
        self.fc2 = nn.Linear(8, 3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.drop(self.act(self.norm(self.fc1(x.flatten(1))))))


class LeNet(nn.Module):
    """Convolutions, both pools, a view that names the batch size."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5)
        )
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(functional.relu(self.features(x)))
        return functional.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


class Grouped(nn.Module):
    """Depthwise, grouped and pointwise convolutions with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.group = nn.Conv2d(8, 6, (1, 3), groups=2)
        self.bn2 = nn.BatchNorm2d(6, affine=False)
        self.point = nn.Conv2d(6, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.bn1(self.depth(x)))
        return self.point(self.bn2(self.group(x))).mean((2, 3))


class Same(nn.Module):
    """The padding that is odd: more zeros on the right than on the left."""

    def __init__(self) -> None:
        super().__init__()
        self.even = nn.Conv2d(2, 3, 4, padding="same")
        self.dilated = nn.Conv2d(3, 3, (3, 2), padding="same", dilation=(2, 3))
        self.plain = nn.Conv2d(3, 2, 3, padding="valid")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.plain(self.dilated(self.even(x)))


class Block(nn.Module):
    """A weight without a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.w.t()


class Functional(nn.Module):
    """Weights used by functions: linear, matmul, addmm, and a computed one."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 5))
        self.v = nn.Parameter(torch.randn(6, 3))
        self.bias = nn.Parameter(torch.randn(3))
        self.block = Block()
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.block(functional.linear(x, self.w))
        return self.normed(torch.addmm(self.bias, x, self.v, beta=2, alpha=0.5))


class Tied(nn.Module):
    """One layer used twice, a second layer with the same weight, and one turned around."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.twin = nn.Linear(4, 4, bias=False)
        self.twin.weight = self.fc.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.twin(torch.relu(self.fc(torch.relu(self.fc(x)))))
        return x @ self.fc.weight


class ManyInputs(nn.Module):
    """Positional and keyword inputs, some nested, and a nested result."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)
        self.fc = nn.Linear(4, 2)

    def forward(
        self,
        ids: torch.Tensor,
        extra: dict[str, torch.Tensor],
        *,
        scale: torch.Tensor,
        double: bool = False,
        pair: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> dict[str, Any]:
        x = self.table(ids) + extra["bias"][:, None]
        if pair is not None:
            x = x + pair[0][:, None] * pair[1][:, None]
        y = self.fc(x) * scale
        return {
            "logits": y.mean(1) * (2 if double else 1),
            "all": (y, [x, None]),
            "size": ids.shape[0],
        }


class Leftovers(nn.Module):
    """Layers of many sorts, one image after another, and results in several parts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(3, 4, 3)
        self.up = nn.ConvTranspose2d(2, 3, 3)
        self.rnn = nn.LSTM(4, 4, batch_first=True, bidirectional=True)
        self.frames = nn.Conv2d(2, 4, 3, bias=False)
        self.query = nn.Parameter(torch.randn(1, 3, 8))
        self.fc = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor, clip: torch.Tensor) -> tuple[torch.Tensor, ...]:
        states, (last, _) = self.rnn(self.conv1(x).transpose(1, 2))
        left, right = states.split([3, 5], -1)
        several = self.frames(clip.flatten(0, 1)).view(x.shape[0], -1)
        best = torch.max(states, dim=-1)
        asked = self.fc(self.query.expand(x.shape[0], -1, -1))
        return torch.cat([right, left], -1), last, several, self.up(clip[:, 0]), best.values, asked
