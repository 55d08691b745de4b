"""Recurrent layers and cells: two products and a cell, in place of one operator."""

from __future__ import annotations

from typing import Any

from crossbar.nn.graph.functions import GATES
from crossbar.nn.graph.ops import RECURRENCE
from crossbar.nn.graph.rewrite import Expansion, Rule, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["RULES"]


def _layers(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> list[Ref] | None:
    """Write a recurrent layer out: of each direction the inputs at once, then the states in time.

    The batch comes first in all of it.
    """
    operator, x, given = expansion.origin.base, named.get("input"), named["hx"]
    initial = list(given) if operator == "lstm" else [given]
    if "data" in named or not _can_be_mapped(expansion, named) or not isinstance(x, Ref):
        return None
    if not named["batch_first"]:
        x = expansion.swapped(x, 0, 1)
    last: list[list[Ref]] = [[] for _ in initial]
    both = ("forward", "backward") if named["bidirectional"] else ("forward",)
    a_layer = 4 if named["has_biases"] else 2
    for number in range(named["num_layers"]):
        found = []
        for direction in both:
            at = len(last[0])
            parameters = named["params"][at * a_layer : (at + 1) * a_layer]
            state = [_layer_state(expansion, start, at) for start in initial]
            title = f"{operator}_l{number}" + ("_reverse" if direction == "backward" else "")
            outputs = _direction(expansion, x, parameters, state, operator, direction, title)
            found.append(outputs[0])
            for known, end in zip(last, outputs[1:], strict=True):
                known.append(end)
        x = found[0]
        if len(found) > 1:
            batch, times, hidden = expansion.value(x).shape
            x = expansion.add("aten.cat.default", (found, -1), (batch, times, 2 * hidden))
    if not named["batch_first"]:
        x = expansion.swapped(x, 0, 1)
    return [x, *(_stacked(expansion, ends) for ends in last)]


def _can_be_mapped(expansion: Expansion, named: dict[str, Any]) -> bool:
    """Whether all weights are constants of the plain form: no projection, no active dropout."""
    graph, origin = expansion.graph, expansion.origin
    a_layer = 4 if named["has_biases"] else 2
    directions = 2 if named["bidirectional"] else 1
    parameters = named["params"]
    return (
        len(parameters) == a_layer * directions * named["num_layers"]
        and all(is_constant(p, graph, 1, 2) for p in parameters)
        and not (named["train"] and named["dropout"])
        and origin.first.axes == 3
    )


def _layer_state(expansion: Expansion, given: Ref, at: int) -> Ref:
    shape = expansion.value(given).shape[1:]
    return expansion.add("aten.select.int", (given, 0, at), shape)


def _direction(
    expansion: Expansion,
    x: Ref,
    parameters: list[Ref],
    state: list[Ref],
    operator: str,
    direction: str,
    title: str,
) -> list[Ref]:
    """Add one direction of one layer; returns the hidden states and the last state."""
    weight, recurrent, *biases = parameters
    bias, recurrent_bias = biases or (None, None)
    batch, times, _ = expansion.value(x).shape
    gates, hidden = expansion.value(recurrent).shape
    inputs = expansion.add("aten.linear.default", (x, weight, bias), (batch, times, gates))
    found = expansion.shaped((batch, times, hidden), *[(batch, hidden)] * len(state))
    arguments = (inputs, state, operator, direction, recurrent, recurrent_bias)
    steps = expansion.add(RECURRENCE, arguments, found)
    done = expansion.add("crossbar.states", (steps, operator, *state), found, title)
    return [expansion.item(done, k) for k in range(len(found))]


def _stacked(expansion: Expansion, ends: list[Ref]) -> Ref:
    shape = (len(ends), *expansion.value(ends[0]).shape)
    return expansion.add("aten.stack.default", (ends, 0), shape)


def _cell(
    expansion: Expansion, named: dict[str, Any], shapes: SampleShapes
) -> Ref | list[Ref] | None:
    """Write a cell out: its two products and what makes the next state of them."""
    graph, origin = expansion.graph, expansion.origin
    operator = origin.base.removesuffix("_cell")
    x, given = named["input"], named["hx"]
    state = list(given) if operator == "lstm" else [given]
    weights, biases = (named["w_ih"], named["w_hh"]), (named["b_ih"], named["b_hh"])
    if not all(is_constant(w, graph, 2) for w in weights):
        return None
    if not all(b is None or is_constant(b, graph, 1) for b in biases) or origin.first.axes != 2:
        return None
    batch, hidden = origin.first.shape
    products = [
        expansion.add("aten.linear.default", (*factors,), (batch, GATES[operator] * hidden))
        for factors in zip((x, state[0]), weights, biases, strict=True)
    ]
    found = expansion.shaped(*[(batch, hidden)] * len(state))
    done = expansion.add("crossbar.cell", (operator, *products, state), found, operator)
    results = [expansion.item(done, k) for k in range(len(found))]
    return results if operator == "lstm" else results[0]


RULES: dict[str, Rule] = {
    **dict.fromkeys(GATES, _layers),
    **{f"{operator}_cell": _cell for operator in GATES},
}
