"""What ISAAC published, and the workload that draws it: for the anchor benchmark and its tests.

Shafiee et al., ISCA 2016, doi 10.1109/ISCA.2016.12, table I at 32 nm, as commonly quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from crossbar.workload import Workload, WorkloadBuilder

__all__ = [
    "IMA",
    "NETWORKS",
    "PER_IMA",
    "PER_TILE",
    "STEP",
    "Row",
    "minimum_arrays",
    "one_vector",
    "saturating",
    "vgg19",
]

STEP = 100e-9
"""The paper's cycle [s]."""

IMA = 12
"""IMAs of a tile."""


@dataclass(frozen=True)
class Row:
    """One row of table I.

    Parameters
    ----------
    component : str
        As in a report.
    power : float
        [mW]
    area : float
        [mm2]
    """

    component: str
    power: float
    area: float


PER_IMA = (
    Row("adc", 16, 0.0096),
    Row("dac", 4, 0.00017),
    Row("sample_hold", 0.010, 0.00004),
    Row("array", 2.4, 0.0002),
    Row("shift_add", 0.2, 0.00024),
    Row("input_register", 1.24, 0.0021),
    Row("output_register", 0.23, 0.00077),
)
"""Together 24.08 mW and 0.0131 mm2."""

PER_TILE = (
    Row("buffer", 20.7, 0.083),
    Row("bus", 7, 0.090),
    Row("router", 42 / 4, 0.151 / 4),
    Row("activation", 0.52, 0.0006),
    Row("tile_adder", 0.05, 0.00006),
    Row("pool", 0.4, 0.00024),
    Row("tile_register", 1.68, 0.0032),
)
"""Together 40.9 mW and 0.215 mm2; a router serves four tiles."""

NETWORKS: Mapping[str, tuple[int, int, int, float]] = {
    "vgg8": (6344, 3176, 1596, 1638.4),
    "resnet18": (5724, 2864, 1454, 20070.4),
    "vgg11": (64892, 32462, 16238, 80281.6),
    "vgg16": (67576, 33804, 16912, 80281.6),
    "vgg19": (70168, 35100, 17560, 80281.6),
}
"""Arrays without copies by ``sum ceil(rows / array rows) ceil(columns / array columns)``: of 16-bit
weights in 2-bit cells and 128 x 128, of 8-bit weights in the same, of 8-bit weights in 1-bit cells
and 256 x 256; and the time of the slowest layer of the first, 1.6 us an output pixel [us]."""


def saturating(positions: int = 1000) -> Workload:
    """One tile's worth: 96 groups, each of 128 inputs (8 pixels of 16 channels) and 16 outputs."""
    net = WorkloadBuilder("saturating")
    x = net.input("input", (96 * 16, positions - 1, 1))
    x = net.conv("conv", x, 96 * 16, (8, 1), padding=(4, 0), groups=96, bias=False)
    return net.build(net.max_pool("pool", net.activation("sigmoid", x, "sigmoid"), 1))


def one_vector() -> Workload:
    """One array's worth, once: its only output shows how long the pipeline is."""
    net = WorkloadBuilder("one vector")
    return net.build(net.linear("fc", net.input("input", (128,)), 16, bias=False))


def vgg19() -> Workload:
    """VGG-E of Simonyan and Zisserman, ICLR 2015, table 1: 143.65 M weights, 19.63 GMAC."""
    net = WorkloadBuilder("vgg19")
    x = net.input("input", (3, 224, 224))
    for stage, (channels, depth) in enumerate(((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))):
        for layer in range(depth):
            x = net.conv(f"conv{stage}.{layer}", x, channels, 3, padding=1)
            x = net.relu(f"relu{stage}.{layer}", x)
        x = net.max_pool(f"pool{stage}", x, 2)
    x = net.flatten("flatten", x)
    for layer, features in enumerate((4096, 4096, 1000)):
        x = net.linear(f"fc{layer}", x, features)
    return net.build(x)


def minimum_arrays(work: Workload, slices: int, side: int) -> int:
    """Arrays without copies by the formula of NETWORKS, for ungrouped layers."""
    total = 0
    for node in work.products:
        matrix = node.matrix
        assert matrix.groups == 1
        total += prod(-(-length // side) for length in (matrix.rows, matrix.cols * slices))
    return total
