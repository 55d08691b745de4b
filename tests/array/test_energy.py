"""Is the energy of the cells the sum of t v^2 g over reads, driven rows and physical columns?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.device.faults import StuckAt, stuck_codes
from crossbar.mapping.replication import stripes
from tests.array.convs import make, with_plan
from tests.kernels import naive


def stored(case, k, copy):
    """Codes of every physical cell of bundle k of a copy: ``[rows, arrays across * cols]``."""
    a, plan = case.arch.array, case.layer.plan
    bundle, starts = plan.bundles[k], plan.bundle_blocks(copy)[k]
    usable = a.cols - (a.input_sum == "column")
    w, used = case.bundle_matrix(k)
    cells = np.zeros((bundle.rows, bundle.col_blocks * a.cols), dtype=np.uint8)

    def place(column):
        return column // usable * a.cols + column % usable

    for n in range(bundle.outputs):
        columns = [
            naive.weight_columns(v, plan.encoding.bits, case.arch.cell.bits, a.encoding)[0]
            for v in w[:, n]
        ]
        for j in range(len(columns[0])):
            top = columns[0][j][2]
            for group in bundle.row_groups:
                rows = [r for r in range(group.start, group.start + group.rows) if used[r, n]]
                total = sum(columns[r][j][0] for r in rows)
                flip = a.flip_columns and 2 * total > top * len(rows)
                for r in rows:
                    code = columns[r][j][0]
                    cells[r, place(n * len(columns[0]) + j)] = top - code if flip else code
    if a.input_sum == "column":
        cells[:, a.cols - 1 :: a.cols] = 1
    if case.layer.conditions.faults is not None:
        for down in range(0, bundle.rows, a.rows):
            for across in range(bundle.col_blocks):
                array = int(starts[down // a.rows]) + across
                part = np.s_[down : down + a.rows, across * a.cols : (across + 1) * a.cols]
                top = (1 << case.arch.cell.bits) - 1
                cells[part] = stuck_codes(
                    cells[part],
                    array,
                    case.layer.conditions.faults,
                    case.layer.conditions.fault_seed,
                    top,
                )
    return cells


def brute_force(case):
    cell, dac = case.arch.cell, case.arch.dac
    step = (cell.g_on - cell.g_off) / ((1 << cell.bits) - 1)
    plan, positions = case.layer.plan, case.window.positions
    copies = (
        plan.replicas if case.layer.conditions.faults and case.arch.faults.replicas == "own" else 1
    )
    owner = [r for r, (_, count) in enumerate(stripes(positions, copies)) for _ in range(count)]
    energy = 0.0
    for k in range(len(plan.bundles)):
        cells = [stored(case, k, copy) for copy in range(copies)]
        for i, x in enumerate(case.bundle_inputs(k)):
            digits, _, _ = naive.input_reads(
                x, plan.input_bits, dac.bits, case.layer.coding.low < 0, dac.signed
            )
            for read in digits:
                for r, digit in enumerate(read):
                    v = cell.read_voltage * digit / ((1 << dac.bits) - 1)
                    for code in cells[owner[i % positions]][r]:
                        energy += cell.read_pulse * v**2 * (cell.g_off + step * code)
    return energy


def check(case):
    expected = brute_force(case)
    assert expected > 0
    got = case.layer.array_energy(case.image, case.window)
    assert got == pytest.approx(expected, rel=1e-9)
    return got


@pytest.mark.parametrize("dac_bits", [1, 2, 3, 4])
@pytest.mark.parametrize("signed", [None, "offset", "twos_complement"])
def test_every_dac_and_coding_of_signed_inputs(dac_bits, signed):
    keys = {"dac.bits": dac_bits, "dac.signed": signed or "offset"}
    check(make("1x1 kernel", keys, signed=signed is not None, input_bits=5, batch=1))


@pytest.mark.parametrize(
    "keys",
    [
        {"array.flip_columns": True, "array.rows_per_read": 5},
        {"array.input_sum": "column"},
        {"array.encoding": "differential", "array.subtract": "analog"},
        {"array.encoding": "twos_complement", "cell.bits": 3},
        {"cell.g_off": "0 S"},
    ],
)
def test_every_layout_of_the_cells(keys):
    check(make("stride", keys, batch=1))


@pytest.mark.parametrize("shape", ["groups", "depthwise", "dilation"])
def test_grouped_layers_pay_for_the_cells_off_the_diagonal(shape):
    check(make(shape, batch=1))


@pytest.mark.parametrize("shape", ["plain", "depthwise multiplier"])
@pytest.mark.parametrize("replicas", ["own", "shared"])
def test_faults_change_the_energy_of_the_copies_that_have_them(shape, replicas):
    keys = {"replication": [3], "faults.replicas": replicas, "array.input_sum": "column"}
    faulty = make(shape, keys, faults=StuckAt(on=0.2, off=0.1), fault_seed=3, batch=1)
    clean = make(shape, keys, batch=1)
    assert check(faulty) != pytest.approx(check(clean), rel=1e-3)


def test_energy_adds_up_over_the_batch_and_ignores_copies_of_clean_cells():
    case = make("plain", batch=4)
    whole = case.layer.array_energy(case.image, case.window)
    parts = [case.layer.array_energy(case.image[i : i + 1], case.window) for i in range(4)]
    assert whole == pytest.approx(sum(parts), rel=1e-12)
    many = make("plain", {"replication": [5]}, batch=4)
    assert many.layer.array_energy(many.image, many.window) == pytest.approx(whole, rel=1e-12)
    elsewhere = with_plan(case.layer, first_array=999)
    assert elsewhere.array_energy(case.image, case.window) == whole


def test_zero_inputs_drive_nothing_unless_they_are_raised():
    quiet = make("plain", {"dac.signed": "twos_complement"}, signed=True)
    raised = make("plain", {"dac.signed": "offset"}, signed=True)
    assert quiet.layer.array_energy(0 * quiet.image, quiet.window) == 0.0
    assert raised.layer.array_energy(0 * raised.image, raised.window) > 0.0


def test_a_full_isaac_read_costs_the_tables_30_pj():
    """All 128 x 128 cells at g_on, all rows on: `array.read_energy`, for each of the 8 reads."""
    from crossbar.arch import load_arch
    from crossbar.array.conditions import Conditions
    from crossbar.array.layer import ProgrammedLayer
    from crossbar.array.window import Window
    from crossbar.circuit.dac import make_input_coding
    from crossbar.mapping import build_plan
    from tests.mapping.nets import linear_net

    arch = load_arch("isaac_8bit")
    plan = build_plan(linear_net(128, 32), arch).layers[0]
    layer = ProgrammedLayer(
        plan,
        arch,
        np.zeros((32, 128), np.int32),
        make_input_coding(arch, 8, False),
        Conditions(StuckAt(on=1.0)),
    )
    x = np.full((1, 128, 1, 1), 255, dtype=np.int16)
    assert layer.array_energy(x, Window()) == pytest.approx(8 * 30e-12, rel=1e-3)
