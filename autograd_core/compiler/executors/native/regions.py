"""Regions of LLVM's language: lines that run in turn, loops and branches, functions, a module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from autograd_core.compiler.executors.native.symbols import (
    DOUBLE,
    INTEGER,
    POINTER,
    Symbol,
    deepest,
    literal,
    type_of,
    zero,
)

UNROLLED = 2  # so many rounds of a loop are written one after the other


class Region:
    """Code that runs line after line; a loop in it is a region of its own until it is whole."""

    def __init__(self, module: Module, parent: Region | None = None, label: str = "entry") -> None:
        self.module = module
        self.depth: int = parent.depth + 1 if parent else 0
        self.root: Region = parent.root if parent else self
        self.counter: list[int] = parent.counter if parent else [0]
        self.lines: list[str] = []
        self.label = label  # of the basic block that is being written
        self.widened: dict[tuple[str, int], str] = {}

    def name(self) -> str:
        """A name that is new in this function."""
        self.counter[0] += 1
        return f"v{self.counter[0]}"

    def let(self, text: str) -> str:
        """Write a line that computes something; its name."""
        name = f"%{self.name()}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Write a line."""
        self.lines.append(f"  {text}")

    def integer(self, i: int) -> Symbol:
        """A whole number."""
        return Symbol(self.root, str(i), INTEGER)

    def double(self, x: float) -> Symbol:
        """A number."""
        return Symbol(self.root, literal(x, DOUBLE))

    # --- Loops and branches

    def begin(self, label: str) -> None:
        """Go on in a new basic block."""
        self.lines.append(f"{label}:")
        self.label = label

    def repeat(
        self,
        carried: Sequence[Symbol],
        body: Callable[[Region, list[Symbol]], tuple[Symbol, Sequence[Symbol]]],
    ) -> list[Symbol]:
        """Once, and again as long as the body says so: body(region, carried) -> (again, carried)."""
        inner = Region(self.module, self, self.name())
        held = [Symbol(inner, f"%{self.name()}", x.kind, x.lanes) for x in carried]
        head, end = inner.label, self.name()
        again, after = body(inner, held)
        self.do(f"br label %{head}")
        edges = f"%{self.label}", f"%{inner.label}"
        self.begin(head)
        for x, before, y in zip(held, carried, after, strict=True):
            both = f"[{before.text}, {edges[0]}], [{y.text}, {edges[1]}]"
            self.do(f"{x.text} = phi {type_of(x.kind, x.lanes)} {both}")
        self.lines += inner.lines
        self.do(f"br i1 {again.text}, label %{head}, label %{end}")
        self.begin(end)
        return [y.known_in(self) for y in after]

    def loop(
        self,
        start: Symbol | int,
        stop: Symbol | int,
        step: int,
        body: Callable[[Region, Any, list[Symbol]], Sequence[Symbol]],
        carried: Sequence[Symbol],
    ) -> list[Symbol]:
        """body(region, i, carried) for i from start up to stop; what the last round carried.

        There is a round at least, unless start and stop are known beforehand.
        """
        if isinstance(start, int) and isinstance(stop, int) and stop - start <= UNROLLED * step:
            for i in range(start, stop, step):
                carried = list(body(self, i, list(carried)))
            return list(carried)

        def once(inner: Region, held: list[Symbol]) -> tuple[Symbol, list[Symbol]]:
            i, *rest = held
            after = list(body(inner, i, rest))
            following = (i + step).known_in(inner)
            return following < stop, [following, *after]

        _, *after = self.repeat([self.integer(0).like(start), *carried], once)
        return after

    def each(
        self,
        start: Symbol | int,
        stop: Symbol | int,
        step: int,
        body: Callable[[Region, Any], None],
    ) -> None:
        """body(region, i) for i from start up to stop; a round at least, as in `loop`."""

        def once(inner: Region, i: Any, _: list[Symbol]) -> list[Symbol]:
            body(inner, i)
            return []

        self.loop(start, stop, step, once, [])

    def when(
        self,
        condition: Symbol,
        body: Callable[[Region], Sequence[Symbol]],
        others: Sequence[Symbol],
    ) -> list[Symbol]:
        """What the body computes where a condition holds, and other symbols where not."""
        inner, end = Region(self.module, self, self.name()), self.name()
        head = inner.label
        found = body(inner)
        before = self.label
        self.do(f"br i1 {condition.text}, label %{head}, label %{end}")
        self.begin(head)
        self.lines += inner.lines
        self.do(f"br label %{end}")
        self.begin(end)
        made = []
        for x, y in zip(found, others, strict=True):
            edges = f"[{x.text}, %{inner.label}], [{y.text}, %{before}]"
            text = self.let(f"phi {type_of(y.kind, y.lanes)} {edges}")
            made.append(Symbol(self, text, y.kind, y.lanes))
        return made

    # --- Memory

    def at(self, pointer: Symbol, index: Symbol | int, kind: str = DOUBLE) -> Symbol:
        """A pointer to one of the numbers that lie in a row."""
        if zero(index):
            return pointer
        i = index if isinstance(index, Symbol) else self.integer(index)
        region = deepest([pointer, i])
        text = region.let(f"getelementptr inbounds {kind}, {pointer.typed}, {i.typed}")
        return Symbol(region, text, POINTER)

    def load(self, place: Symbol, kind: str = DOUBLE, lanes: int = 1, align: int = 8) -> Symbol:
        """The number there, or as many as there are lanes."""
        text = self.let(f"load {type_of(kind, lanes)}, {place.typed}, align {align}")
        return Symbol(self, text, kind, lanes)

    def store(self, x: Symbol, place: Symbol, align: int = 8) -> None:
        """Put a number there."""
        self.do(f"store {x.typed}, {place.typed}, align {align}")


class Module:
    """Functions, each written once, and declarations of what they call."""

    def __init__(
        self, *, fused: bool = True, accumulators: int = 16, x86: bool = True, library: bool = True
    ) -> None:
        self.fused = fused  # whether the processor multiplies and adds in one, exactly
        self.accumulators = accumulators  # how many vectors of eight numbers it has at hand
        self.x86 = x86
        self.library = library  # whether all of the C library is at hand
        self.functions: dict[str, str] = {}
        self.declared: dict[str, str] = {}

    def function(
        self,
        name: str,
        arguments: Sequence[tuple[str, str, int]],
        body: Callable[..., Symbol | None],
        *,
        exported: bool = False,
    ) -> None:
        """Write a function once: body(region, *arguments) returns what it returns.

        An argument is a name, the kind of number, and the number of lanes.
        """
        if name in self.functions:
            return
        self.functions[name] = ""
        region = Region(self)
        symbols = [Symbol(region, f"%{x}", kind, lanes) for x, kind, lanes in arguments]
        result = body(region, *symbols)
        region.do(f"ret {result.typed}" if result is not None else "ret void")
        kind = type_of(result.kind, result.lanes) if result is not None else "void"
        given = ", ".join([symbol.typed for symbol in symbols])
        linkage = "" if exported else "internal "
        lines = [f"define {linkage}{kind} @{name}({given}) {{", "entry:", *region.lines, "}"]
        del self.functions[name]  # after those that it calls
        self.functions[name] = "\n".join(lines)

    def declare(self, name: str, result: str, arguments: Sequence[str]) -> str:
        """Note a function that is defined elsewhere; its name."""
        self.declared[name] = f"declare {result} @{name}({', '.join(arguments)})"
        return name

    def __str__(self) -> str:
        return "\n\n".join(chain(self.functions.values(), self.declared.values())) + "\n"
