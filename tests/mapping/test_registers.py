"""Must an input register hold what its PE is driven with?"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.errors import DoesNotFitError, InputError
from crossbar.mapping.registers import rows_in_pe, vectors_held
from crossbar.timing import measure
from crossbar.workload import Workload, WorkloadBuilder


def linear(inputs: int, outputs: int) -> Workload:
    net = WorkloadBuilder("linear")
    x = net.linear("small", net.input("x", (2, 4)), inputs)
    return net.build(net.linear("wide", x, outputs))


def chip(**keys: Any) -> Any:
    return load_arch("tiny_reram", {key.replace("__", "."): value for key, value in keys.items()})


def test_a_register_too_small_for_a_digit_of_each_row_is_told_in_one_line() -> None:
    # the wide layer has 40 rows, 16 an array, in the three arrays of its PE after the small one
    with pytest.raises(DoesNotFitError) as error:
        build_plan(linear(40, 8), chip(pe__input_register="4 B", pe__arrays=16, pe__adcs=16))
    assert isinstance(error.value, InputError)
    assert str(error.value) == (
        "linear does not fit tiny_reram: one digit (1 bit) of each of the 40 rows of 'wide' in a PE"
        " takes 5 B of its input register, pe.input_register is 4 B; try pe.input_register='5 B'"
    )


@pytest.mark.parametrize(("bits", "size"), [(1, 5), (2, 10), (3, 15), (4, 20)])
def test_the_size_that_is_told_is_enough_and_no_less_is(bits: int, size: int) -> None:
    keys = {"pe__arrays": 16, "pe__adcs": 16, "dac__bits": bits}
    plan = build_plan(linear(40, 8), chip(pe__input_register=f"{size} B", **keys))
    assert measure(plan).alone.cycles > 0
    with pytest.raises(DoesNotFitError, match=f"try pe.input_register='{size} B'"):
        build_plan(linear(40, 8), chip(pe__input_register=f"{size - 1} B", **keys))


def test_a_digit_has_no_more_bits_than_the_input() -> None:
    arch = chip(dac__bits=4, pe__arrays=16, pe__adcs=16, pe__input_register="5 B")
    assert build_plan(linear(40, 8), arch, input_bits=1).arrays
    with pytest.raises(DoesNotFitError, match="takes 10 B"):
        build_plan(linear(40, 8), arch, input_bits=2)


def test_a_register_that_holds_digits_but_no_vector_holds_one_at_a_time() -> None:
    work = linear(40, 8)
    for size, held in ((5, 1), (20, 1), (39, 1), (40, 2), (100, 5)):
        arch = chip(pe__arrays=16, pe__adcs=16, pe__input_register=f"{size} B")
        plan = build_plan(work, arch)
        assert rows_in_pe(arch, plan["wide"], 0) == 40
        assert vectors_held(arch, plan["wide"], 0) == held
