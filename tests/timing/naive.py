"""The counts by brute force: array by array, row by row, column by column, position by position."""

from __future__ import annotations

from collections import Counter
from math import prod

from crossbar.mapping import Plan
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.replication import stripes

WORD = 16


def arrays_of(plan: Plan, layer: LayerPlan, copy: int) -> list[dict]:
    """Every array of a copy: where it is, which rows and which columns it uses."""
    arch = plan.arch
    width = arch.array.cols - layer.unit_columns
    if layer.encoding.subtract == "analog":  # both columns of a pair lie in one array
        width -= width % 2
    starts = iter(layer.row_block_arrays(copy).tolist())
    found = []
    for b, bundle in enumerate(layer.bundles):
        for down in range(bundle.row_blocks):
            start = next(starts)
            for across in range(bundle.col_blocks):
                rows = [
                    r
                    for r in range(down * arch.array.rows, (down + 1) * arch.array.rows)
                    if r < bundle.rows
                ]
                columns = [
                    c
                    for c in range(across * width, (across + 1) * width)
                    if c < bundle.outputs * layer.encoding.columns
                ]
                per_read = arch.array.rows_per_read or arch.array.rows
                found.append(
                    {
                        "tile": (start + across) // (arch.tile.pes * arch.pe.arrays),
                        "bundle": b,
                        "column": (b, across),
                        "last": down == bundle.row_blocks - 1,
                        "rows": rows,
                        "columns": columns,
                        "outputs": {c // layer.encoding.columns for c in columns},
                        "groups": [rows[i : i + per_read] for i in range(0, len(rows), per_read)],
                    }
                )
    return found


def count_layer(plan: Plan, layer: LayerPlan) -> Counter:
    """What the arrays of one layer do for one inference."""
    done: Counter = Counter()
    arch, slices = plan.arch, layer.encoding.columns
    converted = range(slices // 2 if layer.encoding.subtract == "analog" else slices)
    adds_inputs = not layer.unit_columns and (layer.encoding.offset or arch.array.flip_columns)
    for copy, (_, n_positions) in enumerate(stripes(layer.positions, layer.replicas)):
        arrays = arrays_of(plan, layer, copy)
        for array in arrays:
            done["cell_writes"] += len(array["rows"]) * (len(array["columns"]) + layer.unit_columns)
        for _ in range(n_positions):
            for array in arrays:
                for group in array["groups"]:
                    for _ in range(layer.reads):
                        done["array_reads"] += 1
                        done["dac_drives"] += len(group)
                        done["unit_conversions"] += layer.unit_columns
                        done["adc_conversions"] += layer.unit_columns
                        done["adc_conversions"] += sum(
                            c % slices in converted for c in array["columns"]
                        )
                done["input_register_bits"] += len(array["rows"]) * layer.input_bits
                done["partial_sums"] += len(array["outputs"])
            needed = {(a["tile"], a["bundle"], r) for a in arrays for r in a["rows"]}
            done["fed"] += len(needed) * layer.input_bits
            if adds_inputs:
                done["input_sums"] += len(needed) * layer.input_bits
            for column in {a["column"] for a in arrays}:
                stack = [a for a in arrays if a["column"] == column]
                for above, below in zip(stack, stack[1:], strict=False):
                    if above["tile"] != below["tile"]:
                        done["handed_on"] += len(above["outputs"]) * WORD
    return done


def made_in(plan: Plan, layer: LayerPlan) -> dict[int, float]:
    """Share of the layer's outputs that become complete in each tile."""
    made: Counter = Counter()
    for copy, (_, n_positions) in enumerate(stripes(layer.positions, layer.replicas)):
        for array in arrays_of(plan, layer, copy):
            if array["last"]:
                made[array["tile"]] += len(array["outputs"]) * n_positions
    total = sum(made.values())
    return {tile: n / total for tile, n in made.items()}


def delivered(plan: Plan, layer: LayerPlan) -> dict[int, float]:
    """Bits of the layer's input that each tile takes into its buffer."""
    node = plan.workload[layer.nodes[0]]
    operand = plan.workload[node.inputs[0]]
    taps = prod(node.attrs.get("kernel", (1,)))
    pixels = prod(operand.shape[1:]) if node.kind == "conv2d" else prod(operand.shape[:-1])
    bits: Counter = Counter()
    for copy, (_, n_positions) in enumerate(stripes(layer.positions, layer.replicas)):
        channels = {
            (a["tile"], a["bundle"], r // taps)
            for a in arrays_of(plan, layer, copy)
            for r in a["rows"]
        }
        for tile, _, _ in channels:
            bits[tile] += pixels * layer.input_bits * n_positions / layer.positions
    return bits
