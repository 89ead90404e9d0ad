"""Structures that numbers and Values come in: lists, tuples, dicts, dataclasses, arrays, nested.

A named tuple is a tuple, and stays one. What holds no others is a leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

PLAIN = (list, tuple, float)


def is_record(x: Any) -> bool:
    """Whether this has fields by name: a dataclass, or a named tuple."""
    if isinstance(x, tuple):
        return hasattr(x, "_fields")
    return is_dataclass(x) and not isinstance(x, type)


def names_of(x: Any) -> list[str]:
    """The names of the fields of a record; TypeError where it cannot be made of them again."""
    if isinstance(x, tuple):
        return list(getattr(x, "_fields", ()))
    for field in fields(x):
        if not field.init:
            raise TypeError(f"{type(x).__name__}.{field.name} cannot be given when it is made")
    return [field.name for field in fields(x)]


def items_of(x: Any) -> list[Any]:
    """What the fields of a record hold."""
    return [getattr(x, name) for name in names_of(x)]


def parts(x: Any) -> tuple[Any, list[Any]] | None:
    """What tells a structure apart from others, and its items; None for arrays and leaves."""
    if type(x) in PLAIN:  # before the questions that take longer
        return None if type(x) is float else (type(x).__name__, list(x))
    if isinstance(x, dict):
        return ("dict", *x), list(x.values())
    if is_record(x):
        return (type(x), *names_of(x)), items_of(x)
    return (type(x).__name__, list(x)) if isinstance(x, (list, tuple)) else None


def joined(x: Any, items: Sequence[Any]) -> Any:
    """The same sort of structure, of other items."""
    if isinstance(x, dict):
        return dict(zip(x, items, strict=True))
    if is_record(x):
        return record_of(type(x), names_of(x), items)
    return type(x)(items)


def record_of(kind: type, names: Sequence[str], items: Sequence[Any]) -> Any:
    """A record whose fields of these names hold these items."""
    return kind(**dict(zip(names, items, strict=True)))


def leaves(x: Any) -> list[Any]:
    """The numbers or Values in a structure, in order."""
    found = parts(x)
    if found:
        return [leaf for item in found[1] for leaf in leaves(item)]
    return x.ravel().tolist() if hasattr(x, "ravel") else [x]


def structure(x: Any) -> Any:
    """What tells structures apart: equal for two in which the same numbers would be alike."""
    found = parts(x)
    return (found[0], *map(structure, found[1])) if found else getattr(x, "shape", ())


def rebuilt(x: Any, items: Iterator[Any]) -> Any:
    """The structure of x, with these items in it."""
    found = parts(x)
    if found:
        return joined(x, [rebuilt(item, items) for item in found[1]])
    shape = getattr(x, "shape", ())
    return array_of([next(items) for _ in range(x.size)], shape) if shape else next(items)


def array_of(items: list[Any], shape: tuple[int, ...]) -> Any:
    """An array of numbers, or one of Values."""
    import numpy as np

    from autograd_core.arrays import ValueArray

    if {*map(type, items)} <= {float}:
        return np.array(items).reshape(shape)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape).view(ValueArray)
