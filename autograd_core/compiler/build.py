"""The builder: arrays in order, equal ones once, constants folded, repeated axes left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.index import fingerprint, narrow, owned, stops_of, transposed
from autograd_core.compiler.ir import (
    EXAMPLES,
    NAMES,
    Array,
    Cells,
    Compute,
    Constant,
    Gather,
    Leaf,
    Operand,
    Scatter,
    aligned,
)
from autograd_core.compiler.merge import IDENTITY
from autograd_core.compiler.multiples import (
    ONE,
    Number,
    number_in,
    repeats,
    times,
    unscaled,
)
from autograd_core.engine import ADD, MUL, SUB, Op

Piece: TypeAlias = "tuple[Operand, Cells]"

STACKED = 4  # from so many like contributions on, one sum over an axis more is quicker


class Builder:
    """Makes arrays; `order` has all that were made, each after those that it reads."""

    def __init__(self) -> None:
        self.order: list[Array] = []
        self.known: dict[Any, Array] = {}
        self.stops: dict[Gather, Cells] = {}  # where each of its sources ends

    def new(self, key: Any, make: Callable[..., Array], *made_of: Any) -> Array:
        """The array known by this key, made if there is none yet."""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = make(*made_of)
            self.order.append(found)
        return found

    def computed(self, *how: Any) -> Array:
        """A Compute, known by all that it is made of."""
        return self.new(how, Compute, *how)

    def leaf(self, name: str, size: int, *, batched: bool) -> Leaf:
        """A row of numbers that are given at each run."""
        leaf = Leaf((size, EXAMPLES) if batched else (size,), name)
        self.order.append(leaf)
        return leaf

    def constant(self, numbers: Any, letters: str = "", power: int = 0) -> Operand:
        """Numbers times n**power, without the axes along which they repeat."""
        if type(numbers) is not float:  # which most are
            numbers, letters = narrow(np.asarray(numbers, float), letters)
            if numbers.shape:
                key = ("constant", fingerprint(numbers), power)
                return self.new(key, Constant, numbers.shape, numbers, power), letters
            numbers = float(numbers)
        key = ("constant", repr(numbers), power)
        found = self.known.get(key)
        return found or self.new(key, Constant, (), np.array(numbers), power), ""

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
            held = "".join([c for c in dict.fromkeys(out + there) if c in there]) if there else ""
            x = self.plain(op, operands, held)
        if there:
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
            if x[1] != y[1]:
                arrays = [self.summed(x, y[1] + out), self.summed(y, x[1] + out)]
            whole = self.plain(MUL, arrays, out)
        if number == ONE:
            return whole
        return self.plain(MUL, [whole, self.constant(number[0], power=number[1])], out)

    def summed(self, x: Operand, kept: str) -> Operand:
        """An operand, summed over the letters that are not kept."""
        own = "".join([c for c in x[1] if c in kept])
        return self.plain(None, [x], own) if own != x[1] else x

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
        if not held:  # of single numbers, there may be very many
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
        constants = []
        for x, names in operands:
            if not isinstance(x, Constant):  # as in most cases
                return None
            constants.append((x, names))
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
            inner, index = self.flat(sources, index)
            return self.gather(inner, index, letters) if inner else self.constant(0.0)
        if isinstance(first, Constant) and not more and (index >= 0).all():
            return self.constant(first.numbers.ravel()[index], letters, first.power)
        key = ("gather", *sources, fingerprint(index))
        new = self.new(key, Gather, (*index.shape, *rest), tuple(sources), index)
        return new, letters + "b" * len(rest)

    def flat(self, sources: Sequence[Array], index: Cells) -> tuple[list[Array], Cells]:
        """Cells of Gathers as cells of what those gather, as far as it is read."""
        start, end, found = dict[Array, int](), 0, np.full(index.size, -1)
        for k, places, cells in owned(stops_of(sources), index):
            for y, some, own in self.read(sources[k], cells):
                if y not in start:
                    start[y], end = end, end + y.size
                found[places[some]] = start[y] + own
        return list(start), found.reshape(index.shape)

    def read(self, x: Array, cells: Cells) -> Iterator[tuple[Array, Any, Cells]]:
        """The arrays that have some cells: which of them each has, and where there."""
        if not isinstance(x, Gather):
            yield x, slice(None), cells
            return
        if x not in self.stops:
            self.stops[x] = stops_of(x.sources)
        for k, places, own in owned(self.stops[x], x.index.ravel()[cells]):
            yield x.sources[k], places, own

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
            total = np.zeros(like.size + 1)  # one cell more, for what is added to none
            for (x, names), index in pieces:
                assert isinstance(x, Constant)
                np.add.at(total, index, aligned(x.numbers, names, NAMES[: index.ndim]))
            numbers = total[:-1].reshape(like.cells)
            return self.constant(numbers, like.axes.rstrip("b"), powers.pop() or 0)
        known_by = [(operand, fingerprint(index)) for operand, index in pieces]
        key = ("scatter", shape, *known_by)
        return self.new(key, Scatter, shape, tuple(pieces)), like.axes

    # --- Sums of many

    def total(self, flows: Sequence[Operand], out: str) -> Operand:
        """The sum of operands: equal ones as a multiple, many like ones as one sum."""
        if len(flows) == 1:
            return flows[0]
        if len(flows) == 2 and flows[0] != flows[1]:
            return self.plain(ADD, flows, out)
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


def likeness(flow: Operand) -> Any:
    """What tells apart operands that cannot be stacked; sums and products only are alike."""
    x, names = flow
    if not isinstance(x, Compute) or x.op not in (MUL, None) or x.fold != "+":
        return flow
    return x.op, x.axes, names, tuple([(letters, y.shape) for y, letters in x.operands])
