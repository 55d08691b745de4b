"""What calibration data says: the range of each layer's inputs, and samples of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from crossbar.errors import DataError
from crossbar.mapping.precision import LayerPrecision
from crossbar.nn.batch_checks import check_finite, check_masks
from crossbar.nn.data import Batch, as_batches, as_loader
from crossbar.nn.dynamic import driven_operand, probability_scale
from crossbar.nn.graph.captured import Captured
from crossbar.nn.graph.ops import resolve
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Step
from crossbar.nn.graph.signature import Signature
from crossbar.nn.observers import Range
from crossbar.nn.quantise import InputScale, token_scales
from crossbar.nn.unfolding import unfold

__all__ = ["Calibrated", "calibrate"]

_BATCH = 64
_FEWEST, _VALUES = 256, 1 << 19
"""Input vectors kept of a layer, and input values: for the ranges of its converters."""
_WHERE = "calibration"


def _batches(data: Any, signature: Signature) -> Iterator[Batch]:
    """Split calibration data, large tensors into parts, and refuse NaN."""
    whole = isinstance(data, (torch.Tensor, Mapping))
    seen = 0
    loader = as_loader(data, _BATCH, _WHERE, signature.axes) if whole else data
    for batch in as_batches(loader, signature.arguments, _WHERE):
        check_finite((batch.args, batch.kwargs), f"{_WHERE}: sample", seen)
        check_masks(batch.kwargs, f"{_WHERE}: sample", seen)
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
        scale: NDArray[np.float32] | np.float32 = np.float32(s.scale)
        if s.by_token:
            scale = token_scales(torch.from_numpy(self.vectors), s)[:, None]
        rounded = np.rint(self.vectors / scale) + np.float32(s.zero)
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
    image, window = unfold(x, product)
    if window.tokens:
        rows = image.reshape(-1, image.shape[-1])
        chosen = np.sort(rng.permutation(len(rows))[:count])
        return np.asarray(rows[torch.from_numpy(chosen)].numpy())
    (kh, kw), (sh, sw), (ph, pw) = window.kernel, window.stride, window.padding
    dh, dw = window.dilation
    padded = functional.pad(image, (pw, pw, ph, ph))
    found = []
    for place in rng.permutation(window.positions)[: -(-count // len(x))]:
        top, left = int(place) // window.size[1] * sh, int(place) % window.size[1] * sw
        patch = padded[
            :, :, top : top + dh * (kh - 1) + 1 : dh, left : left + dw * (kw - 1) + 1 : dw
        ]
        found.append(patch.reshape(len(x), -1))
    return np.asarray(torch.cat(found).numpy())


def calibrate(
    captured: Captured,
    data: Any,
    observer: str,
    precisions: Mapping[str, LayerPrecision],
    dynamic: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Calibrated]:
    """Run the float network over the data and choose the scale of each layer's inputs.

    Every value counts, also those of the tokens that only pad a sequence: what a network computes
    there can be larger than anything that it uses.

    Parameters
    ----------
    captured : Captured
    data
        A tensor, a tuple or dict of inputs, or a loader.
    observer : str
        One of `crossbar.mapping.precision.OBSERVERS`.
    precisions : mapping of str to LayerPrecision
        By weight key.
    dynamic : mapping of str to tuple of str, optional
        Layers of each step that are programmed for every sample (`crossbar.nn.dynamic`).  What
        drives the first is observed; a second one gets probabilities.

    Returns
    -------
    dict of str to Calibrated
        By weight key, or the name of a dynamic layer; layers that share weights share the scale.

    Raises
    ------
    DataError
        NaN or infinity in the data, no batch, or a type that the layers do not take.
    """
    products = captured.program.products
    ranges = {p.weight_key: Range(observer) for p in products.values()}
    vectors: dict[str, list[NDArray[np.float32]]] = {key: [] for key in ranges}
    dynamic = dynamic or {}
    driven = {names[0]: Range(observer) for names in dynamic.values()}

    def watch(step: Step, args: tuple[Any, ...], call: dict[str, Any]) -> torch.Tensor:
        if step.name in dynamic:
            operand = driven_operand(step, args, call).detach().to(torch.float32)
            driven[dynamic[step.name][0]].observe(operand.contiguous().numpy())
            result: torch.Tensor = resolve(step.op)(*args, **call)
            return result
        product = products[step.name]
        x = args[0]
        if x.dtype != product.weight.dtype:
            got, want = (str(t).removeprefix("torch.") for t in (x.dtype, product.weight.dtype))
            raise DataError(f"{_WHERE}: {product.layer} gets {got} inputs, its weights are {want}")
        key = product.weight_key
        ranges[key].observe(x.detach().to(torch.float32).contiguous().numpy())
        missing = _wanted(product) - sum(map(len, vectors[key]))
        if missing > 0:
            # a recurrent layer: some of each time step, whose states differ
            later = call.get("times", 1) - call.get("time", 0)
            vectors[key].append(_vectors(x, product, -(-missing // later)))
        return product.compute(x)

    with torch.no_grad():
        for batch in _batches(data, captured.program.signature):
            captured.program.run(batch.args, batch.kwargs, watch, dynamic)
    names = {p.weight_key: p.layer for p in products.values()}
    for key, name in names.items():
        if not vectors[key]:
            raise DataError(
                f"{_WHERE}: no batch runs the layer {name!r}, which the example inputs run; the"
                " model's path depends on its input: give data that takes every path"
            )
    found = {
        key: Calibrated(seen.scale(precisions[key], names[key]), np.concatenate(vectors[key]))
        for key, seen in ranges.items()
    }
    nothing = np.zeros((0, 0), np.float32)
    for each in dynamic.values():
        scales = [driven[each[0]].scale(precisions[each[0]], each[0])]
        scales += [probability_scale(precisions[name].input_bits) for name in each[1:]]
        found |= {k: Calibrated(scale, nothing) for k, scale in zip(each, scales, strict=True)}
    return found
