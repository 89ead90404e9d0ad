"""Names for arrays and their cells, and which of their axes are rows and which columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from autograd_core.compiler.ir import Array, Compute, Constant, Gather, Leaf, Operand
from autograd_core.engine import MUL
from autograd_core.labels import registered, scheme

Wanted: TypeAlias = "tuple[str, str]"  # the letter of the rows, and that of the columns
Layout: TypeAlias = "tuple[int | None, int | None]"  # which axis is the rows, and which the columns


class CellName(NamedTuple):
    """What a cell's array is called, and what the cell; where it is tells two of one name apart."""

    whole: str
    part: str
    place: object = None


CONSTANT, ZERO = CellName("constants", "constants"), CellName("0", "0")


class Names:
    """What arrays are called, as it is given to them one by one; leaves by the labels of Values."""

    def __init__(
        self, leaves: Mapping[Array, Sequence[str]], labels: Mapping[Array, Mapping[int, str]]
    ) -> None:
        self.labels = labels
        self.named: dict[Array, str] = {}
        self.cells: dict[Array, list[CellName]] = {}
        self.layout: dict[Array, Layout] = {}
        self.size: Counter[str] = Counter()
        self.layers: dict[str, str] = {}  # of the arrays of weights, and of the sums
        for leaf, own in leaves.items():
            self.note(leaf, [stem(name) for name in own], own)
            self.layers.update(weights_in(own))
        self.parameter_names = {
            cell.whole for x in leaves for cell in self.cells[x] if not x.batched
        }

    def note(self, x: Array, wholes: Sequence[str], parts: Sequence[str]) -> None:
        """Note what the cells of an array are called."""
        self.cells[x] = [CellName(*names, (x, i)) for i, names in enumerate(zip(wholes, parts))]
        self.size.update(wholes)

    def give(self, x: Array, name: str, layout: Layout) -> None:
        """Name an array, and its cells with it."""
        self.named[x], self.layout[x] = name, layout
        labels = self.labels.get(x, {})
        own = [f"{name}[{i}]" if x.size > 1 else name for i in range(x.size)]
        parts = [labels.get(i, own[i]) if labels.get(i) != name else own[i] for i in range(x.size)]
        self.note(x, [name] * x.size, parts)

    def name(self, x: Array) -> str:
        """What to call an array."""
        if x in self.named:
            return self.named[x]
        if isinstance(x, Constant):
            return "constants"
        name = self.name_of(self.cells_of(x)) if isinstance(x, (Leaf, Gather)) else "0"
        if not isinstance(x, Gather) or self.named.get(x.sources[0]) != name:
            return name
        same = x.size == x.sources[0].size and (x.index.ravel() == np.arange(x.size)).all()
        return name if same or x.size < x.sources[0].size else f"{name}[…]"  # in another order

    def cells_of(self, x: Array) -> list[CellName]:
        """The names of an array's cells."""
        if not isinstance(x, Gather):
            return self.cells.get(x, [CONSTANT] * x.size)
        found = [cell for y in x.sources for cell in self.cells_of(y)] + [ZERO]
        return [found[i] for i in x.index.ravel().tolist()]

    def name_of(self, cells: Sequence[CellName]) -> str:
        """What to call some cells: an array, a part of it, or several in brackets."""
        found: dict[str, list[str]] = {}
        for cell in dict.fromkeys(cells):
            found.setdefault(cell.whole, []).append(cell.part)
        if len(found) > 2 and all(whole in self.parameter_names for whole in found):
            return "θ"
        names = [
            whole if len(parts) == self.size[whole] else part_name(parts)
            for whole, parts in found.items()
        ]
        if len(names) == 1:
            return names[0]
        return f"[{', '.join(names if len(names) < 4 else [*names[:3], '…'])}]"

    # --- Rows and columns

    def layout_of(self, x: Array) -> Layout:
        """Which axis of an array is the rows, and which the columns."""
        if x in self.layout:
            return self.layout[x]
        if len(x.axes) > 1:
            return (1, 0) if self.is_turned(x) else (0, 1)
        if not x.axes:
            return None, None
        return (None, 0) if self.is_row(x) else (0, None)

    def is_row(self, x: Array) -> bool:
        """Whether an array of one axis is a row, as W[0,0], W[0,1], and what is made of one."""
        places = matrix_places(self.cells_of(x)) if isinstance(x, Gather) else []
        if x.batched or (len(places) > 1 and len({row for row, _ in places}) == 1):
            return True
        if not isinstance(x, Compute):
            return False
        for y, letters in x.operands:
            if x.axes in letters and not is_sum(x):
                return self.layout_of(y)[1] == letters.index(x.axes)
        return is_sum(x) and x.op is MUL and x.axes not in x.operands[0][1]

    def is_turned(self, x: Array) -> bool:
        """Whether rows are labelled as columns: W[0,0], W[1,0] follow each other in a row."""
        if not isinstance(x, Gather) or x.batched:
            return False
        places = matrix_places(self.cells_of(x)[:2])
        return len({column for _, column in places}) == 1

    def shape_name(self, x: Array) -> str:
        """The lengths of the axes, those of the rows first."""
        return lengths(x.cells[::-1] if self.layout_of(x) == (1, 0) else x.cells, x)

    def layout_along(self, x: Array, g: Operand) -> Layout:
        """The layout of a gradient: that of the array it is along."""
        wanted = self.wanted(x, x.axes)
        row, column = [g[1].index(c) if c and c in g[1] else None for c in wanted]
        return row, column

    def wanted_part(self, operand: Operand) -> Wanted:
        """The same, of a piece of an array: a column, or a matrix as it is."""
        x, letters = operand
        if len(letters) == 1:
            return ("", letters) if self.layout_of(x)[0] is None else (letters, "")
        return letters[:1], letters[1:2]

    def wanted(self, x: Array, letters: str) -> Wanted:
        """Of the letters for an array's axes, that of the rows and that of the columns."""
        row, column = [letters[axis] if axis is not None else "" for axis in self.layout_of(x)]
        return row, column


