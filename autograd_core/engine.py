"""Scalars that remember how they were computed, and the derivatives that follow.

Read from top to bottom: an `Op` is one primitive and its slopes; the derivative table lists every
primitive, one row each; a `Value` is a number with its history; `topological` puts a history in
order; `hand_on` is the chain rule, which `Value.backward` and `gradient` apply over it.

>>> a, b = Value(-4.0, "a"), Value(2.0, "b")
>>> c = (a + b) * a
>>> c.backward()
>>> c.data, a.grad, b.grad  # dc/da = 2a + b, dc/db = a
(8.0, -6.0, -4.0)
"""

from __future__ import annotations

import gc
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from numbers import Real
from threading import get_ident
from typing import Any, NoReturn, Protocol, TypeAlias

from autograd_core.callers import unless_cut
from autograd_core.complaints import constant, no_slope, without_slopes
from autograd_core.numerics import (
    added,
    inner,
    inner_partials,
    larger,
    log_of_sum,
    log_of_sum_array,
    real_power,
    sigmoid,
    sigmoid_array,
    smaller,
    softplus,
    softplus_array,
    xlogy,
    xlogy_array,
)
from autograd_core.pickling import by_name, deep_copy, state_of

Operand: TypeAlias = "Value | float"
Operator: TypeAlias = "Callable[[Any, Operand], Value]"

NUMBER = (float, int, Real)  # Real alone would do; it is asked last because it is slow
RECORDERS: dict[int, Recorder] = {}  # by thread: who records instead of computing (see compile)


@dataclass(frozen=True, eq=False, slots=True)
class Op:
    """One primitive z = value(x, ...) and its partials, the slopes (dz/dx, ...).

    `partials` is given the output first, as `(z, x, ...)`, and uses only operators and other
    Ops, so that the same rule serves floats (backward), Values (gradients of gradients) and
    arrays (compiled programs). Where it raises or is NaN, there is no slope. `array` is the name
    of a NumPy function, or a function `(np, x, ...) -> z`. `domain` is where the gradient check
    samples the operands.

    >>> cube = Op("cube", lambda x: x**3, lambda z, x: (3 * x * x,), lambda np, x: x**3)
    >>> x = Value(2.0)
    >>> z = cube(x)
    >>> z.backward()
    >>> z.data, x.grad
    (8.0, 12.0)
    """

    name: str
    value: Callable[..., float]
    partials: Callable[..., tuple[Any, ...]]
    array: str | Callable[..., Any]
    domain: tuple[float, float] = (-2.0, 2.0)

    def __call__(self, *operands: Any) -> Any:
        """Apply to floats (a float), to arrays (an array), or where a Value takes part (a Value)."""
        if len(operands) == 1 and type(operands[0]) is float:  # as in most rules
            return self.value(operands[0])
        for x in operands:
            if hasattr(x, "computed_by"):  # an array of Values
                return x.computed_by(self, operands)
        if any(isinstance(x, Value) for x in operands):
            return self.record(operands)
        for x in operands:
            if hasattr(x, "__array_namespace__"):
                return self.on(x.__array_namespace__())(*operands)
        return self.value(*operands)

    def __deepcopy__(self, memo: object) -> Op:
        return self  # there is one of each

    def __reduce__(self) -> tuple[Any, ...]:
        return by_name(self)

    def on(self, np: Any) -> Callable[..., Any]:
        """The function on arrays, for the array library `np`."""
        if isinstance(self.array, str):
            function: Callable[..., Any] = getattr(np, self.array)
            return function
        array = self.array
        return lambda *xs: array(np, *xs)

    def record(self, operands: Iterable[Operand]) -> Value:
        """Compute a new Value and keep how: its op, its parents and its slope along each."""
        if RECORDERS and get_ident() in RECORDERS:
            return RECORDERS[get_ident()].record(self, operands)
        parents: tuple[Any, ...] = tuple(operands)
        xs = [x.data for x in parents if type(x) is Value and type(x.data) is float]
        if len(xs) < len(parents):  # a number, or a Value whose data was set to an array's number
            parents = tuple(map(as_value, parents))
            xs = [parent.data for parent in parents]
        try:
            z = self.value(*xs)
            z = z if type(z) is float else float(z)  # to ask first is quicker
            partials = self.partials(z, *xs)
            if type(partials) is not tuple or len(partials) != len(parents):
                raise TypeError(f"partials gave {partials!r}, not a tuple of {len(parents)}")
        except (ArithmeticError, ValueError, TypeError) as error:
            z, partials = without_slopes(self, parents, error)
        return made(self, parents, z, partials)


