"""What a captured network takes: its inputs, their shapes and types, and how a call is matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from crossbar.errors import CaptureError, DataError, did_you_mean
from crossbar.nn.graph.values import Ref, decode, encode, fill, refs

__all__ = ["Shape", "Signature", "too_long"]


def too_long(name: str, tokens: int, most: int) -> DataError:
    """Return the error for a sequence of more tokens than the network has positions for."""
    return DataError(f"input {name!r}: {tokens} tokens, the network takes {most} at most")


Shape = tuple[int | str, ...]
"""Sizes of an input; an axis that may differ from call to call has a name instead (``"batch"``)."""


@dataclass(frozen=True, eq=False)
class Signature:
    """The arguments of a captured network.

    Parameters
    ----------
    arguments : dict
        Parameter name -> what it holds: a `Ref` for a tensor, a list, tuple or dict of such, or the
        plain value (``use_cache=False``) that the capture has fixed. In the order of a positional
        call.
    shapes : dict
        Input name (as in the `Ref`) -> its sizes; equal names of axes mean equal sizes.
    dtypes : dict
        Input name -> its type.
    most : dict
        Name of an axis -> the largest that it may be, where the network takes not every length.
    """

    arguments: dict[str, Any]
    shapes: dict[str, Shape]
    dtypes: dict[str, torch.dtype]
    most: dict[str, int] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensor inputs."""
        return tuple(self.shapes)

    @property
    def axes(self) -> dict[str, Any]:
        """The axis that counts the samples by argument, nested as the arguments are; None: none."""
        found: dict[str, Any] = fill(self.arguments, self.axis_of)
        return found

    def axis_of(self, name: str) -> int | None:
        """Return the axis of an input that counts the samples; None where all samples share it."""
        shape = self.shapes[name]
        for axis, size in enumerate(shape):
            if isinstance(size, str) and size.split()[0] == "batch":
                return axis
        return 0 if shape and shape[0] == self.batch else None

    @property
    def batch(self) -> int | None:
        """The only batch size the network takes, or None when it takes any."""
        first = [shape[0] for shape in self.shapes.values() if shape]
        sizes = [size for size in first if isinstance(size, int)]
        return sizes[0] if sizes and len(sizes) == len(first) else None

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Return the tensors of a call by input name.

        Raises
        ------
        DataError
            For a missing or unknown argument, a wrong type or shape, unequal batches, or another
            plain value than the captured one.
        """
        given = self._by_name(args, kwargs)
        tensors: dict[str, torch.Tensor] = {}
        for name, expected in self.arguments.items():
            if name in given:
                self._match(name, expected, given[name], tensors)
            elif any(True for _ in refs(expected)):
                raise DataError(
                    f"input {name!r} is missing; the network takes {self._names()}"
                    + ("; give a dictionary, or a loader of ((a, b), targets)" if args else "")
                )
        self._check_axes(tensors)
        return tensors

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return {
            "arguments": [[name, encode(value)] for name, value in self.arguments.items()],
            "inputs": [
                [name, list(shape), encode(self.dtypes[name])]
                for name, shape in self.shapes.items()
            ],
            **({"most": self.most} if self.most else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """Rebuild what `to_dict` wrote; raises CaptureError when it is not that."""
        try:
            return cls(
                {name: decode(value) for name, value in data["arguments"]},
                {name: tuple(shape) for name, shape, _ in data["inputs"]},
                {name: decode(dtype) for name, _, dtype in data["inputs"]},
                {str(axis): int(size) for axis, size in data.get("most", {}).items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CaptureError(f"captured program: unreadable inputs ({error!r})") from error

    def _names(self) -> str:
        return ", ".join(self.arguments)

    def _by_name(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = list(self.arguments)
        if len(args) > len(names):
            raise DataError(
                f"{len(args)} positional inputs were given; the network takes {self._names()}"
            )
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self.arguments:
                raise DataError(
                    f"unknown input {name!r}{did_you_mean(name, names)};"
                    f" the network was captured with {self._names()}"
                )
            if name in given:
                raise DataError(f"input {name!r} was given twice")
            given[name] = value
        return given

    def _match(self, where: str, expected: Any, value: Any, found: dict[str, torch.Tensor]) -> None:
        if isinstance(expected, Ref):
            if not isinstance(value, torch.Tensor):
                raise DataError(f"input {where!r}: expected a tensor, got {type(value).__name__}")
            self._check_tensor(where, expected.name, value)
            found[expected.name] = value
        elif isinstance(expected, (list, tuple)):
            if not isinstance(value, (list, tuple)) or len(value) != len(expected):
                raise DataError(f"input {where!r}: expected a sequence of {len(expected)} values")
            for i, (inner, item) in enumerate(zip(expected, value, strict=True)):
                self._match(f"{where}[{i}]", inner, item, found)
        elif isinstance(expected, dict):
            if not isinstance(value, Mapping) or set(value) != set(expected):
                keys = ", ".join(map(repr, expected))
                raise DataError(f"input {where!r}: expected a mapping with the keys {keys}")
            for key, inner in expected.items():
                self._match(f"{where}[{key!r}]", inner, value[key], found)
        elif isinstance(value, torch.Tensor) or type(value) is not type(expected):
            raise DataError(
                f"input {where!r}: captured with {expected!r}, got {type(value).__name__};"
                " capture the model again to change it"
            )
        elif value != expected:
            raise DataError(
                f"input {where!r}: captured with {expected!r}, got {value!r};"
                " capture the model again to change it"
            )

    def _check_tensor(self, where: str, name: str, value: torch.Tensor) -> None:
        expected, got = self.shapes[name], tuple(value.shape)
        wrong = [
            axis
            for axis, (want, have) in enumerate(zip(expected, got, strict=False))
            if isinstance(want, int) and want != have
        ]
        if len(expected) == len(got) and wrong == [0] and self.batch is not None:
            raise DataError(
                f"input {where!r}: a batch of {got[0]}, but this network was captured for batches"
                f" of {expected[0]} only (its code, or its export, fixes the batch size)"
            )
        if len(expected) != len(got) or wrong:
            sizes = ", ".join(map(str, expected))
            hint = ""
            if wrong == [1] and expected[1] == 1 and not value.is_floating_point():
                hint = "; captured with one token, which fixes the length: give a longer example"
            raise DataError(f"input {where!r}: shape {got}, expected ({sizes}){hint}")
        if value.dtype != self.dtypes[name]:
            have, want = (str(t).removeprefix("torch.") for t in (value.dtype, self.dtypes[name]))
            raise DataError(f"input {where!r}: type {have}, expected {want}")

    def _check_axes(self, tensors: Mapping[str, torch.Tensor]) -> None:
        first: dict[str, tuple[str, int]] = {}
        for name, tensor in tensors.items():
            for axis, size in zip(self.shapes[name], tensor.shape, strict=True):
                if isinstance(axis, str):
                    if size > self.most.get(axis, size):
                        raise too_long(name, size, self.most[axis])
                    other, expected = first.setdefault(axis, (name, size))
                    if size != expected:
                        raise DataError(
                            f"input {name!r}: {axis} of {size}, but input {other!r} has {expected}"
                        )
