"""Which arrays and which buffers hold what: a tile takes row blocks while its buffer has room.

Arrays are handed out in network order.  In every tile that holds part of a copy lies a window of
the copy's input, in the channels of the row blocks that are there; a row block whose window does
not fit begins at the next tile.  Operands of joins are put where there is room when all row blocks
have their place, as near as possible to the copy that joins them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from crossbar.arch import Arch
from crossbar.mapping.flow import Flow
from crossbar.mapping.plan import LayerPlan
from crossbar.workload.graph import Workload

__all__ = ["Placement", "Share", "largest_blocks", "place"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one tile holds of one claim.

    Parameters
    ----------
    claim : int
    tile : int
    need : int
        Bytes.
    bits : int
        Of one pixel, as far as it lies here, times ``parts``.
    parts : int
        Whole number that makes ``bits`` one.
    """

    claim: int
    tile: int
    need: int
    bits: int
    parts: int

    def pixels(self, given: int) -> int:
        """Pixels for which so many bytes are enough."""
        return given * 8 * self.parts // self.bits


@dataclass(slots=True)
class Placement:
    """Where everything lies, on a chip with as many tiles as that takes.

    Parameters
    ----------
    starts : dict of str to tuple of int
        For each layer, the first array of every row block, copy by copy.
    shares : list of Share
        Of every product, then of the joins.
    array_tiles : int
        Tiles in which arrays are used.
    tiles : int
        Those, and the ones after them that only lend their buffer.
    too_large : tuple of str
        Layers with a row block whose window no empty buffer holds.
    """

    starts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    array_tiles: int = 0
    tiles: int = 0
    too_large: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Window:
    """What a copy keeps of its inputs: ``need[i]`` bits of claim ``i``, in all channels together.

    ``pixel[i]`` are the bits of one pixel of it.
    """

    claims: tuple[int, ...]
    need: tuple[int, ...]
    pixel: tuple[int, ...]
    channels: int

    def bytes_of(self, channels: int) -> int:
        """Bytes that so many of the channels take."""
        return sum(-(-need * channels // (8 * self.channels)) for need in self.need)

    def shares(self, tile: int, channels: int) -> list[Share]:
        """Write down what they take in a tile."""
        each = zip(self.claims, self.need, self.pixel, strict=True)
        return [
            Share(
                claim,
                tile,
                -(-need * channels // (8 * self.channels)),
                pixel * channels,
                self.channels,
            )
            for claim, need, pixel in each
        ]


def _taps(workload: Workload, layer: LayerPlan) -> int:
    """Rows of the matrix that one input channel takes."""
    return prod(workload[layer.nodes[0]].attrs.get("kernel", ()))


def _block_channels(workload: Workload, layer: LayerPlan) -> list[list[tuple[int, int]]]:
    """First and last input channel of each row block, by bundle; a bundle's first one is 0."""
    taps = _taps(workload, layer)
    return [
        [
            (first // taps, (min(first + layer.rows, bundle.rows) - 1) // taps)
            for first in range(0, bundle.rows, layer.rows)
        ]
        for bundle in layer.bundles
    ]


def _windows(
    workload: Workload, layers: Sequence[LayerPlan], flow: Flow
) -> dict[str, list[_Window]]:
    """Gather the claims of each layer, by copy.

    Inputs of the network pass through buffers as well, although nobody is blocked by them.
    """
    by_task: dict[int, list[int]] = defaultdict(list)
    for number, claim in enumerate(flow.claims):
        by_task[claim.task].append(number)
    by_name = {layer.name: layer for layer in layers}
    needs = flow.needs.tolist()
    found: dict[str, list[_Window]] = defaultdict(list)
    for number, task in enumerate(flow.tasks):
        if not task.is_join:
            layer = by_name[task.layer]
            claims = by_task[number]
            pixel = [flow.claims[c].elements * layer.input_bits for c in claims]
            need = [needs[c] * bits for c, bits in zip(claims, pixel, strict=True)]
            channels = layer.matrix.groups * layer.matrix.rows // _taps(workload, layer)
            found[layer.name].append(_Window(tuple(claims), tuple(need), tuple(pixel), channels))
    return found


def largest_blocks(workload: Workload, layers: Sequence[LayerPlan], flow: Flow) -> dict[str, int]:
    """Bytes of the largest window of a single row block, by layer: buffers must hold no less."""
    windows = _windows(workload, layers, flow)
    found = {}
    for layer in layers:
        blocks = _block_channels(workload, layer)
        widest = max(high - low + 1 for bundle in blocks for low, high in bundle)
        found[layer.name] = max(window.bytes_of(widest) for window in windows[layer.name])
    return found


def place(workload: Workload, arch: Arch, layers: Sequence[LayerPlan], flow: Flow) -> Placement:
    """Hand out arrays and buffers.

    Parameters
    ----------
    workload : Workload
    arch : Arch
    layers : sequence of LayerPlan
        With their copies.
    flow : Flow
        Of these layers.
    """
    windows = _windows(workload, layers, flow)
    fill = _Fill(arch.tile.pes * arch.pe.arrays, arch.tile.buffer)
    homes: dict[tuple[str, int], range] = {}
    placement = Placement()
    for layer in layers:
        blocks = _block_channels(workload, layer)
        starts: list[int] = []
        fill.refused = False
        for copy, window in enumerate(windows[layer.name]):
            before = len(starts)
            for bundle, channels in zip(layer.bundles, blocks, strict=True):
                starts += fill.bundle(window, channels, bundle.col_blocks)
            fill.close(window)
            first, last = starts[before] // fill.per_tile, (fill.array - 1) // fill.per_tile
            homes[layer.name, copy] = range(first, last + 1)
        placement.starts[layer.name] = tuple(starts)
        if fill.refused:
            placement.too_large += (layer.name,)
    placement.shares = fill.shares
    placement.array_tiles = -(-fill.array // fill.per_tile)
    placement.tiles = _place_joins(placement, arch.tile.buffer, flow, homes, layers)
    return placement


class _Fill:
    """Tiles being filled, one after the other.

    Parameters
    ----------
    per_tile : int
        Arrays of a tile.
    buffer : int
        Bytes of its buffer.
    """

    def __init__(self, per_tile: int, buffer: int) -> None:
        self.per_tile = per_tile
        self.buffer = buffer
        self.array = 0
        """The next one."""
        self.shares: list[Share] = []
        self.refused = False
        """Whether a row block did not fit an empty buffer."""
        self._tile = 0
        self._used = 0  # bytes that other copies have here
        self._channels = 0  # of the copy's row blocks that are here

    def close(self, window: _Window) -> None:
        """Write down what the copy has in this tile: it is complete, or goes on in the next."""
        if self._channels:
            mine = window.shares(self._tile, self._channels)
            self.shares += mine
            self._used += sum(share.need for share in mine)
            self._channels = 0

    def _go_to(self, tile: int, window: _Window) -> None:
        self.close(window)
        self._tile, self._used = tile, 0

    def bundle(self, window: _Window, blocks: Sequence[tuple[int, int]], across: int) -> list[int]:
        """Place the row blocks of a bundle, with these channels; return the first array of each."""
        starts = []
        done, begin = self._channels, blocks[0][0]  # before the bundle; its first channel here
        for low, high in blocks:
            tile = self.array // self.per_tile
            if tile != self._tile:
                self._go_to(tile, window)
                done, begin = 0, low
            if self._used + window.bytes_of(done + high - begin + 1) > self.buffer:
                if self._used or self._channels:
                    tile += 1
                    self.array = tile * self.per_tile
                    self._go_to(tile, window)
                    done, begin = 0, low
                self.refused |= window.bytes_of(high - low + 1) > self.buffer
            self._channels = done + high - begin + 1
            starts.append(self.array)
            self.array += across
            for later in range(tile + 1, (self.array - 1) // self.per_tile + 1):
                self._go_to(later, window)
                done, begin = 0, low
                self._channels = high - low + 1
        return starts


def _place_joins(
    placement: Placement,
    buffer: int,
    flow: Flow,
    homes: Mapping[tuple[str, int], range],
    layers: Sequence[LayerPlan],
) -> int:
    """Find room for the operands of joins; return how many tiles are used then."""
    free = [buffer] * placement.array_tiles
    for share in placement.shares:
        free[share.tile] = max(0, free[share.tile] - share.need)
    bits = {layer.name: layer.input_bits for layer in layers}
    needs = flow.needs.tolist()
    for number, claim in enumerate(flow.claims):
        task = flow.tasks[claim.task]
        if task.is_join and claim.bounded:
            pixel = claim.elements * bits[task.layer]
            need = -(-pixel * needs[number] // 8)
            for tile, part in _spread(need, free, homes[task.layer, task.copy], buffer):
                placement.shares.append(Share(number, tile, part, pixel, 1))
    return len(free)


def _spread(need: int, free: list[int], home: range, buffer: int) -> list[tuple[int, int]]:
    """Take bytes at home, evenly; what is missing of the nearest tiles, and then of new ones."""
    parts: list[tuple[int, int]] = []
    at_home = sum(free[tile] for tile in home)
    taken = min(need, at_home)
    before = passed = 0
    for tile in home:
        passed += free[tile]
        until = taken * passed // at_home if at_home else 0
        parts.append((tile, until - before))
        before = until
    left = need - taken
    for away in range(1, len(free) if left else 0):
        for tile in (home.start - away, home.stop - 1 + away):
            if 0 <= tile < len(free):
                parts.append((tile, min(left, free[tile])))
                left -= parts[-1][1]
    while left:
        free.append(buffer)
        parts.append((len(free) - 1, min(left, buffer)))
        left -= parts[-1][1]
    parts = [(tile, part) for tile, part in parts if part]
    for tile, part in parts:
        free[tile] -= part
    return parts
