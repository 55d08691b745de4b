"""A network whose weight layers run through crossbars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from crossbar.arch import Arch
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping.plan import Plan
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.layers import MappedLayer, Recorder
from crossbar.workload.graph import Workload

__all__ = ["Body", "MappedModel", "check_mapped", "plan_with_proofs"]

_MODES = ("crossbar", "digital", "float")


@dataclass(frozen=True)
class Body:
    """What a mapped model is made of.

    Parameters
    ----------
    workload : Workload
    program : Program
    arch : Arch
    plan : Plan
    layers : mapping of str to MappedLayer
        By the key of the weight.
    precision : mapping
        ``weight_bits``, ``weight_levels``, ``input_bits``.
    observer : str
    effects : mapping
        What was done to it after mapping, JSON-able, for the report's header.
    """

    workload: Workload
    program: Program
    arch: Arch
    plan: Plan
    layers: Mapping[str, MappedLayer]
    precision: Mapping[str, Any]
    observer: str
    effects: Mapping[str, Any]


class MappedModel(nn.Module):
    """A network on crossbars: call it like the model it was made from, with any batch size.

    It is for inference (results carry no gradient) and on the CPU.  `plan` says what sits where;
    `inject` and the other verbs return new models and leave this one as it is.

    Parameters
    ----------
    body : Body
    """

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    @property
    def plan(self) -> Plan:
        """What sits where on the chip."""
        return self.body.plan

    @property
    def arch(self) -> Arch:
        """The hardware."""
        return self.body.arch

    @property
    def workload(self) -> Workload:
        """The network as a graph."""
        return self.body.workload

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run a batch through the crossbars."""
        return self.execute(args, kwargs)

    def execute(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] | None = None,
        *,
        mode: str = "crossbar",
        recorder: Recorder | None = None,
    ) -> Any:
        """Run a batch.

        Parameters
        ----------
        args, kwargs
            As the model takes them.
        mode : {"crossbar", "digital", "float"}
            Through the arrays, through their integer twin without cells or converters, or in float.
        recorder : Recorder, optional
            Measure energy and saturations of the arrays into it.
        """
        if mode not in _MODES:
            raise UnknownNameError("mode", mode, _MODES)
        layers, program = self.body.layers, self.body.program

        def read(step: Step, step_args: tuple[Any, ...], _: dict[str, Any]) -> Any:
            product = program.products[step.name]
            layer = layers[product.weight_key]
            digital = mode == "digital"
            return layer.run(step_args[0], product, digital=digital, recorder=recorder)

        with torch.no_grad():
            return program.run(args, kwargs or {}, None if mode == "float" else read)

    def with_layers(
        self, layers: Mapping[str, MappedLayer], effects: Mapping[str, Any]
    ) -> MappedModel:
        """Return a model with other cells; ``effects`` says what was done."""
        body = replace(self.body, layers=dict(layers), effects={**self.body.effects, **effects})
        return MappedModel(replace(body, plan=plan_with_proofs(body.plan, body.layers)))

    def extra_repr(self) -> str:
        """Name the network and the chip."""
        plan = self.plan
        return f"{plan.workload.name} on {plan.arch.name}: {plan.arrays} arrays, {plan.tiles} tiles"


def plan_with_proofs(plan: Plan, layers: Mapping[str, MappedLayer]) -> Plan:
    """Write into the plan which share of each layer's columns provably cannot clip."""
    by_name = {layer.programmed.plan.name: layer for layer in layers.values()}
    return replace(
        plan,
        layers=tuple(
            replace(row, collapsed=by_name[row.name].programmed.collapsed) for row in plan.layers
        ),
    )


def check_mapped(verb: str, value: object) -> None:
    """Refuse anything but a mapped model, naming the call that makes one.

    Raises
    ------
    InputError
    """
    if not isinstance(value, MappedModel):
        raise InputError(
            f"{verb}: a {type(value).__name__}, expected a mapped model: xb.map_model(model, arch,"
            " calibration=...)"
        )
