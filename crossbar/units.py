"""Quantities with units: text to SI floats, SI floats to text.

Inside the package every number is SI.  Units stand only at the edges: a hardware file says
``100 ns`` (`parse`), a report prints ``1.5 nJ`` (`text`), and a saved file holds every digit
(`exact`).  Decimal arithmetic carries the prefixes, so ``parse("100 ns", "s")`` is the float
``1e-07`` itself and not its neighbour ``100 * 1e-9``.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError

if TYPE_CHECKING:
    from pint import UnitRegistry

__all__ = ["dimension", "exact", "parse", "text"]

_DIMENSIONS = (
    ("s", "a time", "100 ns"),
    ("Hz", "a frequency", "1.28 GHz"),
    ("m", "a length", "32 nm"),
    ("m^2", "an area", "0.37 mm^2"),
    ("V", "a voltage", "0.2 V"),
    ("A", "a current", "1 uA"),
    ("S", "a conductance", "0.5 uS"),
    ("ohm", "a resistance", "10 kohm"),
    ("F", "a capacitance", "1 fF"),
    ("J", "an energy", "30 pJ"),
    ("W", "a power", "2 mW"),
    ("byte", "a size", "64 KiB"),
    ("byte/s", "a data rate", "6.4 GB/s"),
    ("K", "a temperature", "300 K"),
)
"""SI unit, what it measures in words, an example."""

_DEFINITIONS = (
    "femto- = 1e-15 = f-",
    "atto- = 1e-18 = a-",
    "pico- = 1e-12 = p-",
    "nano- = 1e-9 = n-",
    "micro- = 1e-6 = u- = µ- = μ-",
    "milli- = 1e-3 = m-",
    "centi- = 1e-2 = c-",
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "giga- = 1e9 = G-",
    "tera- = 1e12 = T-",
    "peta- = 1e15 = P-",
    "kibi- = 1024 = Ki-",
    "mebi- = 1048576 = Mi-",
    "gibi- = 1073741824 = Gi-",
    "tebi- = 1099511627776 = Ti-",
    "second = [time] = s = sec",
    "minute = 60 second = min",
    "hour = 3600 second = h",
    "day = 86400 second",
    "year = 31557600 second",
    "hertz = 1 / second = Hz",
    "meter = [length] = m = metre",
    "volt = [voltage] = V",
    "ampere = [current] = A = amp",
    "siemens = ampere / volt = S",
    "ohm = volt / ampere = Ω",
    "joule = volt * ampere * second = J",
    "watt = joule / second = W",
    "farad = ampere * second / volt = F",
    "kelvin = [temperature] = K",
    "bit = [information]",
    "byte = 8 * bit = B",
)
"""The units of a chip.  pint's own list calls bits dimensionless, so that "5 byte/s" would pass as
a frequency, takes inches, and costs 0.2 s to read; here information is a dimension of its own."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_FACTOR = r"[^\W\d_]+(?:(?:\^|\*\*)?-?[1-9])?"
_UNIT = re.compile(rf"{_FACTOR}(?:\s*[*/]\s*{_FACTOR})*")
_POWER = re.compile(r"([^\W\d_])(-?[1-9])")
_RATE = re.compile(r"(?P<prefix>[kMGT])?(?:(?:S|Sa|[sS]amples?)\s*/\s*s(?:ec)?|[sS][pP][sS])")
"""A rate of samples as converters' data sheets write it."""

_CONTEXT = Context(prec=50)
"""Our own precision: an application may have lowered that of its thread."""

_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
    15: "P",
}
_AREAS = ((Decimal("1e-8"), Decimal("1e-6"), "mm2"), (Decimal("1e-14"), Decimal("1e-12"), "um2"))
_SIZES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_SYMBOLS = {"byte": "B", "second": "s", "m^2": "m2"}


def parse(text: str, unit: str) -> float:
    """Read a number with its unit.

    Parameters
    ----------
    text : str
        For example ``"100 ns"``, ``"1.28 GHz"``, ``"64 KiB"``, ``"0.372 mm2"``.
    unit : str
        The unit of the answer, e.g. ``"s"``.

    Returns
    -------
    float
        The value in `unit`, rounded once to the nearest float.

    Raises
    ------
    InputError
        If the number or the unit is missing, unknown, or of another dimension.
    """
    return _parse(text, unit)


def text(value: float | None, unit: str, digits: int = 3) -> str:
    """Write a value for people: ``text(1.5e-9, "J") == "1.5 nJ"``.

    Parameters
    ----------
    value : float or None
        In `unit`; None (not measured) gives ``"-"``.
    unit : str
        ``"J"``, ``"s"``, ``"Hz"`` ... take a decimal prefix, ``"m^2"`` becomes mm2, um2 or nm2,
        ``"byte"`` a binary prefix, ``""`` a bare number.  Seconds are never counted in thousands.
    digits : int
        Significant digits; trailing zeros are dropped.
    """
    if value is None:
        return "-"
    symbol = _SYMBOLS.get(unit, unit)
    if not math.isfinite(value):
        return f"{value} {symbol}".rstrip()
    if symbol == "m2":
        return _area_text(_rounded(value, digits), digits)
    if symbol == "B":
        for size, name in _SIZES:
            if abs(value) >= size:
                return f"{_plain(_rounded(value / size, digits))} {name}"
        return f"{_plain(_rounded(value, digits))} B"
    number = _rounded(value, digits)
    if not symbol:
        return _plain(number)
    exponent = _exponent(number, 0 if symbol == "s" else 15)
    return f"{_plain(number.scaleb(-exponent))} {_PREFIXES[exponent]}{symbol}"


