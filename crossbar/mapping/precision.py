"""Which precision each layer has: of the network, of its first and last layer, by name pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from crossbar.arch import Arch
from crossbar.errors import InputError, UnknownNameError, did_you_mean
from crossbar.workload.graph import Node, Workload

__all__ = [
    "KEYS",
    "OBSERVERS",
    "PLACES",
    "SCALES",
    "LayerPrecision",
    "check_observer",
    "check_precision",
    "complete_precision",
    "layer_precisions",
    "nodes_by_weight",
]

KEYS = ("weight_bits", "weight_levels", "input_bits", "zero_point", "activation_scale")
"""What a layer can have; all of them may stand for the whole network too."""

PLACES = ("layers", "first", "last")
"""Where single layers get some of `KEYS` of their own."""

SCALES = ("tensor", "token")
"""One scale for all inputs of a layer, from calibration; or one for each input vector, at run
time."""

OBSERVERS = ("minmax", "mse", "percentile")
"""How the range of an activation is chosen from calibration data; ``percentile:99.99`` names
another share than `_PERCENTILE`."""

_PERCENTILE = 99.9
_WIDEST = 16
_NAMED = 6


@dataclass(frozen=True, slots=True)
class LayerPrecision:
    """The precision of one layer.

    Parameters
    ----------
    weight_bits : int
    weight_levels : int or None
        3 for ternary weights.
    input_bits : int
    zero_point : bool
        Inputs that can be negative become unsigned integers, raised by the code of zero.
    activation_scale : str
        One of `SCALES`.
    """

    weight_bits: int
    weight_levels: int | None
    input_bits: int
    zero_point: bool = False
    activation_scale: str = "tensor"

    @property
    def by_token(self) -> bool:
        """Whether each input vector has its own scale."""
        return self.activation_scale == "token"


def check_observer(observer: str) -> tuple[str, float]:
    """Return the name of an observer, and its percentile.

    Raises
    ------
    InputError, UnknownNameError
        No such name, or a percentile outside of 50..100.
    """
    name, colon, text = str(observer).partition(":")
    if name not in OBSERVERS:
        raise UnknownNameError("observer", str(observer), OBSERVERS)
    if not colon:
        return name, _PERCENTILE
    if name != "percentile":
        raise InputError(f"observer: {observer!r}: {name} takes no number; percentile:99.99 does")
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 50.0 < share <= 100.0:
        raise InputError(
            f"observer: {observer!r}: {text!r} is not a percentile above 50 and up to 100,"
            " e.g. percentile:99.99"
        )
    return name, share


def check_precision(given: Mapping[str, Any]) -> None:
    """Check all that needs no network.

    Parameters
    ----------
    given : mapping
        `KEYS` of the whole network, and `PLACES`: ``first`` and ``last`` with `KEYS` of those
        layers, ``layers`` with `KEYS` by name pattern.

    Raises
    ------
    InputError, UnknownNameError
        An unknown key, or a value out of range.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"precision: {given!r} is no mapping, e.g. {{'input_bits': 8}}")
    _check_rule("precision", given, PLACES)
    for place in ("first", "last"):
        if place in given:
            _check_rule(f"precision.{place}", given[place])
    layers = given.get("layers", {})
    if not isinstance(layers, Mapping):
        raise InputError(
            f"precision.layers: {layers!r} is no mapping of name patterns, e.g."
            " {'*.query': {'input_bits': 10}}"
        )
    for pattern, rule in layers.items():
        if not isinstance(pattern, str) or not pattern:
            raise InputError(f"precision.layers: {pattern!r} is no name pattern")
        _check_rule(f"precision.layers[{pattern!r}]", rule)


def _check_rule(where: str, rule: Any, more: Sequence[str] = ()) -> None:
    if not isinstance(rule, Mapping):
        raise InputError(f"{where}: {rule!r} is no mapping, e.g. {{'input_bits': 10}}")
    for key, value in rule.items():
        if key in more:
            continue
        if key not in KEYS:
            what = "precision key" if where == "precision" else f"key in {where}:"
            raise UnknownNameError(what, str(key), (*KEYS, *more))
        at = f"{where}.{key}"
        if key in ("weight_bits", "input_bits"):
            if type(value) is not int or not 1 <= value <= _WIDEST:
                raise InputError(f"{at}: {value!r} is not in 1..{_WIDEST}")
        elif key == "weight_levels":
            if value is not None and (type(value) is not int or value != 3):
                raise InputError(f"{at}: {value!r} is not 3")
        elif key == "zero_point":
            if type(value) is not bool:
                raise InputError(f"{at}: {value!r} is not true or false")
        elif value not in SCALES:
            raise InputError(f"{at}: {value!r} is not one of {', '.join(SCALES)}")


