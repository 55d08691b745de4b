"""Does program and verify, in closed form, do what a loop of pulses does?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from crossbar.arch import load_arch
from crossbar.device.programming import mean_write_pulses
from crossbar.device.samples import cell_samples
from crossbar.device.variation import (
    clipped_share,
    level_conductances,
    make_verify,
    programming_spread,
)
from tests.device.chips import chip

COUNT = 40_000

CASES = {
    "constant": ({"kind": "constant", "sigma": 0.05}, 0.25, 3),
    "wide, so that cells end at 0 S": ({"kind": "constant", "sigma": 0.4}, 0.7, 5),
    "window down to 0 S": ({"kind": "constant", "sigma": 0.3}, 3.0, 4),
    "proportional": ({"kind": "proportional", "sigma": 0.3}, 0.5, 20),
    "lognormal": ({"kind": "lognormal", "sigma": 0.5}, 0.5, 4),
    "never": ({"kind": "constant", "sigma": 1.0}, 0.001, 2),
    "fit": ({"kind": "fit", "name": "wan_2022_1s"}, 0.3, 20),
    "one pulse": ({"kind": "constant", "sigma": 0.05}, 0.5, 1),
}


def verified(case, g_off="0.5 uS"):
    variation, tolerance, pulses = CASES[case]
    keys = {"verify_tolerance": tolerance, "verify_pulses": pulses}
    return chip(g_off, bits=2, variation=variation | keys)


def naive(cell, level, count, rng):
    """Pulse after pulse, cell by cell (all cells of a round at once)."""
    spread, target = programming_spread(cell), level_conductances(cell)[level]
    tolerance = cell.variation.verify_tolerance * (cell.g_on - cell.g_off) / 3
    g, pulses = np.zeros(count), np.zeros(count, int)
    left = np.ones(count, bool)
    for _ in range(cell.variation.verify_pulses):
        z = rng.standard_normal(count)
        if spread.is_log:
            new = spread.middle[level] * np.exp(spread.sigma[level] * z)
        else:
            new = np.maximum(spread.middle[level] + spread.sigma[level] * z, 0)
        g[left], pulses[left] = new[left], pulses[left] + 1
        left &= np.abs(g - target) > tolerance
    return g, pulses, ~left


@pytest.mark.parametrize("case", CASES)
def test_the_closed_form_is_the_loop(case):
    """40,000 cells of each level both ways: distributions (two-sample KS, 1 in 10,000 each),
    pulses and shares that pass within 5 standard errors."""
    arch = verified(case)
    cell, rng = arch.cell, np.random.default_rng(list(CASES).index(case))
    samples = cell_samples(arch, COUNT, seed=4)
    verify = make_verify(cell, programming_spread(cell))
    means = []
    for level in range(4):
        g, pulses, passed = naive(cell, level, COUNT, rng)
        assert ks_2samp(g, samples[level]).pvalue > 1e-4
        p, most = verify.within[level], verify.pulses
        error = pulses.std() / math.sqrt(COUNT)
        rare = 5 * most / COUNT  # where hardly a cell differs, a few may
        assert abs(pulses.mean() - verify.mean_pulses[level]) <= 5 * error + rare
        share = 1 - (1 - p) ** most
        assert verify.success[level] == pytest.approx(share, abs=1e-12)
        error = math.sqrt(share * (1 - share) / COUNT)
        assert abs(passed.mean() - share) <= 5 * error + 5 / COUNT
        clipped = clipped_share(cell)[level]
        error = math.sqrt(clipped * (1 - clipped) / COUNT)
        assert abs((samples[level] == 0).mean() - clipped) <= 5 * error + 5 / COUNT
        assert abs((g == 0).mean() - clipped) <= 5 * error + 5 / COUNT
        means.append(verify.mean_pulses[level])
    assert mean_write_pulses(arch) == pytest.approx(sum(means) / 4, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 2.0), st.floats(0.001, 100.0), st.integers(1, 10_000), st.booleans())
@example(5e-324, 1.0, 1, True)
@example(5e-324, 0.5, 3, False)
def test_pulses_add_up_as_a_geometric_series(sigma, tolerance, most, is_log):
    """Mean pulses = sum over n of the probability that pulse n is still needed."""
    kind = "lognormal" if is_log else "proportional"
    variation = {
        "kind": kind, "sigma": sigma, "verify_tolerance": tolerance, "verify_pulses": most,
    }  # fmt: skip
    arch = chip("1 uS", bits=1, variation=variation)
    verify = make_verify(arch.cell, programming_spread(arch.cell))
    for p, mean in zip(verify.within, verify.mean_pulses, strict=True):
        assert 0 <= p <= 1
        still = np.exp(np.arange(most) * math.log1p(-p)) if p < 1 else np.array([1.0])
        assert mean == pytest.approx(still.sum(), rel=1e-7)
        assert mean * (1 + 1e-12) >= 1
        assert mean <= most * (1 + 1e-12)


def test_a_window_that_lets_everything_pass_changes_no_cell():
    for case in ({"kind": "lognormal", "sigma": 0.1}, {"kind": "constant", "sigma": 0.1}):
        loose = chip(variation=case | {"verify_tolerance": 100.0})
        assert cell_samples(loose, 1000, 0) == pytest.approx(
            cell_samples(chip(variation=case), 1000, 0), rel=1e-9
        )
        assert mean_write_pulses(loose) == pytest.approx(1.0)


def test_every_cell_that_passes_lies_in_the_window():
    arch = chip(variation={"kind": "constant", "sigma": 0.05, "verify_tolerance": 0.2,
                           "verify_pulses": 10_000})  # fmt: skip
    g, targets = cell_samples(arch, 20_000, 0), level_conductances(arch.cell)
    tolerance = 0.2 * 36e-6 / 15
    assert (np.abs(g - targets[:, None]) <= tolerance * (1 + 1e-6)).all()


def test_an_error_of_nothing_passes_at_once_or_never(tmp_path):
    exact = chip(variation={"kind": "constant", "sigma": 0.0, "verify_tolerance": 0.1})
    assert mean_write_pulses(exact) == 1.0
    assert cell_samples(exact, 3, 0) == pytest.approx(
        np.repeat(level_conductances(exact.cell)[:, None], 3, axis=1)
    )
    path = tmp_path / "off.csv"
    path.write_text("target [uS],mean [uS],sigma [uS]\n0,9,0\n40,40,0\n")
    variation = {"kind": "table", "verify_tolerance": 0.1, "verify_pulses": 7}
    biased = chip("0 S", "40 uS", bits=1, variation=variation, table=str(path))
    assert mean_write_pulses(biased) == (7 + 1) / 2
    assert cell_samples(biased, 3, 0).tolist() == [[9e-6] * 3, [pytest.approx(40e-6)] * 3]
    assert not clipped_share(biased.cell).any()


def test_without_verify_pulses_are_those_of_the_arch():
    assert mean_write_pulses(load_arch("isaac_8bit", {"cell.write_pulses": 3.5})) == 3.5
    assert mean_write_pulses(chip(variation=0.1, write_pulses=2)) == 2.0


def test_a_narrower_window_takes_more_pulses():
    counts = [
        mean_write_pulses(chip(variation={
            "kind": "constant", "sigma": 0.03, "verify_tolerance": tolerance, "verify_pulses": 100,
        }))
        for tolerance in (2.0, 0.5, 0.25, 0.1, 0.01)
    ]  # fmt: skip
    assert counts == sorted(counts)
    assert counts[0] < 1.01
    assert counts[-1] > 40
