"""From a plan to the tables of the schedule: tasks, what each event asks of which resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.isaac import WORD
from crossbar.kernels.schedule_tables import Tables
from crossbar.mapping.converters import adc_loads, array_conversions
from crossbar.mapping.flow import Flow, Task
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.registers import vectors_held
from crossbar.mapping.writing import write_clocks
from crossbar.timing.constraints import Rows, constraint_rows
from crossbar.timing.room import Capacities, room_counts
from crossbar.timing.traffic import Part, find_parts

__all__ = ["Machine", "Named", "build_machine"]

Ints = NDArray[np.int64]

Kind = Literal["bus", "port", "vector", "matmul", "adc"]

_UNITS = {
    "bus": "bus",
    "port": "output port",
    "vector": "vector unit",
    "matmul": "matmul unit",
}


@dataclass(frozen=True)
class Named:
    """A resource that serves one request at a time.

    Parameters
    ----------
    name : str
    kind : str
        ``"bus"``, ``"port"``, ``"vector"``, ``"matmul"`` or ``"adc"``.
    tile : int
    """

    name: str
    kind: Kind
    tile: int


@dataclass(frozen=True, eq=False)
class Machine:
    """Everything that the event loop reads.

    Parameters
    ----------
    flow : Flow
    tables : Tables
    resources : tuple of Named
    alone : int64[tasks]
        Clocks of one position that nothing hinders.
    """

    flow: Flow
    tables: Tables
    resources: tuple[Named, ...]
    alone: Ints

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Copies of layers and joins."""
        return self.flow.tasks


@dataclass
class _Ask:
    """One event of one task: clocks at least, and ``(resource, held, lead)`` of each it asks."""

    length: int
    services: list[tuple[int, int, int]]


class _Resources:
    """Numbers of resources, in the order in which they are first asked for."""

    def __init__(self, ideal: bool) -> None:
        self.named: list[Named] = []
        self._ideal = ideal
        self._numbers: dict[Named, int] = {}

    def number(self, kind: Kind, tile: int, name: str) -> int:
        key = Named(name, kind, tile)
        if key not in self._numbers:
            self._numbers[key] = len(self.named)
            self.named.append(key)
        return self._numbers[key]

    def service(
        self, kind: Kind, tile: int, held: int, lead: int | None = None
    ) -> list[tuple[int, int, int]]:
        """Ask a tile's bus, output port or digital unit; of infinite width it takes no time."""
        if self._ideal:
            return []
        number = self.number(kind, tile, f"tile {tile} {_UNITS[kind]}")
        return [(number, held, held if lead is None else lead)]


def build_machine(plan: Plan, capacities: Capacities, *, ideal: bool = False) -> Machine:
    """Compile a plan.

    Parameters
    ----------
    plan : Plan
    capacities : mapping or "infinite"
        Pixels that each claim may hold, by ``(layer or join, copy, operand)``.
    ideal : bool
        Whether buses, output ports, vector and matmul units are infinitely wide, so that only the
        steps of the pipeline take time, and every array has an ADC to itself.
    """
    rows = constraint_rows(plan.arch)
    flow = plan.flow
    layers = {layer.name: layer for layer in plan.layers}
    parts = {layer.name: _parts_by_copy(plan, layer) for layer in plan.layers}
    loads = [
        {} if task.is_join else _loads(plan, layers[task.layer], task.copy, ideal)
        for task in flow.tasks
    ]
    users: dict[int, int] = defaultdict(int)
    for load in loads if not ideal else ():  # an ADC of one's own is no resource
        for adc in load:
            users[adc] += 1
    resources = _Resources(ideal)
    built = [
        _build_task(plan, rows, task, layers[task.layer], parts[task.layer], load, users, resources)
        for task, load in zip(flow.tasks, loads, strict=True)
    ]
    asks = [ask for task in built for ask in task.asks]
    room_task, room_count = room_counts(flow, capacities)
    services = [service for ask in asks for service in ask.services] or [(0, 0, 0)]
    held = [hold for task in built for hold in task.adcs] or [(0, 0)]
    columns = [np.array(column, np.int64) for column in zip(*services, strict=True)]
    shared = [np.array(column, np.int64) for column in zip(*held, strict=True)]
    tables = Tables(
        offset=flow.offset,
        join=np.array([task.is_join for task in flow.tasks]),
        reads=np.array([task.reads for task in built], np.int64),
        slot=np.array([task.slot for task in built], np.int64),
        tail=np.array([task.tail for task in built], np.int64),
        flight=np.array([task.flight for task in built], np.int64),
        register=np.array([task.register for task in built], np.int64),
        write=np.array([task.write for task in built], np.int64),
        length=np.array([ask.length for ask in asks], np.int64).reshape(-1, 4),
        ask_start=_starts([len(ask.services) for ask in asks]),
        ask_resource=columns[0],
        ask_hold=columns[1],
        ask_lead=columns[2],
        adc_start=_starts([len(task.adcs) for task in built]),
        adc_resource=shared[0],
        adc_hold=shared[1],
        array_clocks=rows["read", "read"].latency,
        data_start=flow.data.start,
        data_task=flow.data.what,
        data_count=flow.data.value,
        room_start=flow.room.start,
        room_task=room_task,
        room_count=room_count,
    )
    return Machine(flow, tables, tuple(resources.named), np.array([t.alone for t in built]))


