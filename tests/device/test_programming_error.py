"""Does what cells hold spread around their levels as the model says?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from crossbar.arch import load_arch
from crossbar.arch.cell_effects import TableVariation
from crossbar.device.programmed import programmed_conductance
from crossbar.device.samples import cell_samples
from crossbar.device.variation import clipped_share, level_conductances, programming_spread
from crossbar.errors import InputError
from tests.device.chips import chip, magnetic

COUNT = 100_000
SWING = 36e-6


def clipped_moments(mean, sigma):
    """Mean and standard deviation of max(x, 0) of a normal x, in closed form."""
    z = mean / sigma
    first = mean * norm.cdf(z) + sigma * norm.pdf(z)
    second = (mean**2 + sigma**2) * norm.cdf(z) + mean * sigma * norm.pdf(z)
    return first, math.sqrt(max(second - first**2, 0.0))


@pytest.mark.parametrize(
    ("variation", "sigma"),
    [
        ({"kind": "constant", "sigma": 0.03}, lambda g, level: 0.03 * SWING),
        ({"kind": "proportional", "sigma": 0.2}, lambda g, level: 0.2 * g),
        (0.3, lambda g, level: 0.3 * g),
        (
            {"kind": "levels", "sigmas": [0.01 * (k + 1) for k in range(16)]},
            lambda g, level: 0.01 * (level + 1) * SWING,
        ),
        ("wan_2022_1s", lambda g, level: None),
    ],
    ids=["constant", "proportional", "number", "levels", "fit"],
)
def test_normal_errors_have_their_mean_and_sigma_at_every_level(variation, sigma):
    """100,000 cells a level; what lies below 0 S is 0 S, and counted so; 5.5 standard errors."""
    arch = chip(variation=variation)
    samples = cell_samples(arch, COUNT, seed=3)
    targets = level_conductances(arch.cell)
    for level, (g, target) in enumerate(zip(samples, targets, strict=True)):
        spread = sigma(target, level) or programming_spread(arch.cell).sigma[level]
        mean, std = clipped_moments(target, spread)
        assert abs(g.mean() - mean) <= 5.5 * std / math.sqrt(COUNT)
        fourth = ((g - g.mean()) ** 4).mean() / g.var() ** 2
        assert abs(g.var() / std**2 - 1) <= 5.5 * math.sqrt((fourth - 1) / COUNT)
        share = norm.cdf(-target / spread)
        assert clipped_share(arch.cell)[level] == pytest.approx(share, rel=1e-9)
        error = math.sqrt(share * (1 - share) / COUNT)
        assert abs((g == 0).mean() - share) <= 5.5 * error + 2 / COUNT


def test_lognormal_errors_have_their_median_at_the_target():
    arch = chip(variation={"kind": "lognormal", "sigma": 0.4})
    samples = cell_samples(arch, COUNT, seed=1)
    ln = np.log(samples / level_conductances(arch.cell)[:, None])
    assert (np.abs(ln.mean(1)) <= 5 * 0.4 / math.sqrt(COUNT)).all()
    assert (np.abs(ln.std(1) / 0.4 - 1) <= 5 / math.sqrt(2 * COUNT)).all()
    assert kstest(ln[3] / 0.4, "norm").pvalue > 1e-4
    assert not clipped_share(arch.cell).any()


def test_a_lognormal_cell_without_conductance_stays_so():
    arch = chip("0 S", variation={"kind": "lognormal", "sigma": 0.4})
    assert not cell_samples(arch, 100, seed=1)[0].any()


def test_own_statistics_are_used_between_their_targets(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target [uS],mean [uS],sigma [uS]\n0,1,0.5\n10,10,1\n40,37,2.5\n")
    arch = chip(variation="table", table=str(path))
    spread = programming_spread(arch.cell)
    micro = level_conductances(arch.cell) * 1e6
    mean = [1 + 0.9 * t if t < 10 else 10 + 0.9 * (t - 10) for t in micro]
    sigma = [0.5 + 0.05 * t if t < 10 else 1 + 0.05 * (t - 10) for t in micro]
    assert spread.middle == pytest.approx(np.array(mean) * 1e-6)
    assert spread.sigma == pytest.approx(np.array(sigma) * 1e-6)
    g = cell_samples(arch, COUNT, seed=2)[12]
    assert abs(g.mean() - spread.middle[12]) <= 5 * spread.sigma[12] / math.sqrt(COUNT)
    assert abs(g.std() / spread.sigma[12] - 1) <= 5 / math.sqrt(2 * COUNT)


def test_own_points_become_statistics_by_target(tmp_path):
    path = tmp_path / "points.csv"
    rows = {"0": (0.0, 0.2, 0.4), "20": (19, 20, 24), "40": (38, 40)}
    lines = [f"{target},{value}" for target, values in rows.items() for value in values]
    path.write_text("\n".join(["target [uS],measured [uS]", *lines]))
    arch = chip("0 S", "40 uS", bits=1, variation="table", table=str(path))
    spread = programming_spread(arch.cell)
    assert spread.middle == pytest.approx([0.2e-6, 39e-6])
    assert spread.sigma == pytest.approx([0.2e-6, math.sqrt(2) * 1e-6])


def test_a_table_that_does_not_reach_the_levels_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target [uS],mean [uS],sigma [uS]\n5,5,0.5\n30,30,1\n")
    with pytest.raises(InputError, match=r"mine.csv: targets of 5 uS to 30 uS .needed: all levels"):
        programming_spread(chip(variation="table", table=str(path)).cell)
    cell = chip(variation=0.1).cell.model_copy(update={"variation": TableVariation()})
    with pytest.raises(InputError, match="cell.table: missing"):
        programming_spread(cell)


def test_without_variation_cells_hold_their_levels():
    for arch in (chip(), load_arch("isaac_8bit"), magnetic()):
        cell = arch.cell
        levels = level_conductances(cell)
        assert levels[0] == cell.g_off
        assert levels[-1] == pytest.approx(cell.g_on, rel=1e-15)
        codes = np.arange(1 << cell.bits, dtype=np.uint8)[None, :]
        assert np.array_equal(programmed_conductance(cell, codes, 0, 0)[0], levels)


def test_a_magnetic_cell_has_its_antiparallel_state_at_the_read_voltage():
    arch = magnetic(tmr_half_voltage="0.4 V", read_voltage="0.2 V", variation=0.05)
    low = 178e-6 / (1 + 1.712 / 1.25)
    assert level_conductances(arch.cell) == pytest.approx([low, 178e-6])
    samples = cell_samples(arch, COUNT, seed=0)
    assert abs(samples[0].mean() / low - 1) <= 5 * 0.05 / math.sqrt(COUNT)
    assert abs(samples[0].std() / (0.05 * low) - 1) <= 5 / math.sqrt(2 * COUNT)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**62), st.integers(0, 10**6), st.data()
)
def test_a_cell_depends_on_its_place_and_its_level_alone(rows, cols, seed, array, data):
    cell = chip(variation=0.1).cell
    codes = data.draw(st.lists(st.integers(0, 15), min_size=rows * cols, max_size=rows * cols))
    codes = np.array(codes, np.uint8).reshape(rows, cols)
    whole = programmed_conductance(cell, codes, array, seed)
    r, c = data.draw(st.integers(1, rows)), data.draw(st.integers(1, cols))
    assert np.array_equal(programmed_conductance(cell, codes[:r, :c], array, seed), whole[:r, :c])
    levels = level_conductances(cell)
    same = programmed_conductance(cell, np.full_like(codes, 9), array, seed)
    # the error is a share of the target: the same share whatever the level
    assert whole / levels[codes] == pytest.approx(same / levels[9])
    assert not np.array_equal(whole, programmed_conductance(cell, codes, array + 1, seed))
    assert not np.array_equal(whole, programmed_conductance(cell, codes, array, seed + 1))


def test_errors_of_neighbours_are_independent():
    """200 arrays: correlations of a cell with those beside it, below it, in the next array."""
    cell = chip(variation=0.1).cell
    codes = np.full((32, 32), 9, np.uint8)
    z = np.stack([programmed_conductance(cell, codes, a, 0) for a in range(200)])
    z = (z - z.mean()) / z.std()
    for one, other in ((z[:, 1:], z[:, :-1]), (z[:, :, 1:], z[:, :, :-1]), (z[1:], z[:-1])):
        assert abs((one * other).mean()) < 5 / math.sqrt(one.size)


@pytest.mark.parametrize("count", [0, -1, 1 << 30])
def test_samples_are_counted(count):
    with pytest.raises(InputError, match=r"cell_samples: count = .* \(allowed: 1 to "):
        cell_samples(chip(), count, seed=0)
