"""What users hand over, as plain Python: numbers, lists, and what names stand for."""

from __future__ import annotations

import math
import random
import sys
from dataclasses import fields
from numbers import Integral
from typing import Any, TypeAlias, TypeVar

from autograd_core.engine import NUMBER

Seed: TypeAlias = "int | str | random.Random | None"
Known = TypeVar("Known")


class Row:
    """A dataclass of which a module has some by name; pickle stores those by their names."""

    __slots__ = ()

    def __reduce__(self) -> str | tuple[Any, ...]:
        row: Any = self
        name: str = row.name
        if getattr(sys.modules[type(self).__module__], name, None) is self:
            return name
        return type(self), tuple([getattr(self, field.name) for field in fields(row)])


def plain(what: str, data: Any) -> Any:
    """Lists and numbers in place of an array, a tensor or a table: of whatever has `__array__`.

    >>> import numpy as np
    >>> plain("X", np.eye(2))
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not hasattr(data, "__array__"):
        return data
    if hasattr(data, "__array_namespace__"):
        return data.tolist()  # which keeps what a mask hides hidden
    try:
        return data.__array__().tolist()
    except Exception as error:
        raise TypeError(
            f"{what}: the numbers of a {type(data).__name__} cannot be read: {error} "
            "(of a PyTorch tensor, hand over x.detach().cpu())"
        ) from error


def listed(what: str, data: Any) -> list[Any]:
    """The same as a list of what it has, or a TypeError for what has nothing."""
    data = plain(what, data)
    try:
        items = iter(data)
    except TypeError:
        raise TypeError(f"{what} must be a list or an array, got {shown(data)}") from None
    return list(items)


def shown(x: Any) -> str:
    """What was given, on one line that is no longer than it has to be."""
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if isinstance(x, int) and abs(x) >= 10**18:  # of which Python may refuse to write the digits
        return "a number of more than 18 digits"
    return repr(x) if is_short(x) and not callable(x) else f"a {type(x).__name__}"


def is_short(x: Any) -> bool:
    """Whether what Python writes of it fits into a line."""
    try:
        written = repr(x)
    except (RecursionError, ValueError):  # lists within lists, or too many digits in one
        return False
    return len(written) <= 60 and "\n" not in written


def real(x: Any) -> float:
    """The number as a float: infinite where it is too large for one, NaN of what is no number."""
    try:
        return float(x) if isinstance(x, NUMBER) else math.nan
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def look_up(what: str, name: Any, known: dict[str, Known]) -> Known:
    """What a name stands for; ValueError with the known names for another."""
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"unknown {what} {shown(name)}; known are {', '.join(known)}")
    return known[name]


def whole_number(what: str, number: Any, *, at_least: int = 1) -> int:
    """The number as an int, or a ValueError that says what it must be."""
    if not isinstance(number, Integral) or isinstance(number, bool) or number < at_least:
        wanted = f"a whole number of at least {at_least}"
        raise ValueError(f"{what} must be {wanted}, got {shown(number)}")
    return int(number)


def share(what: str, x: Any) -> float:
    """A number from 0 to below 1 as a float, or a ValueError that says what it must be."""
    if isinstance(x, bool) or not 0 <= real(x) < 1:
        raise ValueError(f"{what} must be at least 0 and below 1, got {shown(x)}")
    return float(x)


def penalty(what: str, x: Any) -> float:
    """A finite number from 0 on as a float, or a ValueError that says what it must be."""
    if isinstance(x, bool) or not 0 <= real(x) < math.inf:
        raise ValueError(f"{what} must be a number of at least 0, got {shown(x)}")
    return float(x)


def length(what: str, x: Any) -> float:
    """A finite number above 0 as a float, or a ValueError that says what it must be."""
    if isinstance(x, bool) or not 0 < real(x) < math.inf:
        raise ValueError(f"{what} must be above 0 and finite, got {shown(x)}")
    return float(x)


def as_rng(seed: Seed) -> random.Random:
    """A generator of random numbers; without a seed, one drawn from Python's global generator."""
    if isinstance(seed, random.Random):
        return seed
    if seed is None:
        return random.Random(random.getrandbits(64))
    try:
        return random.Random(int(seed) if isinstance(seed, Integral) else seed)
    except TypeError:
        said = "seed must be a whole number, a text, a random.Random or None"
        raise TypeError(f"{said}, got {shown(seed)}") from None