@dataclass
class _Built:
    """One task's share of the tables."""

    reads: int
    slot: int
    tail: int
    flight: int
    register: int
    alone: int
    asks: list[_Ask]
    adcs: list[tuple[int, int]]
    write: int = 0


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _parts_by_copy(plan: Plan, layer: LayerPlan) -> list[list[Part]]:
    """Parts of each copy; `find_parts` lists them copy by copy."""
    copies: list[list[Part]] = [[] for _ in range(layer.replicas)]
    for part in find_parts(plan, layer):
        copies[part.copy].append(part)
    return copies


def _loads(plan: Plan, layer: LayerPlan, copy: int, ideal: bool) -> Mapping[int, int]:
    """Conversions of one read by ADC; those of the fullest array where each has its own."""
    if ideal:
        return {0: max(int(each.max()) for each in array_conversions(plan.arch, layer))}
    return adc_loads(plan, layer, copy)


def _build_task(
    plan: Plan,
    rows: Rows,
    task: Task,
    layer: LayerPlan,
    copies: Sequence[Sequence[Part]],
    load: Mapping[int, int],
    users: Mapping[int, int],
    resources: _Resources,
) -> _Built:
    parts = copies[task.copy]
    activate, store = _outputs(plan, rows, task, layer, parts, resources)
    if task.is_join:
        nothing = _Ask(1, [])
        steps = activate.length + store.length
        longest = max([1, *(lead for ask in (activate, store) for _, _, lead in ask.services)])
        flight = -(-2 * rows["activate", "store"].latency // longest) + 1
        return _Built(1, 1, 1, flight, 1, steps, [nothing, nothing, activate, store], [])
    step = rows["read", "read"].latency
    conversion = rows["convert", "shift_add"]
    longest = max(conversion.interval(columns) for columns in load.values())
    slot, reads = max(step, longest), layer.reads * layer.groups_per_array
    fetch = _fetch(rows, layer, parts, reads, slot, resources)
    merge = _merge(rows, parts, resources)
    tail = step + max(conversion.latency, longest) + rows["shift_add", "merge"].latency
    alone = sum(_alone(ask) for ask in (fetch, merge, activate, store)) + (reads - 1) * slot + tail
    flight = -(-alone // (reads * slot)) + 1
    adcs = []
    if any(users[adc] > 1 for adc in load):
        per_tile = plan.arch.pe.adcs * plan.arch.tile.pes
        adcs = [
            (
                resources.number("adc", adc // per_tile, f"ADC {adc}"),
                conversion.interval(columns),
            )
            for adc, columns in load.items()
        ]
    register = vectors_held(plan.arch, layer, task.copy)
    asks = [fetch, merge, activate, store]
    write = write_clocks(plan.arch, layer)
    return _Built(reads, slot, tail, flight, register, alone, asks, adcs, write)


def _alone(ask: _Ask) -> int:
    """Clocks of an event that nobody hinders."""
    return max([ask.length, *(lead for _, _, lead in ask.services)])


def _fetch(
    rows: Rows,
    layer: LayerPlan,
    parts: Sequence[Part],
    reads: int,
    slot: int,
    resources: _Resources,
) -> _Ask:
    row = rows["fetch", "read"]
    services: list[tuple[int, int, int]] = []
    for part in parts:
        held = row.interval(part.rows * layer.input_bits)
        lead = max(-(-held // reads), held - (reads - 1) * slot)
        services += resources.service("bus", part.tile, held, lead)
    return _Ask(row.latency, services)


def _merge(rows: Rows, parts: Sequence[Part], resources: _Resources) -> _Ask:
    row = rows["merge", "activate"]
    services: list[tuple[int, int, int]] = []
    for part in parts:
        held = row.interval(part.words * WORD)
        services += resources.service("bus", part.tile, held)
    return _Ask(row.latency * (1 + sum(part.leaving > 0 for part in parts)), services)


def _outputs(
    plan: Plan,
    rows: Rows,
    task: Task,
    layer: LayerPlan,
    parts: Sequence[Part],
    resources: _Resources,
) -> tuple[_Ask, _Ask]:
    """Ask for the digital operations and the store of one position, in the tiles of its outputs."""
    activate, store = rows["activate", "store"], rows["store", "stored"]
    asked_activate = _Ask(activate.latency, [])
    asked_store = _Ask(store.latency, [])
    step = task.step
    whole = sum(part.outputs for part in parts)
    work: list[tuple[Kind, int]] = [("vector", task.operations), ("matmul", task.macs)]
    kind: Kind = "port" if store.resource == "port" else "bus"
    for part in parts:
        if not part.outputs:
            continue
        for unit, operations in work:
            if operations:
                each = operations * part.outputs / (whole * task.all_positions)
                held = rows["activate", "store", unit].interval(each)
                asked_activate.services += resources.service(unit, part.tile, held)
        elements = part.outputs if not task.is_join else task.elements * part.outputs / whole
        if step.modelled:
            held = store.interval(elements * plan.widths[step.name])
            asked_store.services += resources.service(kind, part.tile, held)
    return asked_activate, asked_store
