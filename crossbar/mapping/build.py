"""Make a Plan: cut layers into arrays, choose copies, hand out arrays, say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.circuit.dac import make_input_coding
from crossbar.device.check import check_cell
from crossbar.mapping.buffers import divide_buffers
from crossbar.mapping.converters import layer_slot
from crossbar.mapping.copies import choose_copies
from crossbar.mapping.dynamic import check_dynamic, laid_out
from crossbar.mapping.encode import make_encoding
from crossbar.mapping.placement import Placement
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.precision import LayerPrecision, layer_precisions, nodes_by_weight
from crossbar.mapping.refusals import too_few_arrays
from crossbar.mapping.registers import check_registers
from crossbar.mapping.replication import check_recurrent, chip_arrays, most_copies
from crossbar.mapping.tiling import cut_matrix
from crossbar.mapping.token_scales import with_token_scales
from crossbar.mapping.unmapped import describe_unmapped, nothing_to_map
from crossbar.workload import find_workload
from crossbar.workload.graph import MOVE_KINDS, Node, Workload

__all__ = ["build_plan", "settled"]


def build_plan(
    workload: Workload | str,
    arch: Arch | str,
    *,
    weight_bits: int | None = None,
    weight_levels: int | None = None,
    input_bits: int | None = None,
    precision: Mapping[str, Any] | None = None,
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
        Override ``arch.precision`` for all layers.
    precision : mapping, optional
        The same and more, also layer by layer: see `crossbar.map_model`.
    signed_inputs : mapping of str to bool, optional
        Layers whose inputs are signed (known after calibration); unsigned where absent.

    Returns
    -------
    Plan

    Raises
    ------
    DoesNotFitError
        When one copy of every layer needs more arrays, or more of the tiles' buffers, than the
        chip has, or an input register cannot hold one digit of what its PE is driven with.
    """
    workload = find_workload(workload)
    arch = load_arch(arch)
    check_cell(arch)
    named = {"weight_bits": weight_bits, "weight_levels": weight_levels, "input_bits": input_bits}
    asked = {**(precision or {}), **{key: n for key, n in named.items() if n is not None}}
    workload = laid_out(workload, arch)
    precisions = layer_precisions(workload, arch, asked)
    workload = with_token_scales(workload, precisions)
    check_dynamic(workload, arch)
    by_weight = nodes_by_weight(workload)
    if not by_weight:
        raise nothing_to_map(workload)
    groups = list(by_weight.values())
    single = _cut_layers(groups, arch, [precisions[k] for k in by_weight], signed_inputs or {})
    capacity = chip_arrays(arch)
    if capacity is not None and sum(layer.arrays for layer in single) > capacity:
        raise too_few_arrays(workload, arch, single)
    check_recurrent(arch, groups)
    most = [most_copies(nodes) for nodes in groups]
    layers, flow, placement = choose_copies(workload, arch, single, most)
    layers = [settled(arch, layer, placement) for layer in layers]
    check_registers(workload.name, arch, layers)
    capacities, buffers = divide_buffers(placement, flow, arch.tile.buffer)
    rest = [n for n in workload if not n.is_product and n.kind not in MOVE_KINDS]
    return Plan(
        workload,
        arch,
        tuple(layers),
        tuple(describe_unmapped(n) for n in rest),
        flow,
        capacities,
        buffers,
        placement.tiles - placement.array_tiles,
    )


def _cut_layers(
    groups: Sequence[Sequence[Node]],
    arch: Arch,
    precisions: Sequence[LayerPrecision],
    signed: Mapping[str, bool],
) -> list[LayerPlan]:
    """Cut the matrix of each group of nodes with a common weight; one copy, at array 0."""
    layers = []
    for nodes, own in zip(groups, precisions, strict=True):
        first, bits = nodes[0], own.input_bits
        encoding = make_encoding(arch, own.weight_bits, own.weight_levels)
        is_signed = own.by_token or (signed.get(first.name, False) and not own.zero_point)
        layer = LayerPlan(
            first.name,
            first.kind,
            tuple(n.name for n in nodes),
            first.matrix,
            sum(n.positions for n in nodes),
            encoding,
            bits,
            make_input_coding(arch, bits, is_signed).reads,
            cut_matrix(first.matrix, encoding.columns, arch),
            1,
            0,
            0.0,
            arch.array.cols,
            arch.array.rows,
            1 if arch.array.input_sum == "column" else 0,
        )
        layers.append(replace(layer, slot=layer_slot(arch, layer)))
    return layers


def settled(arch: Arch, layer: LayerPlan, placement: Placement) -> LayerPlan:
    """Tell a layer where it lies."""
    starts = placement.starts[layer.name]
    here = replace(layer, first_array=starts[0])
    if starts[-1] - starts[0] != layer.arrays - layer.bundles[-1].col_blocks:
        here = replace(here, starts=starts)
    return replace(here, slot=layer_slot(arch, here))
