"""Results out: numbers and arrays in the structure that a function returned Values in.

Tuples, dicts and dataclasses stay what they are. A list is an array where its items have one
shape, and a list of arrays where not; an array of Values is an array. In a batch, a Value comes
back as its mean over the examples, but one in a list or an array as a number for each.

The outline of a result says so: ("value",), ("numbers", shape), ("tuple", outlines),
("list", outlines), ("record", outlines, what makes one of such items), or ("dict", pairs of key and
outline). It is looked at once, when a result is recorded: what makes a result of numbers is a
function then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from functools import partial
from itertools import count, islice
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.ir import Cells, Floats
from autograd_core.structures import (
    array_of,
    is_record,
    items_of,
    joined,
    leaves,
    names_of,
    parts,
    record_of,
    structure,
)

Outline: TypeAlias = "tuple[Any, ...]"
Reader: TypeAlias = "Callable[[Sequence[Floats], int | None, Floats | None], tuple[Any, bool]]"
Maker: TypeAlias = "Callable[[Sequence[Any], Sequence[Any], int | None], Any]"
Form: TypeAlias = "Callable[[Any, tuple[int, ...], int | None], Any]"

VALUE: Outline = ("value",)

FEW = 128  # numbers are added up more quickly without NumPy
PLURAL = (list, tuple, dict, np.ndarray)  # what has no gradient, for it is not one Value


def is_array(result: Any) -> bool:
    """Whether this is an array with axes."""
    return isinstance(result, np.ndarray) and result.ndim > 0


def first(result: Any) -> Any:
    """What is differentiated: the result, or the first of a tuple."""
    return result[0] if isinstance(result, tuple) and result else result


class Returned:
    """What a function returned: which of its Values are one array, and how to read those.

    `groups` are the first Value, all the others, and then each array, by the places of `leaves`.
    `read(arrays, n, mean)` makes the result of n examples, and says whether all of it is finite; in
    an array they are a last axis more, or none if all share it. `mean` is that of the first array,
    or None where it is not known.
    """

    def __init__(self, result: Any) -> None:
        self.form, self.kind = structure(result), type(first(result))
        self.outline = outline(result)
        self.groups, self.read = groups(self.outline), reader(self.outline)

    @property
    def is_differentiable(self) -> bool:
        """Whether the first result is one Value."""
        return not (issubclass(self.kind, PLURAL) or is_dataclass(self.kind))

    def check_differentiable(self) -> None:
        """TypeError where the first result has no gradient."""
        if not self.is_differentiable:
            raise TypeError(
                "a gradient needs a function that returns one Value, or a tuple that starts with "
                f"it; this one returns a {self.kind.__name__}"
            )


# --- Outlines --------------------------------------------------------------------------------


def outline(result: Any, *, inside: bool = False) -> Outline:
    """The structure of a result; `inside` of a list or an array, examples stay apart."""
    inside = inside or isinstance(result, list) or is_array(result)
    if isinstance(result, dict):
        return "dict", [(key, outline(item, inside=inside)) for key, item in result.items()]
    if is_record(result):
        items = [outline(item, inside=inside) for item in items_of(result)]
        return "record", items, partial(record_of, type(result), names_of(result))
    if not inside:
        return ("tuple", list(map(outline, result))) if isinstance(result, tuple) else VALUE
    if not isinstance(result, (list, tuple)):
        return "numbers", getattr(result, "shape", ())
    items = [outline(item, inside=True) for item in result]
    kinds = {str(item) for item in items}
    if len(kinds) > 1 or (items and items[0][0] != "numbers"):
        return "list", items
    return "numbers", (len(items), *(items[0][1] if items else ()))


def leaves_of(outline: Outline) -> Iterator[tuple[int, ...] | None]:
    """The shapes of all arrays in an outline, in order; None for a Value."""
    kind, *rest = outline
    if kind in {"value", "numbers"}:
        yield rest[0] if rest else None
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


def with_arrays(result: Any) -> Any:
    """A result as a program returns it, but of Values: a list of one shape is an array."""
    found = parts(result)
    if not found:
        return result
    kind, *shape = outline(result, inside=True)
    if isinstance(result, list) and kind == "numbers":
        return array_of(leaves(result), shape[0])
    return joined(result, [with_arrays(item) for item in found[1]])


# --- Readers ---------------------------------------------------------------------------------


def reader(outline: Outline) -> Reader:
    """What makes a result of its arrays."""
    if outline is VALUE:  # as most are
        return read_value
    alone, make = maker(outline, numbers)

    def read(arrays: Sequence[Floats], n: int | None, mean: Floats | None) -> tuple[Any, bool]:
        means = [mean_of(arrays[0] if mean is None else mean)] if alone else []
        if alone > 1:
            means += means_of(arrays[1], alone - 1)
        return make(means, arrays, n), all(map(is_finite, arrays))

    return read


def read_value(arrays: Sequence[Floats], n: int | None, mean: Floats | None) -> tuple[float, bool]:
    """The mean, which is finite if all numbers are."""
    value = mean_of(arrays[0] if mean is None else mean)
    return value, math.isfinite(value)


def maker(outline: Outline, form: Form) -> tuple[int, Maker]:
    """How many Values stand alone in a result; and what makes it of their means, and the arrays.

    `form` gives the user an array that was computed, in its shape, with n examples if there are.
    """
    alone = list(leaves_of(outline)).count(None)
    return alone, part_maker(outline, count(), count(min(alone, 2)), form)


def part_maker(outline: Outline, values: Iterator[int], arrays: Iterator[int], form: Form) -> Maker:
    """The same for a part of a result, whose numbers and arrays are those at the next places."""
    kind, *rest = outline
    if kind == "value":
        place = next(values)
        return lambda means, found, n: means[place]
    if kind == "numbers":
        place, shape = next(arrays), rest[0]
        return lambda means, found, n: form(found[place], shape, n)
    if kind == "dict":
        parts = {key: part_maker(item, values, arrays, form) for key, item in rest[0]}
        return lambda *given: {key: part(*given) for key, part in parts.items()}
    if kind == "tuple" and all(item is VALUE for item in rest[0]):  # quickly, if there are many
        places = list(islice(values, len(rest[0])))  # which follow each other
        some = slice(min(places, default=0), max(places, default=-1) + 1)
        return lambda means, found, n: tuple(means[some])
    items = [part_maker(item, values, arrays, form) for item in rest[0]]
    sort = {"tuple": tuple, "list": list}.get(kind) or rest[1]
    return lambda *given: sort([item(*given) for item in items])


def numbers(array: Floats, shape: tuple[int, ...], n: int | None) -> Any:
    """An array for the user to keep, with a row for each example where there are any."""
    if n is None:
        return array.copy() if shape else float(array)
    rows = np.empty((n, *shape))
    rows[...] = array if array.ndim == len(shape) else np.moveaxis(array, -1, 0)
    return rows


def mean_of(root: Floats) -> float:
    """The mean over the examples, or the number itself."""
    if root.size == 1:
        return root.item()
    if root.size < FEW:
        return float(sum(root.tolist())) / root.size
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.add.reduce(root, None)) / root.size


def means_of(roots: Floats, count: int) -> list[float]:
    """The same of several, one in each row."""
    found = roots.reshape(count, -1)
    if found.shape[1] > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.add.reduce(found, 1) / found.shape[1]
    means: list[float] = found.ravel().tolist()
    return means


def is_finite(numbers: Floats) -> bool:
    """Whether all numbers are finite."""
    if numbers.size == 1:  # for which NumPy is slow
        return math.isfinite(numbers.item())
    return b"\0" not in np.isfinite(numbers).tobytes()  # quicker than all()
