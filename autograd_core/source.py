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
from functools import partial, reduce
from typing import Any

from autograd_core.engine import Value, topological
from autograd_core.formulas import ATOMS, COMPARISONS, Formula, applied, infix, negative, number


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
    x = x if isinstance(x, int) else float(x)  # an array's number would be written as one
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
    return v.op.on(PYTHON)(*[symbol(name[parent]) for parent in v.parents])


def gradients(order: Sequence[Value], name: dict[Value, str]) -> list[tuple[Value, Any]]:
    """How each gradient is computed, from the root back."""
    terms: dict[Value, list[Any]] = {v: [] for v in order}
    terms[order[-1]] = [1.0]
    result = []
    for v in reversed(order):
        result.append((v, sum(terms[v])))
        if v.op is None:
            continue
        slopes = v.op.partials(symbol(name[v]), *[symbol(name[p]) for p in v.parents])
        for parent, slope in zip(v.parents, slopes):
            terms[parent].append(scaled(slope, symbol(f"grad_{name[v]}")))
    return result


def scaled(slope: Any, grad: Symbol) -> Any:
    """slope * grad, without a factor of 1."""
    if isinstance(slope, Symbol):
        return slope * grad
    return grad if slope == 1 else -grad if slope == -1 else slope * grad


# --- Symbols ---------------------------------------------------------------------------------

MOST_TERMS = 50  # of a sum that is written with +, which Python reads by a recursion


@dataclass(frozen=True, eq=False)
class Symbol:
    """A Python expression that operators and functions extend: a term, and what it is added to."""

    term: Formula
    before: Symbol | None = None  # a long sum is put together once

    @property
    def formula(self) -> Formula:
        """The expression; a long sum as Python adds up a list, in the same order.

        From Python 3.12 on, `sum` carries along what rounding loses, unless it starts from no
        number.
        """
        if self.before is None:  # as most are
            return self.term
        terms, symbol = [self.term], self
        while symbol.before is not None:
            symbol = symbol.before
            terms.append(symbol.term)
        if len(terms) > MOST_TERMS:
            listed = ", ".join([x.text for x in reversed(terms)])
            return Formula(f"sum([{listed}], start=False)")
        return reduce(partial(infix, "+"), reversed(terms))

    def __str__(self) -> str:
        return self.formula.text

    def __array_namespace__(self) -> Python:
        return PYTHON

    def __add__(self, other: Any) -> Symbol:
        return Symbol(formula_of(other), self)

    def __radd__(self, other: Any) -> Symbol:
        if other == 0:  # where sum() starts
            return self
        return Symbol(self.formula, Symbol(formula_of(other)))

    # fmt: off
    def __sub__(self, other: Any) -> Symbol: return written("-", self, other)
    def __rsub__(self, other: Any) -> Symbol: return written("-", other, self)
    def __mul__(self, other: Any) -> Symbol: return written("*", self, other)
    def __rmul__(self, other: Any) -> Symbol: return written("*", other, self)
    def __truediv__(self, other: Any) -> Symbol: return written("/", self, other)
    def __rtruediv__(self, other: Any) -> Symbol: return written("/", other, self)
    def __mod__(self, other: Any) -> Symbol: return remainder(self, other)
    def __rmod__(self, other: Any) -> Symbol: return remainder(other, self)
    def __pow__(self, other: Any) -> Symbol: return written("**", self, other)
    def __rpow__(self, other: Any) -> Symbol: return written("**", other, self)
    def __gt__(self, other: Any) -> Symbol: return written(">", self, other)
    def __ge__(self, other: Any) -> Symbol: return written(">=", self, other)
    def __lt__(self, other: Any) -> Symbol: return written("<", self, other)
    def __le__(self, other: Any) -> Symbol: return written("<=", self, other)
    def __neg__(self) -> Symbol: return Symbol(negative(self.formula))
    def __abs__(self) -> Symbol: return called("abs", self)
    # fmt: on


def symbol(variable: str) -> Symbol:
    """A variable."""
    return Symbol(Formula(variable))


def formula_of(x: Any) -> Formula:
    """The expression of a symbol or of a number."""
    return x.formula if isinstance(x, Symbol) else number(literal(x))


def written(operator: str, x: Any, y: Any) -> Symbol:
    """x operator y."""
    return Symbol(infix(operator, formula_of(x), formula_of(y)))


def called(function: str, *xs: Any) -> Symbol:
    """function(x, ...)."""
    return Symbol(applied(function, list(map(formula_of, xs))))


def chosen(condition: Any, x: Any, y: Any) -> Symbol:
    """x where there is the condition, else y."""
    texts = [formula_of(operand).text for operand in (x, condition, y)]
    return Symbol(Formula("({} if {} else {})".format(*texts)))


def remainder(x: Any, y: Any) -> Symbol:
    """x % y, which no sign and no factor may come before."""
    x, y = [formula_of(operand).within(ATOMS) for operand in (x, y)]
    return Symbol(Formula(f"{x} % {y}", COMPARISONS))


class Python:
    """What an array library's functions are in Python, on symbols."""

    add = staticmethod(lambda x, y: x + y)
    subtract = staticmethod(lambda x, y: x - y)
    multiply = staticmethod(lambda x, y: x * y)
    divide = true_divide = staticmethod(lambda x, y: x / y)
    remainder = staticmethod(remainder)
    power = float_power = staticmethod(lambda x, y: x**y)
    negative = staticmethod(lambda x: -x)
    positive = staticmethod(lambda x: x)
    square = staticmethod(lambda x: x * x)
    reciprocal = staticmethod(lambda x: 1.0 / x)
    where = staticmethod(chosen)
    maximum = fmax = staticmethod(lambda x, y: called("max", x, y))
    minimum = fmin = staticmethod(lambda x, y: called("min", x, y))
    clip = staticmethod(lambda x, low, high: called("min", called("max", x, low), high))
    sign = staticmethod(lambda x: called("float", (x > 0) - (x < 0)))
    abs = absolute = staticmethod(abs)

    def __getattr__(self, name: str) -> Any:
        """What has that name in Python's `math`: a function, on symbols, or a number."""
        name = re.sub("^arc", "a", name)  # atan for arctan
        found = getattr(math, name, None)
        if found is None:
            raise AttributeError(f"Python's math has no {name}")
        if not callable(found):
            return found
        return lambda *xs: called(f"math.{name}", *xs)


PYTHON = Python()
