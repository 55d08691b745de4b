"""Is a loaded model the saved one, and is anything else refused?"""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import crossbar as xb
from crossbar.errors import DataError, InputError, SchemaVersionError
from tests.nn import networks
from tests.nn.small import Cnn, Mlp, inputs, seeded

KINDS = ("clean", "faulty", "copies", "precision")


def build(kind):
    x = inputs(Cnn)
    keys = {"adc.bits": 4}
    if kind == "copies":
        keys["replication"] = {"stem": 3, "depth": 2}
    options = {"precision": {"weight_levels": 3, "input_bits": 6}} if kind == "precision" else {}
    arch = xb.load_arch("tiny_reram", keys)
    mapped = xb.map_model(seeded(Cnn), arch, calibration=x, observer="mse", **options)
    if kind in ("faulty", "copies"):
        mapped = xb.inject(mapped, xb.StuckAt(on=0.04, off=0.1), seed=5)
    return mapped, x


def contents(path):
    """The header as data, and the tensors as bytes."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).numpy().tobytes() for name in sorted(file.keys())}
        return json.loads(file.metadata()["crossbar"]), tensors


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "cnn.safetensors"
    mapped, x = build("faulty")
    xb.save_mapped(mapped, path)
    return path, mapped, x


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_is_the_saved_one(kind, tmp_path):
    mapped, x = build(kind)
    path = tmp_path / "model.safetensors"
    xb.save_mapped(mapped, path)
    loaded = xb.load_mapped(str(path))
    for mode in ("crossbar", "digital", "float"):
        assert torch.equal(loaded.execute((x,), mode=mode), mapped.execute((x,), mode=mode))
    assert loaded.arch == mapped.arch
    assert str(loaded.plan) == str(mapped.plan)
    assert loaded.plan.to_dict() == mapped.plan.to_dict()
    assert loaded.body.effects == mapped.body.effects
    assert loaded.body.precision == mapped.body.precision
    assert loaded.body.observer == "mse"
    assert xb.verify(loaded, x) == xb.verify(mapped, x)
    healed = [xb.inject(each, xb.StuckAt())(x) for each in (loaded, mapped)]
    assert torch.equal(*healed)
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    xb.save_mapped(loaded, tmp_path / "again.safetensors")
    assert contents(tmp_path / "again.safetensors") == contents(path)


def test_tied_weights_are_saved_once(tmp_path):
    torch.manual_seed(0)
    x = torch.randn(6, 4)
    mapped = xb.map_model(networks.Tied().eval(), "tiny_reram", calibration=x)
    xb.save_mapped(mapped, tmp_path / "tied.safetensors")
    loaded = xb.load_mapped(tmp_path / "tied.safetensors")
    assert torch.equal(loaded(x), mapped(x))


def test_saving_over_a_file_replaces_it(saved, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    xb.save_mapped(saved[1], path)
    assert torch.equal(xb.load_mapped(path)(saved[2]), saved[1](saved[2]))


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, tmp_path, keep):
    whole = saved[0].read_bytes()
    path = tmp_path / "short.safetensors"
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(DataError, match="short.safetensors: not a whole safetensors file"):
        xb.load_mapped(path)


def rewritten(path, target, change):
    """Write the file again with a changed header and tensors."""
    with safe_open(path, "pt") as file:
        about = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header = json.loads(about["crossbar"])
    change(header, tensors, about)
    about["crossbar"] = json.dumps(header)
    save_file(tensors, target, about)
    return target


def test_a_newer_schema_is_refused_with_what_to_do(saved, tmp_path):
    target = rewritten(
        saved[0], tmp_path / "new.safetensors", lambda header, *_: header.update(schema=99)
    )
    with pytest.raises(SchemaVersionError, match="schema: 99 was written by a newer crossbar"):
        xb.load_mapped(target)


def test_other_peoples_safetensors_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(dict(seeded(Mlp).state_dict()), path)
    with pytest.raises(DataError, match="weights.safetensors: format: .*crossbar.mapped"):
        xb.load_mapped(path)
    path.write_text("not safetensors at all")
    with pytest.raises(DataError, match="not a whole safetensors file"):
        xb.load_mapped(path)


def test_a_header_without_its_parts_is_refused(saved, tmp_path):
    for i, part in enumerate(("arch", "layers", "schema", "program", "effects")):
        target = tmp_path / f"{i}.safetensors"
        rewritten(saved[0], target, lambda header, *_, part=part: header.pop(part))
        with pytest.raises(DataError, match=target.name):
            xb.load_mapped(target)


def test_a_missing_tensor_is_refused(saved, tmp_path):
    for i, start in enumerate(("integers/", "weight_scale/", "codes/", "weight/")):
        target = tmp_path / f"{i}.safetensors"

        def drop(header, tensors, about, start=start):
            del tensors[next(name for name in tensors if name.startswith(start))]

        rewritten(saved[0], target, drop)
        with pytest.raises(InputError):
            xb.load_mapped(target)


def test_cells_that_this_version_would_program_otherwise_are_refused(saved, tmp_path):
    def change(header, tensors, about):
        next(t for name, t in tensors.items() if name.startswith("codes/")).view(-1)[0] ^= 1

    target = rewritten(saved[0], tmp_path / "cells.safetensors", change)
    with pytest.raises(DataError, match="the cells of 'depth.weight' are not those"):
        xb.load_mapped(target)


def test_missing_files_and_unwritable_folders_are_one_line(saved, tmp_path):
    with pytest.raises(InputError, match="nowhere.safetensors: no such file"):
        xb.load_mapped(tmp_path / "nowhere.safetensors")
    with pytest.raises(InputError):
        xb.load_mapped(tmp_path)
    occupied = tmp_path / "file"
    occupied.write_text("kept")
    for target in (occupied / "model.safetensors", tmp_path):
        with pytest.raises(InputError, match="cannot be written"):
            xb.save_mapped(saved[1], target)
    assert list(tmp_path.iterdir()) == [occupied]
    assert list(tmp_path.parent.glob(".*.tmp")) == []
