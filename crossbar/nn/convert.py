"""Map a PyTorch model onto crossbars: capture, calibrate, quantise, place, program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crossbar.arch import Arch, load_arch
from crossbar.array.layer import ProgrammedLayer
from crossbar.circuit.dac import make_input_coding
from crossbar.errors import CaptureError, InputError
from crossbar.mapping import build_plan
from crossbar.mapping.dynamic import DYNAMIC, laid_out
from crossbar.mapping.plan import Plan
from crossbar.mapping.precision import (
    LayerPrecision,
    check_observer,
    complete_precision,
    layer_precisions,
)
from crossbar.nn.calibrate import Calibrated, calibrate
from crossbar.nn.data import inputs_for
from crossbar.nn.dynamic import dynamic_steps, make_dynamic
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.graph.captured import Captured, capture_model
from crossbar.nn.graph.export import parameter_names
from crossbar.nn.layers import MappedLayer
from crossbar.nn.mapped import AnyLayer, Body, MappedModel, plan_with_proofs
from crossbar.nn.quantise import quantise_weights

__all__ = ["dynamic_of", "map_captured", "map_model", "precisions_of"]


def map_model(
    model: nn.Module | torch.export.ExportedProgram,
    arch: Arch | str | Path,
    *,
    calibration: Any = None,
    example_inputs: tuple[Any, ...] | Mapping[str, Any] | None = None,
    observer: str = "minmax",
    precision: Mapping[str, Any] | None = None,
    strict: bool = False,
) -> MappedModel:
    """Put a model's weight layers on crossbars.

    The model is captured by `torch.export` and the captured graph is rewritten; the model itself
    is left as it is.  A model that `torch.export` refuses (it branches on values, say) is recorded
    while it runs, with a `crossbar.errors.CaptureWarning` and in ``mapped.plan.notes``; it cannot
    be saved.  Layers with constant weights (Linear, Conv2d and their functional forms) go
    on crossbars, everything else runs in float and is listed in ``mapped.plan.unmapped``.

    Parameters
    ----------
    model : nn.Module or ExportedProgram
        In evaluation mode, on the CPU.
    arch : Arch or str or Path
        An arch, a preset's name or a YAML file.
    calibration
        Data from which the activations' ranges are taken: a tensor, a tuple or dict of inputs, or
        a loader (of ``(inputs, targets)``, inputs alone, or dictionaries).  Here a tuple ``(a, b)``
        is two inputs; `crossbar.simulate` takes it for ``(inputs, targets)``.  Axis 0 of the first
        input counts the samples.
    example_inputs : tuple or dict, optional
        What the model takes, for capture; the first batch of ``calibration`` when absent.
    observer : str
        How the range of an activation is chosen: ``"minmax"``, ``"percentile"`` (99.9 % of the
        magnitudes; ``"percentile:99.99"`` names another share) or ``"mse"`` (least squared rounding
        error).  Tokens that pad a sequence count too.
    precision : mapping, optional
        In place of the arch's, for all layers: ``weight_bits``, ``weight_levels``, ``input_bits``;
        ``zero_point`` (true: inputs that can be negative become unsigned integers ``clip(rint(x /
        scale) + z, 0, 2**bits - 1)``, so that a range need not be symmetric; ``z`` times the sum of
        the weights is taken away digitally) and ``activation_scale`` (``"token"``: each input
        vector of a linear layer gets its own scale, ``max|x| / (2**(bits - 1) - 1)``, at run time;
        finding and applying it is counted as digital work).  For single layers the same keys under
        ``first``, ``last`` (of the layers on crossbars, in network order) and ``layers``, by name
        pattern (`fnmatch`, of whole names)::

            {"weight_bits": 8, "first": {"input_bits": 10},
             "layers": {"*.query": {"input_bits": 6}, "encoder.layer.0.*": {"zero_point": True}}}

        ``first`` and ``last`` win over ``layers``, and later patterns over earlier ones.
    strict : bool
        Refuse a model with a layer that is neither mapped nor known to the digital units, and one
        that `torch.export` refuses.

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
    precision = complete_precision(arch, precision)
    check_observer(observer)
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
        names = parameter_names(model) if isinstance(model, nn.Module) else ()
        args, kwargs = inputs_for(names, calibration, "calibration")
    elif isinstance(example_inputs, Mapping):
        args, kwargs = (), dict(example_inputs)
    else:
        args, kwargs = tuple(example_inputs), {}
    captured = capture_model(model, args, kwargs, strict=strict)
    _refuse_nan(captured)
    # what does not fit is refused before the calibration
    plan = build_plan(captured.workload, arch, precision=precision)
    if strict:
        _refuse_unmapped(plan)
    own = precisions_of(captured, arch, precision)
    inputs = calibrate(captured, calibration, observer, own, dynamic_of(captured, arch))
    return map_captured(captured, arch, inputs, precision=precision, observer=observer)


