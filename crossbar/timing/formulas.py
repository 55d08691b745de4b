"""What each counted action is, and how its number follows from the Plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FORMULAS", "Formula"]


@dataclass(frozen=True)
class Formula:
    """How often one action happens.

    Parameters
    ----------
    what : str
        What is counted.
    formula : str
        The number of one layer in one inference.
    per : str
        Whether the number is a multiple of the layer's ``"read"`` (reads x positions), of its
        ``"position"`` only, or of neither (``""``).
    """

    what: str
    formula: str
    per: Literal["read", "position", ""]


FORMULAS = {
    "array_reads": Formula(
        "reads of a row group of an array",
        "row groups of the matrix x arrays across x reads x positions",
        "read",
    ),
    "adc_conversions": Formula(
        "columns converted, those of unit columns included; a pair subtracted as currents counts"
        " once",
        "row groups of the matrix x (outputs x columns a weight + arrays across x unit columns) x"
        " reads x positions",
        "read",
    ),
    "unit_conversions": Formula(
        "those of unit columns, which sum the inputs (array.input_sum: column)",
        "row groups of the matrix x arrays across x unit columns x reads x positions",
        "read",
    ),
    "sample_holds": Formula("columns held for their converter", "one for every conversion", "read"),
    "dac_drives": Formula(
        "rows driven in a read, in every array", "rows x arrays across x reads x positions", "read"
    ),
    "shift_adds": Formula("samples added to their output", "one for every conversion", "read"),
    "input_sums": Formula(
        "input bits counted into digital input sums; 0 where no column needs them",
        "rows needed in each tile x input bits x positions",
        "",
    ),
    "partial_sums": Formula(
        "words that arrays hand to the tile's adder",
        "arrays down x outputs of which each array across holds columns x positions",
        "position",
    ),
    "input_register_bits": Formula(
        "bits that input registers hand to DACs",
        "rows x arrays across x input bits x positions",
        "position",
    ),
    "output_register_bits": Formula(
        "bits of partial sums through output registers, of the PE and of the tile alike",
        "partial sums x 16 bits",
        "position",
    ),
    "buffer_read_bits": Formula(
        "bits read from tile buffers",
        "rows needed in each tile x input bits x positions (windows are read anew), and operands of"
        " sums that come from other layers",
        "",
    ),
    "buffer_write_bits": Formula(
        "bits written into tile buffers",
        "input elements needed in each tile x input bits, and operands of sums that come from other"
        " layers",
        "",
    ),
    "bus_bits": Formula(
        "bits between buffers and PEs",
        "rows needed in each tile x input bits x positions, and output_register_bits back",
        "",
    ),
    "router_bits": Formula(
        "bits that leave a tile, one hop each",
        "outputs that another tile needs x input bits, and partial sums that go on to the next tile"
        " x 16 bits; which share of the outputs lies in the reading tile is a mean over the tiles,"
        " so the number need not be whole",
        "",
    ),
    "offchip_bits": Formula(
        "bits through the chip's port",
        "inputs (charged to the first layer) and outputs of the network x input bits",
        "",
    ),
    "activations": Formula(
        "elements through the activation unit",
        "outputs of the activations after the layer, and gates of recurrent cells",
        "",
    ),
    "pool_ops": Formula(
        "elements into the comparator: max pooling, token scales",
        "outputs x elements of the window, over the max pools after the layer; inputs of a layer"
        " with a scale by token",
        "",
    ),
    "adds": Formula(
        "additions of residuals, of average pooling, of gates; comparisons and choices of masks",
        "elements of the sums, and outputs x elements of the window of average pools, after the"
        " layer",
        "",
    ),
    "multiplies": Formula(
        "products of two activations, element by element",
        "elements of the products after the layer: gates, scales, up-sampling with weights, a batch"
        " normalisation that is not folded, the scale of attention scores",
        "",
    ),
    "softmax_ops": Formula(
        "operations of softmax: comparisons, subtractions, exponentials, additions, products",
        "5 n - 1 for each row of n after the layer",
        "",
    ),
    "norm_ops": Formula(
        "operations of layer, group and other normalisations: additions and multiply-adds",
        "4 n + 1 for n elements normalised together after the layer (3 n + 1 without a learned"
        " scale)",
        "",
    ),
    "macs": Formula(
        "multiply-accumulates of products of two activations, in matmul units",
        "elements of the products after the layer x what each is summed over",
        "",
    ),
    "embedding_reads": Formula(
        "elements of embedding vectors fetched from their tables, outside of the chip",
        "elements of the embeddings; those before any layer are charged to the first",
        "",
    ),
    "runtime_writes": Formula(
        "cells programmed during the inference: keys and values (attention: crossbar)",
        "rows x (columns + arrays across x unit columns) of layers of kind dynamic",
        "",
    ),
    "saturations": Formula(
        "conversions whose column sum lay outside the ADC's codes and was clipped",
        "counted while the data ran, mean over the images",
        "",
    ),
    "cell_writes": Formula(
        "cells programmed to load the network, once; not part of an inference",
        "rows x (columns + arrays across x unit columns) x copies; 0 for layers of kind dynamic",
        "",
    ),
}
"""Action (as in `crossbar.timing.ACTIONS`) -> its formula; one entry for each."""
