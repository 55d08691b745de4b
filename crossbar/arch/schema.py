"""What a hardware file may say: one pydantic model a section, one field a key.

The docstring under a field is its help: what it is, its unit, where the idea comes from.  Values
are SI inside; `crossbar.arch.fields` says how they stand in a file.  ISAAC is Shafiee et al.,
ISCA 2016, doi 10.1109/ISCA.2016.12; its table I is given as commonly quoted.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from crossbar import units
from crossbar.arch.cell import Cell, IdealCell, ReramCell, SotMramCell
from crossbar.arch.fields import Measured, Plain, Whole
from crossbar.arch.list_fields import Copies
from crossbar.arch.rules import broken
from crossbar.arch.section import MOST_BYTES, MOST_HERTZ, MOST_JOULES, MOST_OHMS, Section
from crossbar.arch.strict_yaml import dump
from crossbar.errors import InputError

__all__ = [
    "Adc",
    "Arch",
    "Array",
    "Cell",
    "Chip",
    "Dac",
    "Energy",
    "Faults",
    "IdealCell",
    "Pe",
    "Precision",
    "ReramCell",
    "Section",
    "SotMramCell",
    "Tile",
]

_PRICED_NODE = 32e-9
_LABELS = ("name", "description", "source")


def _priced(node: float) -> float:
    """Refuse a node that the cost table does not know; scaling by guess would look exact."""
    if abs(node - _PRICED_NODE) > 1e-12:
        raise InputError(
            f"'{units.exact(node, 'm')}' has no costs (only '32 nm': prices are ISAAC's table)"
        )
    return node


class Array(Section):
    """One crossbar: inputs drive rows (wordlines), currents sum on columns (bitlines)."""

    kind: Literal["analog"] = "analog"
    """How an array computes: `analog` sums currents on a column."""
    rows: Annotated[int, Whole(1, 4096, "row")]
    """Rows of one array [row]. ISAAC: 128."""
    cols: Annotated[int, Whole(1, 4096, "column")]
    """Columns of one array [column]. ISAAC: 128."""
    rows_per_read: Annotated[int | None, Whole(1, 4096, "row")] = None
    """Rows driven together in one read (the row group) [row], at most rows; left out: all of
    them. Most measured macros drive 4 to 64."""
    encoding: Literal["offset", "differential", "twos_complement"] = "offset"
    """How a signed weight w of b bits becomes codes: `offset` stores w + 2^(b-1) (ISAAC);
    `differential` stores the two magnitudes on separate columns; `twos_complement` gives the sign
    bit a slice of its own."""
    subtract: Literal["digital", "analog"] = "digital"
    """For encoding differential: convert both columns and subtract codes (`digital`), or subtract
    currents before one signed conversion (`analog`)."""
    flip_columns: bool = False
    """Store a column as top - code when its codes sum to more than half of the largest sum, which
    halves the largest read. ISAAC section V: this is why 8 ADC bits suffice."""
    input_sum: Literal["digital", "column"] = "digital"
    """Where the input sum that removes an offset comes from: a popcount (`digital`), or a physical
    column with its own cells and conversion (`column`)."""
    cycle: Annotated[float, Measured("s")]
    """Time of one array read [s]. ISAAC: 100 ns, 128 conversions at 1.28 GHz."""
    read_energy: Annotated[float | None, Measured("J", zero=True, most=MOST_JOULES)] = None
    """Energy of one read of a whole array [J], used by energy.array: table. ISAAC table I: 2.4 mW
    x 100 ns / 8 arrays = 30 pJ."""
    wire_resistance_row: Annotated[float, Measured("ohm", zero=True, most=MOST_OHMS)] = 0.0
    """Resistance of a row wire from one cell to the next, and from the driver to the first cell
    [ohm]; 0: ideal wires. A few ohm at 32 nm."""
    wire_resistance_col: Annotated[float, Measured("ohm", zero=True, most=MOST_OHMS)] = 0.0
    """Resistance of a column wire from one cell to the next, and from the last cell to ground
    [ohm]; 0: ideal wires."""
    driver_resistance: Annotated[float, Measured("ohm", zero=True, most=MOST_OHMS)] = 0.0
    """Output resistance of a row driver [ohm]."""
    sense_resistance: Annotated[float, Measured("ohm", zero=True, most=MOST_OHMS)] = 0.0
    """Input resistance of what senses a column [ohm]."""
    drive: Literal["left", "both"] = "left"
    """Where a row is driven: at its first column (`left`), or at both ends (`both`), which halves
    the wire that current has to pass."""
    row_isolation: bool = False
    """Whether a transistor cuts rows off that a read does not drive, instead of holding them at
    0 V. With resistive wires the reads then depend on which rows are driven."""
    row_density: Annotated[float, Plain(0.0, 1.0)] = 0.25
    """Share of driven rows in a read for which the fast model of row_isolation is made."""


class Dac(Section):
    """The converters that drive rows."""

    bits: Annotated[int, Whole(1, 4, "bit")] = 1
    """Input bits a row receives in one read [bit], least significant first. ISAAC: 1."""
    signed: Literal["twos_complement", "offset", "sign_magnitude"] = "twos_complement"
    """How signed inputs are driven: `twos_complement` reads the sign bit by itself with negative
    weight (ISAAC), `offset` adds 2^(b-1) to every input and removes it afterwards,
    `sign_magnitude` drives rows with either polarity, so that column sums are signed."""
    inl: Annotated[float, Plain(0.0, 16.0, "step")] = 0.0
    """Largest deviation of a driver's steps from a straight line, drawn for each driver [step]."""
    noise: Annotated[float, Plain(0.0, 16.0, "step")] = 0.0
    """Noise of a driven row in each read, root mean square [step]."""


