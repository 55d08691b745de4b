"""The values that stand in a captured program, and their JSON form.

Arguments of a step are nested Python values with a `Ref` wherever another step's result is meant.
JSON knows neither tuples nor slices, types or infinities, so those are written as an object with
one key that says what they are; lists, strings, numbers, booleans and null are written as
themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from crossbar.errors import CaptureError

__all__ = ["Named", "Ref", "decode", "encode", "fill", "refs"]

_TORCH_TYPES: dict[str, type] = {
    "dtype": torch.dtype,
    "layout": torch.layout,
    "memory_format": torch.memory_format,
}


def fill(value: Any, get: Callable[[str], Any]) -> Any:
    """Return ``value`` with every `Ref` replaced by ``get(name)``."""
    if isinstance(value, Ref):
        return get(value.name)
    if isinstance(value, (list, tuple)):
        return type(value)([fill(v, get) for v in value])
    if isinstance(value, dict):
        filled = {k: fill(v, get) for k, v in value.items()}
        return Named(filled) if isinstance(value, Named) else filled
    if isinstance(value, slice):
        return slice(fill(value.start, get), fill(value.stop, get), fill(value.step, get))
    return value


def refs(value: Any) -> Iterator[str]:
    """Yield the names that ``value`` refers to, in order, repeats included."""
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs(item)
    elif isinstance(value, dict):
        yield from refs(list(value.values()))
    elif isinstance(value, slice):
        yield from refs([value.start, value.stop, value.step])


def encode(value: Any) -> Any:
    """Return ``value`` as JSON-able data.

    Raises
    ------
    CaptureError
        For a value with no JSON form (a generator, a tensor that is not a constant of the program
        ...).
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Ref):
        return {"ref": value.name}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, complex):
        return {"complex": [encode(value.real), encode(value.imag)]}
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(v) for v in value]}
    if isinstance(value, dict):
        tag = "named" if isinstance(value, Named) else "dict"
        return {tag: [[encode(k), encode(v)] for k, v in value.items()]}
    if isinstance(value, slice):
        return {"slice": [encode(v) for v in (value.start, value.stop, value.step)]}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    for tag, kind in _TORCH_TYPES.items():
        if isinstance(value, kind):
            return {tag: str(value).removeprefix("torch.")}
    raise CaptureError(
        f"captured program: a value of type {type(value).__name__} has no JSON form, so the"
        " program cannot be saved"
    )


def decode(data: Any) -> Any:
    """Return the value that `encode` wrote as ``data``.

    Raises
    ------
    CaptureError
        For anything that `encode` does not write.
    """
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if isinstance(data, list):
        return [decode(v) for v in data]
    if isinstance(data, dict) and len(data) == 1:
        ((tag, content),) = data.items()
        if tag == "ref" and isinstance(content, str):
            return Ref(content)
        if tag == "float" and content in ("inf", "-inf", "nan"):
            return float(content)
        if tag == "device" and isinstance(content, str):
            return _device(content)
        if tag in _TORCH_TYPES and isinstance(content, str):
            return _torch_value(tag, content)
        if isinstance(content, list):
            return _decode_items(tag, content)
    raise CaptureError(f"captured program: {str(data)[:60]!r} is not an encoded value")


def _decode_items(tag: str, content: list[Any]) -> Any:
    if tag in ("dict", "named"):
        if all(isinstance(pair, list) and len(pair) == 2 for pair in content):
            values = {decode(k): decode(v) for k, v in content}
            return Named(values) if tag == "named" else values
    elif tag == "tuple":
        return tuple(decode(v) for v in content)
    elif tag == "slice" and len(content) == 3:
        return slice(*(decode(v) for v in content))
    elif tag == "complex" and len(content) == 2:
        return complex(decode(content[0]), decode(content[1]))
    raise CaptureError(f"captured program: {tag!r} is not an encoded value")


def _device(text: str) -> torch.device:
    try:
        return torch.device(text)
    except RuntimeError as error:
        raise CaptureError(f"captured program: device {text!r} is not known to torch") from error


def _torch_value(tag: str, text: str) -> Any:
    value = getattr(torch, text, None)
    if not isinstance(value, _TORCH_TYPES[tag]):
        raise CaptureError(f"captured program: {tag} {text!r} is not known to torch")
    return value


class Named(dict[Any, Any]):
    """A dictionary whose values are attributes and places too: an output of Hugging Face.

    ``out["logits"]``, ``out.logits`` and ``out[0]`` are the same, and so it stands for a dataclass.
    """

    def __getattr__(self, name: str) -> Any:
        """Return the value of a key."""
        if name in self:
            return self[name]
        keys = ", ".join(map(repr, self))
        raise AttributeError(f"no attribute {name!r}; the output holds {keys}")

    def __getitem__(self, key: Any) -> Any:
        """Return the value of a key, of a place, or several as a tuple."""
        if isinstance(key, slice) or (isinstance(key, int) and key not in self):
            return self.to_tuple()[key]
        return super().__getitem__(key)

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the values in order."""
        return tuple(self.values())


@dataclass(frozen=True, slots=True)
class Ref:
    """The result of the step, or the constant or input, called ``name``."""

    name: str
