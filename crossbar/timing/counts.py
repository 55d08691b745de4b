"""How often each component acts in one inference: exact counts from the Plan alone.

The data decides only what `Activity` holds: the energy of the cells and the saturated conversions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import fsum

from crossbar.arch import Arch
from crossbar.circuit.isaac import WORD
from crossbar.mapping.dynamic import DYNAMIC
from crossbar.mapping.encode import Encoding
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.tiling import usable_columns
from crossbar.timing.traffic import Part, find_owners, find_parts, find_traffic, touched_outputs
from crossbar.workload.graph import MOVE_KINDS, Node
from crossbar.workload.work import UNITS, digital_work, is_known

__all__ = ["ACTIONS", "Activity", "Counts", "LayerCounts", "count", "sums_inputs", "unpriced_nodes"]


@dataclass(frozen=True)
class Activity:
    """What the data did, for one inference: the mean over the images that were run.

    Parameters
    ----------
    array_energy : mapping of str to float
        Energy of the cells [J], by layer.
    saturations : mapping of str to float
        Conversions that were clipped, by layer.
    images : int
        How many inferences the mean is over.
    """

    array_energy: Mapping[str, float]
    saturations: Mapping[str, float]
    images: int


@dataclass(frozen=True)
class LayerCounts:
    """Actions of one layer, with the operations that follow it, in one inference.

    Parameters
    ----------
    name : str
    array_reads : float
        Reads of a row group of an array.
    adc_conversions : float
        Columns converted, unit columns included; a pair subtracted as currents counts once.
    unit_conversions : float
        Those of unit columns among them.
    sample_holds : float
        Columns held: one for every conversion.
    dac_drives : float
        Rows driven in a read, of every array.
    shift_adds : float
        Samples added to their output: one for every conversion.
    input_sums : float
        Input bits counted into digital input sums; 0 where no column needs them.
    partial_sums : float
        Words that arrays hand to the tile's adder: each array's part of each of its outputs.
    input_register_bits : float
        Bits that input registers hand to DACs.
    output_register_bits : float
        Bits of partial sums through output registers, of the PE and of the tile alike.
    buffer_read_bits : float
        Bits read from tile buffers: windows anew for each position, once for every tile that needs
        them; and operands of sums that come from other layers.
    buffer_write_bits : float
        Bits written there: a layer's inputs, in every tile that holds part of it.
    bus_bits : float
        Bits between buffers and PEs: inputs there, partial sums back.
    router_bits : float
        Bits that leave the layer's tiles, times one hop.
    offchip_bits : float
        Bits through the chip's port.
    activations, pool_ops, adds : float
        Elements through the activation unit; into the comparator of max pooling; additions of
        residuals, of average pooling, of gates and masks.
    multiplies, softmax_ops, norm_ops : float
        Products of two activations, element by element; operations of softmax and of norms, as
        `crossbar.workload.operations` counts them.
    macs : float
        Multiply-accumulates of products of two activations, as in attention.
    embedding_reads : float
        Elements of embedding vectors that are fetched.
    runtime_writes : float
        Cells programmed during the inference, of layers whose matrix the network computes.
    saturations : float or None
        Conversions clipped; None when not measured.
    cell_writes : float
        Cells programmed to load the network, once; not part of an inference.
    """

    name: str
    array_reads: float
    adc_conversions: float
    unit_conversions: float
    sample_holds: float
    dac_drives: float
    shift_adds: float
    input_sums: float
    partial_sums: float
    input_register_bits: float
    output_register_bits: float
    buffer_read_bits: float
    buffer_write_bits: float
    bus_bits: float
    router_bits: float
    offchip_bits: float
    activations: float
    pool_ops: float
    adds: float
    multiplies: float
    softmax_ops: float
    norm_ops: float
    macs: float
    embedding_reads: float
    runtime_writes: float
    saturations: float | None
    cell_writes: float

    def to_dict(self) -> dict[str, float | None]:
        """Counts by action; whole numbers as ints."""
        return {action: _whole(getattr(self, action)) for action in ACTIONS}


ACTIONS = tuple(f.name for f in fields(LayerCounts) if f.name != "name")
"""Names of the counts."""


@dataclass(frozen=True)
class Counts:
    """Actions of one inference, layer by layer.

    Parameters
    ----------
    layers : tuple of LayerCounts
        In network order.
    """

    layers: tuple[LayerCounts, ...]

    def total(self, action: str) -> float | None:
        """Sum an action over the layers; None when it was not measured.

        Raises
        ------
        AttributeError
            If ``action`` is none of `ACTIONS`.
        """
        values = [getattr(layer, action) for layer in self.layers]
        return None if None in values else fsum(values)

    def to_dict(self) -> dict[str, float | None]:
        """Totals by action; whole numbers as ints."""
        return {action: _whole(self.total(action)) for action in ACTIONS}


def count(plan: Plan, activity: Activity | None = None) -> Counts:
    """Count the actions of one inference.

    Parameters
    ----------
    plan : Plan
    activity : Activity, optional
        For the saturated conversions.
    """
    owners = find_owners(plan)
    digital = {layer.name: dict.fromkeys(UNITS, 0) for layer in plan.layers}
    for node in plan.workload:
        owner = owners[node.name]
        if owner is not None:
            for action, operations in digital_work(node).items():
                digital[owner][action] += operations
    parts = {layer.name: find_parts(plan, layer) for layer in plan.layers}
    traffic = find_traffic(plan, parts)
    layers = []
    for layer in plan.layers:
        name = layer.name
        reads = _reads(layer, plan.arch)
        fed = _fed_bits(layer, parts[name])
        layers.append(
            LayerCounts(
                name=name,
                **reads,
                input_sums=fed if sums_inputs(plan.arch, layer.encoding) else 0,
                buffer_read_bits=fed + traffic.read.get(name, 0),
                buffer_write_bits=traffic.written.get(name, 0),
                bus_bits=fed + reads["output_register_bits"],
                router_bits=traffic.sent.get(name, 0),
                offchip_bits=traffic.offchip.get(name, 0),
                **digital[name],
                saturations=None if activity is None else activity.saturations.get(name),
            )
        )
    return Counts(tuple(layers))


def sums_inputs(arch: Arch, encoding: Encoding) -> bool:
    """Whether digital input sums are needed: to remove an offset or to undo flipped columns."""
    array = arch.array
    return array.input_sum == "digital" and (encoding.offset != 0 or array.flip_columns)


def unpriced_nodes(plan: Plan) -> tuple[Node, ...]:
    """Nodes that compute something for which no unit and no price is modelled."""
    return tuple(
        node
        for node in plan.workload
        if not (node.is_product or node.kind in MOVE_KINDS or is_known(node))
    )


def _reads(layer: LayerPlan, arch: Arch) -> dict[str, float]:
    """Count what follows from the layer's own arrays, whatever tile they are in."""
    width, encoding = usable_columns(arch), layer.encoding
    group_reads = conversions = units = rows = words = cells = 0
    for b in layer.bundles:
        n_groups = len(b.row_groups)
        group_reads += n_groups * b.col_blocks
        conversions += n_groups * b.outputs * encoding.conversions
        units += n_groups * b.col_blocks * layer.unit_columns
        rows += b.rows * b.col_blocks
        words += b.row_blocks * sum(touched_outputs(b.columns, encoding.columns, width))
        cells += b.rows * (b.columns + b.col_blocks * layer.unit_columns)
    reads = layer.reads * layer.positions
    converted = (conversions + units) * reads
    return {
        "array_reads": group_reads * reads,
        "adc_conversions": converted,
        "unit_conversions": units * reads,
        "sample_holds": converted,
        "dac_drives": rows * reads,
        "shift_adds": converted,
        "partial_sums": words * layer.positions,
        "input_register_bits": rows * layer.input_bits * layer.positions,
        "output_register_bits": words * WORD * layer.positions,
        "runtime_writes": cells if layer.kind == DYNAMIC else 0,
        "cell_writes": 0 if layer.kind == DYNAMIC else cells * layer.replicas,
    }


def _fed_bits(layer: LayerPlan, parts: tuple[Part, ...]) -> int:
    """Bits of input vectors read from the buffers of all tiles that need them."""
    return sum(part.rows * part.positions for part in parts) * layer.input_bits


def _whole(value: float | None) -> float | None:
    return int(value) if value is not None and float(value).is_integer() else value
