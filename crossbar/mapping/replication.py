"""How many copies of each layer: none, a given list, or as many as balance the pipeline."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from crossbar.arch import Arch
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping.plan_text import counted
from crossbar.workload.graph import Node

__all__ = ["balance", "chip_arrays", "check_recurrent", "most_copies", "replicas_for", "stripes"]


def stripes(positions: int, replicas: int) -> tuple[tuple[int, int], ...]:
    """Split positions into one contiguous ``(first, count)`` stripe a replica, sizes within one."""
    bounds = [positions * r // replicas for r in range(replicas + 1)]
    return tuple((a, b - a) for a, b in zip(bounds, bounds[1:], strict=False))


def most_copies(nodes: Sequence[Node]) -> int:
    """Upper limit of the copies of a layer.

    A recurrent one works through one chain of states, a dynamic one is programmed once an image.
    """
    if any("recurrent" in node.attrs or node.is_dynamic for node in nodes):
        return 1
    return min(node.positions for node in nodes)


def check_recurrent(arch: Arch, layers: Sequence[Sequence[Node]]) -> None:
    """Refuse copies of recurrent layers and of those that are programmed at run time.

    Parameters
    ----------
    arch : Arch
    layers : sequence of sequence of Node
        The nodes of each layer.

    Raises
    ------
    InputError
        When ``arch.replication`` asks for more than one copy of such a layer.
    """
    choice = arch.replication
    if isinstance(choice, str):
        return
    for number, nodes in enumerate(layers):
        name = nodes[0].name
        if isinstance(choice, dict):
            copies = choice.get(name, 1)
        else:
            copies = choice[number] if number < len(choice) else 1
        if copies > 1 and nodes[0].is_dynamic:
            raise InputError(
                f"replication: {copies} copies of {name!r}; it is programmed for each inference, in"
                " one place, so 1 copy"
            )
        if copies > 1 and any("recurrent" in node.attrs for node in nodes):
            raise InputError(
                f"replication: {copies} copies of {name!r}; it is recurrent: every position needs"
                " the result of the one before, so 1 copy"
            )


def balance(
    work: Sequence[int], arrays: Sequence[int], positions: Sequence[int], available: int
) -> list[int]:
    """Copies that make the slowest layer as fast as the arrays allow.

    Gives one more copy to the slowest layer until it has one a position or its next copy does not
    fit; since every layer needs ``ceil(work / bound)`` copies to meet a bound, no other choice has
    a lower one. The rule of ISAAC (Shafiee et al., ISCA 2016, section V) for replicas in
    proportion to output pixels.

    Parameters
    ----------
    work : sequence of int
        Reads of each layer for one inference with one copy.
    arrays : sequence of int
        Arrays of one copy.
    positions : sequence of int
        Upper limit of the copies.
    available : int
        Arrays of the chip.
    """
    copies = [1] * len(work)
    left = available - sum(arrays)
    queue = [(-float(w), i) for i, w in enumerate(work)]
    heapq.heapify(queue)
    while queue:
        _, i = heapq.heappop(queue)
        if copies[i] >= positions[i] or arrays[i] > left:
            break  # the slowest layer cannot get faster, so more copies of others would not help
        copies[i] += 1
        left -= arrays[i]
        heapq.heappush(queue, (-work[i] / copies[i], i))
    return copies


def _given(arch: Arch, names: Sequence[str], positions: Sequence[int]) -> list[int]:
    choice = arch.replication
    if isinstance(choice, str):
        return [1] * len(names)
    if isinstance(choice, dict):
        for name in choice:
            if name not in names:
                raise UnknownNameError("layer in replication", name, names)
        copies = [choice.get(name, 1) for name in names]
    else:
        if len(choice) != len(names):
            raise InputError(
                f"replication: {len(choice)} numbers for {len(names)} layers on crossbars"
                f" ({', '.join(names[:3])} ...)"
            )
        copies = list(choice)
    for name, n, limit in zip(names, copies, positions, strict=True):
        if not 1 <= n <= limit:
            allowed = "1 copy" if limit == 1 else f"1..{limit} copies"
            raise InputError(
                f"replication: {n} {'copy' if n == 1 else 'copies'} of {name!r};"
                f" it has {counted(limit, 'position')}, so {allowed}"
            )
    return copies


def replicas_for(
    arch: Arch,
    names: Sequence[str],
    work: Sequence[int],
    arrays: Sequence[int],
    positions: Sequence[int],
    capacity: int | None,
) -> list[int]:
    """Copies of each layer under ``arch.replication``; shrunk to one each rather than refused.

    A list or mapping that asks for more arrays than ``capacity`` loses copies from its largest
    entries first, until it fits or every layer has one.
    """
    if arch.replication == "balance":
        assert capacity is not None  # the schema refuses balance without a number of tiles
        return balance(work, arrays, positions, capacity)
    copies = _given(arch, names, positions)
    while (
        capacity is not None and sum(c * a for c, a in zip(copies, arrays, strict=True)) > capacity
    ):
        most = max(range(len(copies)), key=lambda i: copies[i])
        if copies[most] == 1:
            break
        copies[most] -= 1
    return copies


def chip_arrays(arch: Arch) -> int | None:
    """Arrays of the chip, or None when it grows with the network (``chip.tiles: auto``)."""
    if arch.chip.tiles == "auto":
        return None
    return int(arch.chip.tiles) * arch.tile.pes * arch.pe.arrays