# --- The derivative table --------------------------------------------------------------------
# A row: name, value on floats, slopes (z is the output), form on arrays, where it is sampled.
# A slope that jumps is a row itself (STEP), never an `if`: it stays in the graph that way.

# fmt: off
ADD  = Op("+",    operator.add,     lambda z, x, y: (1.0, 1.0),                     "add")
SUB  = Op("-",    operator.sub,     lambda z, x, y: (1.0, -1.0),                    "subtract")
MUL  = Op("*",    operator.mul,     lambda z, x, y: (y, x),                         "multiply")
DIV  = Op("/",    operator.truediv, lambda z, x, y: (1 / y, -z / y),                "divide", (0.5, 2.0))
LOG  = Op("log",  math.log,         lambda z, x: (1 / x,),                          "log",    (0.5, 2.0))
XLOGY: Op  # x * log(y), and 0 where x is: 0 ** 2 has no logarithm of 0, but a slope
POW  = Op("**",   real_power,       lambda z, x, y: (y * x**(y - 1), XLOGY(z, x)),  "power",  (0.5, 2.0))
XLOGY = Op("xlogy", xlogy,          lambda z, x, y: (LOG(y), x / y),                xlogy_array, (0.5, 2.0))
NEG  = Op("neg",  operator.neg,     lambda z, x: (-1.0,),                           "negative")
EXP  = Op("exp",  math.exp,         lambda z, x: (z,),                              "exp")
SQRT = Op("sqrt", math.sqrt,        lambda z, x: (0.5 / z,),                        "sqrt",   (0.5, 2.0))
EXPM1 = Op("expm1", math.expm1,     lambda z, x: (EXP(x),),                         "expm1")
LOG1P = Op("log1p", math.log1p,     lambda z, x: (1 / (1 + x),),                    "log1p",  (-0.5, 2.0))
LOG2  = Op("log2",  math.log2,      lambda z, x: (1 / math.log(2) / x,),            "log2",   (0.5, 2.0))
LOG10 = Op("log10", math.log10,     lambda z, x: (1 / math.log(10) / x,),           "log10",  (0.5, 2.0))
COS: Op  # which SIN names before it is made
SIN  = Op("sin",  math.sin,         lambda z, x: (COS(x),),                         "sin")
COS  = Op("cos",  math.cos,         lambda z, x: (-SIN(x),),                        "cos")
TAN  = Op("tan",  math.tan,         lambda z, x: (1 + z * z,),                      "tan",    (-1.0, 1.0))
COSH: Op
SINH = Op("sinh", math.sinh,        lambda z, x: (COSH(x),),                        "sinh")
COSH = Op("cosh", math.cosh,        lambda z, x: (SINH(x),),                        "cosh")
TANH = Op("tanh", math.tanh,        lambda z, x: (1 - z * z,),                      "tanh")
ARCSIN  = Op("arcsin",  math.asin,  lambda z, x: (1 / SQRT((1 - x) * (1 + x)),),    "arcsin", (-0.9, 0.9))
ARCCOS  = Op("arccos",  math.acos,  lambda z, x: (-1 / SQRT((1 - x) * (1 + x)),),   "arccos", (-0.9, 0.9))
ARCTAN  = Op("arctan",  math.atan,  lambda z, x: (1 / (1 + x * x),),                "arctan")
HYPOT   = Op("hypot",   math.hypot, lambda z, x, y: (x / z, y / z),                 "hypot",  (0.5, 2.0))
ARCTAN2 = Op("arctan2", math.atan2, lambda z, y, x: (x / (r := HYPOT(x, y)) / r, -y / r / r), "arctan2", (0.5, 2.0))
SIGMOID  = Op("sigmoid",  sigmoid,  lambda z, x: (z * (1 - z),),                    sigmoid_array)
SOFTPLUS = Op("softplus", softplus, lambda z, x: (SIGMOID(x),),                     softplus_array)

