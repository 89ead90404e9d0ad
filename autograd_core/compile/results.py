"""Results out: numbers and arrays in the structure that a function returned Values in.

Tuples and dicts stay what they are. A list is an array where its items have one shape, and a list
of arrays where not; an array of Values is an array. In a batch, a Value comes back as its mean
over the examples, but one in a list or an array as a number for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_core.compile.arguments import Floats
from autograd_core.engine import Value


def leaves(result: Any) -> list[Any]:
    """The Values in what a function returned, in order."""
    if isinstance(result, dict):
        return [leaf for item in result.values() for leaf in leaves(item)]
    if isinstance(result, (list, tuple)):
        return [leaf for item in result for leaf in leaves(item)]
    return result.ravel().tolist() if isinstance(result, np.ndarray) else [result]


def form(result: Any) -> Any:
    """What tells results of other structures apart."""
    if isinstance(result, dict):
        return tuple([(key, form(item)) for key, item in result.items()])
    if isinstance(result, (list, tuple)):
        return type(result).__name__, tuple(map(form, result))
    return getattr(result, "shape", ())


def is_array(result: Any) -> bool:
    """Whether this is an array with axes."""
    return isinstance(result, np.ndarray) and result.ndim > 0


def root_of(result: Any) -> Any:
    """The Value to differentiate: the result, or the first of a tuple."""
    first = result[0] if isinstance(result, tuple) and result else result
    if isinstance(first, (list, tuple, dict)) or is_array(first):
        raise TypeError(
            "a gradient needs a function that returns one Value, or a tuple that starts with "
            f"it; this one returns a {type(first).__name__}"
        )
    return first


def numbers(result: Any, roots: Iterator[Floats], n: int | None) -> Any:
    """The roots' numbers in place of the Values that a function returned."""
    if isinstance(result, Value):  # as most results are
        return mean_of(next(roots))
    if isinstance(result, dict):
        return {key: numbers(item, roots, n) for key, item in result.items()}
    if isinstance(result, tuple):
        return tuple([numbers(item, roots, n) for item in result])
    if isinstance(result, list) or is_array(result):
        return rows(result, roots, n)
    return mean_of(next(roots))


def rows(result: Any, roots: Iterator[Floats], n: int | None) -> Any:
    """The same inside of a list or an array: examples stay apart, along the first axis."""
    if isinstance(result, dict):
        return {key: rows(item, roots, n) for key, item in result.items()}
    if is_array(result):
        array = together([each(next(roots), n) for _ in range(result.size)], n)
        return array.reshape(*array.shape[:-1], *result.shape)
    if isinstance(result, (list, tuple)):
        return together([rows(item, roots, n) for item in result], n)
    return each(next(roots), n)


def together(items: list[Any], n: int | None) -> Any:
    """Items of one shape as an array, whose first axis after that of the examples they are."""
    if not items:
        return np.zeros(0 if n is None else (n, 0))
    if any(isinstance(item, (dict, list)) for item in items) or len(set(map(np.shape, items))) > 1:
        return items
    return np.stack(items, axis=0 if n is None else 1)


def each(root: Floats, n: int | None) -> Any:
    """A number, or one for each example."""
    return float(root.reshape(-1)[0]) if n is None else np.array(np.broadcast_to(root.ravel(), n))


def mean_of(root: Floats) -> float:
    """The mean over the examples, or the number itself."""
    return float(root.sum()) / root.size