def exact(value: float, unit: str) -> str:
    """Write a value with every digit: ``parse(exact(v, u), u) == v`` for every finite float.

    Parameters
    ----------
    value : float
        In `unit`.
    unit : str
        An SI symbol, e.g. ``"s"``, or ``"byte"``.

    Raises
    ------
    InputError
        If the value is infinite or not a number.
    """
    if not math.isfinite(value):
        raise InputError(f"{value} {unit} cannot be written: a finite number is needed")
    symbol = _SYMBOLS.get(unit, unit)
    if symbol == "B":
        for size, name in _SIZES:
            if value and value % size == 0:
                return f"{int(value // size)} {name}"
    if value == int(value) and abs(value) < 1000:
        return f"{int(value)} {symbol}"
    digits = repr(float(value))
    number = Decimal(digits)
    exponent = _exponent(number, 15)
    if symbol in ("B", "m2") or not 0 <= number.adjusted() - exponent < 3:
        return f"{digits} {symbol}"
    with localcontext(_CONTEXT):
        return f"{_plain(number.scaleb(-exponent))} {_PREFIXES[exponent]}{symbol}"


def dimension(unit: str) -> tuple[str, str]:
    """Return what `unit` measures and an example: ``("a time", "100 ns")`` for ``"s"``.

    Raises
    ------
    KeyError
        If `unit` is none of the SI units of this module.
    """
    for symbol, name, example in _DIMENSIONS:
        if symbol == unit:
            return name, example
    raise KeyError(unit)


@lru_cache(maxsize=4096)
def _parse(source: str, unit: str) -> float:
    with localcontext(_CONTEXT):
        return _converted(source, unit)


def _converted(source: str, unit: str) -> float:
    registry = _registry()
    target = registry.parse_units(unit)
    name, example = _names(registry.get_dimensionality(target))
    match = _NUMBER.fullmatch(source)
    if match is None:
        raise InputError(f"{source!r} is not a number with a unit (give {name}, e.g. {example!r})")
    number, symbol = match.groups()
    if not symbol:
        raise InputError(f"{source.strip()} has no unit (give {name}, e.g. {example!r})")
    if _UNIT.fullmatch(symbol) is None:
        raise InputError(
            f"{source!r} has a malformed unit {symbol!r} (give {name}, e.g. {example!r})"
        )
    rate = _RATE.fullmatch(symbol) if unit == "Hz" else None
    if rate is not None:  # to pint, GS are gigasiemens
        meant = f"{number} {rate['prefix'] or ''}Hz"
        raise InputError(
            f"{source!r} counts samples ({symbol}): give it as a frequency, e.g. {meant!r}"
        )
    found = _unit(registry, source, _POWER.sub(r"\1^\2", symbol), f"{name}, e.g. {example!r}")
    if not found.is_compatible_with(target):
        wrong = _names(registry.get_dimensionality(found))[0]
        raise InputError(f"{source!r} is {wrong}, not {name} (e.g. {example!r})")
    value = float(number)
    if math.isfinite(value):
        value = float(registry.Quantity(Decimal(number), found).to(target).magnitude)
    if not math.isfinite(value):
        raise InputError(f"{source!r} is too large (give {name}, e.g. {example!r})")
    return value


def _unit(registry: UnitRegistry[Any], source: str, symbol: str, allowed: str) -> Any:
    """Parse the unit part; its grammar was checked, so only a name can be unknown."""
    from pint import UndefinedUnitError

    try:
        return registry.parse_units(symbol)
    except UndefinedUnitError as error:
        names = error.unit_names
        unknown = names if isinstance(names, str) else next(iter(names))
        near = _with_small_k(registry, unknown)
        raise InputError(
            f"{source!r} has an unknown unit {unknown!r}{near} (give {allowed})"
        ) from None


def _with_small_k(registry: UnitRegistry[Any], unknown: str) -> str:
    """Return a hint where a capital K stands for kilo: ``" (did you mean 'kB' or 'KiB'?)"``."""
    rest = unknown[1:]
    if not unknown.startswith("K") or rest not in registry:
        return ""
    binary = f" or 'Ki{rest}'" if rest in ("B", "byte", "bit") else ""
    return f" (did you mean 'k{rest}'{binary}?)"


@lru_cache(maxsize=1)
def _registry() -> UnitRegistry[Any]:
    """Build the one registry; importing pint costs 0.2 s, so only when a unit is first read."""
    from pint import UnitRegistry

    registry: UnitRegistry[Any] = UnitRegistry(None, non_int_type=Decimal)
    for line in _DEFINITIONS:
        registry.define(line)
    return registry


def _names(dimensionality: Any) -> tuple[str, str]:
    """Name a dimension in words, with an example."""
    registry = _registry()
    for symbol, name, example in _DIMENSIONS:
        if registry.get_dimensionality(registry.parse_units(symbol)) == dimensionality:
            return name, example
    return f"a quantity of dimension {dimensionality}", ""


def _rounded(value: float, digits: int) -> Decimal:
    """Round to significant digits before a prefix is chosen, so that 999.9996 becomes 1 k."""
    return Decimal(f"{value:.{max(digits, 1) - 1}e}")


def _exponent(number: Decimal, largest: int) -> int:
    """Power of ten, a multiple of three with a prefix, that leaves 1 to 999 before the point."""
    if not number:
        return 0
    return max(-18, min(largest, 3 * (number.adjusted() // 3)))


def _plain(number: Decimal) -> str:
    """Digits without an exponent and without trailing zeros."""
    if number and number.adjusted() < -6:
        return f"{number.normalize():e}"
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _area_text(number: Decimal, digits: int) -> str:
    """Square metres in the unit that chips are measured in."""
    if not number:
        return "0 mm2"
    for least, scale, name in _AREAS:
        if abs(number) >= least:
            return f"{_plain(number / scale)} {name}"
    return f"{_plain(number / Decimal('1e-18'))} nm2"
