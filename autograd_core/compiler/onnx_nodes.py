"""Nodes of an ONNX graph, written where NumPy's functions meet symbols.

ONNX lacks some functions, and runtimes have some for float32 alone: they are formulas of others
here, exact to the last digits also where the plain ones would lose them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from onnx import TensorProto, helper

NODES = {
    "absolute": "Abs", "fabs": "Abs", "negative": "Neg", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tanh": "Tanh", "arcsin": "Asin",
    "arccos": "Acos", "arctan": "Atan", "floor": "Floor", "ceil": "Ceil", "rint": "Round",
    "round": "Round", "sign": "Sign", "reciprocal": "Reciprocal", "add": "Add",
    "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min",
}  # fmt: skip
COMPARISONS = {
    "isnan": "IsNaN", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual", "equal": "Equal",
}  # fmt: skip
LOGIC = {
    "logical_and": "And", "bitwise_and": "And", "logical_or": "Or", "bitwise_or": "Or",
    "logical_not": "Not", "invert": "Not",
}  # fmt: skip


class Graph:
    """Nodes in the order in which they run, and the numbers that they read, by name."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.kind = dtype, helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.nodes: list[Any] = []
        self.numbers: dict[str, Any] = {}
        self.known: dict[Any, str] = {}  # what is written already, by what it says

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """The name of what a node gives."""
        key = kind, inputs, name, str(attributes)
        if key not in self.known:
            self.known[key] = name or f"{kind.lower()}_{len(self.nodes)}"
            self.nodes.append(helper.make_node(kind, inputs, [self.known[key]], **attributes))
        return self.known[key]

    def number(self, x: Any, name: str = "numbers") -> str:
        """The name of numbers that the file holds."""
        array = np.asarray(x)
        array = array.astype(self.dtype) if array.dtype.kind == "f" else array
        key = array.tobytes(), array.shape, array.dtype.str
        if key not in self.known:
            taken = name in self.numbers or name in {"x", "y"}
            self.known[key] = f"{name}_{len(self.numbers)}" if taken else name
            self.numbers[self.known[key]] = array
        return self.known[key]

    def whole(self, xs: Iterable[int]) -> str:
        """The name of a list of whole numbers."""
        return self.number(np.array(list(xs), np.int64), "shape")


class Symbol(NDArrayOperatorsMixin):
    """What a node gives, in NumPy's functions and operators; a truth or a number."""

    def __init__(self, graph: Graph, name: str, *, truth: bool = False) -> None:
        self.graph, self.name, self.truth = graph, name, truth

    def __array_ufunc__(self, f: Any, method: str, *xs: Any, **options: Any) -> Any:
        """A function of numbers, elementwise."""
        return self.of(f.__name__ if method == "__call__" else f"{f.__name__}.{method}", xs)

    def __array_function__(self, f: Any, types: Any, xs: Sequence[Any], options: Any) -> Any:
        """Another one, such as np.where."""
        return self.of(f.__name__, xs)

    def of(self, name: str, xs: Sequence[Any]) -> Any:
        """A function of NumPy, of this and others; TypeError for one that there is no node of."""
        if name in FORMULAS:
            return FORMULAS[name](*xs)
        if name == "where":
            condition, *xs = xs
            if not isinstance(condition, Symbol):
                return xs[0] if condition else xs[1]
            return self.made("Where", [condition.as_truth(), *map(self.number, xs)])
        if name in LOGIC or (name == "multiply" and all(map(is_truth, xs))):
            truths = [
                x.as_truth() if isinstance(x, Symbol) else self.graph.number(bool(x)) for x in xs
            ]
            return self.made(LOGIC.get(name, "And"), truths, truth=True)
        kind = NODES.get(name) or COMPARISONS.get(name)
        if kind is None:
            raise TypeError(f"np.{name} is no operator there")
        return self.made(kind, list(map(self.number, xs)), truth=name in COMPARISONS)

    def made(self, kind: str, inputs: Sequence[str], *, truth: bool = False) -> Symbol:
        """What a node gives."""
        return Symbol(self.graph, self.graph.node(kind, *inputs), truth=truth)

    def number(self, x: Any) -> str:
        """The name of a symbol or a number, as a number."""
        if not isinstance(x, Symbol):
            return self.graph.number(float(x), f"{float(x):g}")
        return x.graph.node("Cast", x.name, to=x.graph.kind) if x.truth else x.name

    def as_truth(self) -> str:
        """The name of this as a truth."""
        return self.name if self.truth else self.graph.node("Cast", self.name, to=TensorProto.BOOL)


