"""Nests: loops over the letters of an array, by tiles that fit into the processor's registers.

Every letter is gone along in spans: so many places at once, each of one lane or of several. The
examples are always lanes; where there are none, some letter is along which numbers lie side by
side. In the middle of the loops is a point: a combination of places, each an accumulator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

from autograd_core.compiler.executors.native.elementary import where
from autograd_core.compiler.executors.native.layout import LANES
from autograd_core.compiler.executors.native.namespace import Namespace, traced
from autograd_core.compiler.executors.native.points import Combination, Frame, Point, Span
from autograd_core.compiler.executors.native.regions import Region
from autograd_core.compiler.executors.native.schedule import Nest
from autograd_core.compiler.executors.native.symbols import DOUBLE, INTEGER, Symbol, fused
from autograd_core.compiler.ir import Array, Compute
from autograd_core.engine import MUL


def write_nest(frame: Frame, region: Region, nest: Nest) -> None:
    """Write the loops of a nest."""
    Loops(frame, nest).write(region, {}, {}, list(nest.first.axes))


class Loops:
    """How a nest is gone through."""

    def __init__(self, frame: Frame, nest: Nest) -> None:
        self.frame, self.nest, self.first = frame, nest, nest.first
        self.lengths: dict[str, int] = {}
        for y, letters in ((self.first, self.first.axes), *self.first.operands):
            self.lengths.update(zip(letters, y.cells))
        every = "".join(dict.fromkeys("".join([letters for _, letters in self.first.operands])))
        self.summed = [c for c in every if c not in self.first.axes]
        self.batched = "b" in self.first.axes or "b" in self.summed
        self.lane = "b" if self.batched else self.lane_letter()
        self.summed.sort(key=lambda c: c != self.lane)  # that of the lanes is the outermost
        self.tiles = self.tile_sizes()

    def write(
        self,
        region: Region,
        index: dict[str, Symbol | int],
        spans: dict[str, Span],
        letters: Sequence[str],
    ) -> None:
        """The loops over some letters, and what is in them."""
        if not letters:
            self.middle(region, index, spans)
            return
        c, *rest = letters
        for span in self.spans(c):

            def inside(inner: Region, i: Any, span: Span = span) -> None:
                self.write(inner, {**index, c: i}, {**spans, c: span}, rest)

            region.each(span.start, span.stop, span.step, inside)

    def spans(self, c: str) -> Iterator[Span]:
        """The way along a letter: in full tiles, and then the rest."""
        if c == "b":
            yield Span(0, self.frame.padded, 1, LANES)
            return
        n, lanes = self.lengths[c], self.width(c)
        start = 0
        for places, width in ((self.tiles.get(c, 1), lanes), (1, lanes), (1, 1)):
            stop = start + (n - start) // (places * width) * places * width
            if stop > start:
                yield Span(start, stop, places, width)
            start = stop

    def width(self, c: str) -> int:
        """The lanes along a letter."""
        if c != self.lane:
            return 1
        return LANES if c == "b" or self.lengths[c] >= LANES else LANES // 2

    # --- The middle

    def middle(
        self, region: Region, index: dict[str, Symbol | int], spans: dict[str, Span]
    ) -> None:
        """Compute the first array at a point, then all others, and store what is read elsewhere."""
        point = Point(self.frame, region, index, spans)
        combinations = point.combinations(self.first.axes)
        if self.summed:
            point, found = self.total(point, combinations)
        else:
            found = {some: self.value(point, self.first, some) for some in combinations}
        for some, first in found.items():
            point.known[self.first, self.first.axes, some] = first
            for x in self.nest.computes[1:]:
                point.known[x, x.axes, some] = self.value(point, x, some)
            for x in self.nest.stored:
                self.put(point, x, some)

    def value(self, point: Point, x: Compute, combination: Combination) -> Symbol:
        """An elementwise array at a point."""
        return traced(x.op, point.region, [point.read(y, combination) for y in x.operands])

    def put(self, point: Point, x: Compute, combination: Combination) -> None:
        """Store an array's number; a sum over the examples is added to that of earlier tiles."""
        z, place = point.known[x, x.axes, combination], self.frame.layout.place[x]
        if "b" in self.summed:
            before = point.load(place, x.axes, combination)
            z = before + z if x.fold == "+" else Namespace(point.region).maximum(before, z)
        point.store(z, place, x.axes, combination)

    # --- Sums

    def total(
        self, point: Point, combinations: Sequence[Combination]
    ) -> tuple[Point, dict[Combination, Symbol]]:
        """The sums at a point; in lanes along another letter, where they were summed up."""
        start = point.region.double(0.0 if self.first.fold == "+" else -math.inf)
        inside = self.lane in self.summed
        sums = [start.wide(1 if inside else point.lanes)] * len(combinations)
        if not inside:
            return point, dict(
                zip(combinations, self.along(point, self.summed, combinations, sums))
            )
        wide, *single = self.spans(self.lane)
        sums = [start.wide(wide.lanes)] * len(combinations)
        sums = self.along(point, self.summed, combinations, sums, [wide])
        if self.first.fold == "+" and not single and (upon := self.side_by_side(point)):
            return self.across(point, upon, dict(zip(combinations, sums)))
        ends = [self.across_lanes(x) for x in sums]
        for span in single:
            ends = self.along(point, self.summed, combinations, ends, [span])
        return point, dict(zip(combinations, ends))

    def along(
        self,
        point: Point,
        letters: Sequence[str],
        combinations: Sequence[Combination],
        sums: Sequence[Symbol],
        spans: Sequence[Span] | None = None,
    ) -> list[Symbol]:
        """Go along the letters that are folded, adding to the sums."""
        if not letters:
            return self.added(point, combinations, sums)
        c, *rest = letters
        for span in spans or self.spans(c):

            def body(
                inner: Region, i: Symbol | int, held: list[Symbol], span: Span = span
            ) -> list[Symbol]:
                deeper = Point(self.frame, inner, {**point.index, c: i}, {**point.spans, c: span})
                return self.along(deeper, rest, combinations, held)

            sums = point.region.loop(span.start, span.stop, span.step, body, sums)
        return list(sums)

    def added(
        self, point: Point, combinations: Sequence[Combination], sums: Sequence[Symbol]
    ) -> list[Symbol]:
        """The sums, and what is at this point."""
        if "b" in self.summed and self.first.fold == "+":
            self.leave_out_padding(point, combinations)
        found = []
        for some, so_far in zip(combinations, sums):
            x, *more = [point.read(y, some) for y in self.first.operands]
            if self.first.op is MUL:
                found.append(fused(x, more[0], so_far))
            elif self.first.fold == "+":
                found.append(so_far + x)
            else:
                found.append(Namespace(point.region).maximum(so_far, x))
        return found

    def leave_out_padding(self, point: Point, combinations: Sequence[Combination]) -> None:
        """Read 0 for lanes that are no examples, in the operand that is read at fewer places."""
        at = [y for y in self.first.operands if "b" in y[1]]
        x, letters = min(at, key=lambda y: len({kept(some, y[1]) for some in combinations}))
        numbers = ", ".join([f"i64 {i}" for i in range(LANES)])
        lanes = Symbol(point.region.root, f"<{numbers}>", INTEGER, LANES)
        i = point.index["b"]
        assert isinstance(i, Symbol)
        inside = (lanes + i) < self.frame.here
        for some in dict.fromkeys([kept(some, letters) for some in combinations]):
            found = point.read((x, letters), some)
            point.known[x, letters, some] = where(inside, found, 0.0)

    def side_by_side(self, point: Point) -> str:
        """A letter whose places lie side by side in the result, as many as make a vector."""
        strides = dict(zip(self.first.axes, self.frame.layout.place[self.first].strides))
        fit = [c for c, n in strides.items() if n == 1 and point.spans[c].places in {4, 8}]
        return fit[0] if fit else ""

    def across(
        self, point: Point, upon: str, sums: dict[Combination, Symbol]
    ) -> tuple[Point, dict[Combination, Symbol]]:
        """Sum up lanes, so that the places along another letter are lanes."""
        span = point.spans[upon]
        spans = {**point.spans, upon: span._replace(places=1, lanes=span.places)}
        groups: dict[Combination, list[Symbol]] = {}
        for some, x in sums.items():
            key = tuple([(c, 0 if c == upon else i) for c, i in some])
            groups.setdefault(key, []).append(x)
        found = {key: summed_up(xs) for key, xs in groups.items()}
        return Point(self.frame, point.region, point.index, spans), found

    def across_lanes(self, x: Symbol) -> Symbol:
        """The sum of all lanes, or the largest."""
        if self.first.fold == "+":
            return summed_up([x])
        return reduce(Namespace(x.region).maximum, map(x.lane, range(x.lanes)))

    # --- What is gone along how

    def lane_letter(self) -> str:
        """The letter along which numbers are in lanes; none where that does not pay."""
        arrays = [(self.first, self.first.axes), *self.first.operands]

        def cost(c: str) -> float:
            reads = sum([self.cost_of(x, letters, c) for x, letters in arrays])
            return (reads + 4 * (c in self.summed)) / min(self.lengths[c], LANES)

        letters = [c for c, n in self.lengths.items() if n >= LANES // 2]
        best = min(letters, key=cost, default="")
        return best if best and cost(best) < len(arrays) else ""

    def cost_of(self, x: Array, letters: str, lane: str) -> float:
        """What it costs to reach an array in lanes: little where it is reached once for many."""
        place = self.frame.layout.place[x]
        stride = place.strides[letters.index(lane)] if lane in letters else 0
        if stride < 2:
            return 0.3 + 0.7 * stride
        lacks = [n for c, n in self.lengths.items() if c not in letters]
        return 1.0 + 8.0 / min(math.prod(lacks), LANES)

    def tile_sizes(self) -> dict[str, int]:
        """How many places at once along letters that only some operand has, and so read others again."""
        if not self.summed:
            return {}
        room = self.frame.memory.region.module.accumulators
        place = self.frame.layout.place[self.first]
        strides = dict(zip(self.first.axes, place.strides))
        own = [c for c in self.first.axes if c in strides and c != self.lane and self.own(c)]
        own.sort(
            key=lambda c: (strides[c] != 1 if self.lane in self.summed else 0, -self.lengths[c])
        )
        if not own:
            return {self.lane: 4} if self.lane in self.first.axes and self.lane != "b" else {}
        first, *more = own
        tiles = {first: fitting(self.lengths[first], min(LANES, room))}
        partner = [c for c in more if self.apart(first, c)]
        if partner and room // tiles[first] > 1:
            tiles[partner[0]] = fitting(self.lengths[partner[0]], room // tiles[first])
        return tiles

    def own(self, c: str) -> bool:
        """Whether not all operands have a letter, or there is but one operand."""
        having = [c in letters for _, letters in self.first.operands]
        return len(having) == 1 or not all(having)

    def apart(self, c: str, d: str) -> bool:
        """Whether no operand has both letters."""
        return not any(c in letters and d in letters for _, letters in self.first.operands)


def kept(combination: Combination, letters: str) -> Combination:
    """The part of a combination that concerns some letters."""
    return tuple([pair for pair in combination if pair[0] in letters])


def fitting(n: int, most: int) -> int:
    """A number of places that divides n, if one is nearly as large as most; else that."""
    divisors = [t for t in range(min(n, most), 0, -1) if n % t == 0]
    return divisors[0] if 2 * divisors[0] > min(n, most) else min(n, most)


def in_lanes(region: Region, size: int, body: Callable[[Region, Any, int], None]) -> None:
    """body(region, i, lanes) for so many places, in all lanes as long as there are enough."""
    whole = size // LANES * LANES
    region.each(0, whole, LANES, lambda inner, i: body(inner, i, LANES))
    region.each(whole, size, 1, lambda inner, i: body(inner, i, 1))


def added_up(region: Region, size: int, term: Callable[[Region, Any, int], Symbol]) -> Symbol:
    """The sum of a term for each of so many places, in all lanes as long as there are enough."""
    whole, zero = size // LANES * LANES, region.double(0.0)

    def add(lanes: int) -> Callable[[Region, Any, list[Symbol]], list[Symbol]]:
        return lambda inner, i, held: [held[0] + term(inner, i, lanes)]

    (sums,) = region.loop(0, whole, LANES, add(LANES), [zero.wide(LANES)])
    return region.loop(whole, size, 1, add(1), [summed_up([sums])])[0]


def mean_of(region: Region, first: Symbol, size: Symbol) -> Symbol:
    """The mean of numbers in a row, added up one after the other."""

    def add(inner: Region, i: Any, held: list[Symbol]) -> list[Symbol]:
        return [held[0] + inner.load(inner.at(first, i))]

    (total,) = region.loop(0, size, 1, add, [region.double(0.0)])
    return total / size.converted("sitofp", DOUBLE)


def summed_up(xs: list[Symbol]) -> Symbol:
    """The sums of the lanes of vectors, 1, 2, 4 or 8 of them, side by side: neighbours first."""
    lanes, width = xs[0].lanes, 1
    while len(xs) > 1:
        low = [i - width + lanes if i // width % 2 else i for i in range(lanes)]
        high = [i + width for i in low]
        xs = [x.shuffled(y, low) + x.shuffled(y, high) for x, y in zip(xs[::2], xs[1::2])]
        width *= 2
    (x,) = xs
    while x.lanes > max(width, 2):
        low = [i for i in range(x.lanes) if not i // width % 2]
        x = x.shuffled(x, low) + x.shuffled(x, [i + width for i in low])
    return x if width > 1 else x.lane(0) + x.lane(1)
