"""How fast one layer is computed through its arrays, per thread, beside float32.

A 512 x 512 layer, 8-bit weights in 2-bit cells (offset), 8-bit inputs, 128 x 128 arrays, as

- bit-serial: a 7-bit clipping ADC after every read, so that no column can be proven lossless;
- collapsed: the same layer with a lossless ADC, which is one integer product;
- float32 torch: the layer as `torch.nn.functional.linear`;
- float32 formulation: the same bit-serial arithmetic as float32 matrix products of bits and codes,
the usual
  way to simulate it in a framework;
- the same with cells of any conductance (5 % spread about their level) and an 8-bit ADC: by tables
of partial
  sums, without noise, with noise of its own on every conversion (one standard deviation for all, or
  a variance that follows the driven cells), with ADCs of uneven thresholds, as float32 matrix
  products, and for an 8-bit DAC as one product a slice.

Where the processor has AMX, the bit-serial reads through matrix tiles stand beside those by
popcounts; their limit is what the tiles do when nothing else stands in the loop.

All on one thread, in turn, in one process; the figure to read is the ratio.  The popcount limit is
what the processor does when nothing but AND and popcount stands in the loop, over 64 bit products
a MAC.
"""

from __future__ import annotations

import os

os.environ["CROSSBAR_THREADS"] = "1"

import numpy as np
import torch
from harness import options, race, write
from numba import njit
from threadpoolctl import threadpool_limits
from tile_limit import PRODUCTS, multiply_tiles

from crossbar.arch import load_arch
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.run import read_columns
from crossbar.array.tile_reading import pack_bytes, read_tiled
from crossbar.array.window import Span, Window
from crossbar.circuit.dac import make_input_coding
from crossbar.kernels.bitserial import _full_registers, _popcount
from crossbar.kernels.conversion import make_conversion
from crossbar.kernels.convert import convert_columns, digit_matrix
from crossbar.kernels.inputs import pack_planes
from crossbar.kernels.table_reads import read_tables
from crossbar.kernels.tables import make_tables, table_numbers
from crossbar.kernels.tiles import tiles_refused
from crossbar.mapping import build_plan
from crossbar.tables import table
from crossbar.workload import Node, Workload

SIZE = 512
ROWS = 128
TILED = ("matrix tiles (AMX)", "matrix tiles, counting saturations")


@njit(nogil=True)
def _popcounts(x, w, out):
    """AND, popcount and add only: the ceiling of every bit-serial kernel."""
    _full_registers()
    for p in range(x.shape[0]):
        for c in range(w.shape[0]):
            ones = np.uint64(0)
            for i in range(32):
                ones += _popcount(x[p, i] & w[c])
            out[c] += ones


def layer(adc: dict[str, object], weights: np.ndarray) -> ProgrammedLayer:
    """Program the layer on isaac_8bit with another converter."""
    arch = load_arch("isaac_8bit", {"array.flip_columns": False, "chip.tiles": "auto", **adc})
    attrs = {"in_features": SIZE, "out_features": SIZE, "bias": False}
    nodes = (
        Node("x", "input", (), (SIZE,)),
        Node("fc", "linear", ("x",), (SIZE,), attrs, "fc.weight"),
    )
    plan = build_plan(Workload("layer", nodes, ("fc",)), arch)
    return ProgrammedLayer(plan.layers[0], arch, weights, make_input_coding(arch, 8, False))


def naive(x: np.ndarray, weights: np.ndarray, top: int) -> np.ndarray:
    """Compute the contract in plain NumPy integers, each of the 128 reads clipped."""
    codes, total = weights.T.astype(np.int64) + 128, np.zeros((len(x), SIZE), np.int64)
    for start in range(0, SIZE, ROWS):
        part = x[:, start : start + ROWS].astype(np.int64)
        for j in range(4):
            cells = (codes[start : start + ROWS] >> (2 * j)) & 3
            for t in range(8):
                total += np.minimum(((part >> t) & 1) @ cells, top) << (t + 2 * j)
    return total - 128 * x.astype(np.int64).sum(1)[:, None]


