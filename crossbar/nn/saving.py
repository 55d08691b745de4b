"""A mapped model as one safetensors file: tensors, and everything else as JSON in its header."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from crossbar.arch import load_arch
from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.circuit.dac import make_input_coding
from crossbar.device.fault_data import faults_from_dict, faults_to_dict
from crossbar.errors import DataError, InputError
from crossbar.files import check_header, write_whole
from crossbar.mapping import build_plan
from crossbar.mapping.dynamic import DYNAMIC, laid_out
from crossbar.mapping.precision import layer_precisions
from crossbar.nn.dynamic import DynamicLayer, make_dynamic
from crossbar.nn.graph.product import product_from_dict, product_tensors, product_to_dict
from crossbar.nn.graph.program import Program
from crossbar.nn.layers import MappedLayer
from crossbar.nn.mapped import AnyLayer, Body, MappedModel, check_mapped, plan_with_proofs
from crossbar.nn.quantise import InputScale
from crossbar.workload import from_json, to_json

__all__ = ["load_mapped", "save_mapped"]

SCHEMA = 3
_FORMAT = "crossbar.mapped"


def save_mapped(mapped: MappedModel, path: str | os.PathLike[str]) -> None:
    """Write a mapped model: codes as stored in the cells, scales, faults, arch, graph and versions.

    Parameters
    ----------
    mapped : MappedModel
    path : path
        A safetensors file; written under a temporary name and renamed, so never half there.

    Raises
    ------
    InputError
        The folder cannot be written to.
    """
    check_mapped("save_mapped", mapped)
    body, path = mapped.body, Path(path)
    tensors = {f"constant/{k}": v.contiguous() for k, v in body.program.constants.items()}
    tensors.update(product_tensors(body.program.products.values()))
    layers = {}
    for key, layer in body.layers.items():
        programmed = layer.programmed
        tensors[f"integers/{key}"] = torch.from_numpy(programmed.weights)
        tensors[f"weight_scale/{key}"] = torch.from_numpy(layer.weight_scale)
        if programmed.sample is not None:
            tensors[f"sample/{key}"] = torch.from_numpy(programmed.sample)
        for copy in range(programmed.copies):
            for k, cells in enumerate(programmed.cells(copy)):
                tensors[f"codes/{key}/{copy}/{k}"] = torch.from_numpy(cells.codes)
                tensors[f"arrays/{key}/{copy}/{k}"] = torch.from_numpy(cells.arrays)
        layers[key] = _written(layer)
    header = {
        "schema": SCHEMA,
        "arch": body.arch.to_dict(),
        "workload": to_json(body.workload),
        "program": body.program.to_json(),
        "products": [product_to_dict(p) for p in body.program.products.values()],
        "layers": layers,
        "dynamic": {name: _written(layer) for name, layer in body.dynamic.items()},
        "precision": dict(body.precision),
        "observer": body.observer,
        "effects": dict(body.effects),
        "versions": {name: metadata.version(name) for name in ("numpy", "torch", "safetensors")},
    }
    # safetensors refuses tensors that share memory (a weight that is also a constant)
    unshared = {name: tensor.clone() for name, tensor in tensors.items()}
    text = {"crossbar": json.dumps({"format": _FORMAT, **header}, sort_keys=True)}

    def write(temporary: Path) -> None:
        try:
            save_file(unshared, temporary, text)
        except SafetensorError as error:  # its way to say that the disk is full, say
            raise OSError(str(error)) from error

    write_whole(path, write)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get("crossbar", "{}"))
            check_header(str(path), header, "mapped model", _FORMAT, SCHEMA)
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise DataError(f"{path}: not a whole safetensors file ({error})") from error


def load_mapped(path: str | os.PathLike[str]) -> MappedModel:
    """Read what `save_mapped` wrote; its outputs are identical.

    Raises
    ------
    InputError, DataError
        No such file, a truncated or foreign one, or one whose cells this version would program
        otherwise.
    SchemaVersionError
        Written by a newer version.
    """
    path = Path(path)
    header, tensors = _read(path)
    try:
        arch = load_arch(header["arch"])
        workload = from_json(header["workload"], source=str(path))
        products = [product_from_dict(p, tensors) for p in header["products"]]
        constants = {
            name.removeprefix("constant/"): tensor
            for name, tensor in tensors.items()
            if name.startswith("constant/")
        }
        program = Program.from_json(header["program"], constants, {p.step: p for p in products})
        inputs = {key: InputScale(**facts["input"]) for key, facts in header["layers"].items()}
        known = header.get("dynamic", {})  # files of earlier versions have none
        changing = {name: InputScale(**facts["input"]) for name, facts in known.items()}
        signed = {p.step: inputs[p.weight_key].signed for p in products}
        signed |= {name: scale.signed for name, scale in changing.items()}
        plan = build_plan(workload, arch, precision=header["precision"], signed_inputs=signed)
        keys = {p.step: p.weight_key for p in products}
        layers: dict[str, MappedLayer] = {}
        dynamic: dict[str, DynamicLayer] = {}
        own = layer_precisions(laid_out(workload, arch), arch, header["precision"])
        for row in plan.layers:
            if row.kind == DYNAMIC:
                state = _conditions(known[row.name]["conditions"])
                scale = changing[row.name]
                dynamic[row.name] = make_dynamic(row, arch, own[row.name], scale, state)
                continue
            key = keys[row.name]
            facts, scale = header["layers"][key], inputs[key]
            state = _conditions(facts["conditions"])
            coding = make_input_coding(arch, scale.bits, scale.signed)
            integers = tensors[f"integers/{key}"].numpy()
            sample = tensors.get(f"sample/{key}")
            programmed = ProgrammedLayer(
                row, arch, integers, coding, state, None if sample is None else sample.numpy()
            )
            _compare_codes(path, key, programmed, tensors)
            layers[key] = MappedLayer(programmed, scale, tensors[f"weight_scale/{key}"].numpy())
        effects, precision, observer = (header[k] for k in ("effects", "precision", "observer"))
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: the mapped model lacks {error}") from error
    every: list[AnyLayer] = [*layers.values(), *dynamic.values()]
    plan, state = plan_with_proofs(plan, every), every[0].programmed.conditions
    return MappedModel(
        Body(workload, program, arch, plan, layers, precision, observer, effects, state, dynamic)
    )


def _written(layer: AnyLayer) -> dict[str, Any]:
    """Write down the scale of a layer's inputs, and the state of its cells."""
    state = layer.programmed.conditions
    return {
        "input": asdict(layer.input),
        "conditions": {
            "faults": None if state.faults is None else faults_to_dict(state.faults),
            "fault_seed": state.fault_seed,
            "seed": state.seed,
            "t_inference": state.t_inference,
            "effects": list(state.effects),
        },
    }


def _conditions(facts: dict[str, Any]) -> Conditions:
    faults = None if facts["faults"] is None else faults_from_dict(facts["faults"])
    return Conditions(
        faults,
        facts["fault_seed"],
        facts["seed"],
        facts["t_inference"],
        tuple(facts["effects"]),
    )


def _compare_codes(
    path: Path, key: str, programmed: ProgrammedLayer, tensors: dict[str, torch.Tensor]
) -> None:
    """Refuse a file whose cells differ from those this version would program."""
    for copy in range(programmed.copies):
        for k, cells in enumerate(programmed.cells(copy)):
            saved = (tensors[f"{name}/{key}/{copy}/{k}"] for name in ("codes", "arrays"))
            now = (cells.codes, cells.arrays)
            if not all(np.array_equal(s.numpy(), n) for s, n in zip(saved, now, strict=True)):
                raise DataError(
                    f"{path}: the cells of {key!r} are not those that this version programs;"
                    " map the model again"
                )
