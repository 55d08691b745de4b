"""Networks for images, sound and clips: plain torch, narrow."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class _Residual(nn.Module):
    """A basic block (expansion 1) or a bottleneck (expansion 4) with its own way around."""

    def __init__(self, inputs: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        outputs = width * expansion
        kernels = [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        if expansion > 1:
            kernels = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        parts: list[nn.Module] = []
        for a, b, kernel, step in kernels:
            parts += [nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(b)]
            parts.append(nn.ReLU(inplace=True))
        self.path = nn.Sequential(*parts[:-1])
        self.around = nn.Identity()
        if stride > 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.around = nn.Sequential(conv, nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.path(x) + self.around(x))


class ResNet(nn.Module):
    """ResNet-18 (blocks 2 2 2 2, expansion 1) and ResNet-50 (3 4 6 3, expansion 4)."""

    def __init__(self, blocks: tuple[int, ...], expansion: int, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        layers, inputs = [], width
        for stage, count in enumerate(blocks):
            for k in range(count):
                stride = 2 if stage and not k else 1
                layers.append(_Residual(inputs, width << stage, stride, expansion))
                inputs = (width << stage) * expansion
        self.layers = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.flatten(self.pool(self.layers(self.stem(x))), 1))


class _Inverted(nn.Module):
    """An inverted residual: widen, depthwise, (squeeze and excite,) narrow."""

    def __init__(self, a: int, b: int, stride: int, kernel: int, act: type, excite: bool) -> None:
        super().__init__()
        wide = 4 * a
        self.widen = nn.Sequential(nn.Conv2d(a, wide, 1, bias=False), nn.BatchNorm2d(wide), act())
        conv = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self.depthwise = nn.Sequential(conv, nn.BatchNorm2d(wide), act())
        self.excite = None
        if excite:
            reduce, expand = nn.Conv2d(wide, a, 1), nn.Conv2d(a, wide, 1)
            self.excite = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), reduce, nn.SiLU(), expand, nn.Sigmoid()
            )
        self.narrow = nn.Sequential(nn.Conv2d(wide, b, 1, bias=False), nn.BatchNorm2d(b))
        self.adds = stride == 1 and a == b

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depthwise(self.widen(x))
        if self.excite is not None:
            y = y * self.excite(y)
        y = self.narrow(y)
        return x + y if self.adds else y


class Mobile(nn.Module):
    """MobileNetV2 (ReLU6), or with ``excite`` an EfficientNet (SiLU, squeeze and excite)."""

    def __init__(self, *, excite: bool = False) -> None:
        super().__init__()
        act, kernel = (nn.SiLU, 5) if excite else (nn.ReLU6, 3)
        conv = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(8), act())
        widths = [(8, 8, 1), (8, 12, 2), (12, 12, 1), (12, 16, 2), (16, 16, 1)]
        self.blocks = nn.Sequential(*(_Inverted(*w, kernel, act, excite) for w in widths))
        self.head = nn.Sequential(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32), act())
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(32, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.head(self.blocks(self.stem(x))).mean([2, 3]))


class Vgg11(nn.Module):
    """Eight convolutions, five pools, three linear layers."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        inputs = 3
        for item in (4, "M", 8, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"):
            if item == "M":
                parts.append(nn.MaxPool2d(2, 2))
            else:
                parts += [nn.Conv2d(inputs, int(item), 3, padding=1), nn.ReLU(True)]
                inputs = int(item)
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(
            *(nn.Linear(128, 24), nn.ReLU(True), nn.Dropout()),
            *(nn.Linear(24, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, 5)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class UNet(nn.Module):
    """Down with pools, up with a transposed convolution and with interpolation, concatenations."""

    def __init__(self) -> None:
        super().__init__()

        def double(a: int, b: int) -> nn.Sequential:
            one, two = nn.Conv2d(a, b, 3, padding=1, bias=False), nn.Conv2d(b, b, 3, padding=1)
            return nn.Sequential(one, nn.BatchNorm2d(b), nn.ReLU(True), two, nn.ReLU(True))

        self.first, self.second, self.deep = double(1, 4), double(4, 8), double(8, 12)
        self.up2, self.back2 = nn.ConvTranspose2d(12, 8, 2, 2), double(16, 8)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.back1, self.out = double(12, 4), nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.first(x)
        second = self.second(functional.max_pool2d(first, 2))
        y = self.up2(self.deep(functional.max_pool2d(second, 2)))
        y = self.up1(self.back2(torch.cat([second, y], 1)))
        return self.out(self.back1(torch.cat([first, y], 1)))


class Audio(nn.Module):
    """Strided, dilated and depthwise convolutions over time, global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            *(nn.Conv1d(2, 8, 9, 4, 4), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Conv1d(8, 8, 3, padding="same", dilation=2, groups=8), nn.Conv1d(8, 12, 1)),
            *(nn.GroupNorm(3, 12), nn.GELU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
            nn.Linear(12, 4),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class Clip(nn.Module):
    """A small C3D, with one separable block."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            *(nn.Conv3d(3, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU(), nn.MaxPool3d((1, 2, 2))),
            *(nn.Conv3d(6, 6, (1, 3, 3), padding=(0, 1, 1), groups=3), nn.ReLU()),
            *(nn.Conv3d(6, 8, (3, 1, 1), stride=(2, 1, 1)), nn.ReLU(), nn.AdaptiveAvgPool3d(1)),
            *(nn.Flatten(), nn.Linear(8, 3)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)