class Adc(Section):
    """The converters that read columns: code = clip(round_half_up(sum / lsb), 0, 2^bits - 1)."""

    kind: Literal["ideal", "sar", "ramp", "flash", "pipeline"] = "ideal"
    """How it converts, which decides how its errors look: `sar` by halving, `ramp` by counting,
    `flash` with a comparator a code, `pipeline` in stages; `ideal` in even steps."""
    model: Literal["isaac", "accelergy", "zigzag", "puma", "mnsim"] = "isaac"
    """Where energy and area come from: ISAAC's table scaled by bits, the fit of the Accelergy
    plug-in to published converters, ZigZag-IMC's fit to three chips, the constants of PUMA or
    MNSIM."""
    policy: Literal["clip", "full", "lossless", "calibrated"]
    """What one code is worth: `clip` counts levels and saturates; `full` spreads the codes over the
    largest sum of a row group; `lossless` takes as many bits as the row group needs; `calibrated`
    spreads the codes over the sums that calibration data make."""
    bits: Annotated[int | None, Whole(1, 16, "bit")] = None
    """Resolution [bit]; needed by clip, full and calibrated, left out with lossless. ISAAC: 8."""
    rate: Annotated[float, Measured("Hz", most=MOST_HERTZ)]
    """Conversions a second of one ADC [samples/s, written as a frequency]. ISAAC: 1.28 GHz."""
    calibrate: Literal["layer", "slice", "column"] = "slice"
    """For policy calibrated, what shares one range: all columns of a layer, those of one slice, or
    none (`column`: each its own)."""
    calibration_share: Annotated[float, Plain(0.001, 1.0)] = 1.0
    """For policy calibrated, the share of observed sums that must fit into the range; 1: all."""
    offset: Annotated[float, Plain(0.0, 65536.0, "lsb")] = 0.0
    """Standard deviation of the offset from converter to converter [lsb]."""
    gain_error: Annotated[float, Plain(0.0, 1.0)] = 0.0
    """Standard deviation of the relative gain from converter to converter."""
    inl: Annotated[float, Plain(0.0, 65536.0, "lsb")] = 0.0
    """Largest integral nonlinearity: how far the curve bows from a straight line [lsb]."""
    dnl: Annotated[float, Plain(0.0, 65536.0, "lsb")] = 0.0
    """Differential nonlinearity: standard deviation of the width of a code [lsb]."""
    noise: Annotated[float, Plain(0.0, 65536.0, "lsb")] = 0.0
    """Noise of each conversion, root mean square [lsb]."""
    enob: Annotated[float | None, Plain(0.5, 16.0, "bit")] = None
    """Effective number of bits instead of noise [bit], at most bits:
    noise = sqrt((4^(bits - enob) - 1) / 12) lsb."""


