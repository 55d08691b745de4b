"""What a network costs on a chip, without weights, data or torch: Plan -> Counts -> Report.

Only the energy of the cells needs values; here it is the expectation of what `simulate` measures,
for inputs and codes of stated densities.  Everything else is the same for any data.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from math import fsum, prod
from typing import Any

import numpy as np

from crossbar.arch import Arch, load_arch
from crossbar.circuit.dac import InputCoding, make_input_coding
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping import build_plan
from crossbar.mapping.encode import Encoding
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.precision import complete_precision, layer_precisions
from crossbar.report import Report, build_report
from crossbar.timing import Activity, Timing
from crossbar.workload import find_workload
from crossbar.workload.graph import CONVOLUTIONS, Node, Workload
from crossbar.workload.lengths import tokens_of

__all__ = ["INPUT_DENSITY", "estimate", "estimate_plan"]

INPUT_DENSITY = 0.5
"""Share of the input bits that are one, unless given: bits that know nothing of one another."""


def estimate(
    arch: Arch | str | os.PathLike[str],
    workload: Workload | str | os.PathLike[str],
    *,
    input_density: float = INPUT_DENSITY,
    code_density: float | None = None,
    signed_inputs: Mapping[str, bool] | None = None,
    precision: Mapping[str, Any] | None = None,
    tokens: int | None = None,
) -> Report:
    """Estimate energy, latency and area of a network from its shapes alone.

    Parameters
    ----------
    arch : Arch, str or path
        An arch, a preset's name or a YAML file.
    workload : Workload, str or path
        A workload, a zoo name or a JSON file.
    input_density : float
        0..1: share of the driven input bits that are one, each bit by itself; the zeros that pad a
        convolution are none of them.
    code_density : float, optional
        0..1: sum of the codes stored in the cells that hold weights, over the largest codes that
        their slices can hold; the other cells are at ``g_off``.  By default that of integers whose
        bits are ones and zeros alike: 0.5; 0.25 for ``array.encoding: differential``, where one of
        the two columns of a weight is 0 (0.5 again for binary weights, which are never 0).
    signed_inputs : mapping of str to bool, optional
        Layers whose inputs can be negative.  Only calibration knows them, so all are taken as
        unsigned unless named here, the first layer included.  Signed inputs take one read more when
        ``dac.bits`` does not divide ``input_bits - 1``: never with 1-bit DACs.
    precision : mapping, optional
        In place of the arch's, also for single layers: see `crossbar.map_model`.  Inputs with a
        zero point are unsigned, those with a scale for each token signed.
    tokens : int, optional
        Length of the sequence, for networks of tokens; else that of the workload.

    Returns
    -------
    Report
        ``accuracy``, ``images``, ``counts["saturations"]`` and the like are None: not measured.
        The assumptions stand in ``scenario["activity"]`` and, in words, in ``notes``.

    Raises
    ------
    InputError
        A density outside 0..1; an arch or workload that cannot be read or does not exist; tokens
        for a network without, or more than it takes.
    DoesNotFitError
        One copy of every layer needs more arrays than the chip has.

    Notes
    -----
    With ``energy.array: table`` a read always costs ``array.read_energy`` and the densities are not
    used.

    How far off are the defaults?  Measured on the bundled ResNet-20 (500 images of Fashion-MNIST,
    minmax calibration, isaac_8bit), weighted by the cells that the bits drive: 0.134 of the input
    bits are one behind ReLUs and 0.56 in the signed first layer, 0.136 together (CIFAR-10
    ResNet-20 and -56: 0.17); codes are at 0.467 of their largest with flipped columns, 0.496
    without, 0.513 in two's complement, 0.200 differential.  So 0.5 is near the truth for signed
    inputs, and prices the cells of a ReLU network 3 to 4 times too high (3.9 here, which is 1.2 %
    of the network's energy on isaac_8bit); give ``input_density=0.15`` for those.
    """
    arch = load_arch(arch)
    signed = {name: True for name, is_signed in (signed_inputs or {}).items() if is_signed}
    network = find_workload(workload, tokens)
    plan = build_plan(network, arch, precision=precision, signed_inputs=signed)
    _check_signed(plan, signed_inputs or {})
    return estimate_plan(
        plan,
        input_density=input_density,
        code_density=code_density,
        signed=signed,
        precision=precision,
    )


def estimate_plan(
    plan: Plan,
    *,
    input_density: float = INPUT_DENSITY,
    code_density: float | None = None,
    signed: Mapping[str, bool] | None = None,
    timing: Timing | None = None,
    precision: Mapping[str, Any] | None = None,
) -> Report:
    """Estimate the cost of a plan; see `estimate`.

    Parameters
    ----------
    plan : Plan
    input_density, code_density : float
    signed : mapping of str to bool, optional
        Layers whose inputs can be negative, as the plan was made for.
    timing : Timing, optional
        Of this plan, where it is known already.
    precision : mapping, optional
        That it was made with.
    """
    arch, signed = plan.arch, dict(signed or {})
    raised = _settle_signs(plan, precision, signed)
    input_density = _share("input_density", input_density)
    if code_density is not None:
        code_density = _share("code_density", code_density)
    densities = {
        layer.name: _code_density(layer.encoding) if code_density is None else code_density
        for layer in plan.layers
    }
    if code_density is None:
        cells = [layer.cells_used for layer in plan.layers]
        used = fsum(n * each for n, each in zip(cells, densities.values(), strict=True))
        code_density = used / sum(cells)
    by_data = arch.energy.array == "data"
    energies = _array_energies(plan, signed, raised, input_density, densities) if by_data else {}
    tokens = tokens_of(plan.workload)
    report = build_report(
        plan,
        Activity(energies, {}, 1),
        timing=timing,
        scenario={
            "workload": plan.workload.name,
            "arch": arch.to_dict(),
            "precision": complete_precision(arch, precision),
            "activity": {
                "input_density": input_density if by_data else None,
                "code_density": code_density if by_data else None,
                "signed_inputs": sorted(signed),
            },
            **({} if tokens is None else {"tokens": tokens}),
        },
    )
    notes = _notes(input_density, code_density, sorted(signed), by_data)
    return replace(report, images=None, notes=(*notes, *report.notes))


def _settle_signs(
    plan: Plan, precision: Mapping[str, Any] | None, signed: dict[str, bool]
) -> set[str]:
    """Correct the signed layers by their precision; return those with a zero point."""
    own = layer_precisions(plan.workload, plan.arch, precision)
    raised = set()
    for layer in plan.layers:
        precision_of = own[plan.workload[layer.name].weight or layer.name]
        if precision_of.by_token:
            signed[layer.name] = True
        elif precision_of.zero_point:
            raised.add(layer.name)
            signed.pop(layer.name, None)
    return raised


def _share(name: str, value: object) -> float:
    if isinstance(value, int | float | np.floating) and not isinstance(value, bool):
        number = float(value)
        if 0.0 <= number <= 1.0:
            return number
    raise InputError(f"{name}: {value!r} is not a share in 0..1")


def _check_signed(plan: Plan, signed_inputs: Mapping[str, bool]) -> None:
    bits = {layer.name: layer.input_bits for layer in plan.layers}
    for name, is_signed in signed_inputs.items():
        if name not in bits:
            raise UnknownNameError("layer in signed_inputs", name, bits)
        if is_signed and bits[name] == 1:
            raise InputError(
                f"{name}: its inputs are signed, precision.input_bits must be at least 2"
            )


def _code_density(encoding: Encoding) -> float:
    """Mean stored code over the largest one when the bits of the integers are unrelated."""
    return 0.25 if encoding.kind == "differential" and encoding.bits > 1 else 0.5


def _array_energies(
    plan: Plan,
    signed: Mapping[str, bool],
    raised: Collection[str],
    input_density: float,
    code_densities: Mapping[str, float],
) -> dict[str, float]:
    """Expected energy of the cells of one inference [J], by layer.

    What pads a layer with a zero point is as any of its inputs: nobody knows its code of zero.
    """
    nodes = {node.name: node for node in plan.workload}
    found = {}
    for layer in plan.layers:
        coding = make_input_coding(plan.arch, layer.input_bits, layer.name in signed)
        inside, padded = _driven_squares(coding, input_density)
        padded = inside if layer.name in raised else padded
        squares = 0.0
        for name in layer.nodes:
            node = nodes[name]
            seen, everything = _windows(node, nodes[node.inputs[0]].shape)
            squares += seen * inside + (everything - seen) * padded
        density = code_densities[layer.name]
        found[layer.name] = _expected_energy(layer, plan.arch, coding, squares, density)
    return found


def _expected_energy(
    layer: LayerPlan, arch: Arch, coding: InputCoding, squares: float, code_density: float
) -> float:
    """Expectation of `crossbar.array.layer.ProgrammedLayer.array_energy` for one inference [J].

    Parameters
    ----------
    layer : LayerPlan
    arch : Arch
    coding : InputCoding
    squares : float
        Expected sum of digit**2 over the reads, positions and rows of one group.
    code_density : float
    """
    cell = arch.cell
    g_step = (cell.g_on - cell.g_off) / ((1 << cell.bits) - 1)
    tops = layer.matrix.cols * sum(s.top for s in layer.encoding.slices)
    total = 0.0
    for bundle in layer.bundles:
        # every row of a bundle has the same cells: of its group's weights, of unit columns (code
        # 1), and at level 0 the rest
        codes = code_density * tops + layer.unit_columns * bundle.col_blocks
        g_row = bundle.col_blocks * layer.cols * cell.g_off + g_step * codes
        total += bundle.groups * squares * g_row
    return total * (cell.read_voltage / coding.full_scale) ** 2 * cell.read_pulse


def _driven_squares(coding: InputCoding, density: float) -> tuple[float, float]:
    """Expected sum over the reads of digit**2: of an input of the density, and of a padding zero.

    A digit of ``n`` bits ``b_k`` that are one with probability p: ``E[digit**2] = p sum_k 4**k +
    p**2 sum_(k != l) 2**(k + l)``.
    """
    main_bits = coding.main_bits
    widths = [
        min(coding.digit, main_bits - first) for first in range(0, main_bits, coding.digit)
    ] + [1] * int(coding.sign_read)
    inside = 0.0
    for width in widths:
        own = (4**width - 1) // 3
        inside += density * own + density**2 * (((1 << width) - 1) ** 2 - own)
    padded = float((coding.digits(np.zeros(1, dtype=np.int64)) ** 2).sum())
    return inside, padded


def _windows(node: Node, image: tuple[int, ...]) -> tuple[int, int]:
    """Count the pairs of a position and a row of one group: those inside the image, and all."""
    matrix, positions = node.matrix, node.positions
    if node.kind not in CONVOLUTIONS:
        return positions * matrix.rows, positions * matrix.rows
    a = node.attrs
    sides = zip(
        image[1:], node.shape[1:], a["kernel"], a["stride"], a["padding"], a["dilation"],
        strict=True,
    )  # fmt: skip
    channels = matrix.rows // prod(a["kernel"])
    return channels * prod(_inside(*side) for side in sides), positions * matrix.rows


def _inside(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Count the pairs of an output and a kernel tap along one axis that see no padding."""
    pairs = 0
    for tap in range(kernel):
        shift = padding - tap * dilation
        first = max(0, -(-shift // stride))
        last = min(out - 1, (size - 1 + shift) // stride)
        pairs += max(0, last - first + 1)
    return pairs


def _notes(
    input_density: float, code_density: float, signed: list[str], by_data: bool
) -> tuple[str, ...]:
    """Say what was assumed, in words."""
    known = "Estimated from shapes: no weights and no data, so no accuracy and no saturations."
    cells = (
        f"Energy of the cells: assumed that {100 * input_density:g} % of the input bits are one"
        f" and that stored codes are at {100 * code_density:g} % of their largest on average."
    )
    inputs = "Inputs of every layer, the first included, are assumed to be unsigned."
    if signed:
        inputs = f"Inputs are assumed to be signed in {', '.join(signed)} and unsigned elsewhere."
    return (known, cells, inputs) if by_data else (known, inputs)
