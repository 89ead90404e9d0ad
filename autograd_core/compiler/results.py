"""Results out: numbers and arrays in the structure that a function returned Values in.

Tuples and dicts stay what they are. A list is an array where its items have one shape, and a list
of arrays where not; an array of Values is an array. In a batch, a Value comes back as its mean
over the examples, but one in a list or an array as a number for each.

The outline of a result says so: ("value",), ("values", count) for a tuple of them alone,
("numbers", shape), ("tuple", outlines), ("list", outlines), or ("dict", pairs of key and outline).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.ir import Cells, Floats

Outline: TypeAlias = "tuple[Any, ...]"

VALUE: Outline = ("value",)

PLURAL = (list, tuple, dict, np.ndarray)  # what has no gradient, for it is not one Value


def leaves(result: Any) -> list[Any]:
    """The Values in what a function returned, in order."""
    if isinstance(result, dict):
        return [leaf for item in result.values() for leaf in leaves(item)]
    if isinstance(result, (list, tuple)):
        return [leaf for item in result for leaf in leaves(item)]
    return result.ravel().tolist() if isinstance(result, np.ndarray) else [result]


def is_array(result: Any) -> bool:
    """Whether this is an array with axes."""
    return isinstance(result, np.ndarray) and result.ndim > 0


def form(result: Any) -> Any:
    """What tells results of other structures apart."""
    if isinstance(result, dict):
        return tuple([(key, form(item)) for key, item in result.items()])
    if isinstance(result, (list, tuple)):
        return type(result).__name__, tuple(map(form, result))
    return getattr(result, "shape", ())


def first(result: Any) -> Any:
    """What is differentiated: the result, or the first of a tuple."""
    return result[0] if isinstance(result, tuple) and result else result


def check_differentiable(kind: type) -> None:
    """TypeError where the first result is of a kind that has no gradient."""
    if issubclass(kind, PLURAL):
        raise TypeError(
            "a gradient needs a function that returns one Value, or a tuple that starts with "
            f"it; this one returns a {kind.__name__}"
        )


# --- Outlines --------------------------------------------------------------------------------


def outline(result: Any) -> Outline:
    """The structure of a result."""
    if isinstance(result, dict):
        return "dict", [(key, outline(item)) for key, item in result.items()]
    if isinstance(result, tuple):
        items = [outline(item) for item in result]
        alone = all(item is VALUE for item in items)
        return ("values", len(items)) if alone else ("tuple", items)
    return inside(result) if isinstance(result, list) or is_array(result) else VALUE


def inside(result: Any) -> Outline:
    """The same inside of a list or an array, where examples stay apart."""
    if isinstance(result, dict):
        return "dict", [(key, inside(item)) for key, item in result.items()]
    if not isinstance(result, (list, tuple)):
        return "numbers", getattr(result, "shape", ())
    items = [inside(item) for item in result]
    kinds = {str(item) for item in items}
    if len(kinds) > 1 or (items and items[0][0] != "numbers"):
        return "list", items
    return "numbers", (len(items), *(items[0][1] if items else ()))


def leaves_of(outline: Outline) -> Iterator[tuple[int, ...] | None]:
    """The shapes of all arrays in an outline, in order; None for a Value."""
    kind, *rest = outline
    if kind in {"value", "values"}:
        yield from [None] * (rest[0] if rest else 1)
        return
    if kind == "numbers":
        yield rest[0]
        return
    for item in rest[0]:
        yield from leaves_of(item[1] if kind == "dict" else item)


def groups(outline: Outline) -> list[Cells]:
    """Which results are one array: the first Value, all the others, and then each array."""
    values: list[int] = []
    arrays: list[Cells] = []
    start = 0
    for shape in leaves_of(outline):
        if shape is None:
            values.append(start)
        else:
            arrays.append(start + np.arange(math.prod(shape), dtype=np.int32).reshape(shape))
        start += 1 if shape is None else math.prod(shape)
    first, others = np.array(values[:1], np.int32), np.array(values[1:], np.int32)
    return [*first, *([others] if others.size else []), *arrays]


def numbers(outline: Outline, arrays: Sequence[Floats], n: int | None) -> Any:
    """A result from its arrays, in which the examples are a last axis more, or none if alike."""
    if outline is VALUE:  # as most are
        return mean_of(arrays[0])
    count = outline[1] if outline[0] == "values" else list(leaves_of(outline)).count(None)
    means = [mean_of(array) for array in arrays[: min(count, 1)]]
    if count > 1:
        means += means_of(arrays[1], count - 1)
    return filled(outline, iter(means), iter(arrays[min(count, 2) :]), n)


def filled(
    outline: Outline, values: Iterator[float], arrays: Iterator[Floats], n: int | None
) -> Any:
    """An outline, with numbers in place of Values."""
    kind, *rest = outline
    if kind == "value":
        return next(values)
    if kind == "values":
        return tuple(islice(values, rest[0]))
    if kind == "dict":
        return {key: filled(item, values, arrays, n) for key, item in rest[0]}
    if kind != "numbers":
        items = [filled(item, values, arrays, n) for item in rest[0]]
        return tuple(items) if kind == "tuple" else items
    array, shape = next(arrays), rest[0]
    if n is None:
        return array.copy() if shape else float(array)
    whole = array if array.ndim > len(shape) else array[..., None]
    return np.moveaxis(np.broadcast_to(whole, (*shape, n)), -1, 0).copy()


def mean_of(root: Floats) -> float:
    """The mean over the examples, or the number itself."""
    if root.size == 1:
        return root.item()
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.add.reduce(root, None)) / root.size


def means_of(roots: Floats, count: int) -> list[float]:
    """The same of several, one in each row."""
    rows = roots.reshape(count, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        means: list[float] = (np.add.reduce(rows, 1) / rows.shape[1]).tolist()
    return means
