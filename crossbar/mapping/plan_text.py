"""The Plan as text: one row a layer, then what is used and what runs outside the arrays."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.tables import line_width, table

__all__ = ["PATHS", "counted", "plan_table", "shortened", "units_in_use"]

_SHORTEST = 12
PATHS = {
    "integer": "one exact integer product: no column can clip",
    "popcount": "bit planes, counted read by read",
    "tables": "tables of the partial sums of real conductances, read by read",
    "products": "matrix products of real drives and conductances, read by read",
}
"""How a layer's columns are computed (`LayerPlan.path`), in words."""

_BITS = (
    "bits: those of a weight x those of an input, which a zero point or a scale by token"
    " (precision=) leaves as they are"
)

_NAMED = 4
"""Layers that are named in a line; the others are counted."""


def counted(number: int, noun: str) -> str:
    """Write a number of things: ``"1 array"``, ``"20,880 arrays"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def units_in_use(arrays: int, pes: int, tiles: int, chip_tiles: int) -> str:
    """Write what a network occupies: ``"87 arrays in 11 PEs in 1 of 168 tiles"``."""
    chip = f"{tiles:,} of {counted(chip_tiles, 'tile')}"
    return f"{counted(arrays, 'array')} in {counted(pes, 'PE')} in {chip}"


def _span(first: int, stop: int) -> str:
    return str(first) if stop - first == 1 else f"{first}-{stop - 1}"


def _is_mixed(plan: Plan) -> bool:
    """Whether layers differ in the bits of their weights or inputs."""
    return len({(layer.encoding.bits, layer.input_bits) for layer in plan.layers}) > 1


def _row(plan: Plan, layer: LayerPlan) -> list[str]:
    rows, cols = layer.shape
    groups = layer.matrix.groups
    down = sum(b.row_blocks for b in layer.bundles)
    across = max(b.col_blocks for b in layer.bundles)
    tiles = plan.tiles_of(layer)
    return [
        layer.name,
        f"{rows} x {cols}" + (f" /{groups}" if groups > 1 else ""),
        f"{layer.encoding.bits} x {layer.input_bits}",
        str(layer.positions),
        f"{down} x {across}",
        str(layer.replicas),
        str(layer.arrays),
        _span(tiles.start, tiles.stop),
        f"{100 * layer.utilisation:.0f} %",
        layer.path or "-",
        "-" if layer.collapsed is None else f"{100 * layer.collapsed:.0f} %",
    ]


def _without(rows: list[list[str]], place: int) -> list[list[str]]:
    """Leave a column out."""
    return [row[:place] + row[place + 1 :] for row in rows]


def _path_lines(paths: Sequence[str]) -> list[str]:
    """Say how layers are computed, in words."""
    if len(paths) == 1:
        return [f"each layer is computed as {PATHS[paths[0]]}"]
    said = "; ".join(f"{path}: {PATHS[path]}" for path in paths)
    return [f"computed as {said}"] if paths else []


def _room(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Characters that a line leaves to the first column."""
    others = zip(columns[1:], *(row[1:] for row in rows), strict=True)
    return width - sum(max(map(len, column)) for column in others) - len(columns) - 1


def shortened(names: Sequence[str], room: int) -> list[str]:
    """Cut long names on the left; where ends are equal, keep the number of the block before them.

    Names that cannot be told apart in so little room stay as they are.
    """
    short = [name if len(name) <= room else f"...{name[3 - room :].lstrip('.')}" for name in names]
    if len(set(short)) < len(set(names)):
        short = [name if len(name) <= room else _of_block(name, room) for name in names]
        short = [
            _with_start(name, room) if _is_mistaken(cut, name, names) else cut
            for cut, name in zip(short, names, strict=True)
        ]
    often = Counter(short)
    return [cut if often[cut] == 1 else name for cut, name in zip(short, names, strict=True)]


def _is_mistaken(cut: str, name: str, names: Sequence[str]) -> bool:
    """Whether ``...0...output.dense`` may be read as ``0.output.dense``, which is another layer."""
    start, _, end = cut.rpartition("...")
    block = start.removeprefix("...")
    return bool(block) and any(
        other != name and f".{other}".endswith(f".{block}.{end}") for other in names
    )


def _with_start(name: str, room: int) -> str:
    """Keep the start of what follows the last number, too: ``...0.att...output.dense``."""
    parts = name.split(".")
    last = max(place for place, part in enumerate(parts) if part.isdigit())
    start = f"...{parts[last]}.{parts[last + 1][:3]}..."
    return start + name[len(start) - room :].lstrip(".")


def _of_block(name: str, room: int) -> str:
    """Cut a name between its last number and its end: ``...11...ediate.dense``."""
    parts = name.split(".")
    numbers = [place for place, part in enumerate(parts) if part.isdigit()]
    if not numbers:
        return f"...{name[3 - room :]}"
    rest = ".".join(parts[numbers[-1] :])
    if len(rest) + 3 <= room:
        return f"...{rest}"
    start = f"...{parts[numbers[-1]]}..."
    return start + name[len(start) - room :].lstrip(".")


