"""What waits for what: the copies of every step, what they need and what they hold.

No clock is in it: positions are counted, not timed.  The placement asks it how much each buffer
must hold, the schedule reads its tables.  docs/timing.md is the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.kernels.demand import most_held
from crossbar.mapping.hold import Hold, Makers, data_waits, find_makers, hold_operand, touched
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.reach import Grid
from crossbar.mapping.replication import stripes
from crossbar.mapping.steps import Operand, Step, find_steps
from crossbar.workload.graph import Workload

__all__ = ["Claim", "Flow", "Ragged", "Task", "build_flow"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """One copy of a layer, or of a join.

    Parameters
    ----------
    name : str
        Of the layer or join.
    layer : str
        The layer in whose tiles it is computed: itself, or for a join the latest product before it.
    copy : int
    first, positions : int
        Its stripe, among the positions of all copies.
    all_positions : int
        Of all copies.
    operations : int
        Scalar operations of all copies in vector units, for one inference.
    macs : int
        Multiply-accumulates of all copies in matmul units, for one inference.
    elements : int
        Channels (features) of one of its positions.
    chained : int
        Its positions that need the result of the one before: all but the first of a recurrent node.
    step : Step
        Of its first node.
    """

    name: str
    layer: str
    copy: int
    first: int
    positions: int
    all_positions: int
    operations: int
    macs: int
    elements: int
    chained: int
    step: Step

    @property
    def is_join(self) -> bool:
        """Whether it joins operands; else it is a product on crossbars."""
        return self.step.kind == "join"


@dataclass(frozen=True, eq=False)
class Claim:
    """The buffer of one operand of one copy.

    Parameters
    ----------
    task : int
        Whose operand it is.
    node : str
        The node that reads it: the join, or one of the layer's nodes.
    operand : int
        Place among a join's inputs; for a product, of the node among those of its layer.
    elements : int
        Channels (features) of a pixel.
    rows : int
        Rows of the operand's map that a position needs.
    width : int
        Pixels of one of its rows.
    hold : Hold
    bounded : bool
        Whether a buffer holds it; not what waits outside from the start, what the memory of a
        matmul unit holds, nor what goes to a unit that is not modelled.
    """

    task: int
    node: str
    operand: int
    elements: int
    rows: int
    width: int
    hold: Hold
    bounded: bool


@dataclass(frozen=True, eq=False)
class Ragged:
    """Lists of pairs, one list for each position of each task.

    Parameters
    ----------
    start : int64[positions + 1]
        List ``i`` is ``start[i] .. start[i + 1]``.
    what : int64[n]
        A task, or a claim.
    value : int64[n]
        How many of its positions, or the rank of a pixel.
    """

    start: Ints
    what: Ints
    value: Ints


@dataclass(frozen=True, eq=False)
class Flow:
    """Tables of a plan's dependencies.

    Parameters
    ----------
    tasks : tuple of Task
    claims : tuple of Claim
    offset : int64[tasks + 1]
        Where each task's positions begin in the tables.
    data : Ragged
        For each position, tasks and how many of their positions must be stored before; what an
        earlier position of the same task has waited for is left out.
    room : Ragged
        For each position, claims and the newest pixel of them that takes its place with it; left
        out where an earlier position of the task has touched a newer one.
    needs : int64[claims]
        Pixels that each claim must hold: K rows for a window, and always enough for the network to
        run to its end.
    """

    tasks: tuple[Task, ...]
    claims: tuple[Claim, ...]
    offset: Ints
    data: Ragged
    room: Ragged
    needs: Ints


def build_flow(workload: Workload, layers: Sequence[LayerPlan]) -> Flow:
    """Work out who waits for whom.

    Parameters
    ----------
    workload : Workload
    layers : sequence of LayerPlan
        With their copies.
    """
    steps = find_steps(workload)
    tasks, ranges = _make_tasks(steps, layers)
    offset = np.concatenate([[0], np.cumsum([task.positions for task in tasks])])
    nodes_of = {layer.name: layer.nodes for layer in layers}
    by_step = find_makers(ranges, offset)
    claims: list[Claim] = []
    data: list[tuple[Ints, Ints, Ints]] = []
    room: list[tuple[Ints, Ints, Ints]] = []
    for number, parts in enumerate(ranges):
        for node, first, count, base in parts:
            step = steps[node]
            if step.recurrent:
                data.append(_chain(number, int(offset[number]) + base, base, count))
            for operand in step.operands:
                hold = hold_operand(step, operand, first, count, base, tasks[number].positions)
                bounded = bool(operand.sources) and step.modelled and not operand.in_unit
                rows = int((operand.window.rows.high - operand.window.rows.low).max()) + 1
                width = operand.grid.cols
                place = operand.place
                if step.kind == "product":
                    place = nodes_of[tasks[number].name].index(node)
                if not (step.stored and operand.in_unit):  # what lies in cells claims no buffer
                    claims.append(
                        Claim(number, node, place, operand.elements, rows, width, hold, bounded)
                    )
                for source, reach in operand.sources.items():
                    made, makers = steps[source].grid, by_step[source]
                    when, who, stored = data_waits(step, operand, reach, made, makers, first, count)
                    data.append((offset[number] + base + when, who, stored))
                    if bounded:
                        room.append(_room(operand, source, made, makers, hold, len(claims) - 1))
    tables = _ragged(data, offset), _ragged(room, offset)
    needs = _find_needs(layers, tasks, claims, offset, *tables)
    return Flow(tasks, tuple(claims), offset, *tables, needs)


def _chain(task: int, start: int, base: int, count: int) -> tuple[Ints, Ints, Ints]:
    """Each position of a recurrent step needs the one before it."""
    later = np.arange(1, count, dtype=np.int64)
    return start + later, np.full(later.size, task, np.int64), base + later


def _make_tasks(
    steps: Mapping[str, Step], layers: Sequence[LayerPlan]
) -> tuple[tuple[Task, ...], list[list[tuple[str, int, int, int]]]]:
    """Cut steps into copies; for each the stripes of its nodes ``(node, first, count, base)``."""
    layer_of = {node: layer for layer in layers for node in layer.nodes}
    latest: dict[str, str] = {}
    order = list(steps)
    tasks: list[Task] = []
    ranges: list[list[tuple[str, int, int, int]]] = []
    for name, step in steps.items():
        if step.kind == "product":
            latest[name] = name
            layer = layer_of[name]
            if layer.nodes[0] != name:
                continue  # its positions follow those of the layer's first node
            nodes = [(node, steps[node].positions) for node in layer.nodes]
            copies = layer.replicas
        else:
            sources = {latest[s] for operand in step.operands for s in operand.sources}
            latest[name] = max(sources, key=order.index)
            layer = layer_of[latest[name]]
            nodes = [(name, step.positions)]
            copies = min(layer.replicas, step.positions)
        total = sum(count for _, count in nodes)
        operations = sum(steps[node].operations for node, _ in nodes)
        macs = sum(steps[node].macs for node, _ in nodes)
        for copy, (first, count) in enumerate(stripes(total, copies)):
            if not count:
                continue  # a sequence of fewer tokens than copies: this one has nothing to do
            task_name = layer.name if step.kind == "product" else name
            cut = _cut(nodes, first, count)
            chained = sum(size - 1 for node, _, size, _ in cut if steps[node].recurrent)
            sizes = (first, count, total, operations, macs, step.elements, chained)
            tasks.append(Task(task_name, layer.name, copy, *sizes, step))
            ranges.append(cut)
    return tuple(tasks), ranges


def _cut(
    nodes: Sequence[tuple[str, int]], first: int, count: int
) -> list[tuple[str, int, int, int]]:
    found, start = [], 0
    for node, size in nodes:
        low, high = max(first, start), min(first + count, start + size)
        if low < high:
            found.append((node, low - start, high - low, low - first))
        start += size
    return found


def _room(
    operand: Operand, source: str, made: Grid, makers: Makers, hold: Hold, claim: int
) -> tuple[Ints, Ints, Ints]:
    """For each position of the makers, the newest pixel of the claim that it contributes to."""
    places, ranks = touched(operand.sources[source], made, hold)
    return makers.where(places), np.full(places.size, claim, np.int64), ranks


def _ragged(entries: list[tuple[Ints, Ints, Ints]], offset: Ints) -> Ragged:
    """Gather ``(position, what, value)``; keep what exceeds all before it in its task."""
    size = int(offset[-1])
    if not entries:
        empty = np.zeros(0, np.int64)
        return Ragged(np.zeros(size + 1, np.int64), empty, empty)
    where, what, value = (np.concatenate(column) for column in zip(*entries, strict=True))
    task = np.searchsorted(offset, where, side="right") - 1
    order = np.lexsort((value, where, what, task))
    where, what, value, task = where[order], what[order], value[order], task[order]
    new_group = np.ones(where.size, bool)
    new_group[1:] = (what[1:] != what[:-1]) | (task[1:] != task[:-1])
    last_of_place = np.ones(where.size, bool)
    last_of_place[:-1] = new_group[1:] | (where[1:] != where[:-1])
    where, what, value = where[last_of_place], what[last_of_place], value[last_of_place]
    group = np.cumsum(new_group)[last_of_place]
    span = int(value.max()) + 2
    running = np.maximum.accumulate(group * span + value)
    keep = np.ones(where.size, bool)
    keep[1:] = running[1:] > running[:-1]
    where, what, value = where[keep], what[keep], value[keep]
    order = np.lexsort((what, where))
    start = np.searchsorted(where[order], np.arange(size + 1))
    return Ragged(start.astype(np.int64), what[order], value[order])


def _find_needs(
    layers: Sequence[LayerPlan],
    tasks: Sequence[Task],
    claims: Sequence[Claim],
    offset: Ints,
    data: Ragged,
    room: Ragged,
) -> Ints:
    """Pixels each claim must hold: K rows, or what keeps the network going if that is more.

    A run in which every position is computed only when a later one asks for it holds the least;
    since what may go on stays so whatever others do, buffers that let one run finish let all.
    Beside them come the positions that are under way in the steps between.
    """
    oldest = np.concatenate([claim.hold.oldest for claim in claims])
    begin = np.concatenate([[0], np.cumsum([claim.hold.oldest.size for claim in claims])])
    reader = np.array([claim.task for claim in claims], np.int64)
    asked: Ints = most_held(
        offset, data.start, data.what, data.value, room.start, room.what, room.value,
        reader, begin.astype(np.int64), oldest,
    )  # fmt: skip
    under_way = _under_way(layers, tasks, claims)
    rule = np.array([c.rows * c.width for c in claims], np.int64)
    joins = np.array([tasks[c.task].is_join for c in claims])
    pixels = np.array([c.hold.pixels for c in claims], np.int64)
    wanted = np.maximum(asked + under_way, np.where(joins, 1, rule))
    needs: Ints = np.maximum(asked, np.minimum(wanted, pixels))
    return needs


def _under_way(layers: Sequence[LayerPlan], tasks: Sequence[Task], claims: Sequence[Claim]) -> Ints:
    """Positions that the steps from a claim's sources to its reader have begun and not stored.

    A step that works without a gap has ``(n + 6) / n`` positions under way, n reads each.
    """
    reads = {layer.name: layer.reads * layer.groups_per_array for layer in layers}
    depth: dict[str, int] = {}
    for task in tasks:
        sources = [s for operand in task.step.operands for s in operand.sources]
        depth[task.step.name] = 1 + max((depth.get(s, 0) for s in sources), default=0)
    found = []
    for claim in claims:
        task = tasks[claim.task]
        sources = [s for operand in task.step.operands for s in operand.sources]
        between = depth[task.step.name] - min((depth.get(s, 0) for s in sources), default=0)
        n = min((reads[s] for s in sources if s in reads), default=1)
        found.append(between * (-(-(n + 6) // n) + 1))
    return np.array(found, np.int64)
