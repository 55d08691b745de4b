"""Are cells stuck at the rates asked, in the pattern asked, and do several causes add up?"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.device.faults import (
    STUCK_OFF,
    STUCK_ON,
    ClusteredFaults,
    FaultMap,
    FaultSet,
    LineFaults,
    StuckAt,
    apply_states,
    breaks_cells,
    draw_map,
    stuck_codes,
    stuck_states,
)
from crossbar.errors import InputError, UnknownNameError

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def within(measured, expected, error, times=5):
    assert abs(measured - expected) <= times * error, (measured, expected, error)


def test_independent_faults_are_those_that_earlier_versions_drew():
    free = np.full((128, 128), 9, np.uint8)
    chen = StuckAt(on=0.0175, off=0.0904)
    cells = [
        apply_states(free, stuck_states(chen, array, free.shape, seed), 3)
        for array in (0, 17)
        for seed in (0, 2**62)
    ]
    digest = hashlib.sha256(b"".join(c.tobytes() for c in cells)).hexdigest()
    assert digest == "9c08c88f62ceefdd5e1d417f2ea53c2eceb3e32235d398c93bd94cfd33800836"


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.5), shapes, st.integers(0, 2**62), st.integers(0, 10**6))
def test_states_and_codes_say_the_same(on, off, shape, seed, array):
    codes = np.full(shape, 9, np.uint8)
    faults = StuckAt(on, off)
    states = stuck_states(faults, array, shape, seed)
    assert states.dtype == np.int8
    applied = apply_states(codes, states, 7)
    assert np.array_equal(applied, stuck_codes(codes, array, faults, seed, 7))
    assert np.array_equal(applied, np.choose(states, [codes, 7, 0]))


def test_lines_are_whole_rows_and_columns_at_their_rates():
    """1200 arrays of 40 rows and 25 columns; every rate within five standard errors."""
    faults = LineFaults(row_on=0.1, row_off=0.2, col_on=0.05, col_off=0.15)
    maps = np.stack([stuck_states(faults, a, (40, 25), 3) for a in range(1200)])
    off = maps == STUCK_OFF
    # off wins a crossing, so a row is whole where it is off and nowhere on where it is off
    rows_off = off.all(2)
    cols_off = off.all(1)
    within(rows_off.mean(), 0.2, math.sqrt(0.2 * 0.8 / rows_off.size))
    within(cols_off.mean(), 0.15, math.sqrt(0.15 * 0.85 / cols_off.size))
    assert np.array_equal(off, rows_off[:, :, None] | cols_off[:, None, :])
    on = maps == STUCK_ON
    rows_on = (on | cols_off[:, None, :]).all(2)
    cols_on = (on | rows_off[:, :, None]).all(1)
    within(rows_on.mean(), 0.1, math.sqrt(0.1 * 0.9 / rows_on.size))
    within(cols_on.mean(), 0.05, math.sqrt(0.05 * 0.95 / cols_on.size))
    expected = (rows_on[:, :, None] | cols_on[:, None, :]) & ~off
    assert np.array_equal(on, expected)


def test_rows_and_columns_of_other_arrays_are_other_draws():
    one = stuck_states(LineFaults(row_on=0.5), 0, (64, 3), 0)[:, 0]
    other = stuck_states(LineFaults(row_on=0.5), 1, (64, 3), 0)[:, 0]
    across = stuck_states(LineFaults(col_on=0.5), 0, (3, 64), 0)[0]
    for a, b in ((one, other), (one, across), (other, across)):
        assert 10 < (a == b).sum() < 54  # 5.5 standard deviations


def test_the_first_row_and_the_first_column_are_two_draws():
    """400 arrays; they cross in one cell, and must not share its draw."""
    rows = [stuck_states(LineFaults(row_on=0.5), a, (3, 3), 0)[0, 0] for a in range(400)]
    cols = [stuck_states(LineFaults(col_on=0.5), a, (3, 3), 0)[0, 0] for a in range(400)]
    assert abs(np.equal(rows, cols).mean() - 0.5) <= 5 * math.sqrt(0.25 / 400)


@settings(max_examples=50, deadline=None)
@given(shapes, st.integers(0, 2**62), st.integers(0, 10**6))
def test_a_later_cause_neither_heals_nor_turns_round_an_earlier_one(shape, seed, array):
    parts = (
        LineFaults(row_on=0.1, col_off=0.1),
        StuckAt(on=0.2, off=0.1),
        ClusteredFaults(on=0.05, off=0.2, size=5),
    )
    alone = [stuck_states(part, array, shape, seed) for part in parts]
    expected = np.where(alone[0] > 0, alone[0], np.where(alone[1] > 0, alone[1], alone[2]))
    assert np.array_equal(stuck_states(parts, array, shape, seed), expected)
    nested = FaultSet((parts[0], FaultSet((parts[1], (parts[2],)))))
    assert np.array_equal(stuck_states(nested, array, shape, seed), expected)
    assert nested == FaultSet(parts)


def test_two_causes_of_one_kind_are_independent():
    """60 arrays: 0.3 and 0.3 give 1 - 0.7 * 0.7 = 0.51 broken cells, not 0.3."""
    for part in (StuckAt(off=0.3), ClusteredFaults(off=0.3, size=1), LineFaults(row_off=0.3)):
        pair = (part, part)
        states = np.stack([stuck_states(pair, a, (64, 64), 0) for a in range(60)])
        draws = states.size / (64 if isinstance(part, LineFaults) else 1)
        within((states > 0).mean(), 0.51, math.sqrt(0.51 * 0.49 / draws))


def test_a_drawn_map_is_the_draw():
    parts = (StuckAt(0.1, 0.1), LineFaults(row_off=0.1), ClusteredFaults(0.1, 0.0, 3))
    drawn = draw_map(parts, [4, 2, 9], (11, 13), seed=8)
    assert drawn.arrays is not None
    assert drawn.arrays.tolist() == [2, 4, 9]
    for array in (2, 4, 9):
        expected = stuck_states(parts, array, (11, 13), 8)
        assert np.array_equal(stuck_states(drawn, array, (11, 13), 0), expected)
    with pytest.raises(InputError, match="arrays is empty"):
        draw_map(parts, [], (11, 13), seed=8)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (None, False),
        (StuckAt(), False),
        (StuckAt(off=0.1), True),
        (ClusteredFaults(), False),
        (ClusteredFaults(on=0.1), True),
        (LineFaults(), False),
        (LineFaults(col_off=0.1), True),
        (FaultMap(np.zeros((0, 4), int)), False),
        (FaultMap(np.array([[0, 0, 0, 1]])), True),
        ((), False),
        ((StuckAt(), LineFaults()), False),
        (FaultSet((StuckAt(), LineFaults(row_on=0.1))), True),
    ],
)
def test_faults_that_break_nothing_are_known(faults, expected):
    assert breaks_cells(faults) is expected
    if faults is not None and not expected:
        assert not stuck_states(faults, 0, (9, 9), 0).any()


def test_the_measured_rates_have_their_polarity_spelled_out():
    assert StuckAt.chen_2015("on") == StuckAt(on=0.0904, off=0.0175)
    assert StuckAt.chen_2015(mostly="off") == StuckAt(on=0.0175, off=0.0904)
    with pytest.raises(UnknownNameError, match="kind of fault 'SA0'"):
        StuckAt.chen_2015("SA0")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StuckAt(on=1.5), "StuckAt: on = 1.5 is not a rate in 0..1"),
        (lambda: StuckAt(0.6, 0.6), "StuckAt: on + off = 1.2 is more than 1"),
        (lambda: ClusteredFaults(off=-0.1), "ClusteredFaults: off = -0.1 is not a rate"),
        (lambda: ClusteredFaults(0.7, 0.7), "ClusteredFaults: on + off = 1.4 is more than 1"),
        (lambda: ClusteredFaults(0.1, 0.1, 0.5), "ClusteredFaults: size = 0.5 is out of range"),
        (lambda: ClusteredFaults(size=math.nan), "ClusteredFaults: size = nan is out of range"),
        (lambda: LineFaults(row_on=math.nan), "LineFaults: row_on = nan is not a rate"),
        (lambda: LineFaults(0.6, 0.6), "LineFaults: row_on + row_off = 1.2 is more than 1"),
        (lambda: LineFaults(col_on=0.6, col_off=0.6), "LineFaults: col_on + col_off = 1.2"),
        (lambda: FaultSet((0.1,)), "faults: 0.1 (allowed: StuckAt"),
        (lambda: stuck_states("on", 0, (2, 2), 0), "faults: 'on' (allowed: StuckAt"),
    ],
)
def test_wrong_faults_are_refused_in_one_line(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_rows_and_columns_may_each_be_broken_at_any_rate():
    assert LineFaults(1.0, 0.0, 0.0, 1.0).row_on == 1.0
    assert (stuck_states(LineFaults(row_on=1.0, col_off=1.0), 0, (3, 4), 0) == STUCK_OFF).all()
    assert (stuck_states(LineFaults(row_on=1.0), 0, (3, 4), 0) == STUCK_ON).all()
