"""Is each public name what the documentation says, whatever was imported before?"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

import crossbar


def test_verbs_stay_callable_after_importing_every_module() -> None:
    names = [m.name for m in pkgutil.walk_packages(crossbar.__path__, "crossbar.")]
    for name in names:
        if not name.endswith("__main__"):
            import_module(name)
    assert [n for n in crossbar.__all__ if not callable(getattr(crossbar, n))] == []


def test_no_module_of_the_package_bears_the_name_of_a_verb() -> None:
    # importing crossbar.sweep, a package, would replace xb.sweep, the function
    children = {m.name for m in pkgutil.iter_modules(crossbar.__path__)}
    assert children & set(crossbar.__all__) == set()


def test_a_mistyped_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="simulat'"):
        _ = crossbar.simulat
