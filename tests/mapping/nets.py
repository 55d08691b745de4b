"""Small workloads for the mapping tests."""

from __future__ import annotations

from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.graph import Node, Workload


def conv_net():
    """Three convolutions and a linear layer: 64, 64, 16 and 1 positions."""
    net = WorkloadBuilder("small")
    x = net.input("input", (3, 8, 8))
    x = net.relu("relu1", net.conv("conv1", x, 8, 3, padding=1))
    x = net.relu("relu2", net.conv("conv2", x, 12, 3, padding=1, groups=4))
    x = net.conv("conv3", x, 6, 3, stride=2, padding=1)
    return net.build(net.linear("fc", net.flatten("flatten", x), 10))


def linear_net(rows, cols):
    """One linear layer."""
    net = WorkloadBuilder("one")
    return net.build(net.linear("fc", net.input("input", (rows,)), cols))


def shared_net():
    """A linear layer used twice, on 5 and on 2 tokens."""
    attrs = {"in_features": 20, "out_features": 20, "bias": False}
    nodes = (
        Node("a", "input", (), (5, 20)),
        Node("b", "input", (), (2, 20)),
        Node("first", "linear", ("a",), (5, 20), attrs, "tied.weight"),
        Node("again", "linear", ("b",), (2, 20), attrs, "tied.weight"),
        Node("own", "linear", ("again",), (2, 20), attrs, "own.weight"),
    )
    return Workload("shared", nodes, ("first", "own"))


def residual_net(channels=6, size=6, out=4):
    """Two residual blocks, a grouped convolution in one of them, and a linear layer."""
    net = WorkloadBuilder("residual")
    x = net.conv("conv1", net.input("input", (3, size, size)), channels, 3, padding=1)
    y = net.conv("conv2", net.relu("relu", x), channels, 3, padding=1, groups=2)
    x = net.add("add1", net.conv("conv3", y, channels, 1), x)
    y = net.conv("conv4", x, 2 * channels, 3, stride=2, padding=1)
    x = net.add("add2", y, net.conv("down", x, 2 * channels, 1, stride=2))
    return net.build(net.linear("fc", net.flatten("flatten", x), out))
