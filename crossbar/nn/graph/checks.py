"""Models that cannot be captured, refused before `torch.export` finds words of its own for it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from crossbar.errors import CaptureError, did_you_mean

__all__ = ["check_arguments", "check_model"]

_EXPECTED = "expected a torch.nn.Module or a torch.export.ExportedProgram"
_QUANTISED = ("torch.ao.nn.", "torch.nn.quantized", "torch.nn.intrinsic.quantized")
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def check_model(model: object) -> None:
    """Refuse what is no model, or one that cannot be captured as it is; nothing is changed.

    Parameters
    ----------
    model : nn.Module

    Raises
    ------
    CaptureError
        Naming the module: in training mode, on another device than the CPU, with parameters that
        are not there yet, complex, of whole numbers, empty, NaN or infinite, or wrapped by another
        tool.
    """
    _check_is_module(model)
    assert isinstance(model, nn.Module)
    _check_wrapping(model)
    where = type(model).__name__
    for line in (*_modes(model), *_tensors(model)):
        raise CaptureError(f"{where}{line}")


def check_arguments(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse example inputs that the model's ``forward`` has no parameters for, or too few of them.

    Parameters
    ----------
    model : nn.Module
    args, kwargs
        Of the call.

    Raises
    ------
    CaptureError
        With the nearest name.
    """
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):  # a forward written in C has no signature
        return
    named = [p.name for p in signature.parameters.values() if p.kind not in _ANY]
    takes = f"{type(model).__name__}.forward takes {', '.join(named) or 'no input'}"
    is_open = any(p.kind == p.VAR_KEYWORD for p in signature.parameters.values())
    for name in () if is_open else kwargs:
        if name not in named:
            near = did_you_mean(name, named)
            raise CaptureError(f"example inputs: unknown input {name!r}{near}; {takes}")
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise CaptureError(f"example inputs: {error}; {takes}") from error


def _check_is_module(model: object) -> None:
    if isinstance(model, type):
        raise CaptureError(f"model: the class {model.__name__} itself, {_EXPECTED}: call it first")
    if isinstance(model, nn.Module):
        return
    kind = type(model).__name__
    inner = getattr(model, "model", None)
    if isinstance(inner, nn.Module):
        raise CaptureError(f"model: a {kind}, {_EXPECTED}: give its .model, with tensors as data")
    if hasattr(model, "batch_encode_plus") or hasattr(model, "convert_tokens_to_ids"):
        raise CaptureError(
            f"model: a {kind} is a tokenizer, {_EXPECTED}: give the model, and what the tokenizer"
            " returns as data"
        )
    raise CaptureError(f"model: a {kind}, {_EXPECTED}")


def _check_wrapping(model: nn.Module) -> None:
    """Refuse wrappers of other tools: what they hold can be captured, they cannot."""
    kind = type(model).__name__
    if hasattr(model, "_orig_mod"):
        raise CaptureError(f"{kind}: the result of torch.compile; give the model that was compiled")
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise CaptureError(f"{kind}: a wrapper for several devices; give its .module")
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            place = f" {path!r}" if path else ""
            raise CaptureError(
                f"{kind}:{place} is compiled by torch.jit, whose inside cannot be seen; give the"
                " model before torch.jit.script or torch.jit.trace"
            )
        if path and hasattr(module, "_orig_mod"):
            raise CaptureError(
                f"{kind}: {path!r} is the result of torch.compile; give the model before that"
            )


def _modes(model: nn.Module) -> Iterator[str]:
    if model.training:
        yield " is in training mode: call .eval() on it before it is captured"
    for path, module in model.named_modules():
        if module.training and _differs_in_training(module):
            yield (
                f": {path!r} ({type(module).__name__}) is in training mode: call .eval() on the"
                " model before it is captured"
            )


def _differs_in_training(module: nn.Module) -> bool:
    """Whether a module that is in training mode may compute something else."""
    named = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase, nn.RReLU)
    inner = (nn.RNNBase, nn.MultiheadAttention)
    own = not type(module).__module__.startswith("torch.")
    return own or isinstance(module, (*named, *inner))


def _tensors(model: nn.Module) -> Iterator[str]:
    buffers = {name for name, _ in model.named_buffers()}
    for path, module in model.named_modules():
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        if ".quantized" in kind and kind.startswith(_QUANTISED):
            yield (
                f": {path!r} ({type(module).__name__}) is quantised already; give the float model:"
                " it is quantised here"
            )
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        path = name.rpartition(".")[0]
        owner = f"{path!r} ({type(model.get_submodule(path)).__name__})" if path else "the model"
        what = f": {name!r} of {owner}"
        is_buffer = name in buffers
        if isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer)):
            yield f"{what} has no values yet; run the model once before it is captured"
        elif tensor.device.type != "cpu":
            yield (
                f"{what} is on the device {str(tensor.device)!r}; expected the CPU:"
                + (" load its values" if tensor.device.type == "meta" else " call .cpu() on a copy")
            )
        elif tensor.is_complex():
            yield f"{what} is {_type(tensor)}; expected real numbers"
        elif tensor.is_quantized or _is_narrow(tensor):
            yield f"{what} is {_type(tensor)}; expected float32, float64, bfloat16 or float16"
        elif not is_buffer and not tensor.is_floating_point():
            yield f"{what} is {_type(tensor)}; weights of whole numbers: give the float model"
        elif not is_buffer and not tensor.numel():
            yield f"{what} has shape {tuple(tensor.shape)}: it holds nothing"
        elif tensor.is_floating_point() and not bool(_finite(tensor, is_buffer)):
            holds = "NaN" if bool(tensor.isnan().any()) else "an infinite value"
            yield f"{what} holds {holds}"


def _is_narrow(tensor: torch.Tensor) -> bool:
    """Whether torch has no arithmetic for the type: 8-bit floating point and the like."""
    return tensor.is_floating_point() and tensor.element_size() < 2


def _finite(tensor: torch.Tensor, is_buffer: bool) -> bool:
    """Whether all is well: masks may hold -inf, so buffers are only refused for NaN."""
    bad = tensor.isnan() if is_buffer else ~tensor.isfinite()
    return not bool(bad.any())


def _type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
