"""How long each event of a copy lasts and what it takes, array by array, from the Arch alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from crossbar.arch import Arch
from crossbar.mapping import Plan
from crossbar.mapping.plan import LayerPlan
from tests.timing.fields import Step

WORD = 16
"""Bits of a partial sum."""

Resource = tuple[str, int]
"""Kind (``"bus"``, ``"port"``, ``"vector"``, ``"matmul"``, ``"adc"``) and number of the tile, or of
the ADC."""


@dataclass
class Cost:
    """What one position of a copy takes, in clocks.

    ``length`` of the steps merge, activate and store; ``service`` of these, of fetch and of convert
    (one read) by resource; ``n`` reads, ``slot`` from one to the next, ``window`` vectors in the
    input register, ``limit`` positions under way, ``write`` to program the cells for an image.
    """

    a: int
    n: int = 0
    slot: int = 0
    window: int = 1
    limit: int = 1
    write: int = 0
    length: dict[str, int] = field(default_factory=dict)
    service: dict[str, dict[Resource, int]] = field(default_factory=dict)


@dataclass
class Array:
    """One array of a copy."""

    number: int
    tile: int
    column: tuple[int, int]
    last: bool
    rows: set[tuple[int, int]]
    outputs: int
    conversions: int


def clocks(seconds: float, arch: Arch) -> int:
    """Whole clocks, rounded up; a millionth of a clock is floating-point noise."""
    return ceil(round(seconds * arch.clock * 1e6) / 1e6)


def arrays_of(plan: Plan, layer: LayerPlan, copy: int) -> list[Array]:
    """List every array of a copy: its place, rows, outputs, and the columns converted in a read."""
    arch, slices = plan.arch, layer.encoding.columns
    width = arch.array.cols - layer.unit_columns
    is_paired = layer.encoding.subtract == "analog"
    width -= width % 2 if is_paired else 0
    starts = iter(layer.row_block_arrays(copy).tolist())
    found = []
    for b, bundle in enumerate(layer.bundles):
        columns = bundle.outputs * slices
        for down in range(bundle.row_blocks):
            rows = range(down * arch.array.rows, min(bundle.rows, (down + 1) * arch.array.rows))
            first = next(starts)
            for across in range(bundle.col_blocks):
                mine = range(across * width, min(columns, (across + 1) * width))
                number = first + across
                found.append(
                    Array(
                        number,
                        number // (arch.tile.pes * arch.pe.arrays),
                        (b, across),
                        down == bundle.row_blocks - 1,
                        {(b, r) for r in rows},
                        len({c // slices for c in mine}),
                        (len(mine) // 2 if is_paired else len(mine)) + layer.unit_columns,
                    )
                )
    return found


def adc_of(arch: Arch, array: Array) -> int:
    """Name the ADC that serves an array: neighbours of a PE share one."""
    pe, place = divmod(array.number, arch.pe.arrays)
    return pe * arch.pe.adcs + place // -(-arch.pe.arrays // arch.pe.adcs)


def copy_cost(plan: Plan, step: Step, copy: int) -> Cost:
    """Work out one copy of a step."""
    layer = plan[step.layer]
    arrays = arrays_of(plan, layer, copy)
    cost = Cost(clocks(plan.arch.array.cycle, plan.arch))
    outputs: Counter[int] = Counter()
    for array in arrays:
        if array.last:
            outputs[array.tile] += array.outputs
    lanes, wires = plan.arch.tile.vector_lanes, plan.arch.tile.bus_width
    port = "bus" if plan.arch.tile.buffer_banks == 1 else "port"
    total = sum(outputs.values())
    cost.service["activate"] = {
        (unit, tile): -(-work * count // (total * step.positions * width))
        for unit, work, width in (
            ("vector", step.operations, lanes),
            ("matmul", step.macs, plan.arch.tile.matmul_macs),
        )
        for tile, count in outputs.items()
    }
    each = Fraction(step.elements, total) if step.kind == "join" else 1
    cost.service["store"] = {
        (port, tile): ceil(each * count * layer.input_bits / Fraction(wires))
        for tile, count in outputs.items()
    }
    if not step.is_modelled:
        cost.service["store"] = {}
    cost.length = {"activate": cost.a, "store": cost.a}
    if step.kind == "product":
        _add_reads(cost, plan, layer, arrays)
    else:
        services = [*cost.service["activate"].values(), *cost.service["store"].values()]
        cost.limit = -(-2 * cost.a // max(1, *services)) + 1
    return cost


def _add_reads(cost: Cost, plan: Plan, layer: LayerPlan, arrays: list[Array]) -> None:
    arch, a = plan.arch, cost.a
    group = arch.array.rows_per_read or arch.array.rows
    cost.n = layer.reads * max(-(-len(array.rows) // group) for array in arrays)
    conversions: Counter[int] = Counter()
    rows: dict[int, set[tuple[int, int]]] = {}
    words: Counter[int] = Counter()
    in_pe: dict[int, set[tuple[int, int]]] = {}
    for array in arrays:
        conversions[adc_of(arch, array)] += array.conversions
        rows.setdefault(array.tile, set()).update(array.rows)
        words[array.tile] += array.outputs
        in_pe.setdefault(array.number // arch.pe.arrays, set()).update(array.rows)
    cost.service["convert"] = {
        ("adc", adc): clocks(count / arch.adc.rate, arch) for adc, count in conversions.items()
    }
    cost.slot = max(a, *cost.service["convert"].values())
    wires = arch.tile.bus_width
    cost.service["fetch"] = {
        ("bus", tile): -(-len(mine) * layer.input_bits // wires) for tile, mine in rows.items()
    }
    cost.service["merge"] = {
        ("bus", tile): -(-count * WORD // wires) for tile, count in words.items()
    }
    stacks: dict[tuple[int, int], list[int]] = {}
    for array in arrays:
        stacks.setdefault(array.column, []).append(array.tile)
    leaving = {
        above
        for stack in stacks.values()
        for above, below in zip(stack, stack[1:], strict=False)
        if above != below
    }
    cost.length["merge"] = a * (1 + len(leaving))
    largest = max(-(-len(mine) * layer.input_bits // 8) for mine in in_pe.values())
    cost.window = max(1, arch.pe.input_register // largest)
    fetch = max(
        a,
        *(
            max(-(-bus // cost.n), bus - (cost.n - 1) * cost.slot)
            for bus in cost.service["fetch"].values()
        ),
    )
    alone = fetch + (cost.n - 1) * cost.slot + a + cost.slot + a
    for event in ("merge", "activate", "store"):
        alone += max(cost.length[event], *cost.service[event].values())
    cost.limit = -(-alone // (cost.n * cost.slot)) + 1
    if layer.kind == "dynamic":
        cost.write = _writing(arch, arrays)


def _writing(arch: Arch, arrays: list[Array]) -> int:
    """Row by row: a pulse and the read that verifies it, as often as a cell takes on average."""
    times: dict[int, float] = {}
    for array in arrays:
        read = clocks(max(arch.array.cycle, array.conversions / arch.adc.rate), arch) / arch.clock
        pulse = arch.cell.write_pulses * (arch.cell.write_pulse + read)
        pe = array.number // arch.pe.arrays
        times[pe] = times.get(pe, 0.0) + len(array.rows) * pulse
    together = sum(times.values()) if arch.chip.programming == "serial" else max(times.values())
    return clocks(together, arch)
