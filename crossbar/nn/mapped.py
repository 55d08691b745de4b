"""A network whose weight layers run through crossbars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeVar

import torch
from torch import nn

from crossbar.arch import Arch
from crossbar.array.conditions import Conditions
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping.plan import Plan
from crossbar.nn.dynamic import DynamicLayer, dynamic_steps, through
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.layers import MappedLayer, Place, Recorder
from crossbar.nn.sequences import RealTokens
from crossbar.workload.graph import Workload

__all__ = ["AnyLayer", "Body", "MappedModel", "check_mapped", "plan_with_proofs"]

AnyLayer = MappedLayer | DynamicLayer
_L = TypeVar("_L", MappedLayer, DynamicLayer)

_MODES = ("crossbar", "digital", "float")


@dataclass(frozen=True)
class Body:
    """What a mapped model is made of.

    Parameters
    ----------
    workload : Workload
    program : Program or EagerProgram
    arch : Arch
    plan : Plan
    layers : mapping of str to MappedLayer
        By the key of the weight.
    precision : mapping
        As `crossbar.mapping.precision.complete_precision` returns it.
    observer : str
    effects : mapping
        What was done to it after mapping, JSON-able, for the report's header.
    conditions : Conditions
        Under which its arrays are read; single layers may have others (`MappedModel.under`).
    dynamic : mapping of str to DynamicLayer
        Layers whose matrix is programmed for every sample, by name.
    """

    workload: Workload
    program: Program | EagerProgram
    arch: Arch
    plan: Plan
    layers: Mapping[str, MappedLayer]
    precision: Mapping[str, Any]
    observer: str
    effects: Mapping[str, Any]
    conditions: Conditions = Conditions()
    dynamic: Mapping[str, DynamicLayer] = field(default_factory=dict)

    @cached_property
    def dynamic_steps(self) -> Mapping[str, tuple[str, ...]]:
        """Dynamic layers of each step that has some."""
        return dynamic_steps(self.workload, self.dynamic)

    @property
    def every_layer(self) -> tuple[AnyLayer, ...]:
        """All layers on crossbars."""
        return (*self.layers.values(), *self.dynamic.values())

    def with_layers(self, change: Callable[[AnyLayer], Conditions | None]) -> Body:
        """Return it with layers under other conditions.

        Parameters
        ----------
        change : callable
            Conditions of a layer; None leaves it as it is.
        """

        def of(layer: _L) -> _L:
            new = change(layer)
            return layer if new is None else layer.under(new)

        layers = {key: of(layer) for key, layer in self.layers.items()}
        dynamic = {name: of(layer) for name, layer in self.dynamic.items()}
        changed = replace(self, layers=layers, dynamic=dynamic)
        return replace(changed, plan=plan_with_proofs(self.plan, changed.every_layer))


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
        first: int = 0,
        samples: int = 0,
        real: RealTokens | None = None,
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
        first, samples : int
            Samples of the run before this batch, and in it: noise belongs to images.
        real : RealTokens, optional
            Tokens of the batch that go through the arrays; all where None.
        """
        if mode not in _MODES:
            raise UnknownNameError("mode", mode, _MODES)
        body, program = self.body, self.body.program
        digital = mode == "digital"

        def multiply(name: str, driven: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
            keep = None if real is None else real.keep
            place = Place(first, samples)
            return body.dynamic[name].run(
                driven, stored, place=place, digital=digital, recorder=recorder, keep=keep
            )

        def read(step: Step, step_args: tuple[Any, ...], call: dict[str, Any]) -> Any:
            if step.name in body.dynamic_steps:
                return through(step, step_args, call, body.dynamic_steps[step.name], multiply)
            product = program.products[step.name]
            layer = body.layers[product.weight_key]
            place = Place(first, samples, program.use(step, call))
            run = layer.run
            if real is not None and real.concerns(step.name, step_args[0]):
                run = partial(real.run, layer)
            return run(step_args[0], product, digital=digital, recorder=recorder, place=place)

        with torch.no_grad():
            override = None if mode == "float" else read
            return program.run(args, kwargs or {}, override, body.dynamic_steps)

    def under(
        self,
        conditions: Conditions,
        *,
        only: Collection[str] | None = None,
        effects: Mapping[str, Any] | None = None,
    ) -> MappedModel:
        """Return the model under other conditions.

        Parameters
        ----------
        conditions : Conditions
        only : collection of str, optional
            Names of the layers that change; all when absent.
        effects : mapping, optional
            What was done, for the report's header.
        """
        body = self.body

        def change(layer: AnyLayer) -> Conditions | None:
            return conditions if only is None or layer.programmed.plan.name in only else None

        changed = replace(
            body.with_layers(change),
            effects={**body.effects, **(effects or {})},
            conditions=conditions if only is None else body.conditions,
        )
        return MappedModel(changed)

    def extra_repr(self) -> str:
        """Name the network and the chip."""
        plan = self.plan
        return f"{plan.workload.name} on {plan.arch.name}: {plan.arrays} arrays, {plan.tiles} tiles"


def plan_with_proofs(plan: Plan, layers: Iterable[AnyLayer]) -> Plan:
    """Write into the plan how each layer is computed, and what share of it cannot clip.

    Of a layer that is programmed for every sample that is what holds whatever it is given.
    """
    by_name = {layer.programmed.plan.name: layer.programmed for layer in layers}
    return replace(
        plan,
        layers=tuple(
            replace(row, collapsed=by_name[row.name].collapsed, path=by_name[row.name].path)
            for row in plan.layers
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
