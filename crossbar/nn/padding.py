"""Does a network read its padding?  Where it does, the tokens of padding are computed as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.nn.dynamic import through
from crossbar.nn.graph.program import Step
from crossbar.nn.metrics import logits_of
from crossbar.workload.graph import Workload
from crossbar.workload.lengths import LENGTHS

if TYPE_CHECKING:
    from crossbar.nn.mapped import Body
    from crossbar.nn.sequences import RealTokens

__all__ = ["gives_tokens", "of_tokens", "padding_share", "without_padding"]

_ROUNDING = 1e-4
"""Share of the largest output below which outputs in float are the same."""


def padding_share(
    body: Body, args: tuple[Any, ...], kwargs: Mapping[str, Any], real: RealTokens
) -> float:
    """Find how much of the outputs in float is made of the results of layers at padding.

    The network runs twice in float: with all results, and with zeros for those that `RealTokens`
    leaves out.  Outputs for each token count at real tokens only.

    Parameters
    ----------
    body : Body
    args, kwargs
        A batch.
    real : RealTokens
        Of it.

    Returns
    -------
    float
        Largest difference over the largest output; 0.0 where it is not more than rounding.
    """
    whole, without = (_outputs(body, args, kwargs, real, zeros) for zeros in (False, True))
    if gives_tokens(body.workload) and of_tokens(whole, real.keep.numpy()):
        whole, without = whole[real.keep.numpy()], without[real.keep.numpy()]
    same = (whole == without) | (np.isnan(whole) & np.isnan(without))
    apart = np.abs(np.where(same, 0.0, whole) - np.where(same, 0.0, without))
    apart = np.where(np.isnan(apart), np.inf, apart)
    top = float(np.abs(whole[np.isfinite(whole)]).max(initial=0.0))
    worst = float(apart.max(initial=0.0))
    if worst <= _ROUNDING * top:
        return 0.0
    return worst / top if top else float("inf")


def gives_tokens(workload: Workload) -> bool:
    """Whether axis 0 of an output of a sample is its tokens."""
    rules = (n.attrs.get(LENGTHS, {}) for n in workload if n.name in workload.outputs)
    return any((0, 1, 0) in rule.get("shape", ()) for rule in rules)


def of_tokens(values: NDArray[Any], keep: NDArray[np.bool_]) -> bool:
    """Whether values of several numbers are given for each token of a batch."""
    return values.ndim > 2 and values.shape[:2] == keep.shape


def without_padding(values: NDArray[Any], keep: NDArray[np.bool_]) -> NDArray[Any]:
    """Set outputs at padding to zero; outputs that are not one for each token stay.

    Parameters
    ----------
    values : array[samples, ...]
    keep : bool[samples, tokens]
        Real tokens.
    """
    if not of_tokens(values, keep) or keep.all():
        return values
    return np.where(keep.reshape(*keep.shape, *(1,) * (values.ndim - 2)), values, 0)


def _outputs(
    body: Body, args: tuple[Any, ...], kwargs: Mapping[str, Any], real: RealTokens, zeros: bool
) -> NDArray[np.float64]:
    """Run the network in float; ``zeros``: for what is not computed on crossbars."""

    def multiply(name: str, driven: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
        found = torch.matmul(driven, stored)
        groups = body.dynamic[name].plan.matrix.groups
        matrices = found.reshape(-1, groups, *found.shape[-2:])
        if not zeros or real.keep.shape != (len(matrices), matrices.shape[2]):
            return found
        return matrices.masked_fill(~real.keep[:, None, :, None], 0.0).reshape(found.shape)

    def read(step: Step, step_args: tuple[Any, ...], call: dict[str, Any]) -> torch.Tensor:
        if step.name in body.dynamic_steps:
            return through(step, step_args, call, body.dynamic_steps[step.name], multiply)
        found = body.program.products[step.name].compute(step_args[0])
        if not zeros or not real.concerns(step.name, step_args[0]):
            return found
        vectors = torch.zeros_like(found).reshape(-1, found.shape[-1])
        rows = real.rows(step.name)
        vectors[rows] = found.reshape(-1, found.shape[-1])[rows]
        return vectors.reshape(found.shape)

    with torch.no_grad():
        output = body.program.run(args, dict(kwargs), read, body.dynamic_steps)
    return np.asarray(logits_of(output).detach().double().cpu().numpy())
