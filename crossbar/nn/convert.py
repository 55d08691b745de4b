"""Map a PyTorch model onto crossbars: capture, calibrate, quantise, place, program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crossbar.arch import Arch, load_arch
from crossbar.array.layer import ProgrammedLayer
from crossbar.circuit.dac import make_input_coding
from crossbar.errors import CaptureError, InputError, UnknownNameError
from crossbar.mapping import build_plan
from crossbar.mapping.plan import Plan
from crossbar.nn.calibrate import Calibrated, calibrate
from crossbar.nn.data import first_batch
from crossbar.nn.graph.captured import Captured, capture_model
from crossbar.nn.layers import MappedLayer
from crossbar.nn.mapped import Body, MappedModel, plan_with_proofs
from crossbar.nn.quantise import Range, quantise_weights

__all__ = ["map_captured", "map_model"]

_PRECISION = ("input_bits", "weight_bits", "weight_levels")


def map_model(
    model: nn.Module | torch.export.ExportedProgram,
    arch: Arch | str | Path,
    *,
    calibration: Any = None,
    example_inputs: tuple[Any, ...] | Mapping[str, Any] | None = None,
    observer: str = "minmax",
    precision: Mapping[str, int | None] | None = None,
    strict: bool = False,
) -> MappedModel:
    """Put a model's weight layers on crossbars.

    The model is captured by `torch.export` and the captured graph is rewritten; the model itself
    is left as it is.  Layers with constant weights (Linear, Conv2d and their functional forms) go
    on crossbars, everything else runs in float and is listed in ``mapped.plan.unmapped``.

    Parameters
    ----------
    model : nn.Module or ExportedProgram
        In evaluation mode, on the CPU.
    arch : Arch or str or Path
        An arch, a preset's name or a YAML file.
    calibration
        Data from which the activations' ranges are taken: a tensor, a tuple or dict of inputs, or
        a loader (of ``(inputs, targets)``, inputs alone, or dictionaries).
    example_inputs : tuple or dict, optional
        What the model takes, for capture; the first batch of ``calibration`` when absent.
    observer : {"minmax", "percentile", "mse"}
    precision : mapping, optional
        ``weight_bits``, ``weight_levels``, ``input_bits`` in place of the arch's.
    strict : bool
        Refuse a model with a layer that is neither mapped nor known to the digital units.

    Returns
    -------
    MappedModel

    Raises
    ------
    CaptureError
        The model cannot be captured, or ``strict`` and a layer cannot be mapped.
    DoesNotFitError
        The network needs more arrays than the chip has.
    InputError, DataError
        No calibration data, or unusable data.
    """
    arch = load_arch(arch)
    bits = _precision(arch, precision or {})
    Range(observer)  # refuse a wrong name before the work
    if isinstance(calibration, np.ndarray):
        calibration = torch.from_numpy(calibration)
    if isinstance(calibration, Iterator):
        calibration = list(calibration)  # it runs dry after one pass, and two are made
    if calibration is None:
        raise InputError(
            "map_model: calibration= is missing; give a tensor, a tuple or dict of inputs,"
            " or a loader"
        )
    if example_inputs is None:
        args, kwargs = first_batch(calibration, where="calibration")
    elif isinstance(example_inputs, Mapping):
        args, kwargs = (), dict(example_inputs)
    else:
        args, kwargs = tuple(example_inputs), {}
    captured = capture_model(model, args, kwargs)
    _refuse_nan(captured)
    plan = _place(captured, arch, bits)  # what does not fit is refused before the calibration
    if strict:
        _refuse_unmapped(plan)
    inputs = calibrate(captured, calibration, observer, bits["input_bits"] or 0)
    return map_captured(captured, arch, inputs, bits=bits, observer=observer)


def map_captured(
    captured: Captured,
    arch: Arch,
    inputs: Mapping[str, Calibrated],
    *,
    bits: Mapping[str, int | None],
    observer: str,
) -> MappedModel:
    """Put a captured and calibrated network on crossbars: what `map_model` does for an arch.

    Parameters
    ----------
    captured : Captured
    arch : Arch
    inputs : mapping of str to Calibrated
        Of each layer, as `crossbar.nn.calibrate.calibrate` returns them.
    bits : mapping
        ``weight_bits``, ``weight_levels``, ``input_bits``.
    observer : str
        By which the scales were found.

    Raises
    ------
    DoesNotFitError
        The network needs more arrays than the chip has.
    """
    signed = {
        name: inputs[product.weight_key].scale.signed
        for name, product in captured.program.products.items()
    }
    plan = _place(captured, arch, bits, signed)
    layers = _program(captured, plan, inputs, bits)
    return MappedModel(
        Body(
            captured.workload,
            captured.program,
            arch,
            plan_with_proofs(plan, layers),
            layers,
            dict(bits),
            observer,
            {},
        )
    )


def _place(
    captured: Captured,
    arch: Arch,
    bits: Mapping[str, int | None],
    signed_inputs: Mapping[str, bool] | None = None,
) -> Plan:
    return build_plan(
        captured.workload,
        arch,
        weight_bits=bits["weight_bits"],
        weight_levels=bits["weight_levels"],
        input_bits=bits["input_bits"],
        signed_inputs=signed_inputs,
    )


def _precision(arch: Arch, given: Mapping[str, int | None]) -> dict[str, int | None]:
    for key in given:
        if key not in _PRECISION:
            raise UnknownNameError("precision key", key, _PRECISION)
    bits: dict[str, int | None] = {key: getattr(arch.precision, key) for key in _PRECISION}
    if "weight_bits" in given and "weight_levels" not in given:
        bits["weight_levels"] = None
    bits.update(given)
    for key in ("weight_bits", "input_bits"):
        value = bits[key]
        if type(value) is not int or not 1 <= value <= 16:
            raise InputError(f"precision.{key}: {value!r} is not in 1..16")
    if bits["weight_levels"] not in (None, 3):
        raise InputError(f"precision.weight_levels: {bits['weight_levels']!r} is not 3")
    return bits


def _refuse_nan(captured: Captured) -> None:
    for product in captured.program.products.values():
        for what, tensor in (("weights hold", product.weight), ("bias holds", product.bias)):
            if tensor is not None and not bool(torch.isfinite(tensor).all()):
                raise InputError(f"{product.layer}: its {what} NaN or inf")


def _refuse_unmapped(plan: Plan) -> None:
    lines = [
        f"{u.name}: {u.operator} cannot be mapped ({u.why}); --strict / strict=True refuses it"
        for u in plan.unmapped
        if u.kind == "other"
    ]
    if lines:
        raise CaptureError("\n".join(lines))


def _program(
    captured: Captured, plan: Plan, inputs: Mapping[str, Calibrated], bits: Mapping[str, int | None]
) -> dict[str, MappedLayer]:
    products = captured.program.products
    layers: dict[str, MappedLayer] = {}
    for row in plan.layers:
        product = products[row.name]
        weight = product.weight.detach().double().numpy().reshape(product.weight.shape[0], -1)
        integers, weight_scale = quantise_weights(
            weight, bits["weight_bits"] or 0, bits["weight_levels"]
        )
        scale = inputs[product.weight_key].scale
        coding = make_input_coding(plan.arch, scale.bits, scale.signed)
        sample = inputs[product.weight_key].integers()
        programmed = ProgrammedLayer(row, plan.arch, integers, coding, sample=sample)
        layers[product.weight_key] = MappedLayer(programmed, scale, weight_scale)
    return layers