class Pe(Section):
    """A processing element (ISAAC's IMA): arrays that share converters and registers."""

    arrays: Annotated[int, Whole(1, 4096, "array")]
    """Arrays of one PE [array]. ISAAC: 8."""
    adcs: Annotated[int, Whole(1, 4096, "ADC")]
    """ADCs of one PE [ADC], at most arrays; with fewer, arrays take turns. ISAAC: 8."""
    input_register: Annotated[int, Measured("byte", whole=True, most=MOST_BYTES)]
    """Input register of one PE [byte]. ISAAC table I: 2 KiB."""
    output_register: Annotated[int, Measured("byte", whole=True, most=MOST_BYTES)]
    """Output register of one PE [byte]. ISAAC table I: 256 B."""


class Tile(Section):
    """PEs around one buffer and one router port."""

    pes: Annotated[int, Whole(1, 4096, "PE")]
    """PEs of one tile [PE]. ISAAC: 12."""
    buffer: Annotated[int, Measured("byte", whole=True, most=MOST_BYTES)]
    """eDRAM buffer of one tile [byte]. ISAAC table I: 64 KiB."""
    buffer_banks: Annotated[int, Whole(1, 1024, "bank")]
    """Banks of the buffer that can be used at once [bank]. ISAAC table I: 4."""
    bus_width: Annotated[int, Whole(1, 65536, "bit")]
    """Wires between buffer and PEs, one bit each a clock [bit]. ISAAC table I: 384."""
    vector_lanes: Annotated[int, Whole(1, 65536, "lane")] = 16
    """Digital operations (activations, pooling, additions) of a tile in a clock [lane]. The isaac
    presets assume 24: activating and pooling the 1,536 outputs of a full tile in one 100 ns step,
    as the paper's pipeline has it, takes that many."""
    matmul_macs: Annotated[int, Whole(1, 1_048_576, "MAC")] = 256
    """Multiply-accumulates of a tile's matmul unit in a clock [MAC]: products of two activations,
    as in attention. Assumed: 16 x 16, about a seventh of the area of an ISAAC tile."""


class Chip(Section):
    """The whole die."""

    tiles: Annotated[int | Literal["auto"], Whole(1, 1_000_000, "tile", ("auto",))]
    """Tiles of the chip [tile]; `auto` takes as many as the network needs. ISAAC-CE: 168."""
    offchip: Literal["hypertransport", "none"] = "none"
    """The port to other chips, priced as part of the chip. ISAAC table I: 4 HyperTransport links
    of 6.4 GB/s, 10.4 W and 22.88 mm2 together."""
    offchip_power: Literal["per_bit", "static"] = "per_bit"
    """How the port draws its power: by the bit (`per_bit`), so that an idle port costs nothing but
    leakage, or always (`static`), as links that are never switched off. ISAAC does not say."""
    table_energy: Annotated[float, Measured("J", zero=True, most=MOST_JOULES)] = 3.7e-12
    """Energy of one bit from the memory outside of the chip that holds embedding tables, its own
    interface included [J]. ZigZag-IMC: 3.7 pJ a bit of DRAM."""
    programming: Literal["parallel", "serial"] = "parallel"
    """How weights are loaded, a row of an array at a time: into all PEs side by side, the arrays of
    a PE one after another (`parallel`), or into one array of the chip at a time (`serial`)."""


class Precision(Section):
    """Word widths of the network as this hardware runs it."""

    weight_bits: Annotated[int, Whole(1, 16, "bit")] = 8
    """Bits of a weight [bit], symmetric around zero per output channel; 1 means -1 and +1."""
    weight_levels: Annotated[Literal[3] | None, Whole(3, 3, "level")] = None
    """3 for ternary weights (-1, 0, +1) [level]; left out: weight_bits decides."""
    input_bits: Annotated[int, Whole(1, 16, "bit")] = 8
    """Bits of an activation [bit], unsigned where the calibrated range is not negative."""