def map_captured(
    captured: Captured,
    arch: Arch,
    inputs: Mapping[str, Calibrated],
    *,
    precision: Mapping[str, Any],
    observer: str,
) -> MappedModel:
    """Put a captured and calibrated network on crossbars: what `map_model` does for an arch.

    Parameters
    ----------
    captured : Captured
    arch : Arch
    inputs : mapping of str to Calibrated
        Of each layer, as `crossbar.nn.calibrate.calibrate` returns them.
    precision : mapping
        As `complete_precision` returns it; the scales were found for it.
    observer : str
        By which the scales were found.

    Raises
    ------
    DoesNotFitError
        The network needs more arrays than the chip has.
    """
    dynamic = dynamic_of(captured, arch)
    signed = {
        name: inputs[product.weight_key].scale.signed
        for name, product in captured.program.products.items()
    } | {name: inputs[name].scale.signed for names in dynamic.values() for name in names}
    plan = build_plan(captured.workload, arch, precision=precision, signed_inputs=signed)
    own = precisions_of(captured, arch, precision)
    layers = _program(captured, plan, inputs, own)
    changing = {
        row.name: make_dynamic(row, arch, own[row.name], inputs[row.name].scale)
        for row in plan.layers
        if row.kind == DYNAMIC
    }
    every: list[AnyLayer] = [*layers.values(), *changing.values()]
    return MappedModel(
        Body(
            captured.workload,
            captured.program,
            arch,
            replace(plan_with_proofs(plan, every), notes=captured.notes),
            layers,
            dict(precision),
            observer,
            {},
            dynamic=changing,
        )
    )


def precisions_of(
    captured: Captured, arch: Arch, precision: Mapping[str, Any]
) -> dict[str, LayerPrecision]:
    """Find the precision of each layer, by the key of its weight.

    Parameters
    ----------
    captured : Captured
    arch : Arch
    precision : mapping
        As for `map_model`.
    """
    found = layer_precisions(laid_out(captured.workload, arch), arch, precision)
    nodes = {node.name: node for node in captured.workload.products}
    names = dynamic_of(captured, arch).values()
    own = {name: found[name] for each in names for name in each}
    for name, product in captured.program.products.items():
        node = nodes[name]
        own[product.weight_key] = found[node.weight or node.name]
    return own


def dynamic_of(captured: Captured, arch: Arch) -> dict[str, tuple[str, ...]]:
    """Find the layers of each step of a network that are programmed for every sample.

    Raises
    ------
    CaptureError
        A network with such steps that `torch.export` refuses: it runs as Python, out of reach.
    """
    layers = {node.name for node in laid_out(captured.workload, arch) if node.is_dynamic}
    found = dynamic_steps(captured.workload, layers)
    if found and isinstance(captured.program, EagerProgram):
        raise CaptureError(
            f"{captured.workload.name}: attention: crossbar: torch.export refuses this model, and"
            f" {next(iter(found))!r} of a model that runs as Python cannot be put on crossbars;"
            " set attention=digital"
        )
    return found


def _refuse_nan(captured: Captured) -> None:
    for product in captured.program.products.values():
        for what, tensor in (("weights hold", product.weight), ("bias holds", product.bias)):
            if tensor is not None and not bool(torch.isfinite(tensor).all()):
                raise InputError(f"{product.layer}: its {what} NaN or inf")


def _refuse_unmapped(plan: Plan) -> None:
    lines = [
        f"{u.name}: {u.operator} cannot be mapped ({u.why}); --strict / strict=True refuses it"
        for u in plan.unmapped
        if u.kind == "other" or u.weights
    ]
    if lines:
        raise CaptureError("\n".join(lines))


def _program(
    captured: Captured,
    plan: Plan,
    inputs: Mapping[str, Calibrated],
    precisions: Mapping[str, LayerPrecision],
) -> dict[str, MappedLayer]:
    products = captured.program.products
    layers: dict[str, MappedLayer] = {}
    for row in plan.layers:
        if row.kind == DYNAMIC:
            continue
        product = products[row.name]
        weight = product.weight.detach().double().numpy().reshape(product.weight.shape[0], -1)
        own = precisions[product.weight_key]
        integers, weight_scale = quantise_weights(weight, own.weight_bits, own.weight_levels)
        scale = inputs[product.weight_key].scale
        coding = make_input_coding(plan.arch, scale.bits, scale.signed)
        sample = inputs[product.weight_key].integers()
        programmed = ProgrammedLayer(row, plan.arch, integers, coding, sample=sample)
        layers[product.weight_key] = MappedLayer(programmed, scale, weight_scale)
    return layers
