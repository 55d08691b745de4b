"""Can the printed plan be read in any terminal, with nothing cut off?"""

from __future__ import annotations

from dataclasses import replace

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
    assert " ".join(row.split()) == "conv1 27 x 8 64 2 x 1 3 6 0 84 %"
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


@pytest.mark.parametrize("network", ["bert_base", "minilm6", "resnet50"])
def test_long_names_take_one_line_and_can_be_told_apart(network):
    plan = build_plan(network, load_arch("isaac_8bit", {"chip.tiles": "auto"}))
    lines = plan_table(plan, 80).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(" ──")) + 1
    names = [line.split()[0] for line in lines[first : first + len(plan.layers)]]
    assert len(set(names)) == len(plan.layers)
    for name, layer in zip(names, plan.layers, strict=True):
        assert layer.name.endswith(name.rpartition("...")[2])
    assert plan.layers[0].name in plan_table(plan, 120)


def test_how_layers_are_computed_is_a_line_or_a_column():
    plan = build_plan(conv_net(), "tiny_reram")
    assert "computed as" not in plan_table(plan, 100)
    alike = replace(plan, layers=tuple(replace(row, path="tables") for row in plan.layers))
    text = plan_table(alike, 100)
    assert "each layer is computed as tables of the partial sums of real conductances" in text
    assert "computed as   " not in text
    first = replace(plan.layers[0], path="integer", collapsed=1.0)
    mixed = replace(plan, layers=(first, *alike.layers[1:]))
    text = plan_table(mixed, 100)
    row = next(line for line in text.splitlines() if line.split()[:1] == ["conv1"])
    assert row.split()[-3:] == ["integer", "100", "%"]
    words = " ".join(text.split())
    assert "computed as integer: one exact integer product" in words
    assert "tables: tables of the partial sums" in words
    assert max(map(len, plan_table(mixed, 80).splitlines())) <= 80


def test_lossless_is_a_column_only_where_it_is_known():
    plan = build_plan(conv_net(), "tiny_reram")
    assert "lossless" not in plan_table(plan, 100)
    known = replace(plan, layers=(replace(plan.layers[0], collapsed=0.5), *plan.layers[1:]))
    assert "lossless: share of columns that provably cannot clip" in plan_table(known, 100)
