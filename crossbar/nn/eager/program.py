"""A model that runs as ordinary Python, with its products taken out: for what cannot be exported.

It has the interface of `crossbar.nn.graph.program.Program`, but follows its own path for each
input.  Where that path depends on the batch as a whole (``if x.sum() > 0``), so do the results, as
those of the model itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from crossbar.errors import CaptureError, InputError
from crossbar.nn.eager.watch import WEIGHTED, Call, Memory, Watch, parts_of
from crossbar.nn.graph.draft import PLAIN
from crossbar.nn.graph.export import whole_layers
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Override, Program, Step
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import Named

__all__ = ["EagerProgram"]


@dataclass(eq=False)
class EagerProgram:
    """A model whose products a caller may compute in its own way while it runs.

    Parameters
    ----------
    model : nn.Module
        A copy of the user's.
    signature : Signature
        What it takes.
    positional : int
        How many of the signature's arguments are given by position.
    products : dict
        Step name -> layer, of all calls.
    calls : dict
        By what a call is known again (`Call.key`): the small program that it is, for each of its
        uses in the example.  Later uses are the last one once more.
    """

    model: nn.Module
    signature: Signature
    positional: int
    products: dict[str, Product]
    calls: dict[tuple[Any, ...], tuple[Program, ...]]
    _unseen: Counter[str] = field(default_factory=Counter)
    _runs: int = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out where the weights lie: a copy has them elsewhere."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensor inputs."""
        return self.signature.inputs

    @property
    def constants(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers of the model."""
        return self._memory.tensors

    def run(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        override: Override | None = None,
        also: Collection[str] = (),
    ) -> Any:
        """Run the model; as `Program.run`.

        ``override`` is asked once for each use of a layer, with ``extra`` = 1, 2 ... among its
        keyword arguments for uses beyond those that the example had.

        Raises
        ------
        DataError
            When the arguments are not what the network was captured with.
        CaptureError
            When the model runs with them, but not with its products taken out.
        """
        self.signature.bind(args, kwargs or {})
        called: Counter[tuple[Any, ...]] = Counter()

        def compute(call: Call) -> Any:
            key = call.key(self._memory) if call.name in WEIGHTED else None
            if key is None or key not in self.calls:
                self._note(call, key)
                return call.run()
            uses, use = self.calls[key], called[key]
            called[key] += 1
            extra = max(0, use - len(uses) + 1)
            data = [t for t in parts_of((call.args, call.kwargs)) if not self._memory.owner(t)]
            if not all(t.numel() for t in data):
                return call.run()  # no sample takes this path

            def ask(step: Step, step_args: tuple[Any, ...], more: dict[str, Any]) -> Any:
                assert override is not None
                return override(step, step_args, {**more, "extra": extra} if extra else more)

            found = uses[min(use, len(uses) - 1)].run(data, {}, ask)
            # as torch lays results out: what comes next may view them
            return pytree.tree_map_only(torch.Tensor, torch.Tensor.contiguous, found)

        given, named = self._arguments(args, kwargs or {})
        if override is None:
            with torch.no_grad(), whole_layers():
                return _plain(self.model(*given, **named))
        self._runs += 1
        try:
            with torch.no_grad(), whole_layers(), Watch(compute):
                return _plain(self.model(*given, **named))
        except InputError:
            raise
        except Exception as error:  # the user's code may raise anything
            with torch.no_grad(), whole_layers():
                self.model(*given, **named)
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise CaptureError(
                f"{type(self.model).__name__}: torch.export refuses this model, and it does not run"
                f" with its products taken out: {reason}"
            ) from error

    def use(self, step: Step, kwargs: Mapping[str, Any]) -> int:
        """Number a call of an override among all of a run; as `Program.use`."""
        times = int(kwargs.get("times", 1)) * int(kwargs.get("extra", 0))
        return self._places[step.name] + len(self._places) * (int(kwargs.get("time", 0)) + times)

    def to_json(self) -> str:
        """Refuse: the model is Python, not data.

        Raises
        ------
        CaptureError
        """
        raise CaptureError(
            f"{type(self.model).__name__}: torch.export refuses this model, so it runs as Python"
            " and cannot be written to a file; save its state_dict and map it again"
        )

    def remarks(self) -> tuple[str, ...]:
        """Say what ran in float since `forget`, because the example had not run it."""
        return tuple(
            f"{name} ran in float, not on crossbars, in {count:,} of {self._runs:,} runs: the"
            " example of the capture did not run it."
            for name, count in self._unseen.items()
        )

    def forget(self) -> None:
        """Count anew for `remarks`."""
        self._unseen.clear()
        self._runs = 0

    def _note(self, call: Call, key: tuple[Any, ...] | None) -> None:
        """Count a product with weights that is not on crossbars."""
        if key is None:
            return
        matrices = [t for t in parts_of((call.args, call.kwargs)) if t.dim() > 1]
        owners = [owner for t in matrices if (owner := self._memory.owner(t)) is not None]
        if owners:
            self._unseen[owners[0].removesuffix(".weight")] += 1

    def _arguments(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return what the model is called with: the values that the capture has fixed, too."""
        names = list(self.signature.arguments)
        named = {**self.signature.arguments, **dict(zip(names, args, strict=False)), **kwargs}
        given = [named.pop(name) for name in names[: self.positional]]
        return given, named

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self.model)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.products)}


def _plain(value: Any) -> Any:
    """Return mappings and dataclasses as dicts or `Named`, named tuples as tuples."""
    if isinstance(value, Mapping):
        items = {key: _plain(item) for key, item in value.items()}
        return items if type(value) in PLAIN else Named(items)
    if is_dataclass(value) and not isinstance(value, type):
        return Named({f.name: _plain(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, (list, tuple)):
        several = [_plain(item) for item in value]
        return several if isinstance(value, list) else tuple(several)
    return value
