"""The CIFAR-style ResNets (20, 32, 56 layers) with parameter-free shortcuts.

He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2: a 3 x 3 stem,
three stages of ``depth`` blocks with 16, 32 and 64 channels, shortcuts of option A (stride by
slicing, new channels are zeros).  The parameter names are those of the published CIFAR-10 weights,
so both the bundled one-channel network and the three-channel published ones load into this class.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

__all__ = ["ResNet", "resnet20", "resnet32", "resnet56"]


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut of option A."""

    def __init__(self, in_planes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.stride = stride
        self.new_planes = planes - in_planes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, in_planes, h, w)`` to ``(batch, planes, h / stride, w / stride)``."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.stride != 1 or self.new_planes:
            half = self.new_planes // 2
            x = functional.pad(
                x[:, :, :: self.stride, :: self.stride],
                (0, 0, 0, 0, half, self.new_planes - half),
            )
        return functional.relu(out + x)


class ResNet(nn.Module):
    """A ResNet of ``6 * depth + 2`` layers for small images.

    Parameters
    ----------
    depth : int
        Blocks in each of the three stages: 3, 5 and 9 give ResNet-20, -32 and -56.
    in_channels : int
        Channels of the image: 1 (grey) or 3 (RGB).
    classes : int
        Outputs of the last layer.
    """

    def __init__(self, depth: int = 3, in_channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, 1, depth)
        self.layer2 = self._stage(16, 32, 2, depth)
        self.layer3 = self._stage(32, 64, 2, depth)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def _stage(in_planes: int, planes: int, stride: int, depth: int) -> nn.Sequential:
        first = BasicBlock(in_planes, planes, stride)
        return nn.Sequential(first, *(BasicBlock(planes, planes, 1) for _ in range(depth - 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images ``(batch, in_channels, height, width)`` to logits ``(batch, classes)``."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = functional.adaptive_avg_pool2d(out, 1).flatten(1)
        logits: torch.Tensor = self.linear(out)
        return logits


def resnet20(in_channels: int = 3) -> ResNet:
    """Build ResNet-20, untrained."""
    return ResNet(3, in_channels)


def resnet32(in_channels: int = 3) -> ResNet:
    """Build ResNet-32, untrained."""
    return ResNet(5, in_channels)


def resnet56(in_channels: int = 3) -> ResNet:
    """Build ResNet-56, untrained."""
    return ResNet(9, in_channels)
