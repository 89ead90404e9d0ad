"""The builder: arrays in order, equal ones once, constants folded, repeated axes left out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.ir import (
    EXAMPLES,
    NAMES,
    Array,
    Cells,
    Compute,
    Constant,
    Floats,
    Gather,
    Leaf,
    Operand,
    Scatter,
    aligned,
)
from autograd_core.compiler.merge import IDENTITY
from autograd_core.engine import ADD, MUL, SUB, Op

Number: TypeAlias = "tuple[float, int]"  # times n ** the second
Piece: TypeAlias = "tuple[Operand, Cells]"

NOTHING: Number = (0.0, 0)
ONE: Number = (1.0, 0)
STACKED = 4  # from so many like contributions on, one sum over an axis more is quicker


class Builder:
    """Makes arrays; `order` has all that were made, each after those that it reads."""

    def __init__(self) -> None:
        self.order: list[Array] = []
        self.known: dict[Any, Array] = {}

    def new(self, key: Any, make: Callable[[], Array]) -> Array:
        """The array known by this key, made if there is none yet."""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = make()
            self.order.append(found)
        return found

    def computed(self, *how: Any) -> Array:
        """A Compute, known by all that it is made of."""
        return self.new(how, lambda: Compute(*how))

    def leaf(self, name: str, size: int, *, batched: bool) -> Leaf:
        """A row of numbers that are given at each run."""
        leaf = Leaf((size, EXAMPLES) if batched else (size,), name)
        self.order.append(leaf)
        return leaf

    def constant(self, numbers: Any, letters: str = "", power: int = 0) -> Operand:
        """Numbers times n**power, without the axes along which they repeat."""
        numbers, letters = narrow(np.asarray(numbers, float), letters)
        key = ("constant", fingerprint(numbers), power)
        return self.new(key, lambda: Constant(numbers.shape, numbers, power)), letters

    # --- Compute

    def compute(
        self,
        op: Op | None,
        operands: Sequence[Operand],
        out: str,
        *,
        fold: str = "+",
        lengths: Mapping[str, int | None] = {},
    ) -> Operand:
        """op(*operands), folded to the letters of `out`, which it has as far as an operand does.

        `lengths` are those of the axes of what is computed, where no operand may have them for
        all repeat along them: a sum over such an axis is a multiple, and nowhere else is it one.
        """
        there = "".join([letters for _, letters in operands])
        multiple = repeats(lengths, there + out) if lengths and fold == "+" else ONE
        if op is MUL:
            return self.product(operands, multiple, out)
        x = operands[0]
        if op is not None and op is not IDENTITY:
            held = "".join([c for c in dict.fromkeys(out + there) if c in there])
            x = self.plain(op, operands, held)
        x = self.plain(None, [x], out, fold)
        return x if multiple == ONE else self.product([x], multiple, out)

    def product(self, factors: Sequence[Operand], number: Number, out: str) -> Operand:
        """A number times at most two arrays, summed to `out`: sum first, times the number last."""
        arrays = []
        for factor in factors:
            own = number_in(factor)
            if own is None:
                arrays.append(factor)
            else:
                number = times(number, own)
        if not arrays:
            return self.constant(number[0], power=number[1])
        if len(arrays) == 1:
            (whole,) = arrays
            if number != ONE and set(whole[1]) <= set(out):
                whole, number = unscaled(whole, number)
            whole = self.plain(None, [whole], out)
        else:  # what only one of them has is summed beforehand
            x, y = arrays
            whole = self.plain(MUL, [self.summed(x, y[1] + out), self.summed(y, x[1] + out)], out)
        if number == ONE:
            return whole
        return self.plain(MUL, [whole, self.constant(number[0], power=number[1])], out)

    def summed(self, x: Operand, kept: str) -> Operand:
        """An operand, summed over the letters that are not kept."""
        return self.plain(None, [x], "".join([c for c in x[1] if c in kept]))

    def plain(
        self, op: Op | None, operands: Sequence[Operand], out: str, fold: str = "+"
    ) -> Operand:
        """op(*operands) as it stands, folded to `out`; what is known by now is a constant."""
        held = "".join([names for _, names in operands])
        if op is None and set(held) <= set(out):
            return operands[0]
        known = self.folded(op, operands, out, fold)
        if known is not None:
            return known
        if not held:  # of single numbers
            return self.computed((), op, tuple(operands), fold), ""
        own = [c for c in out if c in held and c != "b"]
        lost = [c for c in dict.fromkeys(held) if c not in out and c != "b"]
        name = dict(zip([*own, *lost], NAMES)) | {"b": "b"}
        renamed = tuple([(x, "".join([name[c] for c in names])) for x, names in operands])
        length = {c: n for x, names in operands for c, n in zip(names, x.shape)}
        letters = "".join(own) + "b" * ("b" in held and "b" in out)
        shape = tuple([length[c] for c in letters])
        return self.computed(shape, op, renamed, fold), letters

    def folded(
        self, op: Op | None, operands: Sequence[Operand], out: str, fold: str
    ) -> Operand | None:
        """op(*operands) of constants; None for others, or where it depends on the examples."""
        constants = [(x, names) for x, names in operands if isinstance(x, Constant)]
        if len(constants) < len(operands):
            return None
        powers = {x.power for x, _ in constants}
        linear = op in (None, MUL) or (op in (ADD, SUB) and len(powers) == 1)
        if not (linear or powers == {0}):
            return None
        every = "".join(dict.fromkeys("".join([names for _, names in operands])))
        xs = [aligned(x.numbers, names, every) for x, names in constants]
        z = np.asarray(op.on(np)(*xs) if op else xs[0])
        lost = tuple([i for i, c in enumerate(every) if c not in out])
        z = z.sum(lost) if fold == "+" else z.max(lost)
        power = sum([x.power for x, _ in constants]) if op is MUL else powers.pop()
        return self.constant(z, "".join([c for c in every if c in out]), power)

    # --- Cells

    def gather(self, sources: Sequence[Array], index: Cells, letters: str) -> Operand:
        """Cells of the sources; without the axes along which they repeat."""
        index, letters = narrow(np.asarray(index, np.int32), letters)
        if any(x.batched for x in sources):
            sources = [self.full((x, x.axes), (*x.cells, EXAMPLES)) for x in sources]
        first, *more = sources
        rest = (EXAMPLES,) if first.batched else ()
        order = transposed(index, first.cells) if not more else None
        if order is not None:
            return first, "".join([letters[i] for i in order]) + "b" * len(rest)
        if any(isinstance(x, Gather) for x in sources):
            return self.gather(*flat(sources, index), letters)
        if isinstance(first, Constant) and not more and (index >= 0).all():
            return self.constant(first.numbers.ravel()[index], letters, first.power)
        key = ("gather", *sources, fingerprint(index))
        new = self.new(key, lambda: Gather((*index.shape, *rest), tuple(sources), index))
        return new, letters + "b" * len(rest)

    def full(self, x: Operand, shape: tuple[int | None, ...]) -> Array:
        """An array of this shape, repeated where the operand lacks an axis."""
        axes = Array(shape).axes
        if x[1] == axes:
            return x[0]
        return self.computed(shape, None, (x,))

    def scatter(self, pieces: Sequence[Piece], shape: tuple[int | None, ...]) -> Operand:
        """The sum of pieces, each at cells of zeros in this shape."""
        like = Array(shape)
        powers = {x.power if isinstance(x, Constant) else None for (x, _), _ in pieces}
        if None not in powers and len(powers) == 1:
            total = np.zeros(like.size)
            for (x, names), index in pieces:
                numbers = np.broadcast_to(
                    aligned(numbers_of(x), names, NAMES[: index.ndim]), index.shape
                )
                np.add.at(total, index[index >= 0], numbers[index >= 0])
            return self.constant(
                total.reshape(like.cells), like.axes.rstrip("b"), powers.pop() or 0
            )
        key = (
            "scatter",
            shape,
            tuple([(operand, fingerprint(index)) for operand, index in pieces]),
        )
        return self.new(key, lambda: Scatter(shape, tuple(pieces))), like.axes

    # --- Sums of many

    def total(self, flows: Sequence[Operand], out: str) -> Operand:
        """The sum of operands: equal ones as a multiple, many like ones as one sum."""
        if len(flows) == 1:
            return flows[0]
        alike: defaultdict[Any, list[Operand]] = defaultdict(list)
        for flow, count in Counter(flows).items():
            multiple = flow if count == 1 else self.product([flow], (count, 0), out)
            alike[likeness(multiple)].append(multiple)
        first, *rest = [flow for group in alike.values() for flow in self.stacked(group)]
        for flow in rest:
            first = self.plain(ADD, [first, flow], out)
        return first

    def stacked(self, flows: list[Operand]) -> list[Operand]:
        """Operands that are computed alike from other arrays, added up as one."""
        x, names = flows[0]
        if len(flows) < STACKED or not isinstance(x, Compute):
            return flows
        in_order = reversed(flows)  # backward, the last came first
        columns = list(zip(*[y.reads() for y, _ in in_order]))
        if any(len(set(column)) < len(flows) for column in columns):
            return flows
        operands = []
        for column, (y, letters) in zip(columns, x.operands):
            index = np.arange(len(flows) * y.size).reshape(len(flows), *y.cells)
            operands.append(self.gather(column, index, "z" + letters.replace("b", "")))
        return [(self.plain(x.op, operands, x.axes)[0], names)]


# --- Numbers ---------------------------------------------------------------------------------


def number_in(operand: Operand) -> Number | None:
    """The number that an operand is; None for what is an array or not known."""
    x = operand[0]
    return (float(x.numbers), x.power) if isinstance(x, Constant) and not x.shape else None


def unscaled(operand: Operand, number: Number) -> tuple[Operand, Number]:
    """operand * number, where the operand is a multiple itself: of what, and by what."""
    x, names = operand
    own = number_in(x.operands[-1]) if isinstance(x, Compute) and x.op is MUL else None
    if own is None or not mergeable(own[0], number[0]):
        return operand, number
    assert isinstance(x, Compute)
    inner, letters = x.operands[0]
    rename = dict(zip(x.axes, names))
    return (inner, "".join([rename[c] for c in letters])), times(own, number)


def times(x: Number, y: Number) -> Number:
    """Their product."""
    return x[0] * y[0], x[1] + y[1]


def repeats(lengths: Mapping[str, int | None], held: str) -> Number:
    """How many numbers there are for each one of what has only these letters."""
    gone = [n for c, n in lengths.items() if c not in held]
    return math.prod([n for n in gone if n is not EXAMPLES]), gone.count(EXAMPLES)


def mergeable(x: float, y: float) -> bool:
    """Whether x * (y * z) may be computed as (x * y) * z: that is no more extreme than they are."""
    return bool(2.0**-1022 <= abs(x * y) < math.inf)


def numbers_of(x: Array) -> Floats:
    """The numbers of a constant."""
    assert isinstance(x, Constant)
    return x.numbers


# --- Cells -----------------------------------------------------------------------------------


def likeness(flow: Operand) -> Any:
    """What tells apart operands that cannot be stacked; sums and products only are alike."""
    x, names = flow
    if not isinstance(x, Compute) or x.op not in (MUL, None) or x.fold != "+":
        return flow
    return x.op, x.axes, names, tuple([(letters, y.shape) for y, letters in x.operands])


def flat(sources: Sequence[Array], index: Cells) -> tuple[Sequence[Array], Cells]:
    """Cells of Gathers as cells of what those gather."""
    parts = [(x.sources, x.index) if isinstance(x, Gather) else ((x,), None) for x in sources]
    inner = list(dict.fromkeys([y for ys, _ in parts for y in ys]))
    start = dict(zip(inner, np.cumsum([0, *[y.size for y in inner]])))
    cells = []
    for ys, own in parts:
        laid = np.concatenate([*[start[y] + np.arange(y.size) for y in ys], [-1]])
        cells.append(laid[:-1] if own is None else laid[own.ravel()])
    return inner, np.concatenate([*cells, [-1]])[index]


def transposed(index: Cells, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where an index reads all cells of a shape with its axes in another order: in which one."""
    if index.size != math.prod(shape) or index.ndim != len(shape):
        return None
    steps = [int(index.take(1, axis).flat[0] - index.flat[0]) for axis in range(index.ndim)]
    order = tuple(sorted(range(index.ndim), key=lambda axis: -steps[axis]))
    cells = np.arange(index.size).reshape(shape)
    straight = index.transpose(order)
    return order if straight.shape == shape and np.array_equal(straight, cells) else None


def narrow(array: Any, letters: str) -> tuple[Any, str]:
    """An array without the axes along which it repeats, those of length 1 among them."""
    if not array.ndim:
        return array, letters
    for axis in reversed(range(array.ndim if array.size else 0)):
        first = array.take([0], axis)
        if array.shape[axis] == 1 or (array == first).all():
            array, letters = first.squeeze(axis), letters[:axis] + letters[axis + 1 :]
    return np.ascontiguousarray(array).reshape(array.shape), letters


def fingerprint(array: Any) -> Any:
    """What equal arrays have in common; short, for it is kept."""
    return array.shape, array.tobytes() if array.size < 4 else blake2b(array).digest()
