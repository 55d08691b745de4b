"""The Plan as text: one row a layer, then what is used and what runs outside the arrays."""

from __future__ import annotations

import textwrap

from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.tables import line_width, table

__all__ = ["plan_table"]


def _span(first: int, stop: int) -> str:
    return str(first) if stop - first == 1 else f"{first}-{stop - 1}"


def _row(plan: Plan, layer: LayerPlan) -> list[str]:
    rows, cols = layer.shape
    groups = layer.matrix.groups
    down = sum(b.row_blocks for b in layer.bundles)
    across = max(b.col_blocks for b in layer.bundles)
    tiles = plan.tiles_of(layer)
    return [
        layer.name,
        f"{rows} x {cols}" + (f" /{groups}" if groups > 1 else ""),
        str(layer.positions),
        f"{down} x {across}",
        str(layer.replicas),
        str(layer.arrays),
        _span(tiles.start, tiles.stop),
        f"{100 * layer.utilisation:.0f} %",
        "-" if layer.collapsed is None else f"{100 * layer.collapsed:.0f} %",
    ]


def plan_table(plan: Plan, width: int | None = None) -> str:
    """Write the plan as a table with a line of totals and the list of what is not on crossbars."""
    arch, encoding = plan.arch, plan.layers[0].encoding
    width = line_width(width)
    text = table(
        [
            "<layer",
            "matrix",
            "positions",
            "blocks",
            "copies",
            "arrays",
            "tiles",
            "used",
            "lossless",
        ],
        [_row(plan, layer) for layer in plan.layers],
        title=f"{plan.workload.name} on {arch.name}: {arch.array.rows} x {arch.array.cols} arrays,"
        f" {encoding.columns} columns a weight ({encoding.kind}), {arch.cell.bits}-bit cells",
        width=width,
    )
    lines = [
        f"{plan.arrays} arrays in {plan.pes} PEs in {plan.tiles} of {plan.chip_tiles} tiles;"
        f" {100 * plan.utilisation:.1f} % of their cells hold weights",
    ]
    if any(layer.collapsed is not None for layer in plan.layers):
        lines.append(
            "lossless: share of columns that provably cannot clip; those are computed as one exact"
            " integer product"
        )
    unknown = [u for u in plan.unmapped if u.kind == "other"]
    digital = [u for u in plan.unmapped if u.kind != "other"]
    if digital:
        counts: dict[str, tuple[int, int]] = {}
        for u in digital:
            n, ops = counts.get(u.kind, (0, 0))
            counts[u.kind] = (n + 1, ops + u.operations)
        parts = [f"{kind} x {n} ({ops:,} operations)" for kind, (n, ops) in counts.items()]
        lines.append("digital, in float: " + ", ".join(parts))
    for u in unknown:
        weights = f", {u.weights:,} weights" if u.weights else ""
        lines.append(
            f"NOT mapped, in float, cost unknown: {u.name} ({u.operator}, {u.operations:,}"
            f" operations{weights}): {u.why}"
        )
    return "\n".join([text, *(textwrap.fill(x, width, subsequent_indent="  ") for x in lines)])
