"""What do the row drivers drive, read by read?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar import load_arch
from crossbar.circuit.dac import dac_drive, make_input_coding
from crossbar.nn.quantise import InputScale

SIGNS = ("twos_complement", "offset", "sign_magnitude")


def chip(signed: str, digit: int, **dac: Any) -> Any:
    keys = {"dac.bits": digit, "dac.signed": signed, "adc.bits": 12}
    return load_arch("isaac_8bit", keys | {f"dac.{key}": value for key, value in dac.items()})


@given(bits=st.integers(2, 12), digit=st.integers(1, 4), kind=st.sampled_from(SIGNS))
def test_digits_add_up_to_every_activation(bits: int, digit: int, kind: str) -> None:
    for signed in (False, True):
        coding = make_input_coding(chip(kind, digit), bits, signed)
        x = np.arange(coding.low, coding.high + 1)
        digits = coding.digits(x)
        assert digits.shape == (coding.reads, len(x))
        assert abs(digits).max() <= coding.full_scale
        assert np.array_equal(np.array(coding.weights) @ digits - coding.offset, x)
        if not (signed and kind == "sign_magnitude"):
            assert digits.min() >= 0


@pytest.mark.parametrize("digit", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [2, 4, 8, 9])
def test_reads_of_a_signed_input(bits: int, digit: int) -> None:
    reads = {kind: make_input_coding(chip(kind, digit), bits, True).reads for kind in SIGNS}
    assert reads == {
        "twos_complement": 1 + math.ceil((bits - 1) / digit),
        "offset": math.ceil(bits / digit),
        "sign_magnitude": math.ceil((bits - 1) / digit),
    }
    for kind in SIGNS:
        assert make_input_coding(chip(kind, digit), bits, False).reads == math.ceil(bits / digit)


def test_a_magnitude_has_the_sign_of_its_input_in_every_read() -> None:
    coding = make_input_coding(chip("sign_magnitude", 2), 8, True)
    assert (coding.low, coding.high, coding.offset) == (-127, 127, 0)
    # 90 = 0b01_01_10_10: digits 2, 2, 1, 1 from the least significant
    assert coding.digits(np.array([90, -90, 0])).T.tolist() == [
        [2, 2, 1, 1],
        [-2, -2, -1, -1],
        [0, 0, 0, 0],
    ]
    assert not make_input_coding(chip("sign_magnitude", 2), 8, False).bipolar


def test_quantised_inputs_have_a_magnitude() -> None:
    # the most negative code of two's complement has none of bits - 1 bits
    for bits in (2, 8, 16):
        scale = InputScale(1.0, bits, True)
        coding = make_input_coding(chip("sign_magnitude", 1), bits, True)
        assert (scale.low, scale.high) == (coding.low, coding.high)


@pytest.mark.parametrize("kind", SIGNS)
@pytest.mark.parametrize("digit", [1, 2, 3])
def test_squares_of_what_is_driven(kind: str, digit: int) -> None:
    bits = 6
    for signed in (False, True):
        coding = make_input_coding(chip(kind, digit), bits, signed)
        table = coding.drive_squares()
        assert table.shape == (1 << bits,)
        for x in range(coding.low, coding.high + 1):
            raised, total = x + coding.offset, 0
            if signed and kind == "sign_magnitude":
                raised = abs(x)
            elif signed and kind == "twos_complement":
                total = int(x < 0)
                raised = x % (1 << (bits - 1))
            while raised:
                raised, rest = divmod(raised, 1 << digit)
                total += rest**2
            assert table[x & ((1 << bits) - 1)] == total


def test_the_smallest_pattern_stands_for_the_smallest_magnitude() -> None:
    table = make_input_coding(chip("sign_magnitude", 2), 8, True).drive_squares()
    assert table[128] == table[129] == 3 * 9 + 1  # -127: digits 3, 3, 3, 1


def test_drivers_are_bent_by_their_inl_and_no_more() -> None:
    arch = chip("offset", 3, inl=0.2)
    drive = dac_drive(arch, np.arange(4), 100, seed=3)
    assert drive is not None
    assert drive.shape == (4, 100, 8)
    errors = drive - np.arange(8)
    assert np.allclose(abs(errors).max(2), 0.2)
    assert np.all(errors[:, :, 0] == 0.0)
    assert np.all(errors[:, :, -1] == 0.0)
    upwards = (errors.sum(2) > 0).sum()
    assert abs(upwards - 200) < 5 * math.sqrt(100)
    assert len(np.unique(errors.reshape(400, 8), axis=0)) == 400  # every driver in its own way


def test_a_driver_is_the_same_whichever_others_are_asked_for() -> None:
    arch = chip("offset", 4, inl=0.1)
    everyone = dac_drive(arch, np.arange(6), 128, seed=3)
    some = dac_drive(arch, np.array([5, 2]), 40, seed=3)
    other = dac_drive(arch, np.array([5, 2]), 40, seed=4)
    assert everyone is not None
    assert some is not None
    assert other is not None
    assert np.array_equal(some, everyone[[5, 2], :40])
    assert not (some == other)[:, :, 1:-1].all(2).any()


def test_drivers_without_anything_between_their_ends_are_straight() -> None:
    assert dac_drive(chip("offset", 3), np.arange(2), 8, seed=1) is None
    one_bit = load_arch("isaac_8bit")
    bent = one_bit.model_copy(update={"dac": one_bit.dac.model_copy(update={"inl": 0.5})})
    assert dac_drive(bent, np.arange(2), 8, seed=1) is None
