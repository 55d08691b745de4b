"""A captured network as a list of steps: it runs, and it can be written down as JSON.

The program is what is left of a model once `torch.export` has unrolled its Python: operations in
order, the constants they use, and the layers with weights (`Product`), each of which a caller may
compute in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch

from crossbar.errors import CaptureError, SchemaVersionError
from crossbar.nn.graph.functions import recurrence
from crossbar.nn.graph.indices import index_error
from crossbar.nn.graph.ops import PRODUCT, PRODUCTS, RECURRENCE, is_allowed, loaded, resolve
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import Ref, decode, encode, fill, refs

__all__ = ["Override", "Program", "Ref", "Step"]

VERSION = 1
"""Version of the JSON form."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operation: ``op`` applied to arguments in which every `Ref` stands for a value.

    Parameters
    ----------
    name : str
        Unique in the program.
    op : str
        ``"aten.relu.default"``, ``"_operator.getitem"``, ``"crossbar.product"`` ...
    args : tuple
    kwargs : dict
    """

    name: str
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


Override = Callable[[Step, tuple[Any, ...], dict[str, Any]], Any]
"""Computes a product step in place of the float product: ``override(step, args, kwargs)``.

``args[0]`` is what is multiplied.  A recurrent step is asked for once a time step, with the hidden
state and the keywords ``time`` (calls of the step before this one) and ``times`` (calls in all)."""


@dataclass(frozen=True, eq=False)
class Program:
    """A captured network.

    Parameters
    ----------
    signature : Signature
        What it takes.
    steps : tuple of Step
        In an order in which every value is computed before it is used.
    constants : dict
        Tensors that the steps use, by name.
    output : nested Ref
        What it returns: a `Ref`, or a tuple, list or dict of them.
    products : dict
        Step name -> the layer with weights that the step stands for.

    Raises
    ------
    CaptureError
        When a step uses a value that is not there, or a name stands twice.
    """

    signature: Signature
    steps: tuple[Step, ...]
    constants: dict[str, torch.Tensor]
    output: Any
    products: dict[str, Product]

    def __post_init__(self) -> None:
        known = {*self.signature.inputs, *self.constants}
        for step in self.steps:
            if step.name in known:
                raise CaptureError(f"captured program: the name {step.name!r} stands twice")
            self._require(step.name, (step.args, step.kwargs), known)
            if step.op in PRODUCTS and step.name not in self.products:
                raise CaptureError(f"captured program: step {step.name!r} has no weights")
            known.add(step.name)
        self._require("output", self.output, known)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the resolved operators out: torch cannot pickle them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensor inputs."""
        return self.signature.inputs

    def run(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        override: Override | None = None,
        also: Collection[str] = (),
    ) -> Any:
        """Run the network on a batch of any size.

        Parameters
        ----------
        args, kwargs
            As the model takes them; only the captured arguments.
        override : callable, optional
            Asked for the result of each step named in ``products``; the float product when None.
        also : collection of str
            Names of further steps that ``override`` is asked for.

        Returns
        -------
        Tensor, or a tuple, list or dict of tensors
            As the model returns it (a named tuple comes back as a tuple, a dataclass or an output
            of Hugging Face as a `Named`, with the same attributes).

        Raises
        ------
        DataError
            When the arguments are not what the network was captured with.
        """
        inputs = self.signature.bind(args, kwargs or {})
        values: dict[str, Any] = dict(inputs)

        def get(name: str) -> Any:
            return values[name] if name in values else self.constants[name]

        for step, function, unused in self._schedule:
            step_args: tuple[Any, ...] = fill(step.args, get)
            step_kwargs: dict[str, Any] = fill(step.kwargs, get)
            if step.op == RECURRENCE:
                values[step.name] = self._recur(step, step_args, override)
            elif override is not None and (step.op == PRODUCT or step.name in also):
                values[step.name] = override(step, step_args, step_kwargs)
            else:
                try:
                    values[step.name] = function(*step_args, **step_kwargs)
                except (IndexError, RuntimeError) as error:
                    explained = index_error(step_args, self.signature, inputs, error)
                    if explained is error:
                        raise
                    raise explained from error
            for name in unused:
                del values[name]
        return fill(self.output, get)

    def use(self, step: Step, kwargs: Mapping[str, Any]) -> int:
        """Number a call of an override among all of a run, whatever the batch.

        Parameters
        ----------
        step, kwargs
            As the override was given them.
        """
        return self._places[step.name] + len(self._places) * int(kwargs.get("time", 0))

    def to_json(self) -> str:
        """Return the program without constants and products: tensors travel apart.

        Raises
        ------
        CaptureError
            For a program with an operator that torch does not have: a file may not name it.
        """
        for step in self.steps:
            if step.op not in PRODUCTS and not is_allowed(step.op):
                raise CaptureError(
                    f"{step.name}: operator {step.op!r} is none of torch's own, and a file may hold"
                    " no other; save the model's state_dict and map it again"
                )
        return json.dumps(
            {
                "version": VERSION,
                "signature": self.signature.to_dict(),
                "steps": [
                    {
                        "name": step.name,
                        "op": step.op,
                        "args": [encode(a) for a in step.args],
                        "kwargs": {k: encode(v) for k, v in step.kwargs.items()},
                    }
                    for step in self.steps
                ],
                "output": encode(self.output),
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(
        cls,
        text: str,
        constants: Mapping[str, torch.Tensor],
        products: Mapping[str, Product],
    ) -> Program:
        """Rebuild a program from `to_json`, its constants and its products.

        Raises
        ------
        SchemaVersionError
            When a newer version of this package wrote it.
        CaptureError
            When it is not a program, uses an operator outside the allowed families, or lacks a
            constant.
        """
        try:
            data = json.loads(text)
            version = data["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise CaptureError("captured program: not JSON written by Program.to_json") from error
        if not isinstance(version, int) or version > VERSION:
            raise SchemaVersionError(
                f"captured program: version {version}, this package reads up to {VERSION};"
                " update it"
            )
        try:
            steps = tuple(
                Step(
                    item["name"],
                    item["op"],
                    tuple(decode(a) for a in item["args"]),
                    {k: decode(v) for k, v in item["kwargs"].items()},
                )
                for item in data["steps"]
            )
            for step in steps:
                if step.op not in PRODUCTS:
                    resolve(step.op)
            output = decode(data["output"])
            signature = Signature.from_dict(data["signature"])
            return cls(signature, steps, dict(constants), output, dict(products))
        except (KeyError, TypeError, AttributeError) as error:
            raise CaptureError(f"captured program: unreadable step ({error!r})") from error

    def _recur(self, step: Step, args: tuple[Any, ...], override: Override | None) -> Any:
        """Run a recurrent step: one product a time step."""
        product = self.products[step.name]

        def multiply(state: torch.Tensor, time: int, times: int) -> Any:
            if override is None:
                return product.compute(state)
            return override(step, (state,), {"time": time, "times": times})

        inputs, initial, operator, direction = args
        return recurrence(inputs, initial, operator, direction, multiply)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.products)}

    @staticmethod
    def _require(where: str, value: Any, known: set[str]) -> None:
        for name in refs(value):
            if name not in known:
                raise CaptureError(f"captured program: {where!r} uses {name!r}, which is not there")

    @cached_property
    def _schedule(self) -> tuple[tuple[Step, Callable[..., Any], tuple[str, ...]], ...]:
        """Each step with its function and the values that nothing after it uses."""
        needed = set(refs(self.output)) | set(self.constants)
        backwards = []
        for step in reversed(self.steps):
            used = dict.fromkeys((*refs((step.args, step.kwargs)), step.name))
            unused = tuple(name for name in used if name not in needed)
            needed.update(used)
            is_product = step.op in PRODUCTS
            function = self.products[step.name].compute if is_product else loaded(step.op)
            backwards.append((step, function, unused))
        return tuple(reversed(backwards))
