"""What lies in the tiles of a plan, array by array."""

from __future__ import annotations

from collections import defaultdict
from math import prod


def channels_in(plan, layer, copy):
    """Input channels that each tile holds of one copy, as sets of ``(bundle, channel)``."""
    per_tile = plan.arch.tile.pes * plan.arch.pe.arrays
    taps = prod(plan.workload[layer.nodes[0]].attrs.get("kernel", ()))
    found = defaultdict(set)
    for k, (bundle, starts) in enumerate(
        zip(layer.bundles, layer.bundle_blocks(copy), strict=True)
    ):
        for down, start in enumerate(starts.tolist()):
            rows = range(down * layer.rows, min(bundle.rows, (down + 1) * layer.rows))
            for array in range(start, start + bundle.col_blocks):
                found[array // per_tile].update((k, row // taps) for row in rows)
    return dict(found)


def product_bytes(plan, pixels=None):
    """Bytes of input windows in each tile, for these pixels of each claim; by default its need."""
    flow, held = plan.flow, defaultdict(int)
    for number, claim in enumerate(flow.claims):
        task = flow.tasks[claim.task]
        if task.is_join:
            continue
        layer = plan[task.layer]
        count = int(flow.needs[number]) if pixels is None else pixels(task, claim)
        for tile, channels in channels_in(plan, layer, task.copy).items():
            held[tile] += -(-count * len(channels) * layer.input_bits // 8)
    return held


def join_bytes(plan):
    """Bytes that the operands of joins need, all together."""
    flow = plan.flow
    return sum(
        -(-int(need) * claim.elements * plan.layers[0].input_bits // 8)
        for claim, need in zip(flow.claims, flow.needs, strict=True)
        if claim.bounded and flow.tasks[claim.task].is_join
    )
