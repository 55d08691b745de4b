"""A layer with constant weights, taken out of a captured network: what crossbars compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn import functional

from crossbar.errors import CaptureError

__all__ = ["Product", "ProductKind", "product_from_dict", "product_tensors", "product_to_dict"]

ProductKind = Literal["conv1d", "conv2d", "conv3d", "linear"]

_CONVOLUTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "conv1d": functional.conv1d,
    "conv2d": functional.conv2d,
    "conv3d": functional.conv3d,
}


def product_to_dict(product: Product) -> dict[str, Any]:
    """Return the product without its tensors, as JSON-able data.

    ``weight`` and ``bias`` are the keys of `product_tensors`; products with equal ``weight_key``
    name the same tensor.
    """
    return {
        "step": product.step,
        "layer": product.layer,
        "kind": product.kind,
        "attrs": dict(product.attrs),
        "weight_key": product.weight_key,
        "weight": f"weight/{product.weight_key}",
        "bias": None if product.bias is None else f"bias/{product.step}",
    }


def product_tensors(products: Iterable[Product]) -> dict[str, torch.Tensor]:
    """Return the tensors that `product_to_dict` names, each once (as safetensors asks)."""
    tensors: dict[str, torch.Tensor] = {}
    for product in products:
        facts = product_to_dict(product)
        tensors.setdefault(facts["weight"], product.weight)
        if product.bias is not None:
            tensors[facts["bias"]] = product.bias
    return tensors


def product_from_dict(data: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Product:
    """Rebuild a product from `product_to_dict` and the tensors it names.

    Raises
    ------
    CaptureError
        For a missing key or tensor, or a weight whose shape is not that of the layer.
    """
    try:
        weight = tensors[data["weight"]]
        bias = None if data["bias"] is None else tensors[data["bias"]]
        product = Product(
            step=data["step"],
            layer=data["layer"],
            kind=data["kind"],
            weight=weight,
            bias=bias,
            attrs={k: tuple(v) if isinstance(v, list) else v for k, v in data["attrs"].items()},
            weight_key=data["weight_key"],
        )
        expected = product.weight_shape
    except (KeyError, TypeError) as error:
        raise CaptureError(f"saved layer {data.get('step')!r}: {error} is missing") from error
    if tuple(weight.shape) != expected:
        raise CaptureError(
            f"saved layer {product.step!r}: weights of shape {tuple(weight.shape)},"
            f" expected {expected}"
        )
    return product


@dataclass(frozen=True, eq=False)
class Product:
    """A multiplication by constant weights.

    Parameters
    ----------
    step : str
        Name of its step in the program and of its node in the workload.
    layer : str
        The user's name for it, usually the module path; a layer that runs twice has two steps.
    kind : {"conv1d", "conv2d", "conv3d", "linear"}
    weight : Tensor[N, channels / groups, *kernel] or Tensor[N, K]
        BatchNorm is already in it.
    bias : Tensor[N] or None
    attrs : mapping
        As in `crossbar.workload.graph.Node.attrs`.
    weight_key : str
        Products with equal keys have the same weights and share one set of arrays.
    """

    step: str
    layer: str
    kind: ProductKind
    weight: torch.Tensor
    bias: torch.Tensor | None
    attrs: Mapping[str, Any]
    weight_key: str

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of ``weight`` that ``attrs`` ask for."""
        a = self.attrs
        if self.kind == "linear":
            return (a["out_features"], a["in_features"])
        return (a["out_channels"], a["in_channels"] // a["groups"], *a["kernel"])

    def compute(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product in floating point.

        ``x`` is ``(batch, channels, *map)`` for a convolution and ``(..., K)`` for a
        linear layer.
        """
        if self.kind == "linear":
            return functional.linear(x, self.weight, self.bias)
        a = self.attrs
        return _CONVOLUTIONS[self.kind](
            x,
            self.weight,
            self.bias,
            stride=tuple(a["stride"]),
            padding=tuple(a["padding"]),
            dilation=tuple(a["dilation"]),
            groups=a["groups"],
        )
