"""YAML without surprises: PyYAML's safe loader, made strict.

- only ``true`` and ``false`` are booleans, so ``on``, ``off``, ``yes`` and ``no`` are names;
- ``1e9`` is a number; ``010``, ``1_000`` and ``1:30`` are text (YAML 1.1 reads 8, 1000 and 90);
- dates stay text, ``<<`` is an ordinary key, keys are always text;
- a key given twice is an error that names both lines; aliases (``*a``) and tags are errors.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from crossbar.errors import InputError

__all__ = ["dump", "read", "scalar"]

_DEEPEST = 32
_LONGEST_NUMBER = 400
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_STR = "tag:yaml.org,2002:str"

_INT_FORM = r"[-+]?(?:0|[1-9][0-9]*)"
_FLOAT_FORM = r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
_FORMS = (
    (_NULL, r"~|null|", ["~", "n", ""]),
    (_BOOL, r"true|false", list("tf")),
    (_INT, _INT_FORM, list("-+0123456789")),
    (_FLOAT, _FLOAT_FORM, list("-+.0123456789")),
)


def read(text: str, label: str) -> tuple[Any, list[str]]:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The document.
    label : str
        The file's name, put before every problem.

    Returns
    -------
    tuple
        The data (dict, list, str, int, float, bool or None; None also when the text is not YAML)
        and the problems found, one line each.  Of a key given twice the first value is kept, so
        that the rest of the file can still be checked.
    """
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:  # a character that YAML does not allow
        return None, [f"{label}: {_sentence(str(error).splitlines()[0])}"]
    loader.label = label
    try:
        node = loader.get_single_node()
        data = None if node is None else loader.plain(node, "")
    except _RefusedError as error:
        loader.problems.append(f"{label}: {_line(error.problem_mark)}{error.problem}")
        return None, loader.problems
    except yaml.MarkedYAMLError as error:
        where = _line(error.problem_mark or error.context_mark)
        loader.problems.append(f"{label}: {where}{_sentence(error.problem or error.context)}")
        return None, loader.problems
    finally:
        loader.dispose()
    return data, loader.problems


def scalar(text: str) -> Any:
    """Read the value of an override such as ``64``, ``1.2 GHz``, ``true`` or ``[1, 2]``.

    Raises
    ------
    InputError
        If the text is not one YAML value.
    """
    data, problems = read(text, "")
    if problems:
        raise InputError(f"{text!r} is not a YAML value ({problems[0].removeprefix(': ')})")
    return data


def dump(data: dict[str, Any]) -> str:
    """Write plain data as YAML that `read` gives back unchanged, keys in their order."""
    written: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return written


class _RefusedError(yaml.MarkedYAMLError):
    """Correct YAML that hardware files do not use."""


class _Loader(yaml.SafeLoader):
    """The safe loader with a small grammar of its own and a list of problems."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def __init__(self, text: str) -> None:
        self.label = ""
        self.problems: list[str] = []
        self.depth = 0
        super().__init__(text)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases and bottomless nesting, compose the rest as usual."""
        loader: Any = self  # PyYAML's parser has no types
        event = loader.peek_event()
        place: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            message = f"'*{event.anchor}' refers to another value; write the value out"
            raise _RefusedError(None, None, message, place)
        if self.depth >= _DEEPEST:
            message = f"values are nested more than {_DEEPEST} deep"
            raise _RefusedError(None, None, message, place)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def plain(self, node: yaml.Node, path: str) -> Any:
        """Turn a composed node into plain data."""
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.plain(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        if node.tag == _NULL:
            return None
        return self._value(node, path)

    def _value(self, node: yaml.Node, path: str) -> Any:
        """Turn a scalar into text, a number or a boolean."""
        what = f"{path}: " if path else ""
        if node.tag in (_INT, _FLOAT) and len(node.value) > _LONGEST_NUMBER:
            self._problem(node, f"{what}a number of {len(node.value)} digits is too long")
            return None
        if node.tag == _STR:
            return node.value
        if node.tag == _BOOL and node.value in ("true", "false"):
            return node.value == "true"
        if node.tag == _INT and re.fullmatch(_INT_FORM, node.value):
            return int(node.value)
        if node.tag == _FLOAT and re.fullmatch(f"{_FLOAT_FORM}|{_INT_FORM}", node.value):
            return float(node.value)
        self._problem(node, f"{what}the tag {node.tag!r} does not fit here; write a plain value")
        return None

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key, f"{path or 'file'}: a key must be a name")
                continue
            name = str(key.value)
            inner = f"{path}.{name}" if path else name
            item = self.plain(value, inner)
            if name in found:
                self._problem(key, f"{inner}: duplicate key (first on line {lines[name]})")
                continue
            found[name] = item
            lines[name] = key.start_mark.line + 1
        return found

    def _problem(self, node: yaml.Node, message: str) -> None:
        self.problems.append(f"{self.label}: {_line(node.start_mark)}{message}")


class _Dumper(yaml.SafeDumper):
    """The safe dumper that quotes whatever `_Loader` would not read as text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value out each time: `read` refuses aliases."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Quote text with line breaks of any sort: plain style would fold them into spaces."""
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar(_STR, value, style=style)


_Dumper.add_representer(str, _text)
for _tag, _form, _first in _FORMS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(rf"^(?:{_form})$"), _first)


def _line(mark: Any) -> str:
    """Return ``"line 3: "``, counting from one."""
    return "" if mark is None else f"line {mark.line + 1}: "


def _sentence(problem: str | None) -> str:
    """Put the parser's complaint on one line."""
    return f"not YAML: {' '.join((problem or 'cannot be read').split())}"
