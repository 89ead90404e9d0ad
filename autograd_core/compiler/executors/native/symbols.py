"""Symbols: numbers in the code, with the operators of NumPy's arrays.

What is done with a symbol is written down where its operands are known, at the outermost loop where
all are: so what does not change in a loop is computed before it, without a pass that would look
for it. A symbol is one number, or one in each of several lanes; one number fits itself to lanes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from autograd_core.compiler.executors.native.regions import Region

Number: TypeAlias = "Symbol | float"

DOUBLE, INTEGER, TRUTH, POINTER = "double", "i64", "i1", "ptr"

# What an operator is on each kind of numbers.
OPERATORS = {
    "+": {DOUBLE: "fadd", INTEGER: "add", TRUTH: "or"},
    "-": {DOUBLE: "fsub", INTEGER: "sub"},
    "*": {DOUBLE: "fmul", INTEGER: "mul", TRUTH: "and"},
    "/": {DOUBLE: "fdiv"},
    "&": {INTEGER: "and", TRUTH: "and"},
    "|": {INTEGER: "or", TRUTH: "or"},
    "^": {INTEGER: "xor", TRUTH: "xor"},
    "<<": {INTEGER: "shl"},
    ">>": {INTEGER: "ashr"},
    "<": {DOUBLE: "fcmp olt", INTEGER: "icmp slt"},
    "<=": {DOUBLE: "fcmp ole", INTEGER: "icmp sle"},
    ">": {DOUBLE: "fcmp ogt", INTEGER: "icmp sgt"},
    ">=": {DOUBLE: "fcmp oge", INTEGER: "icmp sge"},
    "==": {DOUBLE: "fcmp oeq", INTEGER: "icmp eq"},
    "!=": {DOUBLE: "fcmp une", INTEGER: "icmp ne"},
}


class Symbol:
    """A number in the code, or one in each lane; what is done with it is written down.

    It has the operators of NumPy's arrays, so that formulas on arrays are traced by calling them.
    """

    __slots__ = ("kind", "lanes", "region", "text")
    __array_ufunc__ = None  # NumPy leaves it to us what number + symbol is

    def __init__(self, region: Region, text: str, kind: str = DOUBLE, lanes: int = 1) -> None:
        self.region, self.text, self.kind, self.lanes = region, text, kind, lanes

    @property
    def typed(self) -> str:
        """The text after its type."""
        return f"{type_of(self.kind, self.lanes)} {self.text}"

    def like(self, number: Number) -> Symbol:
        """A number of this kind."""
        if isinstance(number, Symbol):
            return number
        return Symbol(self.region.root, literal(number, self.kind), self.kind)

    # fmt: off
    def __add__(self, other: Number) -> Symbol: return self if zero(other) else write("+", self, other)
    def __radd__(self, other: Number) -> Symbol: return self if zero(other) else write("+", other, self)
    def __sub__(self, other: Number) -> Symbol: return write("-", self, other)
    def __rsub__(self, other: Number) -> Symbol: return write("-", other, self)
    def __mul__(self, other: Number) -> Symbol: return self if one(other) else write("*", self, other)
    def __rmul__(self, other: Number) -> Symbol: return self if one(other) else write("*", other, self)
    def __truediv__(self, other: Number) -> Symbol: return write("/", self, other)
    def __rtruediv__(self, other: Number) -> Symbol: return write("/", other, self)
    def __and__(self, other: Number) -> Symbol: return write("&", self, other)
    def __or__(self, other: Number) -> Symbol: return write("|", self, other)
    def __xor__(self, other: Number) -> Symbol: return write("^", self, other)
    def __lshift__(self, other: Number) -> Symbol: return write("<<", self, other)
    def __rshift__(self, other: Number) -> Symbol: return write(">>", self, other)
    def __lt__(self, other: Number) -> Symbol: return write("<", self, other)
    def __le__(self, other: Number) -> Symbol: return write("<=", self, other)
    def __gt__(self, other: Number) -> Symbol: return write(">", self, other)
    def __ge__(self, other: Number) -> Symbol: return write(">=", self, other)
    def __eq__(self, other: object) -> Symbol: return write("==", self, other)  # type: ignore[override,arg-type]
    def __ne__(self, other: object) -> Symbol: return write("!=", self, other)  # type: ignore[override,arg-type]
    __hash__ = None  # type: ignore[assignment]
    def __invert__(self) -> Symbol: return self ^ 1
    def __pos__(self) -> Symbol: return self
    def __neg__(self) -> Symbol: return instruction("fneg {0}", self.number)
    def __abs__(self) -> Symbol: return intrinsic("fabs", self)
    def __pow__(self, other: Number) -> Symbol: return power(self, other)
    def __rpow__(self, other: float) -> Symbol: return power(self.number.like(other), self)
    # fmt: on

    def __bool__(self) -> bool:
        raise TypeError("a formula on arrays cannot branch on numbers: use np.where")

    def __float__(self) -> float:
        raise TypeError("this number is known when the code runs, and not before")

    @property
    def number(self) -> Symbol:
        """The same; of a truth, 1 or 0."""
        return self.converted("uitofp", DOUBLE) if self.kind == TRUTH else self

    # --- Lanes and bits

    def wide(self, lanes: int) -> Symbol:
        """The number in each lane."""
        if self.lanes == lanes:
            return self
        assert self.lanes == 1
        if is_literal(self.text):
            return Symbol(self.region, f"splat ({self.kind} {self.text})", self.kind, lanes)
        key = self.text, lanes
        if key not in self.region.widened:
            vector = type_of(self.kind, lanes)
            first = self.region.let(f"insertelement {vector} poison, {self.typed}, i64 0")
            whole = f"{vector} {first}, {vector} poison, <{lanes} x i32> zeroinitializer"
            self.region.widened[key] = self.region.let(f"shufflevector {whole}")
        return Symbol(self.region, self.region.widened[key], self.kind, lanes)

    def known_in(self, region: Region) -> Symbol:
        """The same, with what is done to it written in a certain region."""
        return Symbol(region, self.text, self.kind, self.lanes)

    def as_kind(self, kind: str) -> Symbol:
        """The same bits, read as another kind of number."""
        target = type_of(kind, self.lanes)
        text = self.region.let(f"bitcast {self.typed} to {target}")
        return Symbol(self.region, text, kind, self.lanes)

    def converted(self, how: str, kind: str) -> Symbol:
        """The number as another kind, by one of LLVM's conversions."""
        text = self.region.let(f"{how} {self.typed} to {type_of(kind, self.lanes)}")
        return Symbol(self.region, text, kind, self.lanes)

    def lane(self, i: int) -> Symbol:
        """One number of several."""
        if self.lanes == 1:
            return self
        return Symbol(
            self.region, self.region.let(f"extractelement {self.typed}, i64 {i}"), self.kind
        )

    def shuffled(self, other: Symbol, lanes: Sequence[int]) -> Symbol:
        """Lanes picked from two symbols, those of the other one numbered after our own."""
        picks = ", ".join([f"i32 {i}" for i in lanes])
        text = f"shufflevector {self.typed}, {other.typed}, <{len(lanes)} x i32> <{picks}>"
        region = deepest([self, other])
        return Symbol(region, region.let(text), self.kind, len(lanes))


