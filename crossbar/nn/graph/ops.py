"""Which operations a captured program may hold, by name.

A program is data that may come from a file, so a name in a file is looked up in families of
harmless functions and nowhere else: torch's ``aten`` operators, arithmetic on sizes, the product
that crossbars compute, and what `crossbar.nn.graph.functions` adds.  A program in memory may hold
any operator that a model has brought along; such a program is not written to a file.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from crossbar.errors import CaptureError, did_you_mean
from crossbar.nn.graph import functions

__all__ = [
    "PRODUCT",
    "PRODUCTS",
    "RECURRENCE",
    "arguments",
    "base_name",
    "is_allowed",
    "is_mutable",
    "is_random",
    "loaded",
    "op_name",
    "resolve",
]

PRODUCT = "crossbar.product"
"""Operation of a step that multiplies by constant weights."""

RECURRENCE = "crossbar.recurrence"
"""Operation of a step that multiplies by constant weights once a time step."""

PRODUCTS = (PRODUCT, RECURRENCE)

_FUNCTIONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "_operator": (
        operator,
        (
            *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "pos", "abs"),
            *("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "not_", "xor", "getitem"),
        ),
    ),
    "crossbar": (functions, ("cell", "overlap_add", "states")),
    "math": (math, ("ceil", "floor", "trunc", "sqrt", "log2", "exp", "pow")),
    "torch": (
        torch,
        ("sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum"),
    ),
}

# Reads a file of the reader's machine.
_REFUSED = ("from_file",)


def op_name(target: Any) -> str:
    """Return the name under which ``target``, a function of an exported graph, is stored.

    Raises
    ------
    CaptureError
        When it belongs to none of the allowed families.
    """
    if isinstance(target, torch._ops.OpOverload):
        name = str(target)
        if target.namespace != "aten" and target.namespace not in _FUNCTIONS:
            return name
    else:
        name = f"{getattr(target, '__module__', '')}.{getattr(target, '__name__', target)}"
    resolve(name)
    return name


def is_allowed(name: str) -> bool:
    """Whether a file may name the operator."""
    try:
        resolve(name)
    except CaptureError:
        return False
    return True


def loaded(name: str) -> Callable[..., Any]:
    """Return the function of a step of a program in memory: `resolve`, or a model's own operator.

    Raises
    ------
    CaptureError
        When no such operator is registered.
    """
    family, _, rest = name.partition(".")
    if family == "aten" or family in _FUNCTIONS:
        return resolve(name)
    packet, _, overload = rest.partition(".")
    found = getattr(getattr(getattr(torch.ops, family), packet, None), overload, None)
    return found if isinstance(found, torch._ops.OpOverload) else resolve(name)


def resolve(name: str) -> Callable[..., Any]:
    """Return the function called ``name``, e.g. ``"aten.conv2d.default"`` or ``"_operator.mul"``.

    Raises
    ------
    CaptureError
        For a name outside the allowed families.
    """
    family, _, rest = name.partition(".")
    if family in _FUNCTIONS:
        module, allowed = _FUNCTIONS[family]
        if rest in allowed:
            function: Callable[..., Any] = getattr(module, rest)
            return function
        near = did_you_mean(rest, allowed)
        raise CaptureError(
            f"operator {name!r}{near}: of {family} a captured program may use {', '.join(allowed)}"
        )
    if family == "aten":
        packet, _, overload = rest.partition(".")
        found = getattr(getattr(torch.ops.aten, packet, None), overload, None)
        if isinstance(found, torch._ops.OpOverload) and packet not in _REFUSED:
            return found
    raise CaptureError(
        f"operator {name!r}: a captured program may hold aten operators that torch"
        f" {torch.__version__} has, arithmetic on sizes and {PRODUCT}"
    )


def base_name(name: str) -> str:
    """Return the bare name: ``"conv2d"`` of ``"aten.conv2d.default"``.

    That of a model's own operator keeps its library (``"mylib.conv2d"``): it is no other's.
    """
    family, base = name.split(".")[:2]
    return base if family in ("aten", "eager", *_FUNCTIONS) else f"{family}.{base}"


def is_random(name: str) -> bool:
    """Whether two runs of the operation may differ."""
    function = loaded(name)
    return (
        isinstance(function, torch._ops.OpOverload)
        and torch.Tag.nondeterministic_seeded in function.tags
    )


def is_mutable(target: Any) -> bool:
    """Whether a function of an exported graph changes one of its arguments in place."""
    return isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable


def arguments(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an operator of torch by name, defaults included."""
    function = loaded(name)
    if not isinstance(function, torch._ops.OpOverload):
        raise TypeError(f"{name}: not an aten operator")
    declared = function._schema.arguments
    values = {a.name: a.default_value for a in declared if a.has_default_value()}
    values.update(zip((a.name for a in declared), args, strict=False))
    values.update(kwargs)
    return values
