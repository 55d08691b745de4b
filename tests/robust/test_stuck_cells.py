"""Are stuck cells the physical ones, as many as asked, and the same ones every time?"""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.array.layer import ProgrammedLayer
from crossbar.device.faults import StuckAt, stuck_codes
from tests.array.convs import make, with_plan

FREE = 9  # no level of any cell here


def fault_map(on, off, *, array=0, seed=0, shape=(128, 128), top=3):
    return stuck_codes(np.full(shape, FREE, np.uint8), array, StuckAt(on, off), seed, top)


@pytest.mark.parametrize(("on", "off"), [(0.0175, 0.0904), (0.0904, 0.0175), (0.3, 0), (0, 0.5)])
def test_as_many_cells_are_stuck_as_asked(on, off):
    """Over 50 arrays and 5 seeds, each share lies within five standard errors."""
    maps = np.stack([fault_map(on, off, array=a, seed=s) for a in range(50) for s in range(5)])
    for level, rate in ((3, on), (0, off), (FREE, 1 - on - off)):
        error = math.sqrt(rate * (1 - rate) / maps.size)
        assert abs((maps == level).mean() - rate) <= 5 * error


def test_stuck_cells_are_independent_of_their_neighbours():
    maps = np.stack([fault_map(0.2, 0.0, array=a) == 3 for a in range(40)])
    pairs = [
        (maps[:, 1:], maps[:, :-1]), (maps[:, :, 1:], maps[:, :, :-1]), (maps[1:], maps[:-1])
    ]  # fmt: skip
    for one, other in pairs:
        both = (one & other).mean()
        assert abs(both - 0.04) < 5 * math.sqrt(0.04 * 0.96 / one.size)


def test_seeds_and_arrays_have_maps_of_their_own():
    maps = [fault_map(0.5, 0.0, array=a, seed=s) for a in range(3) for s in (0, 1, 2**62)]
    for i, one in enumerate(maps):
        for other in maps[:i]:
            assert 0.45 < (one == other).mean() < 0.55


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**62)
)
def test_a_higher_rate_contains_the_faults_of_a_lower_one(on, off, less_on, less_off, seed):
    high = fault_map(on, off, seed=seed, shape=(40, 40))
    low = fault_map(on * less_on, off * less_off, seed=seed, shape=(40, 40))
    stuck = low != FREE
    assert np.array_equal(high[stuck], low[stuck])


def test_extreme_rates_stick_every_cell_or_none():
    assert (fault_map(1.0, 0.0) == 3).all()
    assert (fault_map(0.0, 1.0) == 0).all()
    assert (fault_map(0.0, 0.0) == FREE).all()
    assert (fault_map(0.5, 0.5) != FREE).all()


def test_a_part_of_an_array_has_the_faults_of_its_place():
    whole = fault_map(0.3, 0.3, array=7, shape=(20, 30))
    part = stuck_codes(np.full((5, 6), FREE, np.uint8), 7, StuckAt(0.3, 0.3), 0, 3, row=11, col=17)
    assert np.array_equal(part, whole[11:16, 17:23])


def digest(layer):
    cells = [c for copy in range(layer.copies) for c in layer.cells(copy)]
    return hashlib.sha256(
        b"".join(c.codes.tobytes() + c.arrays.tobytes() for c in cells)
    ).hexdigest()


def faulty(**keys):
    return make(
        "groups", {"replication": [3], "array.input_sum": "column", **keys},
        faults=StuckAt(on=0.1, off=0.2), fault_seed=11,
    )  # fmt: skip


def test_another_process_draws_the_same_cells():
    script = (
        "from tests.robust.test_stuck_cells import digest, faulty; print(digest(faulty().layer))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment["PYTHONHASHSEED"] = "123"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert done.stdout.strip() == digest(faulty().layer)


def test_cells_do_not_depend_on_batch_or_threads(monkeypatch):
    case = faulty()
    before = digest(case.layer)
    first, count = case.compute()
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    again, _ = case.compute(image=case.image[1:])
    assert np.array_equal(again, first[1:])
    assert digest(case.layer) == before == digest(faulty().layer)
    assert count == faulty().compute()[1]


def test_rate_zero_changes_no_cell_and_no_value():
    clean = make("plain", {"replication": [3]})
    zero = make("plain", {"replication": [3]}, faults=StuckAt(0.0, 0.0), fault_seed=5)
    assert zero.layer.copies == 1
    assert digest(clean.layer) == digest(zero.layer)
    assert np.array_equal(clean.compute()[0], zero.compute()[0])


def test_copies_are_other_cells_and_so_are_other_layers():
    layer = faulty().layer
    for bundle in range(len(layer.plan.bundles)):
        copies = [layer.cells(copy)[bundle].codes for copy in range(3)]
        assert not np.array_equal(copies[0], copies[1])
        assert not np.array_equal(copies[1], copies[2])
    elsewhere = with_plan(layer, first_array=100)
    assert not np.array_equal(elsewhere.cells()[0].codes, layer.cells()[0].codes)


@pytest.mark.parametrize("encoding", ["offset", "differential", "twos_complement"])
def test_a_narrow_slice_is_stuck_at_the_physical_top_level(encoding):
    """The top slice of such weights holds one bit, yet a stuck cell conducts like level 3."""
    bits = 3 if encoding == "offset" else 4
    case = make("plain", {"array.encoding": encoding}, bits=bits, faults=StuckAt(on=1.0))
    assert min(s.width for s in case.layer.plan.encoding.slices) == 1
    assert all((cells.codes == 3).all() for cells in case.layer.cells())
    got, _ = case.compute()
    assert np.array_equal(got, case.naive()[0])


def test_unit_columns_have_faults_too():
    keys = {"array.input_sum": "column", "array.cols": 4}
    case = make("1x1 kernel", keys, faults=StuckAt(on=0.3, off=0.3), fault_seed=1)
    unit = np.concatenate([cells.column(-1).ravel() for cells in case.layer.cells()])
    assert set(unit.tolist()) == {0, 1, 3}
    off = case.layer.cells()[0].column(-1)
    clean = make("1x1 kernel", keys).layer.cells()[0].column(-1)
    assert (clean == 1).all()
    assert off.shape == clean.shape == (20, case.layer.plan.bundles[0].col_blocks)
    assert np.array_equal(case.compute()[0], case.naive()[0])


def test_unused_columns_have_faults_that_cost_energy_but_change_no_value():
    case = make("plain", faults=StuckAt(on=1.0))
    cells = case.layer.cells()[0]
    assert (cells.level_sums == 3 * cells.cells_per_row).all()  # 16 columns, 10 of them used
    off = make("plain", faults=StuckAt(off=1.0)).layer.cells()[0]
    assert (off.level_sums == 0).all()


def test_the_digital_twin_has_no_faults():
    case = make("plain", faults=StuckAt(on=0.5, off=0.5))
    assert np.array_equal(case.compute(digital=True)[0], case.torch())
    assert isinstance(case.layer, ProgrammedLayer)
