"""Do traces hold where full buffers leave arrays empty, and is the nearest name found?"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar import estimate, load_arch
from crossbar.errors import UnknownNameError
from crossbar.report import explain_number
from tests.report.reports import made
from tests.report.test_explanation import worked_out


@pytest.mark.parametrize(
    ("network", "hardware", "keys"),
    [
        ("mobilenet_v2", "isaac_8bit", {"replication": "balance"}),
        ("vgg16", "isaac_isca_2016", {"chip.tiles": "auto"}),
        ("resnet20", "isaac_8bit", {"tile.buffer": "2 KiB", "chip.tiles": 40}),
    ],
)
def test_tiles_and_pes_are_explained_where_full_buffers_leave_arrays_empty(
    network: str, hardware: str, keys: dict[str, Any]
) -> None:
    report = estimate(load_arch(hardware, keys), network)
    chip = report.chip
    assert chip["skipped_arrays"] or chip["lending_tiles"]
    for name in ("in use", "tiles", "chip.pes", "chip.skipped_arrays", "chip.lending_tiles"):
        for term in explain_number(report, name).terms:
            assert worked_out(term) == pytest.approx(term.value)
    assert explain_number(report, "tiles").terms[0].value == chip["tiles"]
    assert explain_number(report, "pes").terms[0].value == chip["pes"]
    if chip["skipped_arrays"]:
        assert "arrays left empty" in str(explain_number(report, "tiles"))


def test_the_time_of_programming_is_rows_of_the_arrays_of_a_pe() -> None:
    text = " ".join(str(explain_number(made("lenet5"), "programming.latency")).split())
    rows = made("lenet5").programming["rows"]
    assert f"= {rows:,} x 1 x 140 ns" in text
    assert "at most pe.arrays x array.rows = 8 x 128" in text
    serial = str(explain_number(made("lenet5", {"chip.programming": "serial"}), "programming"))
    assert "chip.programming: serial" in serial


def test_no_number_is_suggested_twice() -> None:
    with pytest.raises(UnknownNameError) as short:
        explain_number(made(), "adc_conversion")
    with pytest.raises(UnknownNameError) as general:
        explain_number(made(), "???")
    assert "counts.adc_conversions" not in str(short.value)
    listed = str(general.value).partition("known: ")[2].split(", ")
    assert len(listed) == len(set(listed)) == 8
    with pytest.raises(UnknownNameError) as near:
        explain_number(made(), "conv1.idle.starve")
    nearest = str(near.value).partition("near: ")[2].split(", ")
    assert nearest[0] == "conv1.idle.starved"
    assert len(nearest) <= 8
