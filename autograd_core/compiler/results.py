"""Results out: numbers and arrays in the structure that a function returned Values in.

Tuples and dicts stay what they are. A list is an array where its items have one shape, and a list
of arrays where not; an array of Values is an array. In a batch, a Value comes back as its mean
over the examples, but one in a list or an array as a number for each.

The outline of a result says so: ("value",), ("numbers", shape), ("tuple", outlines),
("list", outlines), or ("dict", pairs of a key and an outline).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.ir import Cells, Floats

Outline: TypeAlias = "tuple[Any, ...]"

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
        return "tuple", [outline(item) for item in result]
    return inside(result) if isinstance(result, list) or is_array(result) else ("value",)


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


def shapes(outline: Outline) -> list[tuple[int, ...]]:
    """The shapes of all arrays in an outline, in order; a Value's is ()."""
    kind, *rest = outline
    if kind == "value":
        return [()]
    if kind == "numbers":
        return [rest[0]]
    items = [item for _, item in rest[0]] if kind == "dict" else rest[0]
    return [shape for item in items for shape in shapes(item)]


def grouped(outline: Outline, nodes: Sequence[int]) -> list[Cells]:
    """The nodes of a result, one array for each in the outline."""
    found, start = [], 0
    for shape in shapes(outline):
        stop = start + math.prod(shape)
        found.append(np.array(nodes[start:stop], dtype=int).reshape(shape))
        start = stop
    return found


def numbers(outline: Outline, arrays: Iterator[Floats], n: int | None) -> Any:
    """A result from its arrays, whose last axis is that of the examples where they have one more."""
    kind, *rest = outline
    if kind == "value":
        root = next(arrays)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.reduce(root, None)) / root.size
    if kind == "dict":
        return {key: numbers(item, arrays, n) for key, item in rest[0]}
    if kind != "numbers":
        items = [numbers(item, arrays, n) for item in rest[0]]
        return tuple(items) if kind == "tuple" else items
    array, shape = next(arrays), rest[0]
    if n is None:
        return array.copy() if shape else float(array)
    whole = array if array.ndim > len(shape) else array[..., None]
    return np.moveaxis(np.broadcast_to(whole, (*shape, n)), -1, 0).copy()
