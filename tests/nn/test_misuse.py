"""Is a slip in Python answered in the user's words?"""

from __future__ import annotations

import pytest
import torch

import crossbar as xb
from crossbar.errors import DataError, InputError
from tests.nn.small import Mlp, inputs, seeded


@pytest.fixture(scope="module")
def mapped():
    return xb.map_model(seeded(Mlp), "tiny_reram", calibration=inputs(Mlp))


@pytest.mark.parametrize(
    "call",
    [
        lambda model: xb.inject(model, xb.StuckAt(on=0.1)),
        lambda model: xb.simulate(model, inputs(Mlp)),
        lambda model: xb.verify(model, inputs(Mlp)),
        lambda model: xb.save_mapped(model, "nowhere.safetensors"),
    ],
    ids=["inject", "simulate", "verify", "save_mapped"],
)
def test_a_model_that_is_not_mapped_is_told_how_to_map_it(call):
    with pytest.raises(InputError, match=r"a Mlp, expected a mapped model: xb\.map_model"):
        call(seeded(Mlp))


def test_a_model_where_a_workload_belongs_is_told_how_to_capture_it():
    for call in (xb.build_plan, lambda model, arch: xb.estimate(arch, model)):
        with pytest.raises(InputError, match=r"a Mlp, expected a Workload.*xb\.capture"):
            call(seeded(Mlp), "tiny_reram")


@pytest.mark.parametrize("seed", ["a", 1.5, -1, None])
def test_a_seed_is_a_whole_number(mapped, seed):
    with pytest.raises(InputError, match="is not a whole number"):
        xb.inject(mapped, xb.StuckAt(on=0.1), seed=seed)


def test_numpy_arrays_calibrate_like_tensors(mapped):
    x = inputs(Mlp)
    again = xb.map_model(seeded(Mlp), "tiny_reram", calibration=x.numpy())
    assert torch.equal(again(x), mapped(x))


def test_labels_that_the_network_does_not_have_are_refused(mapped):
    x = inputs(Mlp)
    for label in (5, -1):
        with pytest.raises(DataError, match=f"class {label}, the network has 5"):
            xb.simulate(mapped, (x, torch.full((len(x),), label)))


def test_f1_is_for_two_classes(mapped):
    x = inputs(Mlp)
    with pytest.raises(DataError, match="f1 scores class 1 of two, the network has 5 classes"):
        xb.simulate(mapped, (x, torch.ones(len(x), dtype=torch.int64)), metric="f1")


def test_a_saved_model_can_be_read_by_whom_the_umask_lets(mapped, tmp_path):
    (tmp_path / "plain").write_text("")
    xb.save_mapped(mapped, tmp_path / "model.safetensors")
    modes = {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_clock_slower_than_a_read_is_refused():
    with pytest.raises(InputError) as caught:
        xb.load_arch("isaac_8bit", {"clock": "1 Hz"})
    assert "array.cycle: '100 ns' is shorter than one clock ('1 s')" in str(caught.value)
