"""Row drivers with errors: levels of their own, noise, and drives with a sign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.circuit.dac import dac_drive
from tests.array.test_conductances import assert_alike, build, compute


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from(["offset", "differential", "twos_complement"]),
    st.sampled_from(["twos_complement", "sign_magnitude"]),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.4]),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_matrix_products_and_tables_agree(bits, encoding, signed, rows, inl, noisy, seed):
    """Drives with noise too small to see go another way to the same codes."""
    keys = {
        "dac.bits": bits, "dac.signed": signed, "array.encoding": encoding, "cell.variation": 0.1,
        "array.rows_per_read": 7, "adc.bits": 6, "dac.inl": inl if bits > 1 else 0.0,
        "array.cols": 8,
    }  # fmt: skip
    if noisy:
        keys |= {"cell.read_noise": {"sigma": 0.1, "shot": True}, "adc.noise": 0.3}
    _, _, x, tables = build(keys, rows=rows, signed=True, seed=seed)
    _, _, _, products = build({**keys, "dac.noise": 1e-9}, rows=rows, signed=True, seed=seed)
    assert (tables.path, products.path) == ("tables", "products")
    assert_alike(compute(products, x)[0], compute(tables, x)[0])


def test_noise_of_the_drivers_is_common_to_the_columns_of_an_array():
    """One slice, wide converter: variance and correlation of two outputs against closed forms."""
    keys = {
        "cell.bits": 1, "dac.noise": 0.2, "dac.bits": 2, "adc.policy": "full", "adc.bits": 16,
        "array.encoding": "twos_complement", "cell.g_on": "40 uS", "cell.g_off": "10 uS",
        "cell.pedestal": "reference",
    }  # fmt: skip
    _, w, x, layer = build(keys, bits=1, input_bits=2, rows=16, outputs=2)
    v = np.repeat(x[:1], 20000, axis=0)
    got, _ = compute(layer, v)
    stored = (w < 0).astype(float)  # -1 is stored as 1 and counts -2
    driven = (x[0] > 0).astype(float)
    covariance = 4 * 0.2**2 * stored.T @ (driven[:, None] * stored)
    measured = np.cov(got.T)
    error = 5 * np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)) * 2 / len(v))
    assert (np.abs(measured - covariance) <= error + 1e-9).all()
    assert covariance[0, 1] > 0
    sigma = np.sqrt(np.diag(covariance) / len(v))
    assert (np.abs(got.mean(0) - x[0] @ w) <= 5 * sigma + 1e-3).all()


def test_uneven_levels_of_the_drivers_reach_the_sums():
    """A lossless read of one cell a column: each code is the driver's own level of that digit."""
    keys = {
        "dac.bits": 4, "dac.inl": 1.0, "adc.policy": "full", "adc.bits": 16, "cell.bits": 1,
        "array.encoding": "twos_complement", "array.rows": 4, "cell.pedestal": "digital",
    }  # fmt: skip
    arch, w, _, layer = build(keys, bits=1, input_bits=4, rows=1, outputs=1)
    x = np.arange(16)[:, None]
    got, _ = compute(layer, x)
    levels = dac_drive(arch, np.array([layer.plan.first_array]), 4, 0)[0, 0]
    assert np.abs(levels - np.arange(16)).max() > 0.3
    cell = arch.cell
    g = cell.g_on if w[0, 0] < 0 else cell.g_off
    step = cell.g_on - cell.g_off
    stored = g * levels / step - cell.g_off / step * np.arange(16)
    expected = -2 * stored + np.arange(16)
    assert np.abs(got[:, 0] - expected).max() < 5e-3


def test_results_with_noisy_drivers_depend_on_neither_batch_nor_threads(monkeypatch):
    keys = {"dac.noise": 0.3, "dac.bits": 2, "cell.variation": 0.1, "array.rows_per_read": 5}
    _, _, x, layer = build(keys, rows=33, outputs=5)
    whole, _ = compute(layer, x)
    parts = [compute(layer, x[i : i + 1], first=i)[0] for i in range(3)]
    assert np.array_equal(whole, np.concatenate(parts))
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    assert np.array_equal(whole, compute(layer, x)[0])


def test_signed_drives_take_one_read_fewer_and_lose_nothing():
    keys = {"cell.kind": "ideal", "adc.policy": "lossless", "adc.bits": None}
    _, w, x, twos = build(keys, signed=True, input_bits=8)
    _, _, y, bipolar = build(
        {**keys, "dac.signed": "sign_magnitude"}, signed=True, input_bits=8, seed=1
    )
    assert (twos.coding.reads, bipolar.coding.reads) == (8, 7)
    assert (twos.path, bipolar.path) == ("integer", "integer")
    assert np.array_equal(compute(twos, x)[0], x @ w)
    weights = bipolar.weights.T
    assert np.array_equal(compute(bipolar, y)[0], y @ weights)
    assert (bipolar.coding.low, bipolar.coding.high) == (-127, 127)


@pytest.mark.parametrize("policy", ["clip", "full"])
def test_signed_drives_that_clip_are_read_bit_by_bit(policy):
    keys = {
        "cell.kind": "ideal", "dac.signed": "sign_magnitude", "adc.bits": 5, "adc.policy": policy,
        "dac.bits": 2,
    }  # fmt: skip
    arch, w, x, layer = build(keys, signed=True, input_bits=8, rows=30)
    assert layer.path == "popcount"
    from tests.array.test_conductances import slow

    assert np.allclose(compute(layer, x)[0], slow(arch, w, x, layer))
