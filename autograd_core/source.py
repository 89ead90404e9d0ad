"""A graph as the Python program that it is: one line for each Value, forward and backward.

The lines come from the derivative table. An op's array form and its partials are given symbols in
place of arrays: what they compute on a symbol is the text of the computation.

>>> a, b = Value(2.0, "a"), Value(3.0, "b")
>>> print(to_python((a * b).tanh() + a))
import math
<BLANKLINE>
a = 2.0
b = 3.0
<BLANKLINE>
v2 = a * b
v3 = math.tanh(v2)
v4 = v3 + a
<BLANKLINE>
grad_v4 = 1.0
grad_v3 = grad_v4
grad_v2 = (1 - v3 * v3) * grad_v3
grad_b = a * grad_v2
grad_a = grad_v4 + b * grad_v2
<BLANKLINE>
print("v4 =", v4)
print("grad_a =", grad_a)
print("grad_b =", grad_b)
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core.engine import Value, topological


def to_python(root: Value) -> str:
    """The program that computes `root` and its gradients, on the standard library alone.

    Values keep their labels as far as Python allows. Leaves without a label are constants, and
    have no gradient there; those of the others are printed at the end.
    """
    order = topological(root)
    name = variables(order)
    leaves = [v for v in order if v.op is None and v.label]
    shown = [name[root], *[f"grad_{name[v]}" for v in leaves]]
    parts = [
        ["import math"],
        [f"{name[v]} = {literal(v.data)}" for v in order if v.op is None],
        [f"{name[v]} = {value_of(v, name)}" for v in order if v.op],
        [f"grad_{name[v]} = {grad}" for v, grad in gradients(order, name) if v.op or v.label],
        [f'print("{variable} =", {variable})' for variable in shown],
    ]
    return "\n\n".join(["\n".join(part) for part in parts if part])


def literal(x: float) -> str:
    """A number as Python writes it."""
    x = float(x)  # an array's number would be written as one
    return repr(x) if math.isfinite(x) else f"float({str(x)!r})"


def variables(order: Sequence[Value]) -> dict[Value, str]:
    """A variable for each Value: its label if Python takes it, else v and its place."""
    taken = {"math", *keyword.kwlist, *dir(builtins)}
    result = {}
    for i, v in enumerate(order):
        label = unicodedata.normalize("NFKC", v.label)  # as Python reads names: µ and μ are one
        variable = re.sub(r"\W+", "_", label).strip("_")
        if not variable.isidentifier() or variable in taken or variable.startswith("grad_"):
            variable = f"v{i}"
        while variable in taken:
            variable += "_"
        taken.add(variable)
        result[v] = variable
    return result


def value_of(v: Value, name: dict[Value, str]) -> Any:
    """How a Value is computed from its parents."""
    assert v.op is not None
    return v.op.on(PYTHON)(*[Symbol(name[parent]) for parent in v.parents])


def gradients(order: Sequence[Value], name: dict[Value, str]) -> list[tuple[Value, Any]]:
    """How each gradient is computed, from the root back."""
    terms: dict[Value, list[Any]] = {v: [] for v in order}
    terms[order[-1]] = [1.0]
    result = []
    for v in reversed(order):
        result.append((v, sum(terms[v])))
        if v.op is None:
            continue
        partials = v.op.partials(Symbol(name[v]), *[Symbol(name[p]) for p in v.parents])
        for parent, partial in zip(v.parents, partials):
            terms[parent].append(scaled(partial, Symbol(f"grad_{name[v]}")))
    return result


def scaled(partial: Any, grad: Symbol) -> Any:
    """partial * grad, without a factor of 1."""
    if isinstance(partial, Symbol):
        return partial * grad
    return grad if partial == 1 else -grad if partial == -1 else partial * grad


# --- Symbols ---------------------------------------------------------------------------------

COMPARE, PLUS, TIMES, UNARY, POWER, ATOM = range(6)  # how tightly an expression holds together
MOST_TERMS = 50  # of a sum that is written with +, which Python reads by a recursion


@dataclass(frozen=True, eq=False)
class Symbol:
    """The text of a Python expression, in parts, which operators and functions extend."""

    parts: Any  # a text, or a tuple of texts and Symbols: a long sum is put together once
    level: int = ATOM

    def __str__(self) -> str:
        texts: list[str] = []
        rest: list[Any] = [self]
        while rest:
            part = rest.pop()
            if isinstance(part, Symbol):
                rest.append(as_sum(part) or part.parts)
            elif isinstance(part, str):
                texts.append(part)
            else:
                rest += reversed(part)
        return "".join(texts)

    def __array_namespace__(self) -> Python:
        return PYTHON

    # fmt: off
    def __add__(self, other: Any) -> Symbol: return infix(self, "+", other, PLUS)
    def __radd__(self, other: Any) -> Symbol: return infix(other, "+", self, PLUS)
    def __sub__(self, other: Any) -> Symbol: return infix(self, "-", other, PLUS)
    def __rsub__(self, other: Any) -> Symbol: return infix(other, "-", self, PLUS)
    def __mul__(self, other: Any) -> Symbol: return infix(self, "*", other, TIMES)
    def __rmul__(self, other: Any) -> Symbol: return infix(other, "*", self, TIMES)
    def __truediv__(self, other: Any) -> Symbol: return infix(self, "/", other, TIMES)
    def __rtruediv__(self, other: Any) -> Symbol: return infix(other, "/", self, TIMES)
    def __pow__(self, other: Any) -> Symbol: return infix(self, "**", other, POWER)
    def __rpow__(self, other: Any) -> Symbol: return infix(other, "**", self, POWER)
    def __neg__(self) -> Symbol: return Symbol(f"-{within(self, UNARY)}", UNARY)
    def __abs__(self) -> Symbol: return Symbol(f"abs({self})")
    def __gt__(self, other: Any) -> Symbol: return infix(self, ">", other, COMPARE)
    def __ge__(self, other: Any) -> Symbol: return infix(self, ">=", other, COMPARE)
    def __lt__(self, other: Any) -> Symbol: return infix(self, "<", other, COMPARE)
    def __le__(self, other: Any) -> Symbol: return infix(self, "<=", other, COMPARE)
    # fmt: on


def infix(x: Any, operator: str, y: Any, level: int) -> Symbol:
    """x operator y, each in parentheses where Python would read it otherwise."""
    if operator == "+" and not isinstance(x, Symbol) and x == 0:
        return y if isinstance(y, Symbol) else Symbol(repr(y))  # sum() starts from 0
    left, right = within(x, level + (operator == "**")), within(y, level + (operator != "+"))
    return Symbol((left, f" {operator} ", right), level)


def as_sum(x: Symbol) -> tuple[Any, ...] | None:
    """The parts of a long sum as Python adds up a list, in the same order."""
    terms: list[Symbol] = []
    while x.level == PLUS and len(x.parts) == 3 and x.parts[1] == " + ":
        x, _, last = x.parts
        terms.append(last)
    if len(terms) < MOST_TERMS:
        return None
    commas = [part for term in reversed(terms) for part in (", ", term)]
    return ("sum([", x, *commas, "])")


def within(x: Any, level: int) -> Symbol:
    """An operand, in parentheses where it holds together less tightly than it must."""
    if not isinstance(x, Symbol):
        x = Symbol(repr(x), UNARY if x < 0 else ATOM)
    return x if x.level >= level else Symbol(("(", x, ")"))


class Python:
    """What an array library's functions are in Python, on symbols."""

    add = staticmethod(lambda x, y: x + y)
    subtract = staticmethod(lambda x, y: x - y)
    multiply = staticmethod(lambda x, y: x * y)
    divide = true_divide = staticmethod(lambda x, y: x / y)
    remainder = staticmethod(lambda x, y: infix(x, "%", y, TIMES))
    power = float_power = staticmethod(lambda x, y: x**y)
    negative = staticmethod(lambda x: -x)
    positive = staticmethod(lambda x: x)
    square = staticmethod(lambda x: x * x)
    reciprocal = staticmethod(lambda x: 1.0 / x)
    where = staticmethod(lambda c, x, y: Symbol(f"({x} if {c} else {y})"))
    maximum = fmax = staticmethod(lambda x, y: Symbol(f"max({x}, {y})"))
    minimum = fmin = staticmethod(lambda x, y: Symbol(f"min({x}, {y})"))
    clip = staticmethod(lambda x, low, high: Symbol(f"min(max({x}, {low}), {high})"))
    sign = staticmethod(lambda x: Symbol(f"float(({x} > 0) - ({x} < 0))"))
    abs = absolute = staticmethod(abs)

    def __getattr__(self, name: str) -> Any:
        """What has that name in Python's `math`: a function, on symbols, or a number."""
        name = re.sub("^arc", "a", name)  # atan for arctan
        found = getattr(math, name, None)
        if found is None:
            raise AttributeError(f"Python's math has no {name}")
        if not callable(found):
            return found
        return lambda *xs: Symbol(f"math.{name}({', '.join(map(str, xs))})")


PYTHON = Python()