# --- What is written -------------------------------------------------------------------------


def write(operator: str, x: Number, y: Number) -> Symbol:
    """An operator's line."""
    if not (isinstance(x, (Symbol, int, float)) and isinstance(y, (Symbol, int, float))):
        return NotImplemented
    kinds = {kind_of(x), kind_of(y)}
    if kinds == {TRUTH, DOUBLE} and operator in "&|^":
        raise TypeError(f"{operator} is of truths or of whole numbers, and not of both")
    symbol = x if isinstance(x, Symbol) else y
    assert isinstance(symbol, Symbol)
    logical = operator in "&|^" or kinds == {TRUTH}
    if TRUTH in kinds and not (logical and TRUTH in OPERATORS[operator]):
        return write(operator, number(x), number(y))
    name = OPERATORS[operator][symbol.kind]
    kind = TRUTH if "cmp" in name else symbol.kind
    return instruction(f"{name} {{0}}, {{1}}", symbol.like(x), symbol.like(y), kind=kind)


def kind_of(x: Number) -> str:
    """The kind of a symbol; none for a number."""
    return x.kind if isinstance(x, Symbol) else ""


def number(x: Number) -> Number:
    """x, and 1 or 0 for a truth."""
    return x.number if isinstance(x, Symbol) else x


def truth(x: Any) -> Any:
    """Whether this holds: a truth itself, or a number that is not 0."""
    return x if kind_of(x) == TRUTH else x != 0.0