def _columns(plan: Plan) -> str:
    """Write how many columns a weight takes; layers may differ."""
    counts = {layer.encoding.columns for layer in plan.layers}
    if len(counts) == 1:
        return counted(max(counts), "column")
    return f"{min(counts)} to {max(counts)} columns"


def _buffer_lines(plan: Plan) -> list[str]:
    """Say how full buffers are, and what they keep apart."""
    buffer = plan.arch.tile.buffer
    name, most = max(plan.buffers.items(), key=lambda item: item[1].tile_need)
    lines = [f"buffers: {name} needs most of one tile, {most.tile_need:,} of {buffer:,} B"]
    split = [layer for layer in plan.layers if layer.split_copies]
    if split:
        what = []
        for layer in split[:_NAMED]:
            tiles = plan.tiles_of(layer)
            need = f"{plan.buffers[layer.name].need:,} B in tiles {_span(tiles.start, tiles.stop)}"
            copies = f"{layer.split_copies} of {layer.replicas} copies, "
            what.append(f"{layer.name} ({copies if layer.replicas > 1 else ''}{need})")
        more = f" and {len(split) - _NAMED} more" if len(split) > _NAMED else ""
        lines.append(f"split over tiles because a buffer was full: {', '.join(what)}{more}")
    if plan.skipped_arrays:
        skipped = counted(plan.skipped_arrays, "array")
        lines.append(f"left empty in tiles whose buffer is full: {skipped}")
    if plan.lending_tiles:
        lines.append(f"used for their buffer alone: {counted(plan.lending_tiles, 'tile')}")
    return lines


def plan_table(plan: Plan, width: int | None = None) -> str:
    """Write the plan as a table with a line of totals and the list of what is not on crossbars."""
    arch = plan.arch
    width = line_width(width)
    columns = [
        "<layer",
        *("matrix", "bits", "positions", "blocks", "copies", "arrays", "tiles", "used"),
    ]
    columns += ["computed as", "lossless"]
    rows = [_row(plan, layer) for layer in plan.layers]
    # the last two are not known before weights are mapped; what holds for all is said in a line
    paths = [path for path in PATHS if any(layer.path == path for layer in plan.layers)]
    integers = [layer for layer in plan.layers if layer.path not in ("tables", "products")]
    lossless = any(layer.collapsed is not None for layer in integers)
    shown = (("bits", _is_mixed(plan)), ("computed as", len(paths) > 1), ("lossless", lossless))
    for name, is_shown in shown:
        if not is_shown:
            rows = _without(rows, columns.index(name))
            columns.remove(name)
    room = _room(columns, rows, width)
    longest = max(len(layer.name) for layer in plan.layers)
    is_single = longest > room and all(layer.replicas == 1 for layer in plan.layers)
    if is_single:  # a line says it, and the names have more room
        place = columns.index("copies")
        columns.pop(place)
        rows = _without(rows, place)
        room = _room(columns, rows, width)
    if room >= _SHORTEST:
        names = shortened([row[0] for row in rows], room)
        rows = [[name, *row[1:]] for name, row in zip(names, rows, strict=True)]
    text = table(
        columns,
        rows,
        width=width,
    ).strip("\n")
    title = (
        f"{plan.workload.name} on {arch.name}: {arch.array.rows} x {arch.array.cols} arrays,"
        f" {_columns(plan)} a weight ({plan.layers[0].encoding.kind}),"
        f" {arch.cell.bits}-bit cells"
    )
    lines = [
        f"{units_in_use(plan.arrays, plan.pes, plan.tiles, plan.chip_tiles)};"
        f" {100 * plan.utilisation:.1f} % of their cells hold weights",
    ]
    if is_single:
        lines.append("one copy of each layer")
    lines += [_BITS] if "bits" in columns else []
    lines += _buffer_lines(plan)
    lines += _path_lines(paths)
    if lossless:
        lines.append(
            "lossless: share of columns that provably cannot clip; those are computed as one exact"
            " integer product"
        )
    unknown = [u for u in plan.unmapped if u.kind == "other" or u.weights]
    digital = [u for u in plan.unmapped if u not in unknown]
    if digital:
        counts: dict[str, tuple[int, int]] = {}
        for u in digital:
            n, ops = counts.get(u.kind, (0, 0))
            counts[u.kind] = (n + 1, ops + u.operations)
        parts = [f"{kind} x {n} ({counted(ops, 'operation')})" for kind, (n, ops) in counts.items()]
        lines.append("digital, in float: " + ", ".join(parts))
    for u in unknown:
        weights = f", {counted(u.weights, 'weight')}" if u.weights else ""
        cost = "cost unknown" if u.kind == "other" else "on digital units"
        lines.append(
            f"NOT mapped, in float, {cost}: {u.name} ({u.operator},"
            f" {counted(u.operations, 'operation')}{weights}): {u.why}"
        )
    lines += plan.notes
    return "\n".join(
        [
            textwrap.fill(title, width),
            "",
            text,
            *(textwrap.fill(x, width, subsequent_indent="  ") for x in lines),
        ]
    )
