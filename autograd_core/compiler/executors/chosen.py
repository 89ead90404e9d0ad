"""Products with a one-hot array: numbers taken from where they are, or added where they belong.

A one-hot array says of each place whether an index is 0, 1, and so on. The product of a table with
it is a lookup, and in the gradient what reaches a row of the table is added up there. Where there
are many rows, neither multiplies by all the zeros, nor is the one-hot array made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from autograd_core.compiler.ir import Array, Cells, Compute, Constant, Floats, Gather, aligned
from autograd_core.compiler.memory import Home, cells_at, row_major
from autograd_core.engine import MUL
from autograd_core.functions import equals

MANY = 64  # rows, from which on it is quicker than a product of matrices


class OneHot(NamedTuple):
    """An array that compares an index with each of 0, 1, ... along one of its axes."""

    source: Array  # the index
    cells: Cells  # which of its cells are compared, along the other axes
    axis: int


class Chosen(NamedTuple):
    """A product of another array with a one-hot array, of which `along` is the axis of rows.

    Where the result has that axis, it is a sum by rows, and else a lookup.
    """

    source: Array
    cells: Cells
    letters: str
    along: str
    other: Array
    other_letters: str
    rows: int


def choices(order: Sequence[Array]) -> dict[Array, Chosen]:
    """The products of a program that are lookups, or sums by rows."""
    one_hot: dict[Array, OneHot] = {}
    found: dict[Array, Chosen] = {}
    for x in order:
        hot = of_equals(x) if isinstance(x, Compute) else of_gather(x, one_hot)
        if hot:
            one_hot[x] = hot
        elif isinstance(x, Compute) and x.op is MUL:
            for (y, letters), (z, others) in (x.operands, x.operands[::-1]):
                if y in one_hot and (way := chosen(x, one_hot[y], letters, z, others)):
                    found[x] = way
    return found


def of_equals(x: Compute) -> OneHot | None:
    """The index that an array compares with 0, 1, ...; None where it does something else."""
    if x.op is not equals:
        return None
    (index, letters), (numbers, along) = x.operands
    if not isinstance(numbers, Constant) or len(along) != 1 or along in letters:
        return None
    if numbers.size < MANY or not np.array_equal(numbers.numbers, np.arange(numbers.size)):
        return None
    rest = x.axes.replace(along, "").replace("b", "")
    cells = np.arange(index.size).reshape(index.cells)
    return OneHot(index, aligned(cells, letters.replace("b", ""), rest), x.axes.index(along))


def of_gather(x: Array, known: dict[Array, OneHot]) -> OneHot | None:
    """The same of whole rows that are read from a one-hot array."""
    hot = known.get(x.sources[0]) if isinstance(x, Gather) and len(x.sources) == 1 else None
    if hot is None or not isinstance(x, Gather) or x.index.min(initial=0) < 0:
        return None
    shape = x.sources[0].cells
    places = np.unravel_index(x.index, shape)
    rest = [place for i, place in enumerate(places) if i != hot.axis]
    for axis, n in enumerate(x.cells):
        first = [np.take(place, [0], axis) for place in rest]
        counted = np.moveaxis(places[hot.axis], axis, -1)
        whole = n == shape[hot.axis] and (counted == np.arange(n)).all()
        if whole and all((place == one).all() for place, one in zip(rest, first)):
            cells = hot.cells[tuple([one.squeeze(axis) for one in first])]
            return OneHot(hot.source, np.asarray(cells), axis)
    return None


def chosen(x: Compute, hot: OneHot, letters: str, y: Array, others: str) -> Chosen | None:
    """How a product is computed without a one-hot array; None where it is no such product."""
    along, rest = letters[hot.axis], letters.replace(letters[hot.axis], "")
    lost = {c for c in letters + others if c not in x.axes}
    lookup = lost == {along} and along in others
    by_rows = along in x.axes and along not in others
    if not (lookup or by_rows):
        return None
    n = x.cells[x.axes.index(along)] if by_rows else y.cells[others.index(along)]
    return Chosen(hot.source, hot.cells, rest, along, y, others, n)


# --- Their calls -------------------------------------------------------------------------------


def call_of(x: Compute, way: Chosen, array: Mapping[Array, Floats]) -> Callable[[], None]:
    """The call that computes a product."""
    return (sum_by_rows if way.along in x.axes else lookup)(x, way, array)


def lookup(x: Compute, way: Chosen, array: Mapping[Array, Floats]) -> Callable[[], None]:
    """The call for z[a] = table[index[a], a], say."""
    out, table = array[x], array[way.other]
    step = [stride // table.itemsize for stride in table.strides]
    row = step[way.other_letters.index(way.along)]
    others = way.other_letters.replace(way.along, "")
    rest = [n for c, n in zip(way.other_letters, step) if c != way.along]
    lengths = [n for c, n in zip(way.other_letters, table.shape) if c != way.along]
    places = aligned(cells_at(Home(0, 0, tuple(rest)), lengths), others, x.axes)
    flat = as_strided(table, (1 + sum([(n - 1) * k for n, k in zip(table.shape, step)]),), (8,))

    def look_up() -> None:
        whole, wrong = [aligned(y, way.letters, x.axes) for y in whole_numbers(way, array)]
        flat.take(whole * row + places, None, out, "clip")
        if wrong.any():
            np.copyto(out, 0.0, where=wrong)

    return look_up


def sum_by_rows(x: Compute, way: Chosen, array: Mapping[Array, Floats]) -> Callable[[], None]:
    """The call for z[index[a], a] += other[a], say, from zeros."""
    out, other = array[x], array[way.other]
    every = "".join(dict.fromkeys(way.letters + way.other_letters))
    step = dict(zip(x.axes, row_major(out.shape)))
    rest = "".join([c for c in x.axes if c != way.along])
    lengths = [n for c, n in zip(x.axes, out.shape) if c != way.along]
    places = aligned(cells_at(Home(0, 0, tuple([step[c] for c in rest])), lengths), rest, every)
    numbers = aligned(other, way.other_letters, every)

    def add_up() -> None:
        whole, wrong = [aligned(y, way.letters, every) for y in whole_numbers(way, array)]
        cells = np.where(wrong, out.size, whole * step[way.along] + places)
        cells, weights = np.broadcast_arrays(cells, numbers)
        summed = np.bincount(cells.ravel(), weights.ravel(), out.size + 1)
        out[...] = summed[:-1].reshape(out.shape)

    return add_up


def whole_numbers(way: Chosen, array: Mapping[Array, Floats]) -> tuple[Cells, NDArray[np.bool_]]:
    """The index as whole numbers, and where it has none of a row: there it points at row 0."""
    found = array[way.source]
    numbers = np.asarray(
        found.reshape(way.source.size, *found.shape[len(way.source.cells) :])[way.cells]
    )
    whole = numbers.astype(np.intp)
    wrong = (whole != numbers) | (whole < 0) | (whole >= way.rows)
    return np.where(wrong, 0, whole), wrong
