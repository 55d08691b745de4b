"""A convolution on crossbars, its integer inputs, and the slow answers to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossbar.arch import Arch, load_arch
from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.circuit.dac import make_input_coding
from crossbar.device.faults import StuckAt, stuck_codes
from crossbar.mapping import build_plan
from crossbar.mapping.encode import weight_range
from crossbar.workload.builder import WorkloadBuilder
from tests.kernels import naive

# inputs, outputs, kernel, stride, padding, dilation, groups, image
SHAPES = {
    "single pixel": (1, 1, (1, 1), (1, 1), (0, 0), (1, 1), 1, (1, 1)),
    "plain": (3, 5, (3, 3), (1, 1), (1, 1), (1, 1), 1, (7, 5)),
    "1x1 image": (5, 4, (3, 3), (1, 1), (1, 1), (1, 1), 1, (1, 1)),
    "1x1 kernel": (20, 3, (1, 1), (1, 1), (0, 0), (1, 1), 1, (4, 3)),
    "stride": (2, 3, (3, 3), (2, 3), (1, 0), (1, 1), 1, (8, 9)),
    "dilation": (2, 3, (3, 2), (1, 1), (2, 1), (2, 3), 1, (6, 7)),
    "groups": (4, 6, (3, 2), (2, 1), (1, 0), (1, 1), 2, (7, 4)),
    "depthwise": (6, 6, (3, 3), (1, 1), (1, 1), (1, 1), 6, (5, 3)),
    "depthwise multiplier": (3, 6, (2, 2), (1, 2), (0, 1), (1, 1), 3, (4, 5)),
}


@dataclass
class Conv:
    """One case, with unpadded inputs ``x`` and weights ``w`` as torch takes them."""

    arch: Arch
    layer: ProgrammedLayer
    window: Window
    x: np.ndarray
    w: np.ndarray
    groups: int

    @property
    def image(self):
        """The zero-padded inputs as `ProgrammedLayer.compute` takes them."""
        down, across = self.window.padding
        return np.pad(self.x, ((0, 0), (0, 0), (down, down), (across, across)))

    def compute(self, layer=None, image=None, digital=False):
        """Results ``[batch, outputs, positions]`` and saturations."""
        image = self.image if image is None else image
        outputs = self.w.shape[0]
        out = np.full((len(image), outputs, self.window.positions), np.nan)
        ones, zeros = np.ones(outputs), np.zeros(outputs)
        layer = layer or self.layer
        return out, layer.compute(image, self.window, ones, zeros, out, digital=digital)

    def compute_tokens(self, layer=None, digital=False):
        """The same for a 1 x 1 convolution of a 1-row image, laid out as tokens."""
        batch, _, _, positions = self.x.shape
        x = np.ascontiguousarray(self.x.transpose(0, 3, 2, 1)).transpose(0, 3, 2, 1)
        outputs = self.w.shape[0]
        out = np.full((batch, positions, outputs), np.nan).transpose(0, 2, 1)
        window = Window(size=(1, positions), tokens=True)
        ones, zeros = np.ones(outputs), np.zeros(outputs)
        layer = layer or self.layer
        saturated = layer.compute(x, window, ones, zeros, out, digital=digital)
        return out, saturated, layer.array_energy(x, window)

    def torch(self):
        """The convolution by torch in float64: exact for integers."""
        import torch  # not above: a test starts a process that does without

        window = self.window
        out = torch.nn.functional.conv2d(
            torch.from_numpy(self.x).double(), torch.from_numpy(self.w).double(), None,
            window.stride, window.padding, window.dilation, self.groups,
        )  # fmt: skip
        return out.flatten(2).numpy()

    def bundle_inputs(self, k):
        """Integer inputs of bundle k at every position: ``[batch * positions, rows]``."""
        per_group = self.x.shape[1] // self.groups
        bundle = self.layer.plan.bundles[k]
        geometry = self.window.geometry(bundle.first_group * per_group, bundle.groups * per_group)
        return naive.window_inputs(self.image, geometry, [0, len(self.x), 0, self.window.positions])

    def bundle_matrix(self, k):
        """Block-diagonal weights ``[rows, outputs]`` of bundle k, and where they are."""
        bundle, matrix = self.layer.plan.bundles[k], self.layer.plan.matrix
        w = np.zeros((bundle.rows, bundle.outputs), dtype=np.int64)
        used = np.zeros(w.shape, dtype=bool)
        for i in range(bundle.groups):
            first = (bundle.first_group + i) * matrix.cols
            for n in range(matrix.cols):
                rows = slice(i * matrix.rows, (i + 1) * matrix.rows)
                w[rows, i * matrix.cols + n] = self.w[first + n].ravel()
                used[rows, i * matrix.cols + n] = True
        return w, used

    def naive(self):
        """The convolution read by read, with the faults of copy 0."""
        plan = self.layer.plan
        batch, positions = len(self.x), self.window.positions
        parts, saturated = [], 0
        for k, starts in enumerate(plan.bundle_blocks(0)):
            w, used = self.bundle_matrix(k)
            fault = self._fault(starts)
            got = [
                naive.layer(
                    v, w, self.arch, plan.encoding.bits, plan.input_bits,
                    self.layer.coding.low < 0, fault, used,
                )
                for v in self.bundle_inputs(k)
            ]  # fmt: skip
            saturated += sum(g[1] for g in got)
            values = np.array([g[0] for g in got])
            parts.append(values.reshape(batch, positions, -1).transpose(0, 2, 1))
        return np.concatenate(parts, axis=1), saturated

    def _fault(self, starts):
        faults, seed = self.layer.conditions.faults, self.layer.conditions.fault_seed
        if faults is None:
            return None
        shape = (self.arch.array.rows, self.arch.array.cols)
        marker, top = np.full(shape, 99, dtype=np.uint8), (1 << self.arch.cell.bits) - 1
        maps = {}

        def fault(down, across, row, col):
            array = int(starts[down]) + across
            if array not in maps:
                maps[array] = stuck_codes(marker, array, faults, seed, top)
            code = int(maps[array][row, col])
            return None if code == 99 else code

        return fault


def make(
    shape, overrides=None, *, bits=4, input_bits=4, signed=False, batch=2, seed=0,
    faults: StuckAt | None = None, fault_seed=0,
):  # fmt: skip
    """Build a case from a name in SHAPES (or a tuple like those)."""
    channels, outputs, kernel, stride, padding, dilation, groups, size = (
        SHAPES[shape] if isinstance(shape, str) else shape
    )
    arch = load_arch("tiny_reram", {"chip.tiles": "auto", **(overrides or {})})
    net = WorkloadBuilder("conv")
    x = net.input("x", (channels, *size))
    node = net.conv(
        "conv", x, outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    work = net.build(node)
    plan = build_plan(
        work, arch, weight_bits=bits, input_bits=input_bits, signed_inputs={"conv": signed}
    ).layers[0]
    coding = make_input_coding(arch, input_bits, signed)
    rng = np.random.default_rng(seed)
    top = weight_range(bits, None)[1]
    w = rng.integers(-top, top + 1, (outputs, channels // groups, *kernel))
    if bits == 1:
        w = np.where(w > 0, 1, -1)
    images = rng.integers(coding.low, coding.high + 1, (batch, channels, *size)).astype(np.int16)
    flat = w.reshape(outputs, -1).astype(np.int32)
    layer = ProgrammedLayer(plan, arch, flat, coding, Conditions(faults, fault_seed))
    window = Window(kernel, stride, padding, dilation, work["conv"].shape[1:])
    return Conv(arch, layer, window, images, w, groups)


def with_plan(layer, **changes):
    """Return the layer with a changed plan."""
    return replace(layer, plan=replace(layer.plan, **changes))
