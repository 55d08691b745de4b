"""Make a Plan: cut layers into arrays, choose copies, hand out arrays, say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crossbar.arch import Arch, load_arch
from crossbar.circuit.dac import make_input_coding
from crossbar.errors import DoesNotFitError, InputError
from crossbar.mapping.encode import Encoding, make_encoding
from crossbar.mapping.plan import LayerPlan, Plan, describe_unmapped
from crossbar.mapping.replication import chip_arrays, replicas_for
from crossbar.mapping.tiling import Bundle, cut_matrix, usable_columns
from crossbar.workload import find_workload
from crossbar.workload.graph import MOVE_KINDS, Matrix, Node, Workload

__all__ = ["build_plan", "read_slot"]


def read_slot(arch: Arch, columns: int) -> float:
    """Time of one read [s] of arrays with ``columns`` active columns each.

    ``max(array.cycle, conversions per ADC / adc.rate)``, rounded up to whole clocks; ``pe.adcs``
    ADCs serve the ``pe.arrays`` arrays of a PE in turn.
    """
    per_adc = -(-columns * arch.pe.arrays // arch.pe.adcs)
    conversion = per_adc / arch.adc.rate
    clocks = -(-round(max(arch.array.cycle, conversion) * arch.clock * 1e6) // 10**6)
    return max(1, clocks) / arch.clock


def _converted_columns(bundles: tuple[Bundle, ...], encoding: Encoding, arch: Arch) -> int:
    columns = min(max(b.columns for b in bundles), usable_columns(arch))
    if encoding.subtract == "analog":
        columns = -(-columns // 2)
    return columns + (1 if arch.array.input_sum == "column" else 0)


def _needs(layers: list[tuple[str, int]], arch: Arch) -> tuple[int, int]:
    arrays = sum(n for _, n in layers)
    return arrays, -(-arrays // (arch.tile.pes * arch.pe.arrays))


def _copy_arrays(matrices: list[Matrix], arch: Arch, bits: int, levels: int | None) -> int:
    columns = make_encoding(arch, bits, levels).columns
    return sum(sum(b.arrays for b in cut_matrix(m, columns, arch)) for m in matrices)


def _refuse(
    workload: Workload,
    arch: Arch,
    sizes: list[tuple[str, int]],
    matrices: list[Matrix],
    bits: int,
    levels: int | None,
) -> DoesNotFitError:
    arrays, tiles = _needs(sizes, arch)
    capacity = chip_arrays(arch) or 0
    left, placed = capacity, 0
    for _, n in sizes:
        if n > left:
            break
        left -= n
        placed += 1
    remedies = [f"chip.tiles={tiles}"]
    for bits_a_cell in range(arch.cell.bits + 1, 5):
        cell = arch.cell.model_copy(update={"bits": bits_a_cell})
        denser = arch.model_copy(update={"cell": cell})
        if _copy_arrays(matrices, denser, bits, levels) <= capacity:
            remedies.append(f"cell.bits={bits_a_cell}")
            break
    largest = max(sizes, key=lambda item: item[1])
    first = sizes[placed][0] if placed < len(sizes) else sizes[-1][0]
    return DoesNotFitError(
        f"{workload.name} does not fit {arch.name}: it needs {arrays} arrays = {tiles} tiles,"
        f" chip.tiles is {arch.chip.tiles} ({capacity} arrays); {placed} of {len(sizes)} layers"
        f" fit, {first!r} is the first that does not, {largest[0]!r} the largest"
        f" ({largest[1]} arrays);"
        f" try {' or '.join(remedies)}"
    )


def build_plan(
    workload: Workload | str,
    arch: Arch | str,
    *,
    weight_bits: int | None = None,
    weight_levels: int | None = None,
    input_bits: int | None = None,
    signed_inputs: Mapping[str, bool] | None = None,
) -> Plan:
    """Place a workload on an arch.

    Parameters
    ----------
    workload : Workload or str
        Or a zoo name or a JSON file.
    arch : Arch or str
        Or a preset's name or a YAML file.
    weight_bits, weight_levels, input_bits : int, optional
        Override ``arch.precision``.
    signed_inputs : mapping of str to bool, optional
        Layers whose inputs are signed (known after calibration); unsigned where absent.

    Returns
    -------
    Plan

    Raises
    ------
    DoesNotFitError
        When one copy of every layer needs more arrays than the chip has.
    """
    workload = find_workload(workload)
    arch = load_arch(arch)
    bits = weight_bits or arch.precision.weight_bits
    levels = weight_levels if weight_bits or weight_levels else arch.precision.weight_levels
    in_bits = input_bits or arch.precision.input_bits
    encoding = make_encoding(arch, bits, levels)
    by_weight: dict[str, list[Node]] = {}
    for node in workload.products:
        by_weight.setdefault(node.weight or node.name, []).append(node)
    if not by_weight:
        raise InputError(
            f"{workload.name}: no layer has constant weights, nothing goes on crossbars"
        )
    groups = list(by_weight.values())
    names = [nodes[0].name for nodes in groups]
    matrices = [nodes[0].matrix for nodes in groups]
    positions = [sum(n.positions for n in nodes) for nodes in groups]
    smallest = [min(n.positions for n in nodes) for nodes in groups]
    bundles = [cut_matrix(m, encoding.columns, arch) for m in matrices]
    sizes = [sum(b.arrays for b in each) for each in bundles]
    capacity = chip_arrays(arch)
    if capacity is not None and sum(sizes) > capacity:
        raise _refuse(workload, arch, list(zip(names, sizes, strict=True)), matrices, bits, levels)
    signed = signed_inputs or {}
    codings = [make_input_coding(arch, in_bits, signed.get(name, False)) for name in names]
    layers: list[LayerPlan] = []
    single = [
        LayerPlan(
            name,
            nodes[0].kind,
            tuple(n.name for n in nodes),
            matrix,
            n_positions,
            encoding,
            in_bits,
            coding.reads,
            cut,
            1,
            0,
            read_slot(arch, _converted_columns(cut, encoding, arch)),
            arch.array.cols,
            arch.array.rows,
            1 if arch.array.input_sum == "column" else 0,
        )
        for name, nodes, matrix, n_positions, coding, cut in zip(
            names, groups, matrices, positions, codings, bundles, strict=True
        )
    ]
    work = [round(layer.slots * layer.slot * arch.clock) for layer in single]
    copies = replicas_for(arch, names, work, sizes, smallest)
    first = 0
    for layer, n in zip(single, copies, strict=True):
        layers.append(replace(layer, replicas=n, first_array=first))
        first += layers[-1].arrays
    rest = [n for n in workload if not n.is_product and n.kind not in MOVE_KINDS]
    return Plan(workload, arch, tuple(layers), tuple(describe_unmapped(n) for n in rest))
