"""The Plan: what sits where on the chip, for a workload and an arch; no weights, no values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar.arch import Arch
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle
from crossbar.workload.graph import Matrix, Node, Workload

__all__ = ["LayerPlan", "Plan", "Unmapped"]


@dataclass(frozen=True)
class LayerPlan:
    """One layer on crossbars.

    Parameters
    ----------
    name, kind : str
    nodes : tuple of str
        Workload nodes that use its arrays; more than one when a weight is shared.
    matrix : Matrix
    positions : int
        Input vectors of one inference, over all its nodes.
    encoding : Encoding
    input_bits : int
    reads : int
        Reads of one row group for one input vector (signed inputs may take one more).
    bundles : tuple of Bundle
    replicas : int
    first_array : int
        Number of its first array on the chip; copies follow one another.
    slot : float
        [s] time of one read.
    cols : int
        Physical columns of one array.
    rows : int
        Physical rows of one array.
    unit_columns : int
        Columns of an array that sum the inputs (0 or 1).
    collapsed : float or None
        Share of the columns that provably cannot clip in any row group and are computed as an
        integer matrix product; None until weights are mapped.
    """

    name: str
    kind: str
    nodes: tuple[str, ...]
    matrix: Matrix
    positions: int
    encoding: Encoding
    input_bits: int
    reads: int
    bundles: tuple[Bundle, ...]
    replicas: int
    first_array: int
    slot: float
    cols: int
    rows: int
    unit_columns: int
    collapsed: float | None = None
    mapped: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Inputs and outputs of the whole layer."""
        m = self.matrix
        return m.groups * m.rows, m.groups * m.cols

    @property
    def arrays_per_copy(self) -> int:
        """Arrays that hold the layer once."""
        return sum(b.arrays for b in self.bundles)

    @property
    def arrays(self) -> int:
        """Arrays of all copies."""
        return self.arrays_per_copy * self.replicas

    @property
    def groups_per_array(self) -> int:
        """Row groups that the fullest array reads one after the other."""
        counts: dict[tuple[int, int], int] = {}
        for i, bundle in enumerate(self.bundles):
            for group in bundle.row_groups:
                counts[i, group.block] = counts.get((i, group.block), 0) + 1
        return max(counts.values())

    @property
    def slots(self) -> int:
        """Read slots of one copy for one inference when all go through one copy."""
        return self.positions * self.reads * self.groups_per_array

    @property
    def cells_used(self) -> int:
        """Cells that hold weights, in all copies; unit columns and empty corners do not."""
        m = self.matrix
        return self.replicas * m.groups * m.rows * m.cols * self.encoding.columns

    @property
    def cells_placed(self) -> int:
        """Cells of all its arrays."""
        return self.arrays * self.rows * self.cols

    @property
    def utilisation(self) -> float:
        """Used over placed cells, 0..1."""
        return self.cells_used / self.cells_placed

    def bundle_arrays(self, copy: int) -> list[int]:
        """Number of the first array of each bundle in copy ``copy``."""
        first = self.first_array + copy * self.arrays_per_copy
        starts = []
        for bundle in self.bundles:
            starts.append(first)
            first += bundle.arrays
        return starts


@dataclass(frozen=True)
class Unmapped:
    """A node that runs outside the arrays.

    Parameters
    ----------
    name, kind : str
    operator : str
        Its name in the framework.
    operations : int
        Scalar operations of one inference.
    weights : int
        Weights that it holds and that are on no crossbar.
    why : str
        Why it is not on crossbars.
    """

    name: str
    kind: str
    operator: str
    operations: int
    weights: int
    why: str
    mapped: bool = False


@dataclass(frozen=True)
class Plan:
    """A workload placed on an arch.  Prints as a table.

    Parameters
    ----------
    workload : Workload
    arch : Arch
    layers : tuple of LayerPlan
        In network order; arrays are handed out in this order, so PEs and tiles are shared by
        neighbours.
    unmapped : tuple of Unmapped
    """

    workload: Workload
    arch: Arch
    layers: tuple[LayerPlan, ...]
    unmapped: tuple[Unmapped, ...] = field(default=())

    def __getitem__(self, name: str) -> LayerPlan:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def arrays(self) -> int:
        """Arrays used."""
        return sum(layer.arrays for layer in self.layers)

    @property
    def pes(self) -> int:
        """PEs used, wholly or in part."""
        return -(-self.arrays // self.arch.pe.arrays)

    @property
    def tiles(self) -> int:
        """Tiles used, wholly or in part."""
        return -(-self.arrays // (self.arch.pe.arrays * self.arch.tile.pes))

    @property
    def chip_tiles(self) -> int:
        """Tiles of the chip, idle ones included."""
        return self.tiles if self.arch.chip.tiles == "auto" else int(self.arch.chip.tiles)

    @property
    def utilisation(self) -> float:
        """Used over placed cells, 0..1."""
        placed = sum(layer.cells_placed for layer in self.layers)
        return sum(layer.cells_used for layer in self.layers) / placed if placed else 0.0

    def tiles_of(self, layer: LayerPlan) -> range:
        """Tiles that hold part of the layer."""
        per_tile = self.arch.pe.arrays * self.arch.tile.pes
        last = layer.first_array + layer.arrays - 1
        return range(layer.first_array // per_tile, last // per_tile + 1)

    def __str__(self) -> str:
        from crossbar.mapping.plan_text import plan_table

        return plan_table(self)

    def to_dict(self) -> Mapping[str, Any]:
        """Totals and one row a layer, JSON-able."""
        rows = [
            {
                "name": x.name,
                "kind": x.kind,
                "mapped": True,
                "shape": list(x.shape),
                "groups": x.matrix.groups,
                "positions": x.positions,
                "replicas": x.replicas,
                "arrays": x.arrays,
                "tiles": [self.tiles_of(x).start, self.tiles_of(x).stop - 1],
                "utilisation": x.utilisation,
                "collapsed": x.collapsed,
            }
            for x in self.layers
        ]
        return {
            "workload": self.workload.name,
            "arch": self.arch.name,
            "arrays": self.arrays,
            "pes": self.pes,
            "tiles": self.tiles,
            "chip_tiles": self.chip_tiles,
            "utilisation": self.utilisation,
            "layers": rows,
            "unmapped": [vars(u) for u in self.unmapped],
        }


def describe_unmapped(node: Node) -> Unmapped:
    """Say why a node that is no product runs outside the arrays."""
    weights = int(node.attrs.get("weights", 0))
    if node.kind == "other":
        why = "holds weights of a kind not mapped" if weights else "not known to the digital units"
    else:
        why = "no constant weight matrix"
    operator = str(node.attrs.get("operator", node.kind))
    return Unmapped(node.name, node.kind, operator, node.operations, weights, why)
