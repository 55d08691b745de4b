"""What calibration data says: the range of each layer's inputs, and samples of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from crossbar.errors import DataError
from crossbar.nn.data import Batch, as_batches, as_loader, check_finite
from crossbar.nn.graph.captured import Captured
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Step
from crossbar.nn.quantise import InputScale, Range

__all__ = ["Calibrated", "calibrate"]

_BATCH = 64
_FEWEST, _VALUES = 256, 1 << 19
"""Input vectors kept of a layer, and input values: for the ranges of its converters."""
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


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What calibration found about the inputs of a layer.

    Parameters
    ----------
    scale : InputScale
    vectors : float32[vectors, inputs of all groups]
        Some of the input vectors that crossbars get, spread over images and positions.
    """

    scale: InputScale
    vectors: NDArray[np.float32]

    def integers(self) -> NDArray[np.int32]:
        """Quantise the vectors: ``int32[vectors, inputs of all groups]``."""
        s = self.scale
        rounded = np.rint(self.vectors / np.float32(s.scale))
        return np.asarray(np.clip(rounded, s.low, s.high).astype(np.int32))


def _wanted(product: Product) -> int:
    """How many input vectors are kept of a layer."""
    inputs = product.weight[0].numel() * int(product.attrs.get("groups", 1))
    return max(_FEWEST, _VALUES // inputs)


def _vectors(x: torch.Tensor, product: Product, count: int) -> NDArray[np.float32]:
    """Pick about ``count`` input vectors out of a batch, at the same random places of each image.

    Returns
    -------
    float32[vectors, inputs of all groups]
    """
    x = x.detach().to(torch.float32)
    rng = np.random.default_rng(0)
    if product.kind != "conv2d":
        rows = x.reshape(-1, x.shape[-1])
        chosen = np.sort(rng.permutation(len(rows))[:count])
        return np.asarray(rows[torch.from_numpy(chosen)].numpy())
    a = product.attrs
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        (int(a[k][0]), int(a[k][1])) for k in ("kernel", "stride", "padding", "dilation")
    )
    padded = functional.pad(x, (pw, pw, ph, ph))
    down = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    across = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    found = []
    for place in rng.permutation(down * across)[: -(-count // len(x))]:
        top, left = int(place) // across * sh, int(place) % across * sw
        patch = padded[
            :, :, top : top + dh * (kh - 1) + 1 : dh, left : left + dw * (kw - 1) + 1 : dw
        ]
        found.append(patch.reshape(len(x), -1))
    return np.asarray(torch.cat(found).numpy())


def calibrate(captured: Captured, data: Any, observer: str, bits: int) -> dict[str, Calibrated]:
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
    dict of str to Calibrated
        By weight key; layers that share weights share the scale.

    Raises
    ------
    DataError
        NaN or infinity in the data, no batch, or a type that the layers do not take.
    """
    products = captured.program.products
    ranges = {p.weight_key: Range(observer) for p in products.values()}
    vectors: dict[str, list[NDArray[np.float32]]] = {key: [] for key in ranges}

    def watch(step: Step, args: tuple[Any, ...], _: dict[str, Any]) -> torch.Tensor:
        product = products[step.name]
        x = args[0]
        if x.dtype != product.weight.dtype:
            got, want = (str(t).removeprefix("torch.") for t in (x.dtype, product.weight.dtype))
            raise DataError(f"{_WHERE}: {product.layer} gets {got} inputs, its weights are {want}")
        key = product.weight_key
        ranges[key].observe(x.detach().to(torch.float32).contiguous().numpy())
        missing = _wanted(product) - sum(map(len, vectors[key]))
        if missing > 0:
            vectors[key].append(_vectors(x, product, missing))
        return product.compute(x)

    with torch.no_grad():
        for batch in _batches(data, captured.program.signature.arguments):
            captured.program.run(batch.args, batch.kwargs, watch)
    names = {p.weight_key: p.layer for p in products.values()}
    return {
        key: Calibrated(seen.scale(bits, names[key]), np.concatenate(vectors[key]))
        for key, seen in ranges.items()
    }
