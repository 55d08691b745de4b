"""Does a file mean what it looks like, and are typing slips found?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import strict_yaml
from crossbar.errors import InputError

PLAIN = st.recursive(
    st.text(max_size=12)
    | st.integers(-(10**20), 10**20)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["on", "yes", "1e9", "010", "1:30", "null", "~", "true", "<<", "2016-06-18"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("1e9", 1e9),
        ("1.5E-3", 1.5e-3),
        (".5", 0.5),
        ("-12", -12),
        ("010", "010"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("2016-06-18", "2016-06-18"),
        ("'64'", "64"),
        ("null", None),
        ("~", None),
        ("", None),
        ("1.2 GHz", "1.2 GHz"),
        ("[1, 2]", [1, 2]),
        ("{conv1: 2}", {"conv1": 2}),
    ],
)
def test_a_value_is_what_it_looks_like(text: str, value: Any):
    found = strict_yaml.scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like():
    data, problems = strict_yaml.read("on: 1\n0: 2\nnull: 3\ntrue: 4\n<<: 5\n", "x.yaml")
    assert data == {"on": 1, "0": 2, "null": 3, "true": 4, "<<": 5}
    assert problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "x.yaml: line 3: a: duplicate key (first on line 1)"),
        ("a:\n  b: 1\n  b: 2", "x.yaml: line 3: a.b: duplicate key (first on line 2)"),
        ("? [1]\n: 2", "x.yaml: line 1: file: a key must be a name"),
        (
            "a: &v 1\nb: *v",
            "x.yaml: line 2: '*v' refers to another value; write the value out",
        ),
        (
            "a: !!python/object:os.system x",
            "x.yaml: line 1: a: the tag 'tag:yaml.org,2002:python/object:os.system' does not fit "
            "here; write a plain value",
        ),
        ("a: 1\n b: 2", "x.yaml: line 2: not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", None),
        ("a: [1", "x.yaml: line 1: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2", "x.yaml: line 2: not YAML: but found another document"),
        ("[" * 40 + "]" * 40, "x.yaml: line 1: values are nested more than 32 deep"),
        ("a: " + "9" * 5000, "x.yaml: line 1: a: a number of 5000 digits is too long"),
        (
            "a: \x07",
            "x.yaml: not YAML: unacceptable character #x0007: special characters are not allowed",
        ),
    ],
)
def test_a_slip_is_one_line_with_its_place(text: str, problem: str | None):
    _, problems = strict_yaml.read(text, "x.yaml")
    assert len(problems) == 1
    assert "\n" not in problems[0]
    if problem is None:
        assert problems[0].startswith("x.yaml: line 2: not YAML: ")
    else:
        assert problems[0] == problem


def test_all_duplicates_are_found_and_the_first_value_is_kept():
    data, problems = strict_yaml.read("a: 1\na: 2\nb: {c: 1, c: 2}\n", "x.yaml")
    assert data == {"a": 1, "b": {"c": 1}}
    assert problems == [
        "x.yaml: line 2: a: duplicate key (first on line 1)",
        "x.yaml: line 3: b.c: duplicate key (first on line 3)",
    ]


def test_a_broken_override_value_is_named():
    with pytest.raises(InputError, match=r"^'\[1' is not a YAML value \(line 1: not YAML"):
        strict_yaml.scalar("[1")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=6), PLAIN, max_size=4))
def test_what_is_written_is_read_back(data: dict[str, Any]):
    found, problems = strict_yaml.read(strict_yaml.dump(data), "x.yaml")
    assert problems == []
    assert found == data
