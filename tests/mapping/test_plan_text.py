"""Can the printed plan be read in any terminal, with nothing cut off?"""

from __future__ import annotations

import pytest

from crossbar.arch import load_arch
from crossbar.mapping import build_plan
from crossbar.mapping.plan_text import plan_table
from crossbar.workload.graph import Node, Workload
from tests.mapping.nets import conv_net


@pytest.mark.parametrize("width", [60, 72, 80, 100, 160])
@pytest.mark.parametrize("network", ["vgg8", "mobilenet_v2", "bert_base"])
def test_no_line_is_wider_than_asked_and_no_number_is_cut(network, width):
    plan = build_plan(network, load_arch("isaac_8bit", {"chip.tiles": "auto"}))
    text = plan_table(plan, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    if width >= 80:
        for layer in plan.layers:
            assert f" {layer.arrays} " in text
            assert f" {layer.positions} " in text


def test_totals_copies_and_what_runs_outside_the_arrays_are_there(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    plan = build_plan(conv_net(), load_arch("tiny_reram", {"replication": [3, 1, 1, 1]}))
    text = str(plan)
    lines = text.splitlines()
    assert "small on tiny_reram: 16 x 16 arrays, 2 columns a weight (offset), 2-bit cells" in text
    row = next(line for line in lines if line.split()[:1] == ["conv1"])
    assert " ".join(row.split()) == "conv1 27 x 8 64 2 x 1 3 6 0 84 % -"
    assert any("/4" in line for line in lines if "conv2" in line)
    total = f"{plan.arrays} arrays in {plan.pes} PEs in {plan.tiles} of {plan.tiles} tiles"
    assert total in text
    assert "digital, in float: activation x 2 (1,280 operations)" in text


def test_what_is_not_mapped_is_named_with_its_weights(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    attrs = {"in_features": 4, "out_features": 4, "bias": False}
    unknown = {"operator": "lstm", "weights": 4096, "operations": 81920}
    nodes = (
        Node("x", "input", (), (4,)),
        Node("rnn", "other", ("x",), (4,), unknown),
        Node("fc", "linear", ("rnn",), (4,), attrs, "fc.weight"),
    )
    text = str(build_plan(Workload("odd", nodes, ("fc",)), "tiny_reram"))
    assert "NOT mapped, in float, cost unknown: rnn (lstm, 81,920 operations, 4,096" in text
    assert "holds weights of a kind not mapped" in " ".join(text.split())
