"""Do axes hold the values that were meant, and does every slip get a line of its own?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.arch.keys import arch_values, settable_keys
from crossbar.arch.tree import sections
from crossbar.errors import ConfigError
from crossbar.study.axes import Axis, make_axes, make_axis, parse_axis, read_axis
from crossbar.study.axis_keys import find_axis_key

CONSTANT = {"kind": "constant", "sigma": 0.1}


def values(text: str) -> list[Any]:
    return parse_axis(text).to_plain()


def told(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        parse_axis(text)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("array.rows=64,128,256", [64, 128, 256]),
        ("array.rows= 64 , 128", [64, 128]),
        ("dac.bits=1", [1]),
        ("adc.bits=4..7", [4, 5, 6, 7]),
        ("adc.bits=4..10:3", [4, 7, 10]),
        ("adc.bits=4..9:3", [4, 7]),
        ("adc.bits=6..6", [6]),
        ("adc.bits=1,4..6,8", [1, 4, 5, 6, 8]),
        ("array.rows=log:16..1024:4", [16, 64, 256, 1024]),
        ("array.rows=log:1..1000:7", [1, 3, 10, 32, 100, 316, 1000]),
        ("faults.on=log:1e-4..1e-1:4", [1e-4, 1e-3, 1e-2, 1e-1]),
        ("faults.off=0..0.4:5", [0.0, 0.1, 0.2, 0.3, 0.4]),
        ("energy.leakage_share=0..0.3:0.1", [0.0, 0.1, 0.2, 0.3]),
        ("faults.on=0,1", [0.0, 1.0]),
        ("array.cycle=50 ns,100 ns", ["50 ns", "100 ns"]),
        ("array.cycle=50 ns..200 ns:4", ["50 ns", "100 ns", "150 ns", "200 ns"]),
        ("array.cycle=50 ns..0.2 us:50 ns", ["50 ns", "100 ns", "150 ns", "200 ns"]),
        ("tile.buffer=log:1 KiB..16 KiB:5", ["1 KiB", "2 KiB", "4 KiB", "8 KiB", "16 KiB"]),
        ("adc.policy=clip,full", ["clip", "full"]),
        ("array.flip_columns=true,false", [True, False]),
        ("array.rows_per_read=null,32", [None, 32]),
        ("chip.tiles=auto,64..192:64", ["auto", 64, 128, 192]),
        ("replication=none,[1, 2],{conv1: 3}", ["none", [1, 2], {"conv1": 3}]),
        ("replication.conv1=1..3", [1, 2, 3]),
        ("seed=0..2", [0, 1, 2]),
        ("cell.kind=ideal,reram", ["ideal", "reram"]),
        ("cell.variation=0,0.05,wan_2022_1s,none", [0, 0.05, "wan_2022_1s", "none"]),
        ("cell.variation=0..0.1:3", [0.0, 0.05, 0.1]),
        ("cell.variation=null,{kind: constant, sigma: 0.1}", [None, CONSTANT]),
        ("cell.variation.sigma=0.02,0.04", [0.02, 0.04]),
        ("cell.variation.verify_tolerance=null,0.5", [None, 0.5]),
        ("cell.variation.sigmas=[0, 0.1],[0.1, 0.1]", [[0, 0.1], [0.1, 0.1]]),
        ("cell.read_noise=log:0.001..0.1:3", [0.001, 0.01, 0.1]),
        ("cell.read_noise.temperature=300 K..400 K:3", ["300 K", "350 K", "400 K"]),
        ("cell.drift=none,pcm", ["none", "pcm"]),
        ("cell.drift.t0=1 s,1 min", ["1 s", "1 min"]),
        ("cell.table=null", [None]),
        ("array.wire_resistance_row=0 ohm,2.5 ohm", ["0 ohm", "2.5 ohm"]),
        ("arch=isaac_8bit,tiny_reram", ["isaac_8bit", "tiny_reram"]),
        ("workload=vgg8,lenet5", ["vgg8", "lenet5"]),
        ("precision.weight_bits=4,8", [4, 8]),
        ("array.rows/array.cols=64/64,128/256", [[64, 64], [128, 256]]),
        ("adc.bits/array.rows=4..6/10..12", [[4, 10], [5, 11], [6, 12]]),
        ("adc.policy/adc.bits=clip/7,lossless/null", [["clip", 7], ["lossless", None]]),
        ("name/array.rows=64/64,'a/b, c'/8", [["64", 64], ["a/b, c", 8]]),
    ],
)
def test_text_means_these_values(text: str, expected: list[Any]) -> None:
    axis = parse_axis(text)
    assert axis.to_plain() == expected
    assert [type(value) for value in axis.to_plain()] == [type(value) for value in expected]
    assert parse_axis(str(axis)) == axis
    assert make_axis(axis.label, axis.to_plain()) == axis


def test_arch_before_a_key_may_be_left_out() -> None:
    assert parse_axis("arch.array.rows=64") == parse_axis("array.rows=64")
    assert parse_axis("arch.clock=1 GHz").keys == ("clock",)


def test_every_key_of_the_hardware_is_an_axis() -> None:
    isaac = load_arch("isaac_isca_2016")
    real = load_arch("reram_hfo2")
    for path, value in (*arch_values(isaac).items(), *arch_values(real).items()):
        if value is None or value == "":
            continue
        assert make_axis(path, [value]).values == ((value,),), path


def test_every_name_that_overrides_take_is_known() -> None:
    assert {"cell.variation", "cell.read_noise", "cell.drift.t0"} <= set(settable_keys())
    for name in settable_keys():
        key = find_axis_key(name)
        assert key.allowed()
        assert hash(key) == hash(find_axis_key(name))
        assert not key.can_be_left_out or key.check(None) is None


def test_a_table_of_a_study_file_lies_beside_it(tmp_path: Path) -> None:
    text = "target [uS],mean [uS],sigma [uS]\n0,0,0\n1,1,0.1\n"
    (tmp_path / "my.csv").write_text(text)
    axis, problems = read_axis("cell.table", "null,my.csv", "", tmp_path)
    assert axis is not None
    assert not problems
    assert axis.to_plain() == [None, str(tmp_path / "my.csv")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("array.rows", "axis 'array.rows': expected KEY=VALUES, e.g. array.rows=64,128,256"),
        ("=4", "axis '=4': expected KEY=VALUES, e.g. array.rows=64,128,256"),
        ("rows=4", "axis rows: unknown axis (did you mean 'array.rows'?)"),
        ("array.rowz=4", "axis array.rowz: unknown axis (did you mean 'array.rows'?)"),
        ("arrayy.rows=4", "axis arrayy.rows: unknown axis (did you mean 'array.rows'?)"),
        ("fault.on=0.1", "axis fault.on: unknown axis (did you mean 'faults.on'?)"),
        ("on=0.1", "axis on: unknown axis (did you mean 'faults.on'?)"),
        ("seeds=1", "axis seeds: unknown axis (did you mean 'seed'?)"),
        ("array=4", "axis array: a section, not a key (name one of array.kind, array.rows,"),
        ("model=a:b", "axis model: no axis: a study has one model"),
        ("zzz=4", "axis zzz: unknown axis (known: arch, workload, faults.on, faults.off,"),
        ("array.rows=", "axis array.rows: no values (allowed: 1 to 4096)"),
        ("adc.bits=4,,5", "axis adc.bits: an empty value"),
        ("array.cycle=100", "axis array.cycle: 100 has no unit (give a time, e.g. '100 ns')"),
        ("array.cycle=100 mV", "axis array.cycle: '100 mV' is a voltage, not a time"),
        ("node=45 nm", "axis node: '45 nm' has no costs (only '32 nm'"),
        ("adc.policy=clipp", "axis adc.policy: 'clipp' is not one of clip, full, lossless, calibr"),
        (
            "cell.variation=wan_2022_3s",
            "axis cell.variation: 'wan_2022_3s' is not a number (sigma), ",
        ),
        ("cell.variation=3", "axis cell.variation: sigma: 3 is out of range (0 to 2)"),
        ("cell.variation=constant", "axis cell.variation: sigma is missing (0 to 2)"),
        (
            "cell.variation=[{kind: 3}]",
            "axis cell.variation: [{'kind': 3}] is not a number (sigma)",
        ),
        ("cell.variation={kind: x}", "axis cell.variation: kind: 'x' is not one of none, prop"),
        ("cell.variation={sigm: 1}", "axis cell.variation: sigma is missing (0 to 2)"),
        (
            "cell.variation={kind: none, nu: 1}",
            "axis cell.variation: unknown key 'nu' (keys: ki",
        ),
        ("cell.variation=0..3:4", "axis cell.variation: '0..3:4': sigma: 3 is out of range"),
        ("cell.variation.sigm=1", "axis cell.variation.sigm: unknown axis (did you mean 'cell.var"),
        ("cell.variation.sigma=3", "axis cell.variation.sigma: 3 is out of range (0 to 2)"),
        (
            "cell.variation.sigma=null",
            "axis cell.variation.sigma: null: a value is needed (0 ",
        ),
        ("cell.kind=rram", "axis cell.kind: 'rram' is not one of ideal, reram, sot_mram (did you"),
        ("cell.drift=0.1", "axis cell.drift: 0.1 is not none, pcm"),
        ("cell.drift=pcm..none", "axis cell.drift: 'pcm..none' is a range; write the values out"),
        ("cell.table=no.csv", "axis cell.table: no.csv: no such file"),
        ("array.rows=null", "axis array.rows: null: a value is needed (1 to 4096)"),
        ("faults.on=1.5", "axis faults.on: 1.5 is out of range (0 to 1)"),
        ("seed=-1", "axis seed: -1 is out of range (0 to "),
        ("arch=isac_8bit", "axis arch: unknown preset 'isac_8bit' (did you mean 'isaac_8bit'?)"),
        ("workload=vg8", "axis workload: unknown workload 'vg8' (did you mean 'vgg8'?)"),
        ("workload=no.json", "axis workload: no.json: "),
        ("adc.bits=10..4", "axis adc.bits: '10..4': the range descends, so it is empty (write 4.."),
        ("adc.bits=4..", "axis adc.bits: '4..': a range has two ends"),
        ("adc.bits=0..4", "axis adc.bits: '0..4': 0 is out of range (1 to 16)"),
        ("adc.bits=4..8:0", "axis adc.bits: '4..8:0': a step of '0'; allowed: whole numbers from"),
        ("adc.bits=4..8:x", "axis adc.bits: '4..8:x': a step of 'x'"),
        ("adc.policy=clip..full", "axis adc.policy: 'clip..full' is a range; write the values out"),
        ("adc.bits=log:4", "axis adc.bits: 'log:4' is not a range"),
        ("faults.on=log:0..1:4", "axis faults.on: 'log:0..1:4': 0 has no logarithm (start above"),
        ("faults.on=0..1", "axis faults.on: '0..1': how many values? Say it behind a colon (e.g. "),
        ("faults.on=0..1:1", "axis faults.on: '0..1:1': a count of 1; both ends are values"),
        ("faults.on=0..1:x", "axis faults.on: '0..1:x': 'x' is neither a count of values nor a st"),
        ("array.cycle=5 ns..9 ns:1 V", "axis array.cycle: '5 ns..9 ns:1 V': '1 V' is a voltage"),
        ("array.cycle=5 ns..9 ns:0.5", "axis array.cycle: '5 ns..9 ns:0.5': a step of 0.5 has no"),
        ("array.rows=log:1..10:20", "axis array.rows: 'log:1..10:20': 20 values, of which 10 are"),
        ("seed=0..10000000", "axis seed: '0..10000000': more than 1,000,000 values"),
        ("faults.on=0..1:99999999999", "axis faults.on: '0..1:99999999999': more than 1,000,000"),
        ("adc.bits=4,4", "axis adc.bits: 4 is given twice"),
        ("array.cycle=50 ns,0.05 us", "axis array.cycle: '0.05 us' is given twice"),
        (
            "array.rows/array.cols=64/64,128",
            "axis array.rows/array.cols: value 2 (128) has 1 entry, and 2 keys move together",
        ),
        (
            "adc.bits/array.rows=4..6/10..11",
            "axis adc.bits/array.rows: value 1 ('4..6/10..11') has ranges of 3 and 2 values",
        ),
        (
            "array.rows/arch.array.rows=1/1",
            "axis array.rows/arch.array.rows: array.rows is given twice",
        ),
    ],
)
def test_a_slip_is_told(text: str, problem: str) -> None:
    problems = told(text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_all_wrong_values_are_told_at_once() -> None:
    assert told("array.rows/array.cycle=0/5 ns,64/5,x/1 V") == [
        "axis array.rows/array.cycle: array.rows: 0 is out of range (1 to 4096)",
        "axis array.rows/array.cycle: array.cycle: 5 has no unit (give a time, e.g. '100 ns')",
        "axis array.rows/array.cycle: array.rows: 'x' is not a whole number (1 to 4096)",
        "axis array.rows/array.cycle: array.cycle: '1 V' is a voltage, not a time (e.g. '100 ns')",
    ]


def test_a_thousand_wrong_values_are_counted_and_not_listed() -> None:
    with pytest.raises(ConfigError) as error:
        make_axis("array.rows", range(0, -1000, -1))
    assert error.value.problems[-1] == "axis array.rows: and 992 problems more"


def test_all_axes_are_checked_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        make_axes(["adc.bits=4", "rows=3", "arch.adc.bits=5", "array.rows/adc.bits=1/99", "x"])
    assert error.value.problems == (
        "axis rows: unknown axis (did you mean 'array.rows'?)",
        "axis array.rows/adc.bits: adc.bits: 99 is out of range (1 to 16)",
        "axis 'x': expected KEY=VALUES, e.g. array.rows=64,128,256 or adc.bits=4..8",
        "axis adc.bits: adc.bits is given twice",
        "axis array.rows/adc.bits: adc.bits is given twice (and in 'adc.bits')",
    )


def test_python_values_of_any_container() -> None:
    expected = Axis(("array.rows",), ((64,), (128,)))
    for given_values in (
        [64, 128],
        (64, 128),
        range(64, 129, 64),
        np.array([64, 128]),
        np.linspace(64, 128, 2),
        [np.int32(64), 128.0],
        (n for n in (64, 128)),
        "64,128",
        ["64..128:64"],
    ):
        assert make_axis("array.rows", given_values) == expected
    assert make_axis("array.rows", 64).to_plain() == [64]
    assert make_axis(("array.rows", "array.cols"), zip([1, 2], [3, 4], strict=True)) == make_axis(
        "array.rows/array.cols", np.array([[1, 3], [2, 4]])
    )
    assert make_axis("arch", Path("isaac_8bit")).to_plain() == ["isaac_8bit"]
    assert make_axes({"array.rows": [64, 128], ("dac.bits", "cell.bits"): [(1, 2)]})[0] == expected


@pytest.mark.parametrize(
    ("key", "given_values", "problem"),
    [
        ("array.rows", {64, 128}, "a set has no order; give a list"),
        ("array.rows", {"a": 64}, "{'a': 64} is not a list of values"),
        ("array.rows", [[64, 128]], "[64, 128] is not a whole number (1 to 4096)"),
        ("array.rows", [True], "true is not a whole number (1 to 4096)"),
        ("array.rows", [], "no values (allowed: 1 to 4096)"),
        ("array.cycle", [5e-8], "5e-08 has no unit (give a time, e.g. '100 ns')"),
        (
            "arch",
            [3],
            "3 is not a preset (ideal_8bit, isaac_8bit, isaac_isca_2016, reram_hfo2, sot_mram, "
            "tiny_reram)",
        ),
        (3, [3], "an axis is named by a dotted key"),
        ((), [3], "an axis is named by a dotted key"),
    ],
)
def test_python_values_that_are_none(key: Any, given_values: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_axis(key, given_values)
    assert problem in error.value.problems[0]


def test_a_value_is_what_the_hardware_then_has() -> None:
    for value in values("array.cycle=100 ns..400 ns:4"):
        arch = load_arch("isaac_8bit", {"array.cycle": value})
        assert arch.to_dict()["array"]["cycle"] == value


@settings(deadline=None, max_examples=60)
@given(
    low=st.floats(1e-9, 1.0),
    share=st.floats(0, 1),
    count=st.integers(2, 30),
    is_log=st.booleans(),
)
def test_a_range_keeps_its_ends_and_rises(
    low: float, share: float, count: int, is_log: bool
) -> None:
    high = low + share * (1 - low)
    if high < low * (1 + 1e-6):
        high = low
    found = values(f"faults.on={'log:' if is_log else ''}{low!r}..{high!r}:{count}")
    assert found[0] == low
    assert found[-1] == high
    assert found == sorted(set(found))
    assert len(found) == (1 if low == high else count)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), min_size=1),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_any_text_survives_being_written(names: list[str]) -> None:
    axis = Axis(("name",), tuple((name,) for name in names))
    assert parse_axis(str(axis)) == axis


def test_sections_are_known_by_name() -> None:
    for section, group in sections().items():
        if group.shorthand is not None:  # a section that may be one value is an axis
            continue
        assert "a section, not a key" in told(f"{section}=1")[0]