class Faults(Section):
    """Where broken cells are looked for."""

    replicas: Literal["own", "shared"] = "own"
    """Whether the copies of a layer have faults of their own (`own`: they are different cells) or
    one common map (`shared`)."""


class Energy(Section):
    """Where prices come from."""

    array: Literal["data", "table"] = "data"
    """Price an array read from the data that flowed, t * sum of v^2 * g (`data`), or always at
    array.read_energy (`table`)."""
    leakage_share: Annotated[float, Plain(0.0, 1.0)] = 0.0
    """Share of a component's power at full activity that it draws also when idle. Its actions cost
    that much less, so a saturated chip draws the same. Cells priced by array: data do not leak:
    current flows in reads only. ISAAC's table does not separate leakage, so its presets keep 0."""


class Arch(Section):
    """One hardware description: what there is, not what is run on it.

    Load one with `crossbar.load_arch`; it is frozen, and two with the same content are equal.
    """

    name: str
    """Name in reports; a file's own name unless given."""
    description: str = ""
    """What the hardware is, in a sentence."""
    source: str = ""
    """Where the numbers come from: a citation."""
    node: Annotated[float, Measured("m"), AfterValidator(_priced)]
    """Technology node [m]; 32 nm, the node of ISAAC's cost table, is the only priced one."""
    clock: Annotated[float, Measured("Hz", most=MOST_HERTZ)]
    """Clock of the digital parts [Hz], the cycle of the timing. ISAAC: 1.28 GHz."""
    cell: Annotated[Cell, Field(discriminator="kind")]
    """The memory cell."""
    array: Array
    """The crossbar array."""
    dac: Dac = Dac()
    """The row drivers."""
    adc: Adc
    """The column converters."""
    pe: Pe
    """The processing element."""
    tile: Tile
    """The tile."""
    chip: Chip
    """The chip."""
    precision: Precision = Precision()
    """Word widths."""
    replication: Annotated[
        Literal["none", "balance"] | tuple[int, ...] | dict[str, int], Copies(("none", "balance"))
    ] = "none"
    """Copies of a layer that work side by side: `none`; `balance` fills the chip so that slow
    layers get more (as ISAAC does); a list in layer order; a mapping layer: copies."""
    attention: Literal["digital", "crossbar"] = "digital"
    """Where products of two activations are computed, as in attention: in matmul units
    (`digital`), or in crossbars into whose cells the second operand, keys and values, is written
    during every inference (`crossbar`; that takes time and energy and wears the cells out)."""
    faults: Faults = Faults()
    """Fault bookkeeping."""
    energy: Energy = Energy()
    """Pricing."""

    def __str__(self) -> str:
        """Write the description as a YAML file that loads to the same Arch."""
        return dump(self.to_dict())

    def __hash__(self) -> int:
        """Hash by content, mappings of copies included."""
        return hash(self.digest())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `load_arch` turns into an equal Arch.

        Quantities are text with a unit and every digit; keys that were left out (None) are absent.
        """
        return self.model_dump(mode="json", exclude_none=True)

    def digest(self) -> str:
        """Return 12 hexadecimal digits that change with the hardware.

        Name, description and source are left out, and the name of a table of measurements: they
        change no result.
        """
        content = {key: value for key, value in self.to_dict().items() if key not in _LABELS}
        content["cell"].get("table", {}).pop("source", None)
        written = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()[:12]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """Refuse impossible combinations, all of them at once."""

        def value(path: str) -> Any:
            found: Any = self
            for part in path.split("."):
                try:
                    found = getattr(found, part)
                except AttributeError:  # a key that this kind does not have
                    raise LookupError(path) from None
            return found

        problems = [f"{at}: {problem}" for at, _, problem in broken(value)]
        if problems:
            raise InputError("; ".join(problems))
        return self
