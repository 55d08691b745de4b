"""The Plan: what sits where on the chip, for a workload and an arch; no weights, no values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle
from crossbar.mapping.unmapped import Unmapped
from crossbar.mapping.widths import value_widths
from crossbar.workload.graph import Matrix, Workload

if TYPE_CHECKING:
    from crossbar.mapping.buffers import LayerBuffer
    from crossbar.mapping.flow import Flow

__all__ = ["LayerPlan", "Plan"]


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
        Number of its first array on the chip.
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
    path : str or None
        How its columns are computed: ``"integer"`` product, ``"popcount"`` of bit planes, partial
        sum ``"tables"`` or matrix ``"products"`` of conductances; None until weights are mapped.
    starts : tuple of int
        First array of every row block, copy by copy and bundle by bundle, where arrays were left
        out because a tile's buffer was full; empty where all of them follow one another.
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
    starts: tuple[int, ...] = ()
    path: str | None = None

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

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        """Arrays of a copy before each of its row blocks."""
        sizes = np.concatenate([np.full(b.row_blocks, b.col_blocks) for b in self.bundles])
        offsets: NDArray[np.int64] = np.cumsum(sizes, dtype=np.int64) - sizes
        return offsets

    def row_block_arrays(self, copy: int) -> NDArray[np.int64]:
        """Number of the first array of each row block in copy ``copy``, bundle by bundle.

        The others of a row block, one for each column block, follow.
        """
        if not self.starts:
            return self.first_array + copy * self.arrays_per_copy + self._offsets
        count = self._offsets.size
        return self._starts[copy * count : (copy + 1) * count]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.array(self.starts, np.int64)

    @property
    def end_array(self) -> int:
        """Number of the array after its last one."""
        return int(self.row_block_arrays(self.replicas - 1)[-1]) + self.bundles[-1].col_blocks

    @property
    def split_copies(self) -> int:
        """Copies that go on in the next tile with arrays left in one: its buffer is full."""
        if not self.starts:
            return 0
        starts = self._starts.reshape(self.replicas, -1)
        apart = starts - starts[:, :1] != self._offsets
        return int(apart.any(1).sum())

    def bundle_blocks(self, copy: int) -> list[NDArray[np.int64]]:
        """`row_block_arrays`, apart for each bundle."""
        starts, first = self.row_block_arrays(copy), 0
        parts = []
        for bundle in self.bundles:
            parts.append(starts[first : first + bundle.row_blocks])
            first += bundle.row_blocks
        return parts


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
    flow : Flow
        Which positions of which copies wait for which.
    capacities : mapping of (str, int, int) to int
        Pixels that buffers hold of each operand of each copy of each layer or join: by name, copy
        and `Claim.operand`.  Operands that need no buffer are absent.
    buffers : mapping of str to LayerBuffer
        Bytes of the buffers, by layer.
    lending_tiles : int
        Tiles after those with arrays, whose buffers hold what had no room there.
    notes : tuple of str
        What the capture of the network could not see.
    """

    workload: Workload
    arch: Arch
    layers: tuple[LayerPlan, ...]
    unmapped: tuple[Unmapped, ...]
    flow: Flow = field(compare=False, repr=False)
    capacities: Mapping[tuple[str, int, int], int] = field(compare=False, repr=False)
    buffers: Mapping[str, LayerBuffer] = field(compare=False, repr=False)
    lending_tiles: int = 0
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> LayerPlan:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @cached_property
    def widths(self) -> Mapping[str, int]:
        """Bits of one element of each node's result (`crossbar.mapping.widths`)."""
        return value_widths(self.workload, self.layers)

    @property
    def arrays(self) -> int:
        """Arrays used."""
        return sum(layer.arrays for layer in self.layers)

    @property
    def pes(self) -> int:
        """PEs with arrays that are used."""
        size, found, last = self.arch.pe.arrays, 0, -1
        for first, end in self._stretches:
            found += max(0, (end - 1) // size - max(first // size - 1, last))
            last = (end - 1) // size
        return found

    @property
    def tiles(self) -> int:
        """Tiles used, wholly or in part."""
        end = max(layer.end_array for layer in self.layers)
        return -(-end // (self.arch.pe.arrays * self.arch.tile.pes)) + self.lending_tiles

    @property
    def skipped_arrays(self) -> int:
        """Arrays that are left empty because the buffers of their tiles are full."""
        return max(layer.end_array for layer in self.layers) - self.arrays

    @property
    def skipped_pes(self) -> int:
        """PEs of which all arrays are left empty, before the last one in use."""
        end = max(layer.end_array for layer in self.layers)
        return -(-end // self.arch.pe.arrays) - self.pes

    @property
    def _stretches(self) -> list[tuple[int, int]]:
        """Arrays in use, first and end of each stretch, in ascending order."""
        found = []
        for layer in self.layers:
            if not layer.starts:
                found.append((layer.first_array, layer.end_array))
                continue
            across = [b.col_blocks for b in layer.bundles for _ in range(b.row_blocks)]
            sizes = across * layer.replicas
            found += [(first, first + n) for first, n in zip(layer.starts, sizes, strict=True)]
        return found

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
        return range(layer.first_array // per_tile, (layer.end_array - 1) // per_tile + 1)

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
                "buffer": {"need": self.buffers[x.name].need, "given": self.buffers[x.name].given},
                "split_copies": x.split_copies,
                "collapsed": x.collapsed,
                "path": x.path,
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
            "skipped_arrays": self.skipped_arrays,
            "utilisation": self.utilisation,
            "layers": rows,
            "unmapped": [vars(u) for u in self.unmapped],
            "notes": list(self.notes),
        }
