"""The full nodal network of an array, every node of every wire: the judge of the fast solvers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu


@dataclass
class Wires:
    r_row: float = 0.0
    r_col: float = 0.0
    r_driver: float = 0.0
    r_sense: float = 0.0
    both_ends: bool = False


@dataclass
class Network:
    """Links between nodes; the first ``rows`` nodes are drivers, the next ``cols`` grounds."""

    links: list  # (node, node, conductance)
    nodes: int
    rows: int
    cols: int


def network(g, wires, number=float):
    """Row and column nodes of every cell; a resistance of 0 makes two nodes one."""
    rows, cols = g.shape
    first_x = rows + cols
    first_y = first_x + rows * cols
    x = first_x + np.arange(rows * cols).reshape(rows, cols)
    y = first_y + np.arange(rows * cols).reshape(rows, cols)
    links, same = [], list(range(first_y + rows * cols))

    def find(a):
        while same[a] != a:
            a = same[a]
        return a

    def wire(a, b, resistance):
        if resistance == 0:
            low, high = sorted((find(a), find(b)))
            same[high] = low
        else:
            links.append((a, b, 1 / number(resistance)))

    first = number(wires.r_driver) + number(wires.r_row)
    for r in range(rows):
        wire(r, int(x[r, 0]), first)
        if wires.both_ends:
            wire(r, int(x[r, -1]), first)
        for c in range(cols - 1):
            wire(int(x[r, c]), int(x[r, c + 1]), wires.r_row)
    for c in range(cols):
        wire(int(y[-1, c]), rows + c, number(wires.r_col) + number(wires.r_sense))
        for r in range(rows - 1):
            wire(int(y[r, c]), int(y[r + 1, c]), wires.r_col)
    links += [
        (int(x[r, c]), int(y[r, c]), number(float(g[r, c])))
        for r in range(rows)
        for c in range(cols)
        if g[r, c]
    ]
    return Network([(find(a), find(b), w) for a, b, w in links], len(same), rows, cols)


def _laplacian(net):
    a, b, w = (np.array(column) for column in zip(*net.links, strict=True))
    i, j = np.concatenate([a, b, a, b]), np.concatenate([b, a, a, b])
    return sparse.csc_matrix((np.concatenate([-w, -w, w, w]), (i, j)), (net.nodes,) * 2)


def _currents(net, volts):
    """Currents into each node, link by link."""
    a, b, w = (np.array(column) for column in zip(*net.links, strict=True))
    flow = w[:, None] * (volts[a] - volts[b])
    gather = sparse.csr_matrix(
        (np.repeat([1.0, -1.0], len(a)), (np.concatenate([b, a]), np.tile(np.arange(len(a)), 2))),
        (net.nodes, len(a)),
    )
    return gather @ flow


def solved(g, wires):
    """``(g_eff, y, power)``: exact to the precision of a sparse LU.

    ``power[r]``: what all resistances and cells together dissipate with 1 V at driver r alone.
    """
    net = network(g, wires)
    rows, cols = g.shape
    if not net.links:
        return np.zeros((rows, cols)), np.zeros((rows, rows)), np.zeros(rows)
    matrix = _laplacian(net)
    ports = rows + cols
    free = ports + np.flatnonzero(matrix.diagonal()[ports:] > 0)
    volts = np.zeros((net.nodes, rows))
    volts[:rows] = np.eye(rows)
    if free.size:
        inside = matrix[free][:, free].tocsc()
        options = {"SymmetricMode": True}
        lu = splu(inside, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
        volts[free] = lu.solve(-matrix[free][:, :rows].toarray())
        for _ in range(2):  # the diagonal has lost small cells beside large wires: links have not
            volts[free] += lu.solve(_currents(net, volts)[free])
    out = _currents(net, volts)[:ports]
    g_eff = out[rows:].T
    among = out[:rows].copy()
    np.fill_diagonal(among, 0.0)
    y = np.diag(g_eff.sum(1) + among.sum(1)) - among  # sums of positive numbers only
    a, b, w = (np.array(column) for column in zip(*net.links, strict=True))
    power = (w[:, None] * (volts[a] - volts[b]) ** 2).sum(0)
    return g_eff, y, power


def solved_exactly(g, wires):
    """``(g_eff, y)`` in rational numbers, by eliminating node after node; for tiny arrays."""
    net = network(g, wires, Fraction)
    rows, cols = g.shape
    neighbours = {node: {} for node in range(net.nodes)}
    for a, b, w in net.links:
        neighbours[a][b] = neighbours[b][a] = neighbours[a].get(b, 0) + w
    for node in range(rows + cols, net.nodes):
        star = neighbours.pop(node)
        total = sum(star.values())
        for a, w_a in star.items():
            del neighbours[a][node]
            for b, w_b in star.items():
                if a != b:
                    neighbours[a][b] = neighbours[a].get(b, 0) + w_a * w_b / total
    g_eff = np.array(
        [[float(neighbours[r].get(rows + c, 0)) for c in range(cols)] for r in range(rows)]
    )
    y = np.array([[-float(neighbours[r].get(k, 0)) for k in range(rows)] for r in range(rows)])
    np.fill_diagonal(y, [float(sum(neighbours[r].values())) for r in range(rows)])
    return g_eff, y
