"""Networks that are one chain of layers: LeNet-5 and the VGGs."""

from __future__ import annotations

from collections.abc import Sequence

from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.graph import Workload

__all__ = ["lenet5", "vgg8", "vgg11", "vgg16"]


def lenet5() -> Workload:
    """LeNet-5 on 1 x 32 x 32 digits: 61,470 weights, 0.417 MMAC.

    LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86(11),
    1998, with the two simplifications that every implementation makes: C3 sees all six maps (the
    paper connects 60 of the 96 pairs) and the output is an ordinary layer instead of ten Gaussian
    units.  C5, a 5 x 5 convolution of a 5 x 5 map, is written as the equal ``fc1``.
    """
    net = WorkloadBuilder("lenet5")
    x = net.input("input", (1, 32, 32))
    x = net.activation("tanh1", net.conv("conv1", x, 6, 5), "tanh")
    x = net.avg_pool("pool1", x, 2)
    x = net.activation("tanh2", net.conv("conv2", x, 16, 5), "tanh")
    x = net.avg_pool("pool2", x, 2)
    x = net.flatten("flatten", x)
    x = net.activation("tanh3", net.linear("fc1", x, 120), "tanh")
    x = net.activation("tanh4", net.linear("fc2", x, 84), "tanh")
    return net.build(net.linear("fc3", x, 10))


def vgg8() -> Workload:
    """VGG-8 on 3 x 32 x 32 (CIFAR-10): 12.97 M weights, 0.616 GMAC.

    The network NeuroSim is published with (Peng et al., "DNN+NeuroSim V2.0", IEEE TCAD 40(11),
    2021): six 3 x 3 convolutions without bias and two fully connected layers.
    """
    stages = ((128, 128), (256, 256), (512, 512))
    return _vgg("vgg8", 32, stages, hidden=(1024,), classes=10, bias=False)


def vgg11() -> Workload:
    """VGG-A (11 layers) on 3 x 224 x 224: 132.85 M weights, 7.61 GMAC.

    Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
    ICLR 2015, table 1, column A.
    """
    stages = ((64,), (128,), (256, 256), (512, 512), (512, 512))
    return _vgg("vgg11", 224, stages, hidden=(4096, 4096), classes=1000)


def vgg16() -> Workload:
    """VGG-D (16 layers) on 3 x 224 x 224: 138.34 M weights, 15.47 GMAC.

    As `vgg11`, column D.
    """
    stages = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
    return _vgg("vgg16", 224, stages, hidden=(4096, 4096), classes=1000)


def _vgg(
    name: str,
    size: int,
    stages: Sequence[Sequence[int]],
    hidden: Sequence[int],
    classes: int,
    bias: bool = True,
) -> Workload:
    """Stages of 3 x 3 convolutions, each closed by 2 x 2 max pooling; then the classifier.

    The numbers in the names count modules in PyTorch's ``nn.Sequential``, in which the ImageNet
    classifiers have a dropout after each hidden layer (nothing in inference).
    """
    net = WorkloadBuilder(name)
    x = net.input("input", (3, size, size))
    module = 0
    for stage in stages:
        for channels in stage:
            x = net.conv(f"features.{module}", x, channels, 3, padding=1, bias=bias)
            x = net.relu(f"features.{module + 1}", x)
            module += 2
        x = net.max_pool(f"features.{module}", x, 2)
        module += 1
    x = net.flatten("flatten", x)
    step = 3 if classes == 1000 else 2
    for position, features in enumerate(hidden):
        x = net.linear(f"classifier.{step * position}", x, features, bias=bias)
        x = net.relu(f"classifier.{step * position + 1}", x)
    return net.build(net.linear(f"classifier.{step * len(hidden)}", x, classes, bias=bias))
