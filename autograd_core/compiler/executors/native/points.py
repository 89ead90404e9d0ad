"""Points: the middle of a nest of loops, and how an array's numbers are reached from there."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple, TypeAlias

from autograd_core.compiler.executors.native.layout import ROW, Layout, Place
from autograd_core.compiler.executors.native.regions import Region
from autograd_core.compiler.executors.native.symbols import Symbol
from autograd_core.compiler.ir import Array, Constant, Operand

Combination: TypeAlias = "tuple[tuple[str, int], ...]"  # of each letter, which of its places


class Frame(NamedTuple):
    """What a function of the program is given: memory, tables, and how many examples.

    `here` are those in this tile, and `padded` is the next multiple of the lanes.
    """

    layout: Layout
    memory: Symbol
    tables: Symbol
    here: Symbol
    padded: Symbol
    examples: Symbol


class Span(NamedTuple):
    """Some of the way along a letter: so many places at once, each of so many lanes."""

    start: int
    stop: Symbol | int
    places: int = 1
    lanes: int = 1

    @property
    def step(self) -> int:
        """How far it is from one round to the next."""
        return self.places * self.lanes


class Point:
    """The middle of the loops: an index for each letter, and the numbers that are known there."""

    def __init__(
        self,
        frame: Frame,
        region: Region,
        index: Mapping[str, Symbol | int],
        spans: Mapping[str, Span],
    ) -> None:
        self.frame, self.region, self.index, self.spans = frame, region, index, spans
        self.lane = next((c for c, span in spans.items() if span.lanes > 1), "")
        self.lanes = spans[self.lane].lanes if self.lane else 1
        self.bases: dict[tuple[Place, str], Symbol] = {}
        self.known: dict[tuple[Array, str, Combination], Symbol] = {}

    def combinations(self, letters: str) -> list[Combination]:
        """All combinations of places."""
        return list(product(*[[(c, i) for i in range(self.spans[c].places)] for c in letters]))

    def read(self, operand: Operand, combination: Combination) -> Symbol:
        """An operand's number, or those in all lanes; read once."""
        x, letters = operand
        if isinstance(x, Constant) and x not in self.frame.layout.raw and not x.shape:
            return self.region.double(x.numbers.item())
        mine = tuple([pair for pair in combination if pair[0] in letters])
        key = x, letters, mine
        if key not in self.known:
            self.known[key] = self.load(self.frame.layout.place[x], letters, mine)
        return self.known[key]

    def load(self, place: Place, letters: str, combination: Combination) -> Symbol:
        """The number in memory, or those in all lanes."""
        stride = self.stride(place, letters)
        first = self.pointer(place, letters, combination)
        if stride == 0:
            return self.region.load(first)
        if stride == 1:
            return self.region.load(first, lanes=self.lanes, align=64 if self.lane == "b" else 8)
        whole = Symbol(self.region, "poison", lanes=self.lanes)
        for i in range(self.lanes):
            x = self.region.load(self.region.at(first, i * stride))
            text = self.region.let(f"insertelement {whole.typed}, {x.typed}, i64 {i}")
            whole = Symbol(self.region, text, lanes=self.lanes)
        return whole

    def store(self, x: Symbol, place: Place, letters: str, combination: Combination) -> None:
        """Put a number into memory, or those of all lanes."""
        stride = self.stride(place, letters)
        first = self.pointer(place, letters, combination)
        if stride == 1:
            aligned = 64 if self.lane == "b" else 8
            self.region.store(x.wide(self.lanes), first, align=aligned)
            return
        for i in range(self.lanes if stride else 1):
            self.region.store(x.lane(i), self.region.at(first, i * stride))

    def stride(self, place: Place, letters: str) -> int:
        """How far apart the lanes lie in memory."""
        if not self.lane or self.lane not in letters:
            return 0
        return 1 if self.lane == "b" else place.strides[letters.index(self.lane)]

    def pointer(self, place: Place, letters: str, combination: Combination) -> Symbol:
        """Where an array's number is, or the first of the lanes."""
        steps = dict(zip(letters, place.strides))
        unit = ROW if place.batched else 1
        key = place, letters
        if key not in self.bases:
            offset: Symbol | int = 0
            for c, stride in steps.items():
                if stride and isinstance(self.index[c], Symbol):
                    offset = self.index[c] * (stride * unit) + offset
            if place.batched:
                offset = self.index["b"] + offset
            self.bases[key] = self.region.at(self.frame.memory, offset)
        fixed = place.start * unit + (self.frame.layout.first_row if place.batched else 0)
        for c, stride in steps.items():
            i = self.index[c]
            fixed += 0 if isinstance(i, Symbol) else i * stride * unit
        for c, i in combination:
            fixed += i * self.spans[c].lanes * (1 if c == "b" else steps[c] * unit)
        return self.region.at(self.bases[key], fixed)