# --- What an array is ------------------------------------------------------------------------


def is_sum(x: Array) -> bool:
    """Whether something is summed over in an array."""
    return isinstance(x, Compute) and any(set(letters) - set(x.axes) for _, letters in x.operands)


def is_fold(x: Compute) -> bool:
    """Whether an array is a sum or a maximum of another one."""
    return x.op is None and is_sum(x)


def is_repeat(x: Array) -> bool:
    """Whether an array is another one, repeated along an axis."""
    return isinstance(x, Compute) and x.op is None and not is_sum(x)


def is_product(x: Compute) -> bool:
    """Whether a product is one of matrices: over one axis, or of each row with each column."""
    (left, right) = [set(letters) for _, letters in x.operands]
    return len((left | right) - set(x.axes)) == 1 or bool(left and right and not left & right)


# --- Words -----------------------------------------------------------------------------------


def weights_in(labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The arrays of weights that labels speak of, each with its layer; none without a scheme."""
    for label in dict.fromkeys(labels) if registered else ():
        parameter = scheme().parameter(label)
        if parameter and parameter.input is not None:
            yield scheme().weights(parameter.layer), parameter.layer


def stem(label: str) -> str:
    """The name of the array that a labelled number belongs to: W1 for W1[0,2]."""
    return label.partition("[")[0]


def matrix_places(cells: Iterable[CellName]) -> list[tuple[str, str]]:
    """The rows and columns that cells are labelled with, W[0,1]; none without all of them."""
    found = [re.fullmatch(r".*\[(\d+),(\d+)\]", cell.part) for cell in cells]
    return [(place[1], place[2]) for place in found if place] if all(found) else []


def part_name(parts: Sequence[str]) -> str:
    """What to call a part of an array: v1[2], v1[2:5], or W1[…] where it is not in one row."""
    if len(parts) == 1:
        return parts[0]
    start = re.fullmatch(r"(.*)\[(\d+)\]", parts[0])
    if start:
        whole, first, end = start[1], int(start[2]), int(start[2]) + len(parts)
        if parts == [f"{whole}[{i}]" for i in range(first, end)]:
            return f"{whole}[{first}:{end}]"
    return f"{stem(parts[0])}[…]"


def short(number: float) -> str:
    """A number in a few digits."""
    return f"{number:.4g}"


def spread(letters: str) -> str:
    """Letters for axes, as indices; n is the example."""
    return ",".join(letters.replace("b", "n").lower())


def lengths(cells: Sequence[int], x: Array) -> str:
    """The lengths of the axes; n for the examples."""
    return " × ".join([*([str(n) for n in cells if n > 1] or ["1"]), *["n"] * x.batched])