def is_truth(x: Any) -> bool:
    """Whether this is a symbol for a truth."""
    return isinstance(x, Symbol) and x.truth


# --- Formulas --------------------------------------------------------------------------------


def log1p(x: Any) -> Any:
    """log(1 + x): the error of 1 + x is taken back by a factor (Kahan)."""
    y = 1.0 + x
    return np.where(y == x, np.log(x), np.where(y == 1.0, x, np.log(y) * (x / (y - 1.0))))


def sinh(x: Any) -> Any:
    """The hyperbolic sine; where it is large, by halves, whose product overflows no earlier."""
    a = np.absolute(x)
    y, half = np.expm1(a), np.exp(0.5 * a)
    return np.sign(x) * np.where(a > 40.0, 0.5 * half * half, 0.5 * (y + y / (y + 1.0)))


def cosh(x: Any) -> Any:
    """The hyperbolic cosine, likewise."""
    half = np.exp(0.5 * np.absolute(x))
    return 0.5 * half * half + 0.5 / half / half


def arcsinh(x: Any) -> Any:
    """The inverse of sinh; where it is large, the logarithm of 2x."""
    a = np.absolute(x)
    large = np.log(a) + math.log(2.0)
    small = np.log1p(a + a * (a / (1.0 + np.hypot(1.0, a))))
    return np.sign(x) * np.where(a > 1e10, large, small)


def arccosh(x: Any) -> Any:
    """The inverse of cosh, likewise."""
    large = np.log(x) + math.log(2.0)
    return np.where(x > 1e10, large, np.log(x + np.sqrt(x - 1.0) * np.sqrt(x + 1.0)))


def hypot(x: Any, y: Any) -> Any:
    """The square root of x² + y², whose squares do not overflow."""
    x, y = np.absolute(x), np.absolute(y)
    most, least = np.maximum(x, y), np.minimum(x, y)
    share = least / np.where(most > 0.0, most, 1.0)
    is_infinite = (x == math.inf) | (y == math.inf)
    return np.where(is_infinite, math.inf, most * np.sqrt(1.0 + share * share))


def arctan2(y: Any, x: Any) -> Any:
    """The angle of the point (x, y); zeros have signs, and infinities are as far as each other."""
    are_far = (np.absolute(x) == math.inf) & (np.absolute(y) == math.inf)
    y, x = np.where(are_far, np.sign(y), y), np.where(are_far, np.sign(x), x)
    angle = np.arctan(y / np.where(x == 0.0, 1.0, x))
    turned = angle + np.where(is_below(y), -math.pi, math.pi)
    is_upright = (x == 0.0) & ((y > 0.0) | (y < 0.0))
    upright = np.sign(y) * (math.pi / 2)
    return np.where(is_upright, upright, np.where(is_below(x), turned, angle))


def is_below(x: Any) -> Any:
    """Whether a number has a minus, as -0.0 has."""
    return np.where(x == 0.0, 1.0 / x, x) < 0.0


def remainder(x: Any, y: Any) -> Any:
    """What is left of x by division by y, with the sign of y."""
    symbol = x if isinstance(x, Symbol) else y
    graph = symbol.graph
    rest: Any = Symbol(graph, graph.node("Mod", symbol.number(x), symbol.number(y), fmod=1))
    return np.where(np.sign(rest) * np.sign(y) < 0.0, rest + y, rest)


FORMULAS: dict[str, Callable[..., Any]] = {
    "expm1": lambda x: np.tanh(0.5 * x) * (np.exp(x) + 1.0),
    "log1p": log1p,
    "log2": lambda x: np.log(x) / math.log(2.0),
    "log10": lambda x: np.log(x) / math.log(10.0),
    "exp2": lambda x: np.power(2.0, x),
    "square": lambda x: x * x,
    "cbrt": lambda x: np.sign(x) * np.absolute(x) ** (1 / 3),
    "tan": lambda x: np.sin(x) / np.cos(x),
    "sinh": sinh,
    "cosh": cosh,
    "arcsinh": arcsinh,
    "arccosh": arccosh,
    "arctanh": lambda x: np.sign(x) * 0.5 * np.log1p(2.0 * np.absolute(x) / (1.0 - np.absolute(x))),
    "hypot": hypot,
    "arctan2": arctan2,
    "remainder": remainder,
    "trunc": lambda x: np.sign(x) * np.floor(np.absolute(x)),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
}
