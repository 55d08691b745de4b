"""Convolutional networks with shortcuts: the ResNets and MobileNetV2 (batch norms folded)."""

from __future__ import annotations

from collections.abc import Callable

from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.graph import Workload

__all__ = ["mobilenet_v2", "resnet18", "resnet20", "resnet50"]


def resnet20() -> Workload:
    """ResNet-20 on 3 x 32 x 32 (CIFAR-10): 0.268 M weights, 40.6 MMAC.

    He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2, with
    shortcuts of option A: every second pixel, new channels are zeros, no weights.
    """
    net = WorkloadBuilder("resnet20")
    x = net.input("input", (3, 32, 32))
    x = net.relu("relu", net.conv("conv1", x, 16, 3, padding=1))
    for stage, channels in enumerate((16, 32, 64), start=1):
        for block in range(3):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _basic_block(net, f"layer{stage}.{block}", x, channels, stride, _slice_and_pad)
    x = net.flatten("flatten", net.global_avg_pool("avgpool", x))
    return net.build(net.linear("linear", x, 10))


def resnet18() -> Workload:
    """ResNet-18 on 3 x 224 x 224: 11.68 M weights, 1.814 GMAC.

    He et al., CVPR 2016, table 1, with 1 x 1 convolutions where a shortcut changes shape (option
    B).
    """
    net, x = _imagenet_stem("resnet18")
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _basic_block(net, f"layer{stage}.{block}", x, channels, stride, _downsample)
    return _imagenet_head(net, x)


def resnet50() -> Workload:
    """ResNet-50 on 3 x 224 x 224: 25.50 M weights, 4.089 GMAC.

    He et al., CVPR 2016, table 1, in the variant that everybody trains ("v1.5"): the 3 x 3
    convolution of a block has the stride.  The paper's own strides in the first 1 x 1 make 3.86
    GMAC.
    """
    net, x = _imagenet_stem("resnet50")
    for stage, (channels, blocks) in enumerate(
        zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True), start=1
    ):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _bottleneck(net, f"layer{stage}.{block}", x, channels, stride)
    return _imagenet_head(net, x)


def mobilenet_v2() -> Workload:
    """MobileNetV2 1.0 on 3 x 224 x 224: 3.47 M weights, 0.301 GMAC.

    Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, table 2.
    """
    net = WorkloadBuilder("mobilenet_v2")
    x = net.input("input", (3, 224, 224))
    x = _conv_relu6(net, "features.0", x, 32, 3, stride=2)
    # table 2: expansion, output channels, repeats, stride of the first
    table = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    module = 1
    for expansion, channels, repeats, first_stride in table:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = _inverted_residual(net, f"features.{module}", x, expansion, channels, stride)
            module += 1
    x = _conv_relu6(net, f"features.{module}", x, 1280, 1)
    x = net.flatten("flatten", net.global_avg_pool("avgpool", x))
    return net.build(net.linear("classifier.1", x, 1000))


def _imagenet_stem(name: str) -> tuple[WorkloadBuilder, str]:
    net = WorkloadBuilder(name)
    x = net.input("input", (3, 224, 224))
    x = net.relu("relu", net.conv("conv1", x, 64, 7, stride=2, padding=3))
    return net, net.max_pool("maxpool", x, 3, stride=2, padding=1)


def _imagenet_head(net: WorkloadBuilder, x: str) -> Workload:
    x = net.flatten("flatten", net.global_avg_pool("avgpool", x))
    return net.build(net.linear("fc", x, 1000))


def _slice_and_pad(net: WorkloadBuilder, name: str, x: str, channels: int, stride: int) -> str:
    _, height, width = net.shape(x)
    shape = (channels, -(-height // stride), -(-width // stride))
    return net.reshape(f"{name}.shortcut", x, shape, "slice_pad")


def _downsample(net: WorkloadBuilder, name: str, x: str, channels: int, stride: int) -> str:
    return net.conv(f"{name}.downsample.0", x, channels, 1, stride=stride)


def _basic_block(
    net: WorkloadBuilder,
    name: str,
    x: str,
    channels: int,
    stride: int,
    shortcut: Callable[[WorkloadBuilder, str, str, int, int], str],
) -> str:
    """Two 3 x 3 convolutions around a shortcut."""
    y = net.conv(f"{name}.conv1", x, channels, 3, stride=stride, padding=1)
    y = net.relu(f"{name}.relu", y)
    y = net.conv(f"{name}.conv2", y, channels, 3, padding=1)
    if stride != 1 or net.shape(x)[0] != channels:
        x = shortcut(net, name, x, channels, stride)
    return net.relu(f"{name}.relu_1", net.add(f"{name}.add", y, x))


def _bottleneck(net: WorkloadBuilder, name: str, x: str, channels: int, stride: int) -> str:
    """1 x 1 down, 3 x 3, 1 x 1 up to four times the channels."""
    y = net.relu(f"{name}.relu", net.conv(f"{name}.conv1", x, channels, 1))
    y = net.conv(f"{name}.conv2", y, channels, 3, stride=stride, padding=1)
    y = net.relu(f"{name}.relu_1", y)
    y = net.conv(f"{name}.conv3", y, 4 * channels, 1)
    if stride != 1 or net.shape(x)[0] != 4 * channels:
        x = _downsample(net, name, x, 4 * channels, stride)
    return net.relu(f"{name}.relu_2", net.add(f"{name}.add", y, x))


def _conv_relu6(
    net: WorkloadBuilder,
    name: str,
    x: str,
    channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
) -> str:
    """Convolution, (folded) batch norm, ReLU6: modules 0, 1 and 2 of a sequence."""
    x = net.conv(
        f"{name}.0", x, channels, kernel, stride=stride, padding=kernel // 2, groups=groups
    )
    return net.activation(f"{name}.2", x, "relu6")


def _inverted_residual(
    net: WorkloadBuilder, name: str, x: str, expansion: int, channels: int, stride: int
) -> str:
    """1 x 1 up, depthwise 3 x 3, linear 1 x 1 down; a shortcut where the shape stays."""
    given = net.shape(x)[0]
    wide = given * expansion
    y = x
    module = 0
    if expansion != 1:
        y = _conv_relu6(net, f"{name}.conv.{module}", y, wide, 1)
        module += 1
    y = _conv_relu6(net, f"{name}.conv.{module}", y, wide, 3, stride, groups=wide)
    y = net.conv(f"{name}.conv.{module + 1}", y, channels, 1)
    if stride == 1 and given == channels:
        y = net.add(f"{name}.add", x, y)
    return y
