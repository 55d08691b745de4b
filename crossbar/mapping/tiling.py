"""Cut a layer's matrix into arrays: bundles of groups, row blocks, row groups, column blocks.

Terms: an array's *row block* is the stretch of inputs on its wordlines; a *row group* is the part
of it that is driven in one read (``array.rows_per_read``).  The physical columns of a bundle lie
side by side, column ``n * S + j`` holds slice j of output n, and array ``k`` takes columns ``k *
cols .. ``; a weight's slices may therefore straddle two arrays, which is what the published array
counts assume.
"""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.arch import Arch
from crossbar.workload.graph import Matrix

__all__ = ["Bundle", "RowGroup", "cut_matrix", "reference_column", "usable_columns"]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows ``start .. start + rows`` of a bundle, read together, in array row block ``block``."""

    block: int
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Groups of a layer that are programmed together as one block-diagonal matrix.

    Parameters
    ----------
    first_group, groups : int
        Which groups of the layer.
    rows, outputs : int
        Size of the bundle's matrix: ``groups * matrix.rows`` by ``groups * matrix.cols``.
    columns : int
        Physical columns used, without unit columns.
    row_blocks, col_blocks : int
        Arrays down and across.
    row_groups : tuple of RowGroup
    """

    first_group: int
    groups: int
    rows: int
    outputs: int
    columns: int
    row_blocks: int
    col_blocks: int
    row_groups: tuple[RowGroup, ...]

    @property
    def arrays(self) -> int:
        """Arrays that hold the bundle once."""
        return self.row_blocks * self.col_blocks


def reference_column(arch: Arch) -> bool:
    """Whether the last column of an array is a reference, subtracted before the conversion.

    Where currents of pairs are subtracted anyway, their pedestals cancel without one.
    """
    return arch.cell.pedestal == "reference" and arch.array.subtract != "analog"


def usable_columns(arch: Arch) -> int:
    """Columns of an array that hold weights.

    One fewer when a unit column sums the inputs, and one fewer for a reference column; an even
    number when the currents of pairs of columns are subtracted, which must lie in one array.
    """
    columns = arch.array.cols - (1 if arch.array.input_sum == "column" else 0)
    columns -= int(reference_column(arch))
    return columns - columns % 2 if arch.array.subtract == "analog" else columns


def _row_groups(rows: int, array_rows: int, per_read: int) -> tuple[RowGroup, ...]:
    groups = []
    for block, block_start in enumerate(range(0, rows, array_rows)):
        block_end = min(rows, block_start + array_rows)
        for start in range(block_start, block_end, per_read):
            groups.append(RowGroup(block, start, min(per_read, block_end - start)))
    return tuple(groups)


def cut_matrix(matrix: Matrix, slices: int, arch: Arch) -> tuple[Bundle, ...]:
    """Cut ``matrix`` with ``slices`` columns a weight into bundles.

    Groups of a grouped convolution share arrays along the diagonal as far as rows and columns
    reach: their inputs drive different rows, so one read serves them all; the cells off the
    diagonal store 0.  A unit column (``array.input_sum: column``) would add up the inputs of all
    of them, so there each group has arrays of its own.
    """
    cols = usable_columns(arch)
    fit = min(arch.array.rows // matrix.rows, cols // (matrix.cols * slices))
    if arch.array.input_sum == "column":
        fit = 1
    size = max(1, min(matrix.groups, fit))
    bundles = []
    for first in range(0, matrix.groups, size):
        groups = min(size, matrix.groups - first)
        rows, outputs = groups * matrix.rows, groups * matrix.cols
        columns = outputs * slices
        bundles.append(
            Bundle(
                first,
                groups,
                rows,
                outputs,
                columns,
                -(-rows // arch.array.rows),
                -(-columns // cols),
                _row_groups(rows, arch.array.rows, arch.array.rows_per_read or arch.array.rows),
            )
        )
    return tuple(bundles)
