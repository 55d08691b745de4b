"""A grid of cells between row and column wires, reduced to its edges by joining ever larger blocks.

A block of cells is a network among the ends of its wires: left, right, top, bottom.  Cells are
joined to pairs, pairs to squares and so on; each join eliminates the wire ends along the common
edge, for all blocks of a level at once.  That is nested dissection: about 60 n^3 operations for
n x n cells where a sweep row by row takes 3 n^4, and the last block holds the currents at the
grounds and at the drivers together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.wires_mesh import mesh, star_mesh

__all__ = ["Block", "reduce_grid"]

_NODE_BY_NODE = 2  # longest common edge taken node by node, vectorised over the blocks

Array = NDArray[np.float64]
Ports = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Block:
    """Blocks of one size side by side.

    Parameters
    ----------
    links : float64[ports, ports, down, across], or [down, across, ports, ports]      [S]
        Diagonal of the ports not read.
    left, right, top, bottom : int[height] or [width]
        Which port is which wire's end; empty where nothing lies beyond that edge.
    ports_first : bool
        The order of the axes: ports first while blocks are many and small.
    """

    links: Array
    left: Ports
    right: Ports
    top: Ports
    bottom: Ports
    ports_first: bool = True

    @property
    def ports(self) -> int:
        """Ports of one block."""
        return len(self.left) + len(self.right) + len(self.top) + len(self.bottom)

    def part(self, down: slice, across: slice) -> Block:
        """Some of the blocks."""
        at = (slice(None), slice(None), down, across) if self.ports_first else (down, across)
        return self._with(self.links[at], self.ports_first)

    def blocks_first(self) -> Block:
        """Put the ports last, as matrix products want them."""
        if not self.ports_first:
            return self
        return self._with(np.ascontiguousarray(np.moveaxis(self.links, (0, 1), (2, 3))), False)

    def _with(self, links: Array, ports_first: bool) -> Block:
        return Block(links, self.left, self.right, self.top, self.bottom, ports_first)


def _cells(g: Array, r_row: float, below: Array, has_right: bool, has_top: bool) -> Block:
    """Single cells, each with the wire on its left and the wire below it.

    Where nothing lies beyond, the wire's resistance is in series with the cell.
    """
    down = below[:, None]
    cell = g / (1.0 + g * ((0.0 if has_right else r_row) + (0.0 if has_top else down)))
    names = ["left", *["right"] * has_right, *["top"] * has_top, "bottom"]
    port = {name: np.array([k], dtype=np.intp) for k, name in enumerate(names)}
    none = np.empty(0, dtype=np.intp)
    links = np.zeros((len(names), len(names), *g.shape))

    def link(a: str, b: str, conductance: Array | float) -> None:
        i, j = names.index(a), names.index(b)
        links[i, j] = links[j, i] = conductance

    link("right" if has_right else "left", "top" if has_top else "bottom", cell)
    if has_right:
        link("left", "right", 1.0 / r_row)
    if has_top:
        link("top", "bottom", 1.0 / down)
    return Block(
        links, port["left"], port.get("right", none), port.get("top", none), port["bottom"]
    )


def _sorted(block: Block, order: Ports, ports_first: bool) -> Array:
    """Links of the blocks with their ports in another order."""
    if ports_first:
        chosen: Array = block.links[np.ix_(order, order)]
        return chosen
    links = block.blocks_first().links
    down, across, ports, _ = links.shape
    flat = (order[:, None] * ports + order).ravel()
    chosen = links.reshape(down, across, ports * ports).take(flat, axis=2)
    return chosen.reshape(links.shape)


def _join(a: Block, b: Block, across: bool) -> Block:
    """Join each block of ``a`` with its neighbour of ``b``: right of it (``across``) or below."""
    gone_a, gone_b = (a.right, b.left) if across else (a.bottom, b.top)
    kept_a = np.delete(np.arange(a.ports), gone_a)
    kept_b = np.delete(np.arange(b.ports), gone_b)
    gone, split = len(gone_a), len(kept_a)
    kept = split + len(kept_b)
    small = gone <= _NODE_BY_NODE and a.ports_first and b.ports_first
    links_a = _sorted(a, np.concatenate([gone_a, kept_a]), small)
    links_b = _sorted(b, np.concatenate([gone_b, kept_b]), small)
    if small:
        end = gone + split
        links = np.zeros((gone + kept, gone + kept, *links_a.shape[2:]))
        links[:end, :end] = links_a
        links[:gone, :gone] += links_b[:gone, :gone]
        links[:gone, end:] = links_b[:gone, gone:]
        links[end:, end:] = links_b[gone:, gone:]
        links = star_mesh(links, gone)
    else:
        cross = np.concatenate([x[..., :gone, gone:] for x in (links_a, links_b)], axis=-1)
        links = mesh(links_a[..., :gone, :gone] + links_b[..., :gone, :gone], cross)
        links[..., :split, :split] += links_a[..., gone:, gone:]
        links[..., split:, split:] += links_b[..., gone:, gone:]
    now_a, now_b = np.zeros(a.ports, dtype=np.intp), np.zeros(b.ports, dtype=np.intp)
    now_a[kept_a] = np.arange(split)
    now_b[kept_b] = np.arange(split, kept)

    def both(name: str) -> Ports:
        return np.concatenate([now_a[getattr(a, name)], now_b[getattr(b, name)]])

    if across:
        return Block(links, now_a[a.left], now_b[b.right], both("top"), both("bottom"), small)
    return Block(links, both("left"), both("right"), now_a[a.top], now_b[b.bottom], small)


_ALL = slice(None)


def _join_across(body: Block, edge: Block, count: int) -> tuple[Block, Block]:
    """Pair ``count`` columns of blocks; an odd one out goes to the column at the right edge."""
    odd = count % 2
    if odd:
        edge = _join(body.part(_ALL, slice(count - 1, count)), edge, True)
    even, next_ = slice(0, count - odd, 2), slice(1, count - odd, 2)
    paired = body.part(_ALL, even)
    return _join(paired, body.part(_ALL, next_), True) if count > 1 else paired, edge


def _join_down(edge: Block, body: Block, count: int) -> tuple[Block, Block]:
    """Pair ``count`` rows of blocks; an odd one out goes to the row at the top edge."""
    odd = count % 2
    if odd:
        edge = _join(edge, body.part(slice(0, 1), _ALL), False)
    even, next_ = slice(odd, count, 2), slice(odd + 1, count, 2)
    paired = body.part(even, _ALL)
    return edge, _join(paired, body.part(next_, _ALL), False) if count > 1 else paired


def reduce_grid(g: Array, r_row: float, below: Array, both_ends: bool) -> Block:
    """One block that has only the ends of the wires left.

    Parameters
    ----------
    g : float64[rows, cols]      [S]
    r_row : float      [ohm]
        Wire on the left of each cell, above 0.
    below : float64[rows]      [ohm]
        Wire below the cells of each row, above 0.
    both_ends : bool
        Keep the right ends of the rows (at their last cells) too.

    Returns
    -------
    Block
        Its ``links`` are float64[ports, ports]; ``left``, ``bottom`` and, with ``both_ends``,
        ``right`` name them.
    """
    rows, cols = g.shape
    downs, acrosses = (slice(0, 1), slice(1, None)), (slice(0, -1), slice(-1, None))
    (top, top_right), (body, right) = (
        [
            _cells(g[down, across], r_row, below[down], both_ends or not at_right, not at_top)
            for across, at_right in zip(acrosses, (False, True), strict=True)
        ]
        for down, at_top in zip(downs, (True, False), strict=True)
    )
    down, across = rows - 1, cols - 1  # blocks beside those at the top and at the right edge
    while down or across:
        if across:
            top, top_right = _join_across(top, top_right, across)
            body, right = _join_across(body, right, across)
            across //= 2
        if down:
            top, body = _join_down(top, body, down)
            top_right, right = _join_down(top_right, right, down)
            down //= 2
    last = top_right.blocks_first()
    return Block(last.links[0, 0], last.left, last.right, last.top, last.bottom, False)
