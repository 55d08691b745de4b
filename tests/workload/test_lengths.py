"""Do networks of tokens say rightly what they are at another length?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossbar as xb
from crossbar.errors import InputError, UnknownNameError, WorkloadError
from crossbar.mapping import build_plan
from crossbar.mapping.lengths import plan_at
from crossbar.report import build_report
from crossbar.report.difference import compare_reports
from crossbar.report.explanation import explain_number
from crossbar.timing import Activity, count, measure
from crossbar.workload import find_workload, zoo
from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.lengths import LENGTHS, tag_lengths, tokens_of, with_tokens
from crossbar.workload.networks import transformers
from crossbar.workload.serial import from_json, to_json


def encoder(tokens: int, heads: int = 2, features: int = 8):
    """One layer of attention: sizes that grow with the tokens, numbers with their square."""
    net = WorkloadBuilder("encoder")
    ids = net.input("ids", (tokens,))
    x = net.embedding("words", ids, 100, features)
    query, key = net.linear("query", x, features), net.linear("key", x, features)
    width = features // heads
    query = net.reshape("query_heads", query, (heads, tokens, width), "transpose")
    key = net.reshape("key_heads", key, (heads, width, tokens), "transpose")
    weights = net.softmax("softmax", net.matmul("scores", query, key))
    value = net.reshape("value", x, (heads, tokens, width), "transpose")
    context = net.matmul("context", weights, value)
    tokens_again = net.reshape("joined", context, (tokens, features), "transpose")
    x = net.add("add", net.linear("out", tokens_again, features), x)
    first = net.reshape("first", x, (features,), "select")
    return net.build(net.linear("classifier", first, 3))


def tagged(tokens: int):
    others = {n: encoder(n) for n in (tokens + 1, tokens + 2, tokens + 7)}
    return tag_lengths(encoder(tokens), tokens, others)


def plain(workload):
    """The workload without its lengths."""
    nodes = (replace(n, attrs={k: v for k, v in n.attrs.items() if k != LENGTHS}) for n in workload)
    return replace(workload, nodes=tuple(nodes))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 200))
def test_another_length_is_the_network_built_at_that_length(tokens, other):
    work = tagged(tokens)
    assert plain(work) == encoder(tokens)
    assert plain(with_tokens(work, other)) == encoder(other)
    assert tokens_of(with_tokens(work, other)) == other
    assert with_tokens(with_tokens(work, other), tokens) == work


def test_what_does_not_follow_the_tokens_has_no_lengths():
    has = {node.name for node in tagged(6) if LENGTHS in node.attrs}
    assert has == {node.name for node in encoder(6)} - {"first", "classifier"}
    assert tagged(6)["scores"].attrs[LENGTHS] == {
        "tokens": 6,
        "shape": ((1, 1, 0), (2, 1, 0)),
        "attrs": {"operations": (0, 0, 8)},
    }


@pytest.mark.parametrize("name", ["minilm6", "bert_base"])
def test_the_zoo_takes_any_length_up_to_its_positions(name):
    work, build = zoo(name), getattr(transformers, name)
    assert tokens_of(work) == 128
    for tokens in (1, 31, 512):
        assert with_tokens(work, tokens) == build(tokens) == find_workload(name, tokens)
    with pytest.raises(InputError, match=f"513, but {name} takes 512 at most"):
        with_tokens(work, 513)
    with pytest.raises(InputError, match="tokens: 513 is not a whole number in 1..512"):
        build(513)


def test_lengths_are_written_and_read():
    work = tagged(5)
    assert from_json(to_json(work)) == work
    assert from_json(to_json(zoo("minilm6"))) == zoo("minilm6")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"tokens": 7}, "lengths.shape: 1 * 7 + 0 is not 6, the size of axis 0"),
        ({"tokens": 0}, "lengths.tokens: 0 is not an integer >= 1"),
        ({"shape": [[0, 2, 0]]}, "lengths.shape: 2 * 6 + 0 is not 6"),
        ({"shape": [[4, 1, 0]]}, "is not [axis, a, b] of an axis of the shape"),
        ({"attrs": {"in_features": [1, 1, 1]}}, "at 6 tokens is not 8"),
        ({"attrs": {"bias": [1, 1, 1]}}, "is not [c0, c1, c2] for each number of True"),
        ({"sizes": 1}, "lengths.sizes: unknown key"),
    ],
)
def test_lengths_that_contradict_the_sizes_are_refused(change, line):
    data = json.loads(to_json(tagged(6)))
    node = next(n for n in data["nodes"] if n["name"] == "query")
    node["attrs"]["lengths"].update(change)
    with pytest.raises(WorkloadError) as refused:
        from_json(json.dumps(data))
    assert any(line in problem and "(query)" in problem for problem in refused.value.problems)


def test_what_follows_no_rule_is_named():
    def halved(tokens):
        net = WorkloadBuilder("halved")
        x = net.linear("fc", net.input("x", (tokens, 4)), 4)
        return net.build(net.reshape("half", x, (-(-tokens // 2), 4), "slice"))

    others = {n: halved(n) for n in (9, 10, 11)}
    with pytest.raises(InputError, match="halved: half: "):
        tag_lengths(halved(8), 8, others)
    with pytest.raises(InputError, match="at 9 tokens it has other nodes"):
        tag_lengths(halved(8), 8, {**others, 9: encoder(9)})
    with pytest.raises(InputError, match="found from 3 others or more"):
        tag_lengths(halved(8), 8, {9: halved(9)})


@pytest.mark.parametrize("tokens", [0, -1, 2.0, True, "8"])
def test_a_length_is_a_whole_number(tokens):
    with pytest.raises(InputError, match="is not a whole number of 1 or more"):
        with_tokens(tagged(6), tokens)
    with pytest.raises(InputError, match="vgg8: it has no tokens"):
        with_tokens(zoo("vgg8"), 8)


def test_a_shorter_sequence_goes_through_the_same_arrays():
    work = tagged(12)
    plan = build_plan(work, "isaac_8bit")
    for tokens in (1, 5, 11):
        short, fresh = plan_at(plan, tokens), build_plan(encoder(tokens), "isaac_8bit")
        assert [x.bundles for x in short.layers] == [x.bundles for x in plan.layers]
        assert [x.first_array for x in short.layers] == [x.first_array for x in plan.layers]
        # one copy of each layer: what is counted and timed is what a chip for this length does
        assert count(short) == count(fresh)
        assert measure(short).alone.cycles == measure(fresh).alone.cycles
        assert measure(short).stream.interval == measure(fresh).stream.interval
    assert plan_at(plan, 12) is plan


def test_copies_that_a_short_sequence_leaves_without_a_token_do_nothing():
    arch = xb.load_arch("isaac_8bit", {"replication": "balance", "chip.tiles": 1})
    plan = build_plan(tagged(12), arch)
    copies = max(layer.replicas for layer in plan.layers)
    assert copies > 2
    short = plan_at(plan, 2)
    report = build_report(short, Activity({x.name: 0.0 for x in plan.layers}, {}, 1))
    assert report.cycles <= measure(plan).alone.cycles
    for row in report.layers:
        assert row["busy"] + sum(row["idle"].values()) == report.cycles * row["replicas"]
    assert max(row["replicas"] for row in report.layers) == copies


def test_a_longer_sequence_needs_a_chip_that_has_room_for_it():
    plan = build_plan(tagged(4), "isaac_8bit")
    longer, fresh = plan_at(plan, 60), build_plan(encoder(60), "isaac_8bit")
    assert measure(longer).alone.cycles == measure(fresh).alone.cycles


def test_an_estimate_takes_a_length():
    at = {n: xb.estimate("isaac_8bit", "minilm6", tokens=n) for n in (8, 16)}
    assert at[8].energy < at[16].energy
    assert at[8].latency < at[16].latency
    assert at[8].scenario["tokens"] == 8
    own = xb.estimate("isaac_8bit", transformers.minilm6(8))
    assert own.energy == at[8].energy
    assert own.cycles == at[8].cycles
    assert own.scenario["tokens"] == 8
    per_second = 8 * own.throughput
    assert f"8 tokens a sample, {per_second:,.0f} tokens/s" in str(own)
    assert explain_number(own, "tokens_per_second").terms[0].value == per_second
    assert "tokens" not in str(xb.estimate("isaac_8bit", "lenet5"))
    changed = compare_reports(at[8], at[16])
    assert [(row.key, row.a, row.b) for row in changed.scenario] == [("tokens", 8, 16)]
    rates = {row.key: (row.a, row.b) for row in changed.totals}
    assert rates["sequences.per_second"] == tuple(n * at[n].throughput for n in (8, 16))


def test_why_attention_leads_to_its_digital_work():
    report = xb.estimate("isaac_8bit", "minilm6", tokens=8)
    found = explain_number(report, "attention")
    rows = {row["kind"]: row["energy"] for row in report.digital}
    energies = [term.value for term in found.terms if term.unit == "J"]
    assert energies == [rows["matmul"], rows["softmax"], rows["mul"]]
    assert "digital.matmul, digital.softmax, digital.mul" in found.notes[0]
    with pytest.raises(UnknownNameError):
        explain_number(xb.estimate("isaac_8bit", "lenet5"), "attention")
