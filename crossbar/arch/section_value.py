"""A section that may be written as one value: `cell.variation: 0.05`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crossbar.arch.fields import Marker, shown
from crossbar.arch.keys import key_table, value_sentence
from crossbar.arch.tree import Group, sections
from crossbar.errors import InputError, did_you_mean

__all__ = ["SectionValue"]


@dataclass(frozen=True)
class SectionValue(Marker):
    """What checks the one value that stands for a section.

    Parameters
    ----------
    path : str
        The section.
    """

    path: str

    @property
    def group(self) -> Group:
        """The section with its kinds."""
        return sections()[self.path]

    def check(self, value: Any) -> Any:
        """Return a number as it is, and the section that a word or a mapping stands for."""
        group = self.group
        data = dict(value) if isinstance(value, Mapping) else group.expand(value)
        if data is None:
            hint = did_you_mean(value, group.all_words) if isinstance(value, str) else ""
            raise InputError(f"{shown(value)} is not {group.forms()}{hint}")
        kind = data.setdefault("kind", group.likely(data)) if group.words else ""
        if not isinstance(kind, str) or kind not in group.kinds:
            raise InputError(f"kind: {shown(kind)} is not one of {', '.join(group.words)}")
        try:
            found = group.kinds[kind].model_validate(data)
        except ValidationError as error:
            raise InputError(self._told(dict(error.errors(include_url=False)[0]))) from None
        return found if isinstance(value, str | Mapping) else value

    def write(self, value: Any) -> Any:
        """Return the value as it is."""
        return value

    def allowed(self) -> str:
        """Return the values that may stand for the section."""
        return self.group.forms()

    def symbol(self) -> str:
        """Return nothing: a section has no unit."""
        return ""

    def json_schema(self) -> dict[str, Any]:
        """Return anything: the schema of the section says more."""
        return {}

    def _told(self, found: Mapping[str, Any]) -> str:
        """Say what is wrong with a key of the section."""
        name = str(found["loc"][0])
        if found["type"] == "extra_forbidden":
            return f"unknown key {shown(name)} ({self.group.allowed()})"
        path = f"{self.path}.{name}"
        if found["type"] == "missing":
            return f"{name} is missing ({key_table()[path].allowed})"
        return f"{name}: {value_sentence(path, found)}"