def formulation(x: torch.Tensor, slices: list[list[torch.Tensor]], top: float) -> torch.Tensor:
    """The same arithmetic as 128 float32 matrix products of bits and codes."""
    total = torch.zeros(x.shape[0], SIZE)
    for g, cells in enumerate(slices):
        part = x[:, g * ROWS : (g + 1) * ROWS]
        for t in range(8):
            bits = ((part >> t) & 1).float()
            for j, c in enumerate(cells):
                total.add_((bits @ c).clamp_(max=top), alpha=float(1 << (t + 2 * j)))
    return total - 128 * x.sum(1, keepdim=True)


class RealCells:
    """The layer with cells of any conductance, in the ways that it can be read."""

    def __init__(self, codes: np.ndarray, planes: np.ndarray, rng: np.random.Generator) -> None:
        self.planes, self.vectors = planes, np.arange(len(planes))
        self.groups = np.array([[g, ROWS] for g in range(0, SIZE, ROWS)])
        self.out = np.zeros((len(planes), SIZE), np.int64)
        flip = np.zeros((len(self.groups), SIZE), np.int64)
        ones = np.ones(flip.shape)
        spread = rng.normal(1.0, 0.05, (4, SIZE, SIZE))
        self.cells = [((codes >> (2 * j)) & 3) * spread[j] for j in range(4)]
        driven = [np.stack([np.zeros_like(cell), cell]) for cell in self.cells]
        frac = min(table_numbers(part, self.groups, ones, spread=4.0) for part in driven)
        self.tables = [
            make_tables(part, self.groups, ones, frac, (0.05 * part) ** 2) for part in driven
        ]
        uneven = np.arange(256) - 0.5 + rng.normal(0, 0.2, (16, 256))
        which = rng.integers(0, 16, flip.shape)
        self.conversions = {
            "none": make_conversion(frac, 0, 255, flip),
            "additive": make_conversion(frac, 0, 255, flip, deviation=0.5 * ones, key=1),
            "proportional": make_conversion(frac, 0, 255, flip, constant_variance=0 * ones, key=1),
            "thresholds": make_conversion(frac, 0, 255, flip, thresholds=uneven, which=which),
        }
        self.scale = 255 / (384 * 255) * np.ones(SIZE)  # 8 bits driven at once
        self.blocks = [
            [cell[g : g + ROWS].astype(np.float32) for cell in self.cells] for g, _ in self.groups
        ]

    def read(self, how: str) -> None:
        """Every read of every slice through tables."""
        self.out[:] = 0
        for j, tables in enumerate(self.tables):
            read_tables(
                self.planes, tables, self.conversions[how], self.out,
                main_reads=8, shift=2 * j, vectors=self.vectors,
            )  # fmt: skip

    def multiply(self) -> None:
        """One read of 8-bit digits a slice, as matrix products."""
        self.out[:] = 0
        drive = np.empty((len(self.planes), ROWS), np.float32)
        for g, slices in enumerate(self.blocks):
            digit_matrix(self.planes, g, 0, 8, drive)
            for j, cells in enumerate(slices):
                convert_columns(
                    drive @ cells, self.scale, self.conversions["none"], self.out,
                    group=g, read=0, left=2 * j,
                )  # fmt: skip

    def differing(self, x: np.ndarray) -> float:
        """Share of 8-bit codes of slice 3 that are not those of float64 sums."""
        wrong, reads = 0, 0
        for g, (start, rows) in enumerate(self.groups):
            cells = self.cells[3][start : start + rows]
            tables = make_tables(
                np.stack([np.zeros_like(cells), cells]), np.array([[0, rows]]), np.ones((1, SIZE)),
                self.conversions["none"].frac,
            )  # fmt: skip
            conversion = make_conversion(
                self.conversions["none"].frac, 0, 255, np.zeros((1, SIZE), np.int64)
            )
            for t in range(8):
                got = np.zeros((len(x), SIZE), np.int64)
                some = np.ascontiguousarray(self.planes[: len(x), g : g + 1, t : t + 1])
                read_tables(some, tables, conversion, got, main_reads=1)
                bits = (x[:, start : start + rows].astype(np.int64) >> t) & 1
                wrong += np.count_nonzero(got != np.clip(np.floor(bits @ cells + 0.5), 0, 255))
                reads += got.size
        return wrong / reads