STEP = Op("step", lambda x: 1.0 if x > 0 else 0.0, lambda z, x: (0.0,),                  lambda np, x: np.where(x > 0, 1.0, 0.0))
RELU = Op("relu", lambda x: 0.0 if x < 0 else x, lambda z, x: (STEP(x),),              lambda np, x: np.maximum(x, 0.0))
ABS  = Op("abs",  abs,                        lambda z, x: (STEP(x) - STEP(-x),),   lambda np, x: np.where(x >= 0, x, -x))
FLOOR = Op("floor", lambda x: x // 1.0,       lambda z, x: (0.0,),                  "floor")
CEIL  = Op("ceil",  lambda x: -(-x // 1.0),   lambda z, x: (0.0,),                  "ceil")
MOD   = Op("mod",   operator.mod,             lambda z, x, y: (1.0, (z - x) / y),   "remainder", (0.5, 2.0))
MAXIMUM = Op("maximum", larger,  lambda z, x, y: (1 - STEP(y - x), STEP(y - x)),    "maximum")
MINIMUM = Op("minimum", smaller, lambda z, x, y: (1 - STEP(x - y), STEP(x - y)),    "minimum")

TOTAL = Op("total", added,                    lambda z, *xs: (1.0,) * len(xs),      lambda np, *xs: sum(xs))
DOT   = Op("dot",   inner,                    inner_partials,                       lambda np, *xys: inner(*xys))
LOGSUMEXP = Op("logsumexp", log_of_sum,       lambda z, *xs: shares(z, xs),         log_of_sum_array)


@cache  # x ** 2 is one op wherever it stands, for ops are told apart by identity
def power(n: float) -> Op:
    """x ** n for a constant n."""
    domain = (-2.0, 2.0) if n >= 0 and n.is_integer() else (0.5, 2.0)
    value = (lambda x: x**n) if n.is_integer() else lambda x: real_power(x, n)
    return Op(f"**{n:g}", value, lambda z, x: (n * x**(n - 1) if n else 0.0,), lambda np, x: x**n, domain)


@cache
def leaky(slope: float) -> Op:
    """max(0, x) + slope * min(0, x)."""
    return Op("leaky_relu", lambda x: x if x > 0 else slope * x,
              lambda z, x: (STEP(x) + slope * (1 - STEP(x)),), lambda np, x: np.where(x > 0, x, slope * x))


def shares(z: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    """exp(x - z) for each x; over their sum, which is 1 but for what z lost by rounding."""
    weights = [EXP(x - z) for x in xs]
    whole = TOTAL(*weights)
    return tuple([weight / whole for weight in weights])


BASIC = (ADD, SUB, MUL, DIV, POW, power(2.0), power(3.0), power(0.5), power(-1.0), NEG, ABS, EXP, LOG, XLOGY, SQRT,
         EXPM1, LOG1P, LOG2, LOG10, SIN, COS, TAN, SINH, COSH, TANH, ARCSIN, ARCCOS, ARCTAN, HYPOT, ARCTAN2,
         SIGMOID, SOFTPLUS, STEP, RELU, leaky(0.01), FLOOR, CEIL, MOD, MAXIMUM, MINIMUM, TOTAL, DOT, LOGSUMEXP)
# fmt: on


# --- Values ----------------------------------------------------------------------------------

new = object.__new__


def made(op: Op, parents: tuple[Value, ...], z: float, partials: tuple[float, ...]) -> Value:
    """A new Value, which keeps how it was computed."""
    node = new(Value)
    node.data, node.grad, node.label = z, 0.0, ""
    node.op, node.parents, node.partials = op, parents, partials
    return node


def unary(op: Op, x: Value) -> Value:
    """z = op(x), for a method; without the questions that `record` asks of any operands."""
    if RECORDERS or type(x) is not Value or type(a := x.data) is not float:
        return op.record((x,))
    try:
        z = op.value(a)
        slopes = op.partials(z, a)
    except (ArithmeticError, ValueError):
        return op.record((x,))  # which has words for it
    node = new(Value)  # as `made` does, without a call, for most nodes are made here and below
    node.data, node.grad, node.label = z, 0.0, ""
    node.op, node.parents, node.partials = op, (x,), slopes
    return node


def operators(op: Op) -> tuple[Operator, Operator]:
    """The methods for x + y and y + x, say; for two Values they are as quick as `unary`."""
    value, partials = op.value, op.partials

    def forward(x: Operand, y: Operand) -> Value:
        if not (type(x) is type(y) is Value):
            if not (isinstance(x, OPERAND) and isinstance(y, OPERAND)):
                return NotImplemented  # so Python raises its TypeError
            if RECORDERS:
                return op.record((x, y))
            x = x if type(x) is Value else as_value(x)
            y = y if type(y) is Value else as_value(y)
        a, b = x.data, y.data
        if RECORDERS or not (type(a) is type(b) is float):
            return op.record((x, y))
        try:
            z = value(a, b)
            slopes = partials(z, a, b)
        except (ArithmeticError, ValueError):
            return op.record((x, y))  # which has words for it
        node = new(Value)
        node.data, node.grad, node.label = z, 0.0, ""
        node.op, node.parents, node.partials = op, (x, y), slopes
        return node

    return forward, lambda x, y: forward(y, x)


class Value:
    """A number that remembers how it was computed.

    `data` is the number, `grad` its gradient after a `backward()`, `op` what made it (None for
    a leaf), `parents` the operands in order, and `partials` the slope of this Value along each
    parent, fixed when it is made: changing a parent's `data` later does not change them. Other
    attributes are free, as for what an optimiser keeps of a parameter.

    It computes as floats do: 1e308 * 10 is inf, and what Python refuses, as 1 / 0 and exp(1000),
    is refused, naming the op and its operands.
    """

    __slots__ = ("__dict__", "data", "grad", "label", "op", "parents", "partials")

    data: float
    grad: float
    label: str
    op: Op | None
    parents: tuple[Value, ...]
    partials: tuple[float, ...]

    def __init__(self, data: float, label: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"a label is text, got {type(label).__name__}: {label!r}")
        if not isinstance(data, NUMBER):
            who = label or "a Value"
            raise TypeError(f"{who} holds one real number, got {type(data).__name__}: {data!r}")
        self.data = data if type(data) is float else float(data)
        self.grad, self.label = 0.0, label
        self.op, self.parents, self.partials = None, (), ()
        if RECORDERS and get_ident() in RECORDERS:
            RECORDERS[get_ident()].constant(self)

    def backward(self, seed: float = 1.0) -> None:
        """Add d(self)/d(leaf), times `seed`, to the `grad` of every leaf this Value came from.

        Every Value between is given its gradient for this call alone; leaves add up over
        calls, which is what a sum of losses needs, until they are set back to zero. Where an op
        on the way has no slope, ValueError names it, and the leaves are left as they were.
        """
        number(self)  # which is refused while a program is being recorded
        seed, order = float(seed), topological(self)
        carried = [(v, v.grad) for v in order if not v.parents]
        for v in order:
            v.grad = 0.0
        self.grad = seed
        for v in reversed(order):
            if v.parents:
                hand_on(v)
        undefined = any(math.isnan(leaf.grad) for leaf, _ in carried) and no_slope(order)
        for leaf, before in carried:
            leaf.grad = before if undefined else before + leaf.grad
        if undefined:
            raise undefined

    __add__, __radd__ = operators(ADD)
    __sub__, __rsub__ = operators(SUB)
    __mul__, __rmul__ = operators(MUL)
    __truediv__, __rtruediv__ = operators(DIV)
    __mod__, __rmod__ = operators(MOD)
    _power, __rpow__ = operators(POW)

    # fmt: off
    def __neg__(self) -> Value: return unary(NEG, self)
    def __abs__(self) -> Value: return unary(ABS, self)
    def __floor__(self) -> Value: return unary(FLOOR, self)
    def __ceil__(self) -> Value: return unary(CEIL, self)
    def exp(self) -> Value: return unary(EXP, self)
    def log(self) -> Value: return unary(LOG, self)
    def sqrt(self) -> Value: return unary(SQRT, self)
    def sin(self) -> Value: return unary(SIN, self)
    def cos(self) -> Value: return unary(COS, self)
    def tan(self) -> Value: return unary(TAN, self)
    def sinh(self) -> Value: return unary(SINH, self)
    def cosh(self) -> Value: return unary(COSH, self)
    def tanh(self) -> Value: return unary(TANH, self)
    def arcsin(self) -> Value: return unary(ARCSIN, self)
    def arccos(self) -> Value: return unary(ARCCOS, self)
    def arctan(self) -> Value: return unary(ARCTAN, self)
    def arctan2(self, other: Operand) -> Value: return ARCTAN2.record((self, other))
    def hypot(self, other: Operand) -> Value: return HYPOT.record((self, other))
    def expm1(self) -> Value: return unary(EXPM1, self)
    def log1p(self) -> Value: return unary(LOG1P, self)
    def log2(self) -> Value: return unary(LOG2, self)
    def log10(self) -> Value: return unary(LOG10, self)
    def conjugate(self) -> Value: return self
    def sigmoid(self) -> Value: return unary(SIGMOID, self)
    def softplus(self) -> Value: return unary(SOFTPLUS, self)
    def step(self) -> Value: return unary(STEP, self)
    def relu(self) -> Value: return unary(RELU, self)
    def leaky_relu(self, slope: float = 0.01) -> Value: return unary(leaky(constant(slope)), self)

    def __pow__(self, other: Operand) -> Value:
        # A constant exponent belongs to the op: (-1.5) ** 2 needs no logarithm of -1.5.
        if isinstance(other, NUMBER):
            return unary(power(float(other)), self)
        return self._power(other)

    def __bool__(self) -> bool: return number(self) != 0
    def __lt__(self, other: Operand) -> bool: return number(self) < number(other)
    def __le__(self, other: Operand) -> bool: return number(self) <= number(other)
    def __gt__(self, other: Operand) -> bool: return number(self) > number(other)
    def __ge__(self, other: Operand) -> bool: return number(self) >= number(other)
    def __float__(self) -> float: return unless_cut(self, number(self), sys._getframe(1))  # noqa: SLF001
    def __format__(self, spec: str) -> str: return format(number(self), spec) if spec else str(self)
    def __deepcopy__(self, memo: dict[int, Value]) -> Value: return deep_copy(self, memo)
    def __getstate__(self) -> Any: return state_of(self)
    # fmt: on

    def __eq__(self, other: object) -> bool:
        """With a number, whether it is this number; with a Value, whether it is the same object.

        So two Values that hold one number are two, as sets and dicts of a graph's Values need.
        """
        if isinstance(other, NUMBER):
            return number(self) == other
        return self is other if isinstance(other, Value) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data!r}, grad={self.grad!r}{label})"

    @property
    def _prev(self) -> tuple[Value, ...]:
        """The parents, under micrograd's name."""
        return self.parents

    @property
    def _op(self) -> str:
        """The name of the op, under micrograd's name."""
        return self.op.name if self.op else ""

    def _backward(self) -> None:
        """Add this Value's part to the `grad` of its parents, under micrograd's name."""
        if undefined := no_slope([self]):
            raise undefined
        hand_on(self)

    @property
    def requires_grad(self) -> bool:
        """Every Value has a gradient: this cannot be set."""
        return True


OPERAND = (Value, *NUMBER)


class Recorder(Protocol):
    """What takes over in a thread that records a program instead of computing numbers."""

    def record(self, op: Op, operands: Iterable[Operand]) -> Value:
        """The Value that stands for op(*operands)."""

    def constant(self, leaf: Value) -> None:
        """Take note of a leaf that was made while recording."""

    def refuse(self, value: Value) -> NoReturn:
        """Raise, for Python was about to decide by a number that will change."""


def number(x: Operand) -> float:
    """The number itself, or the one in a Value, for Python to decide by."""
    if not isinstance(x, Value):
        return x
    if RECORDERS and get_ident() in RECORDERS:
        RECORDERS[get_ident()].refuse(x)
    return x.data


# --- The chain rule --------------------------------------------------------------------------


def topological(root: Any) -> list[Any]:
    """Every Value that `root` came from, itself last, each once and after all of its parents.

    It serves the nodes of any graph that name their operands `parents`, or `_prev`.
    """
    name = next((name for name in ("parents", "_prev") if hasattr(root, name)), None)
    if name is None:
        raise TypeError(f"expected a Value, got {type(root).__name__}, without parents: {root!r}")
    parents_of = operator.attrgetter(name)
    order: list[Any] = []
    seen = {root}
    path = [(root, iter(parents_of(root)))]
    while path:
        node, parents = path[-1]
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                if its_parents := parents_of(parent):
                    path.append((parent, iter(its_parents)))
                    break
                order.append(parent)
        else:  # every parent is in the order by now
            order.append(node)
            path.pop()
    return order


def hand_on(z: Value) -> None:
    """Add dy/dz * dz/dx to dy/dx, for each parent x of z."""
    grad, parents, partials = z.grad, z.parents, z.partials
    if len(parents) == 2:  # as most have: without a loop it takes half as long
        (x, y), (dx, dy) = parents, partials
        x.grad += dx * grad
        y.grad += dy * grad
        return
    for x, dx in zip(parents, partials):
        x.grad += dx * grad


def gradient(y: Value, *xs: Value) -> tuple[Value, ...]:
    """dy/dx for each x, as Values with a history: differentiate them again at will.

    The chain rule of `backward`, read with Values in place of floats; no `grad` is touched.

    >>> x = Value(2.0)
    >>> (slope,) = gradient(x**3, x)
    >>> (curvature,) = gradient(slope, x)
    >>> slope.data, curvature.data
    (12.0, 12.0)
    """
    for v in (y, *xs):
        if not isinstance(v, Value):
            raise TypeError(f"expected a Value, got {type(v).__name__}: {v!r}")
    order, wanted = topological(y), set(xs)  # and what came of them
    for v in order:
        if not wanted.isdisjoint(v.parents):
            wanted.add(v)
    flows: dict[Value, list[Operand]] = {y: [1.0]}  # what reaches each Value, one for each use
    grads: dict[Value, Operand] = {}
    for v in [v for v in reversed(order) if v in wanted]:
        grad = grads[v] = total(flows[v]) if len(flows[v]) > 1 else flows[v][0]
        if v.op and not wanted.isdisjoint(v.parents):
            if type(v) is Value and (undefined := no_slope([v], wanted)):
                raise undefined
            for parent, partial in zip(v.parents, v.op.partials(v, *v.parents)):
                if parent in wanted:
                    flows.setdefault(parent, []).append(times(partial, grad))
    return tuple([as_value(grads.get(x, 0.0)) for x in xs])


def total(xs: Iterable[Operand]) -> Value:
    """x1 + ... + xn, as one node."""
    return TOTAL.record(xs)


def as_value(x: Operand) -> Value:
    """The Value itself, or a new leaf for a number; data of another sort becomes a float."""
    if not isinstance(x, Value):
        return Value(x)
    if type(x) is Value and type(x.data) is not float:
        x.data = Value(x.data, x.label).data
    return x


def times(x: Operand, y: Operand) -> Operand:
    """x * y without a node for a factor that is the number 1."""
    if not isinstance(x, Value) and x == 1:
        return y
    return x if not isinstance(y, Value) and y == 1 else x * y


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile: graphs have no cycles and are freed without it.

    Python's collector would go over a large graph again and again while it is built, which takes
    as long as building it. This is for a `with`, or for a function to be decorated with.
    """
    enabled = gc.isenabled()
    try:  # which Ctrl-C may end at any call, the next one included
        if enabled:
            gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()
