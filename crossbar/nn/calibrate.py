"""What calibration data says: the range of each layer's inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch

from crossbar.errors import DataError
from crossbar.nn.data import Batch, as_batches, as_loader, check_finite
from crossbar.nn.graph.captured import Captured
from crossbar.nn.graph.program import Step
from crossbar.nn.quantise import InputScale, Range

__all__ = ["calibrate"]

_BATCH = 64
_WHERE = "calibration"


def _batches(data: Any, keywords: Collection[str]) -> Iterator[Batch]:
    """Split calibration data, large tensors into parts, and refuse NaN."""
    whole = isinstance(data, (torch.Tensor, Mapping))
    seen = 0
    loader = as_loader(data, _BATCH, _WHERE) if whole else data
    for batch in as_batches(loader, keywords, _WHERE):
        check_finite((batch.args, batch.kwargs), f"{_WHERE}: sample", seen)
        seen += batch.samples
        yield batch


def calibrate(captured: Captured, data: Any, observer: str, bits: int) -> dict[str, InputScale]:
    """Run the float network over the data and choose the scale of each layer's inputs.

    Parameters
    ----------
    captured : Captured
    data
        A tensor, a tuple or dict of inputs, or a loader.
    observer : str
        One of `crossbar.nn.quantise.OBSERVERS`.
    bits : int
        Of the integers.

    Returns
    -------
    dict of str to InputScale
        By weight key; layers that share weights share the scale.

    Raises
    ------
    DataError
        NaN or infinity in the data, no batch, or a type that the layers do not take.
    """
    products = captured.program.products
    ranges = {p.weight_key: Range(observer) for p in products.values()}

    def watch(step: Step, args: tuple[Any, ...], _: dict[str, Any]) -> torch.Tensor:
        product = products[step.name]
        x = args[0]
        if x.dtype != product.weight.dtype:
            got, want = (str(t).removeprefix("torch.") for t in (x.dtype, product.weight.dtype))
            raise DataError(f"{_WHERE}: {product.layer} gets {got} inputs, its weights are {want}")
        ranges[product.weight_key].observe(x.detach().to(torch.float32).contiguous().numpy())
        return product.compute(x)

    with torch.no_grad():
        for batch in _batches(data, captured.program.signature.arguments):
            captured.program.run(batch.args, batch.kwargs, watch)
    names = {p.weight_key: p.layer for p in products.values()}
    return {key: seen.scale(bits, names[key]) for key, seen in ranges.items()}
