"""Operations of a captured program that torch does not have: the digital side of some layers.

A transposed convolution is a product of each input pixel with all taps of the kernel, whose results
are laid over each other; a recurrent layer is two products a time step, and a cell that makes the
next state of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import torch

from crossbar.errors import CaptureError

__all__ = ["GATES", "cell", "overlap_add", "recurrence", "states"]

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
"""Rows of the weights of a recurrent layer for each hidden element."""

Multiply = Callable[[torch.Tensor, int, int], torch.Tensor]
"""Product of a state with the recurrent weights: ``multiply(state, time, times)``."""


def overlap_add(
    products: torch.Tensor,
    bias: torch.Tensor | None,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> torch.Tensor:
    """Add the products of a transposed convolution where they lie, tap after tap.

    Input pixel i of an axis adds its product with tap k to output pixel ``i * stride + k * dilation
    - padding``.  The order of the sums is that of the taps, so it does not depend on the batch.

    Parameters
    ----------
    products : Tensor[batch, channels * taps, *map]
        Taps of an output channel lie next to each other.
    bias : Tensor[channels] or None
    kernel, stride, padding, output_padding, dilation : sequence of int
        Of the transposed convolution, an axis each.

    Returns
    -------
    Tensor[batch, channels, *map of the result]
    """
    given, taps = products.shape[2:], prod(kernel)
    parts = products.reshape(len(products), products.shape[1] // taps, taps, *given)
    axes = list(zip(given, kernel, stride, padding, output_padding, dilation, strict=True))
    sizes = [(n - 1) * s + d * (k - 1) + 1 + o for n, k, s, _, o, d in axes]
    out = products.new_zeros((*parts.shape[:2], *sizes))
    for tap in range(taps):
        places, rest = [], tap
        for n, k, s, _, _, d in reversed(axes):
            first = rest % k * d
            rest //= k
            places.append(slice(first, first + (n - 1) * s + 1, s))
        out[(slice(None), slice(None), *reversed(places))] += parts[:, :, tap]
    inside = [slice(p, size - p) for size, (_, _, _, p, _, _) in zip(sizes, axes, strict=True)]
    out = out[(slice(None), slice(None), *inside)]
    if bias is not None:
        out = out + bias.reshape(-1, *[1] * len(given))
    return out.contiguous()


def cell(
    operator: str, inputs: torch.Tensor, recurrent: torch.Tensor, state: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Return the next state of a recurrent cell: ``[hidden]``, of an LSTM ``[hidden, memory]``.

    Parameters
    ----------
    operator : {"lstm", "gru", "rnn_tanh", "rnn_relu"}
    inputs, recurrent : Tensor[..., gates * hidden]
        Products of the input and of the hidden state, biases included; gates ordered as in torch
        (LSTM: input, forget, cell, output; GRU: reset, update, new).
    state : sequence of Tensor[..., hidden]
        As it is returned.

    Raises
    ------
    CaptureError
        For another operator.
    """
    if operator == "lstm":
        i, f, g, o = (inputs + recurrent).chunk(4, -1)
        memory = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return [torch.sigmoid(o) * torch.tanh(memory), memory]
    if operator == "gru":
        reset, update, new = inputs.chunk(3, -1)
        by_reset, by_update, by_new = recurrent.chunk(3, -1)
        z = torch.sigmoid(update + by_update)
        n = torch.tanh(new + torch.sigmoid(reset + by_reset) * by_new)
        return [n + z * (state[0] - n)]
    if operator == "rnn_tanh":
        return [torch.tanh(inputs + recurrent)]
    if operator == "rnn_relu":
        return [torch.relu(inputs + recurrent)]
    raise CaptureError(f"captured program: {operator!r} is no recurrent cell: {', '.join(GATES)}")


def recurrence(
    inputs: torch.Tensor,
    initial: Sequence[torch.Tensor],
    operator: str,
    direction: str,
    multiply: Multiply,
) -> list[torch.Tensor]:
    """Run a recurrent layer over time in one direction.

    Parameters
    ----------
    inputs : Tensor[batch, times, gates * hidden]
        Products of the inputs.
    initial : sequence of Tensor[batch, hidden]
        The state before: hidden, and the memory of an LSTM.
    operator : str
        As of `cell`.
    direction : {"forward", "backward"}
    multiply : callable
        Multiplies a hidden state by the recurrent weights; called once a time step.

    Returns
    -------
    list of Tensor
        Hidden states ``[batch, times, hidden]``, then the last state as `cell` returns it.
    """
    times = inputs.shape[1]
    state = list(initial)
    hidden: list[torch.Tensor] = []
    for time in range(times):
        at = time if direction == "forward" else times - 1 - time
        state = cell(operator, inputs[:, at], multiply(state[0], time, times), state)
        hidden.append(state[0])
    return [torch.stack(hidden if direction == "forward" else hidden[::-1], 1), *state]


def states(found: list[torch.Tensor], operator: str, *initial: torch.Tensor) -> list[torch.Tensor]:
    """Return what `recurrence` found: its cell has worked there, between two products."""
    return found
