"""Can what the table prints be asked for by the words it is printed with?"""

from __future__ import annotations

import pytest

from crossbar.report import explain_number
from tests.report.reports import made


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("ADCs", "energy of adc = "),
        ("adcs", "energy of adc = "),
        ("tile buffers", "energy of buffer = "),
        ("saturated", "share of saturated conversions"),
        ("in use", "tiles in use = "),
        ("images", "samples that were run = 500"),
        ("seed", "seed of everything that was drawn"),
        ("precision.weight_bits", "weight_bits of the network = 8"),
        ("stream.limited_by", "load of conv1 = "),
        ("critical_path", "clocks of the first inference, by kind = "),
    ],
)
def test_what_the_table_prints_can_be_asked_for(asked: str, expected: str) -> None:
    assert expected in str(explain_number(made(), asked))
