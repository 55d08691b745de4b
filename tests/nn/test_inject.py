"""Does injecting faults harm a copy, the same way every time?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import crossbar as xb
from crossbar.errors import DataError, InputError
from tests.nn.small import Cnn, inputs, seeded

X = inputs(Cnn)
SOME = xb.StuckAt(on=0.03, off=0.03)


@pytest.fixture(scope="module")
def mapped():
    return xb.map_model(seeded(Cnn), "tiny_reram", calibration=X)


def replicated(where):
    arch = xb.load_arch(
        "tiny_reram", {"replication": {"stem": 4, "wide": 3}, "faults.replicas": where}
    )
    return xb.map_model(seeded(Cnn), arch, calibration=X)


def test_the_model_it_is_given_stays_clean(mapped):
    before = mapped(X)
    broken = xb.inject(mapped, SOME, seed=3)
    assert not torch.equal(broken(X), before)
    assert torch.equal(mapped(X), before)
    assert broken is not mapped
    assert broken.body.effects == {"stuck_at": {"on": 0.03, "off": 0.03, "seed": 3}}
    assert mapped.body.effects == {}


def test_the_same_seed_is_the_same_harm_whatever_the_batch_or_threads(mapped, monkeypatch):
    broken = xb.inject(mapped, SOME, seed=3)
    first = broken(X)
    again = xb.inject(mapped, SOME, seed=3)
    assert torch.equal(torch.cat([again(x) for x in X.split(5)]), first)
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    assert torch.equal(again(X), first)
    assert not torch.equal(xb.inject(mapped, SOME, seed=4)(X), first)
    other = xb.map_model(seeded(Cnn), "tiny_reram", calibration=X)
    assert torch.equal(xb.inject(other, SOME, seed=3)(X), first)


def test_rate_zero_changes_nothing_and_a_second_injection_replaces_the_first(mapped):
    clean = mapped(X)
    assert torch.equal(xb.inject(mapped, xb.StuckAt(), seed=9)(X), clean)
    broken = xb.inject(mapped, SOME, seed=3)
    assert torch.equal(xb.inject(broken, xb.StuckAt(), seed=0)(X), clean)
    assert torch.equal(broken.execute((X,), mode="digital"), clean)  # no cells there


def test_stuck_cells_can_clip_so_less_is_proven(mapped):
    arch = xb.load_arch("tiny_reram", {"adc.bits": 5, "array.flip_columns": True})
    clean = xb.map_model(seeded(Cnn), arch, calibration=X)
    assert {layer.collapsed for layer in clean.plan.layers} == {1.0}
    broken = xb.inject(clean, xb.StuckAt(on=0.5))
    assert min(layer.collapsed for layer in broken.plan.layers) < 1.0
    assert {layer.collapsed for layer in clean.plan.layers} == {1.0}


def test_copies_have_faults_of_their_own_unless_shared(mapped):
    own, shared = replicated("own"), replicated("shared")
    clean = mapped(X)
    assert torch.equal(own(X), clean)
    assert torch.equal(shared(X), clean)
    broken = [xb.inject(each, SOME, seed=3) for each in (own, shared)]
    assert not torch.equal(broken[0](X), broken[1](X))
    for each in broken:
        assert torch.equal(torch.cat([each(x) for x in X.split(5)]), each(X))


@pytest.mark.parametrize("seed", [-1, 1 << 63])
def test_seeds_out_of_range_are_refused(mapped, seed):
    with pytest.raises(InputError, match=rf"seed {seed} is not a whole number in 0"):
        xb.inject(mapped, SOME, seed=seed)


def test_something_else_than_faults_is_refused(mapped):
    with pytest.raises(InputError, match="0.1 is not a StuckAt"):
        xb.inject(mapped, 0.1)
    for rates in ({"on": -0.1}, {"off": float("nan")}, {"on": 0.7, "off": 0.7}):
        with pytest.raises(InputError, match="StuckAt"):
            xb.StuckAt(**rates)


def test_drawn_faults_can_be_kept_in_a_file_and_put_back(tmp_path):
    mapped = xb.map_model(seeded(Cnn), "tiny_reram", calibration=X)
    both = (SOME, xb.LineFaults(col_off=0.02))
    drawn = xb.draw_faults(mapped, both, seed=5)
    broken = xb.inject(mapped, both, seed=5)
    assert not torch.equal(broken(X), mapped(X))
    for name in ("faults.npz", "faults.csv"):
        drawn.save(tmp_path / name)
        again = xb.inject(mapped, xb.FaultMap.load(tmp_path / name), seed=99)
        assert torch.equal(again(X), broken(X))
    xb.save_mapped(again, tmp_path / "broken.safetensors")
    assert torch.equal(xb.load_mapped(tmp_path / "broken.safetensors")(X), broken(X))


def test_a_map_of_other_arrays_is_refused_even_when_nothing_in_it_is_broken():
    mapped = xb.map_model(seeded(Cnn), "tiny_reram", calibration=X)
    small = xb.FaultMap.from_states(np.zeros((2, 8, 8), np.int8), [0, 1])
    with pytest.raises(DataError, match="8 x 8"):
        xb.inject(mapped, small)


def test_a_map_that_breaks_no_array_in_use_is_refused(tmp_path):
    mapped = xb.map_model(seeded(Cnn), "tiny_reram", calibration=X)
    (tmp_path / "far.csv").write_text("array,row,col,stuck\n9999,0,0,on\n")
    with pytest.raises(InputError, match="none in an array that this network uses"):
        xb.inject(mapped, xb.FaultMap.load(tmp_path / "far.csv"))