def instruction(form: str, *operands: Symbol, kind: str | None = None) -> Symbol:
    """A line, of operands made equally wide; only the first has its type written before it."""
    lanes = max([x.lanes for x in operands])
    first, *rest = [x.wide(lanes) for x in operands]
    region = deepest([first, *rest])
    text = region.let(form.format(first.typed, *[x.text for x in rest]))
    return Symbol(region, text, kind or first.kind, lanes)


def call(name: str, *operands: Symbol) -> Symbol:
    """A function of the operands, which has their type."""
    lanes = max([x.lanes for x in operands])
    xs = [x.wide(lanes) for x in operands]
    region, result = deepest(xs), type_of(xs[0].kind, lanes)
    text = region.let(f"call {result} @{name}({', '.join([x.typed for x in xs])})")
    return Symbol(region, text, xs[0].kind, lanes)


def intrinsic(name: str, *operands: Symbol) -> Symbol:
    """One of LLVM's own functions on doubles."""
    lanes = max([x.lanes for x in operands])
    full = f"llvm.{name}." + (f"v{lanes}f64" if lanes > 1 else "f64")
    kind, xs = type_of(DOUBLE, lanes), [x.number for x in operands]
    return call(xs[0].region.module.declare(full, kind, [kind] * len(xs)), *xs)


def fused(x: Number, y: Number, z: Number) -> Symbol:
    """x * y + z, rounded once where the processor can."""
    symbol = next(s for s in (x, y, z) if isinstance(s, Symbol))
    return intrinsic("fmuladd", *map(symbol.like, (x, y, z)))


def select(condition: Symbol, x: Symbol, y: Symbol) -> Symbol:
    """x where a condition holds, else y."""
    lanes = max(condition.lanes, x.lanes, y.lanes)
    some = condition.wide(lanes), x.wide(lanes), y.wide(lanes)
    region = deepest(some)
    text = region.let(f"select {', '.join([symbol.typed for symbol in some])}")
    return Symbol(region, text, x.kind, lanes)


def power(x: Symbol, y: Number) -> Symbol:
    """x ** y; for a small whole number, and for 0.5, as it is computed by hand."""
    if isinstance(y, Symbol):
        return library("pow", x, y)
    if y == 0.5:
        return intrinsic("sqrt", x) + 0.0  # of -0.0 it is 0.0
    if y == 0 or y != int(y) or abs(y) > 3:
        return library("pow", x, x.like(y))
    base = x.number if y > 0 else 1.0 / x
    product = base
    for _ in range(abs(int(y)) - 1):
        product = product * base
    return product


def library(name: str, *operands: Symbol) -> Symbol:
    """A function of the C library, for each lane."""
    operands = tuple([x.number for x in operands])
    region, lanes = deepest(operands), max([x.lanes for x in operands])
    region.module.declare(name, DOUBLE, [DOUBLE] * len(operands))
    if lanes == 1:
        return call(name, *operands)
    whole = Symbol(region, "poison", DOUBLE, lanes)
    for i in range(lanes):
        z = call(name, *[x.wide(lanes).lane(i) for x in operands])
        whole = Symbol(
            region, region.let(f"insertelement {whole.typed}, {z.typed}, i64 {i}"), DOUBLE, lanes
        )
    return whole


# --- Small facts -----------------------------------------------------------------------------


def type_of(kind: str, lanes: int) -> str:
    """What LLVM calls so many numbers of a kind."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def literal(x: Number, kind: str) -> str:
    """A number as LLVM writes it; a double by its bits."""
    assert not isinstance(x, Symbol)
    if kind != DOUBLE:
        return str(int(x))
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"


def is_literal(text: str) -> bool:
    """Whether a text is a number rather than a name."""
    return text[0] != "%"


def deepest(symbols: Sequence[Symbol]) -> Region:
    """The innermost of the regions in which some symbols are known."""
    return max([x.region for x in symbols], key=lambda region: region.depth)


def zero(x: object) -> bool:
    """Whether this is the 0 that sum() starts with, or a step of no length."""
    return type(x) is int and x == 0


def one(x: object) -> bool:
    """Whether this is a whole 1."""
    return type(x) is int and x == 1
