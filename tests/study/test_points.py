"""Which points does a study have?"""

from __future__ import annotations

import pickle
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.errors import InputError
from crossbar.study import points
from crossbar.study.axes import Axis, make_axes, make_axis
from crossbar.study.conditions import parse_condition
from crossbar.study.points import Point, grid


def values(*axes: str, where: tuple[str, ...] = (), **more: Any) -> list[dict[str, Any]]:
    return [dict(point.values) for point in grid(make_axes(axes), where, **more)]


def refusal(*axes: str, where: tuple[str, ...] = (), **more: Any) -> str:
    with pytest.raises(InputError) as error:
        grid(make_axes(axes), where, **more)
    return str(error.value)


def test_every_combination_the_first_axis_slowest() -> None:
    assert values("array.rows=64,128", "adc.bits=4..5") == [
        {"array.rows": 64, "adc.bits": 4},
        {"array.rows": 64, "adc.bits": 5},
        {"array.rows": 128, "adc.bits": 4},
        {"array.rows": 128, "adc.bits": 5},
    ]


def test_keys_that_move_together() -> None:
    assert values("array.rows/array.cols=64/32,128/64") == [
        {"array.rows": 64, "array.cols": 32},
        {"array.rows": 128, "array.cols": 64},
    ]


def test_conditions_leave_points_out() -> None:
    found = values("array.rows=64,128", "array.cols=64,128", where=("array.cols == array.rows",))
    assert found == [
        {"array.rows": 64, "array.cols": 64},
        {"array.rows": 128, "array.cols": 128},
    ]


def test_the_hardware_gives_the_keys_that_are_no_axis() -> None:
    arch = load_arch("isaac_8bit")
    where = ("array.rows <= array.cols", "array.rows_per_read == null")
    assert values("array.rows=64,128,256", where=where, arch=arch) == [
        {"array.rows": 64},
        {"array.rows": 128},
    ]


def test_the_hardware_of_the_point_comes_first() -> None:
    for axes in (
        ("arch=isaac_8bit,tiny_reram", "array.rows=16,128"),
        ("array.rows=16,128", "arch=isaac_8bit,tiny_reram"),
    ):
        found = values(*axes, where=("array.cols == array.rows",), arch=load_arch("ideal_8bit"))
        assert {(p["arch"], p["array.rows"]) for p in found} == {
            ("isaac_8bit", 128),
            ("tiny_reram", 16),
        }


def test_the_run_gives_seed_and_rates() -> None:
    base = {"seed": 7, "faults.on": 0.01}
    where = ("seed == 7 and faults.on < array.rows",)
    assert len(values("array.rows=64", where=where, base=base)) == 1


def test_a_condition_on_a_key_without_a_value_is_told() -> None:
    found = refusal("adc.bits=4", where=("array.cols == array.rows", "seed == 1"))
    assert found.splitlines() == [
        "where 'array.cols == array.rows': array.cols is no axis, and nothing else says what it is",
        "where 'array.cols == array.rows': array.rows is no axis, and nothing else says what it is",
        "where 'seed == 1': seed is no axis, and nothing else says what it is",
    ]


def test_contradictory_conditions_name_the_culprit() -> None:
    found = refusal("array.rows=64,128", where=("array.rows == 64", "array.rows == 128"))
    assert found == (
        "grid: no point is left of 2: 'array.rows == 128' holds for no combination that meets"
        " 'array.rows == 64'"
    )
    found = refusal("array.rows=64,128", "adc.bits=4,5", where=("adc.bits > 4", "array.rows > 999"))
    assert "'array.rows > 999' holds for no combination" in found


def test_no_axis_no_values_a_key_twice() -> None:
    with pytest.raises(InputError, match="grid: no axis; a study varies one key at least"):
        grid(())
    rows = make_axis("array.rows", [64])
    both = make_axis("array.rows/array.cols", [[64, 64]])
    with pytest.raises(InputError) as error:
        grid((rows, both, Axis(("adc.bits",), ())))
    assert str(error.value).splitlines() == [
        "axis array.rows/array.cols: array.rows is given twice (and in 'array.rows')",
        "axis adc.bits: no values",
    ]


def test_a_wrong_condition_is_told() -> None:
    assert "did you mean 'array.rows'?" in refusal("array.rows=64", where=("rows == 64",))


def test_more_than_a_million_points_need_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("seed=0..1000000:2", "array.rows=1..3") == (
        "grid: 1,500,003 points (axes of 500,001 x 3 values); more than 1,000,000 points need"
        " --yes, or yes=True"
    )
    monkeypatch.setattr(points, "MOST_POINTS", 1000)
    axes = ("seed=0..500", "array.rows=1..3")
    assert "too many points left of 1,503" in refusal(*axes, where=("seed >= 0",))
    assert len(values(*axes, yes=True)) == len(values(*axes, where=("seed >= 0",), yes=True))
    assert len(values(*axes, where=("seed < 100",))) == 300
    monkeypatch.setattr(points, "_MOST_TRIED", 1000)
    assert "no end after 1,000 combinations" in refusal(*axes, where=("seed == array.rows",))


def test_many_combinations_and_few_points_are_no_matter() -> None:
    axes = ("array.rows=1..4096", "array.cols=1..4096")
    assert len(values(*axes, where=("array.rows == 5",))) == 4096


def test_a_point_travels_to_another_process() -> None:
    point = grid(make_axes(["array.rows=64", "array.cycle=50 ns"]))[0]
    assert pickle.loads(pickle.dumps(point)) == point
    assert str(point) == "array.rows=64 array.cycle='50 ns'"


@settings(deadline=None, max_examples=50)
@given(
    rows=st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True),
    cols=st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True),
    bits=st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),
    where=st.lists(
        st.sampled_from(
            [
                "array.rows < array.cols",
                "adc.bits + array.rows > 4",
                "array.cols != 3 or adc.bits == 2",
                "array.rows >= 2",
            ]
        ),
        max_size=3,
    ),
)
def test_the_grid_is_the_filtered_product(
    rows: list[int], cols: list[int], bits: list[int], where: list[str]
) -> None:
    axes = [
        make_axis("array.rows", rows),
        make_axis("array.cols", cols),
        make_axis("adc.bits", bits),
    ]
    tests = [parse_condition(text) for text in where]
    combinations = [
        {"array.rows": r, "array.cols": c, "adc.bits": b} for r, c, b in product(rows, cols, bits)
    ]
    expected = [Point(v) for v in combinations if all(test.holds(v) for test in tests)]
    if expected:
        assert list(grid(axes, tests)) == expected
    else:
        with pytest.raises(InputError, match="no point is left of"):
            grid(axes, tests)