def complete_precision(arch: Arch, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Fill in the arch's own widths: what a scenario and a saved model keep.

    Returns
    -------
    dict
        ``weight_bits``, ``weight_levels`` and ``input_bits`` always, the others where given.

    Raises
    ------
    InputError, UnknownNameError
        As `check_precision`.
    """
    given = given or {}
    check_precision(given)
    own = {key: getattr(arch.precision, key) for key in KEYS[:3]}
    merged = _merged(own, {key: given[key] for key in KEYS if key in given})
    places = {key: given[key] for key in PLACES if given.get(key)}
    if "layers" in places:
        places["layers"] = {pattern: dict(rule) for pattern, rule in places["layers"].items()}
    return merged | places


def _merged(below: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    """Put a rule over what was there; bits of weights take the place of levels."""
    merged = {**below, **rule}
    if "weight_bits" in rule and "weight_levels" not in rule:
        merged["weight_levels"] = None
    return merged


def nodes_by_weight(workload: Workload) -> dict[str, list[Node]]:
    """Group the products of a network by their weight: each group is one layer on crossbars."""
    found: dict[str, list[Node]] = {}
    for node in workload.products:
        found.setdefault(node.weight or node.name, []).append(node)
    return found


def layer_precisions(
    workload: Workload, arch: Arch, given: Mapping[str, Any] | None = None
) -> dict[str, LayerPrecision]:
    """Find the precision of each layer.

    Parameters
    ----------
    workload : Workload
    arch : Arch
    given : mapping, optional
        As for `check_precision`.  Where several say something of one layer, ``first`` and ``last``
        win over ``layers``, later patterns over earlier ones, and all of them over the network's.
        Patterns are those of the shell (``*``, ``?``, ``[0-5]``) and are matched with whole names.

    Returns
    -------
    dict of str to LayerPrecision
        By weight (`nodes_by_weight`), in network order.

    Raises
    ------
    InputError, UnknownNameError
        As `check_precision`; a pattern that matches no layer; a scale by token for a convolution.
    """
    whole = complete_precision(arch, given)
    groups = nodes_by_weight(workload)
    base = {key: whole[key] for key in KEYS if key in whole}
    rules = {key: dict(base) for key in groups}
    for pattern, rule in whole.get("layers", {}).items():
        hit = [
            key
            for key, nodes in groups.items()
            if any(fnmatchcase(node.name, pattern) for node in nodes)
        ]
        if not hit:
            raise _no_match(pattern, [nodes[0].name for nodes in groups.values()])
        for key in hit:
            rules[key] = _merged(rules[key], rule)
    keys = list(groups)
    for place, ends in (("first", keys[:1]), ("last", keys[-1:])):
        for key in ends:  # none in a network without products
            rules[key] = _merged(rules[key], whole.get(place, {}))
    found = {key: LayerPrecision(**rule) for key, rule in rules.items()}
    for key, precision in found.items():
        _check_layer(groups[key], precision)
    return found


def _check_layer(nodes: Sequence[Node], precision: LayerPrecision) -> None:
    """Refuse what this layer cannot have."""
    first = nodes[0]
    if first.is_dynamic and precision.zero_point:
        raise InputError(
            f"{first.name}: precision.zero_point: true is for constant weights, it is programmed at"
            f' run time (precision={{"layers": {{"{first.name}": {{"zero_point": False}}}}}})'
        )
    if not precision.by_token:
        return
    where = f"{first.name}: precision.activation_scale: 'token'"
    here = f'precision={{"layers": {{"{first.name}": {{"activation_scale": "tensor"}}}}}}'
    if first.kind != "linear":
        raise InputError(f"{where} is for linear layers, it is a {first.kind} ({here})")
    if any("recurrent" in node.attrs for node in nodes):
        raise InputError(f"{where} is not for the state of a recurrent layer ({here})")
    if precision.zero_point:
        raise InputError(
            f"{where} excludes zero_point: the scale of a token is symmetric; set one of the two"
        )
    if precision.input_bits == 1:
        raise InputError(f"{where} is signed, precision.input_bits must be at least 2")


def _no_match(pattern: str, names: Sequence[str]) -> InputError:
    """Say that a pattern matches nothing, with the nearest one that does."""
    ends, starts = set(), set()
    for name in names:
        parts = name.split(".")
        ends |= {"*." + ".".join(parts[k:]) for k in range(1, len(parts))}
        starts |= {".".join(parts[:k]) + ".*" for k in range(1, len(parts))}
    near = f" (did you mean {pattern + '.*'!r}?)" if f"{pattern}.*" in starts else ""
    near = near or did_you_mean(pattern, (*names, *sorted(ends), *sorted(starts)))
    known = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return InputError(
        f"precision.layers: {pattern!r} matches no layer{near}; layers: {known}{more}"
    )