def real_formulation(x: torch.Tensor, blocks: list[list[torch.Tensor]]) -> torch.Tensor:
    """Cells of any conductance as 128 float32 matrix products, each rounded and clipped."""
    total = torch.zeros(x.shape[0], SIZE)
    for g, cells in enumerate(blocks):
        part = x[:, g * ROWS : (g + 1) * ROWS]
        for t in range(8):
            bits = ((part >> t) & 1).float()
            for j, c in enumerate(cells):
                code = (bits @ c).round_().clamp_(0.0, 255.0)
                total.add_(code, alpha=float(1 << (t + 2 * j)))
    return total


def main() -> None:
    """Check that all agree, time them in turn, print and write the table."""
    args = options(__doc__, "02_kernel_speed")
    positions, rounds = (256, 2) if args.quick else (2048, 12)
    rng = np.random.default_rng(args.seed)
    weights = rng.integers(-127, 128, size=(SIZE, SIZE)).astype(np.int32)
    x = rng.integers(0, 256, size=(positions, SIZE)).astype(np.int16)
    image = x[:, :, None, None]
    serial = layer({"adc.bits": 7}, weights)
    lossless = layer({"adc.policy": "lossless", "adc.bits": None}, weights)
    window = Window(tokens=True)
    ones, zeros = np.ones(SIZE), np.zeros(SIZE)
    out = {
        name: np.empty((positions, 1, SIZE), np.float32).transpose(0, 2, 1)
        for name in ("serial", "collapsed")
    }

    reading = serial._copies.readings[0][0]
    assert reading.collapsed == 0.0, "nothing may collapse in this comparison"
    groups = np.array([[g.start, g.rows] for g in reading.bundle.row_groups])
    planes = np.empty((positions, 4, 8, 2), np.uint64)
    sums = np.empty((positions, 4), np.int64)
    span, coding = np.array([0, positions, 0, 1]), np.array([0, 8, 8, 0])
    pack_planes(image, Window().geometry(0, SIZE), span, groups, groups, coding, planes, sums)
    totals = np.zeros((positions, SIZE), np.int64)

    def kernel(count: bool) -> None:
        totals[:] = 0
        for part in reading.slices:
            read_columns(planes, part, reading.adc, serial.coding, totals, count=count)

    def serial_layer(chosen: str) -> None:
        os.environ["CROSSBAR_KERNEL"] = chosen
        serial.compute(image, window, ones, zeros, out["serial"], count=False)

    codes = weights.T + 128
    slices = [
        [
            torch.from_numpy(((codes[g : g + ROWS] >> (2 * j)) & 3).astype(np.float32))
            for j in range(4)
        ]
        for g in range(0, SIZE, ROWS)
    ]
    xt = torch.from_numpy(x)
    wf, xf = torch.from_numpy(weights.astype(np.float32)), xt.float()
    real = RealCells(codes, planes, rng)
    blocks = [[torch.from_numpy(c) for c in slices] for slices in real.blocks]
    words = rng.integers(0, 2**63, size=(positions, 32), dtype=np.uint64)
    column_words = rng.integers(0, 2**63, size=512, dtype=np.uint64)
    ones_out = np.zeros(512, np.uint64)
    entries = {
        "bit-serial kernel": lambda: kernel(False),
        "the same, counting saturations": lambda: kernel(True),
        "bit-serial layer": lambda: serial_layer("popcount"),
        "collapsed layer": lambda: lossless.compute(image, window, ones, zeros, out["collapsed"]),
        "float32 torch": lambda: torch.nn.functional.linear(xf, wf),
        "float32 formulation": lambda: formulation(xt, slices, 127.0),
        "real cells": lambda: real.read("none"),
        "real cells, additive noise": lambda: real.read("additive"),
        "real cells, proportional noise": lambda: real.read("proportional"),
        "real cells, uneven ADCs": lambda: real.read("thresholds"),
        "real cells, 8-bit DAC": real.multiply,
        "real cells, float32 formulation": lambda: real_formulation(xt, blocks),
        "popcount limit": lambda: _popcounts(words, column_words, ones_out),
    }
    if not tiles_refused():
        inputs, _ = pack_bytes(
            reading.bundle, reading.segments, serial.coding, image, window, 0,
            Span(0, positions, 0, 1),
        )  # fmt: skip
        tiled = reading.tiles

        def tiles(count: bool) -> None:
            read_tiled(inputs, tiled, reading.adc, serial.coding, count=count)

        entries |= {
            "matrix tiles (AMX)": lambda: tiles(False),
            "matrix tiles, counting saturations": lambda: tiles(True),
            "bit-serial layer, matrix tiles": lambda: serial_layer("amx"),
            "tile limit": multiply_tiles,
        }
    torch.set_num_threads(1)
    with threadpool_limits(limits=1, user_api="blas"):
        best = race(entries, rounds)
        some = slice(0, 64)
        expected = naive(x[some], weights, 127)
        exact = bool(
            np.array_equal(out["serial"][some, :, 0], expected.astype(np.float32))
            and np.array_equal(
                formulation(xt[some], slices, 127.0).numpy(), expected.astype(np.float32)
            )
            and np.array_equal(out["collapsed"][some, :, 0], x[some].astype(np.int64) @ weights.T)
        )
        for chosen in ("popcount", "auto"):
            out["serial"][:] = -1
            serial_layer(chosen)
            exact = exact and np.array_equal(out["serial"][some, :, 0], expected.astype(np.float32))
        differing = real.differing(x[some])
    macs = positions * SIZE * SIZE
    rate = {name: macs / seconds / 1e9 for name, seconds in best.items()}
    # a popcount covers 64 rows of one bit product; a MAC of 8 x 8 bits is 64 bit products
    rate["popcount limit"] = positions * 512 * 32 / best["popcount limit"] / 1e9
    if "tile limit" in best:  # a product is 16 x 16 x 64 products of a bit and a 2-bit code
        products = {name: rate[name] * 1e9 * 32 / (16 * 16 * 64) for name in TILED}
        products["tile limit"] = PRODUCTS / best["tile limit"]
        rate["tile limit"] = products["tile limit"] * 16 * 16 * 64 / 32 / 1e9
        for name, number in products.items():
            each = "" if name == "tile limit" else f", {number * 128 / 1e9:.1f} G conversions/s"
            print(f"{name}: {number / 1e6:.0f} M tile products/s{each}")
    rows = [
        [
            name,
            f"{rate[name]:.2f}",
            f"{rate[name] / rate['float32 formulation']:.1f} x",
            f"{rate[name] / rate['float32 torch']:.2f} x",
        ]
        for name in entries
    ]
    print(table(["<one thread", "G MAC/s", "vs float32 formulation", "vs float32 torch"], rows))
    print(f"equal to the naive twin: {exact}")
    print(f"codes of real cells that differ from float64: {differing:.1e}")
    ratios = {
        "kernel_vs_formulation": rate["bit-serial kernel"] / rate["float32 formulation"],
        "collapsed_vs_torch": best["collapsed layer"] / best["float32 torch"],
        "kernel_vs_popcount_limit": rate["bit-serial kernel"] / rate["popcount limit"],
        "real_vs_formulation": rate["real cells"] / rate["real cells, float32 formulation"],
    }
    if "tile limit" in best:
        tiled_rate = rate["matrix tiles (AMX)"]
        ratios["tiles_vs_popcounts"] = tiled_rate / rate["bit-serial kernel"]
        ratios["tiles_vs_formulation"] = tiled_rate / rate["float32 formulation"]
        ratios["tiles_vs_tile_limit"] = tiled_rate / rate["tile limit"]
        print(
            f"matrix tiles: {ratios['tiles_vs_popcounts']:.1f} x the popcount kernel, "
            f"{ratios['tiles_vs_formulation']:.0f} x the float32 formulation, "
            f"{100 * ratios['tiles_vs_tile_limit']:.0f} % of the tile limit"
        )
    result = {"g_mac_per_s": rate, "ratios": ratios, "exact": exact, "codes_differing": differing}
    path = write(args.out, "kernel_speed", result)
    print(f"wrote {path}")
    if not exact or differing > 1e-3:
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
