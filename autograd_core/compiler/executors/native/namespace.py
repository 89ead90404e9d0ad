"""What an op's form on arrays is handed in NumPy's place, to be written down as code."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from autograd_core.compiler.executors import UntraceableError
from autograd_core.compiler.executors.native.elementary import FUNCTIONS, function, is_nan, where
from autograd_core.compiler.executors.native.regions import Region
from autograd_core.compiler.executors.native.symbols import (
    Number,
    Symbol,
    intrinsic,
    library,
    truth,
)
from autograd_core.engine import Op

# NumPy's name: the C library's.
LIBRARY = {
    name: name for name in ("sinh", "cosh", "tan", "cbrt", "exp2", "log2", "log10", "hypot", "erfc")
}
LIBRARY |= {
    f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")
}
PLAIN = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "negative": operator.neg,
    "abs": operator.abs,
    "absolute": operator.abs,
    "fabs": operator.abs,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "logical_and": lambda x, y: truth(x) & truth(y),
    "logical_or": lambda x, y: truth(x) | truth(y),
    "logical_not": lambda x: ~truth(x),
    "isnan": is_nan,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "asarray": lambda x: x,
}
ROUNDING = {"floor": "floor", "ceil": "ceil", "rint": "rint", "round": "rint", "trunc": "trunc"}


def traced(op: Op | None, region: Region, operands: Sequence[Symbol]) -> Symbol:
    """What an op makes of symbols: one for itself, where there is none."""
    if op is None:
        return operands[0]
    try:
        z = op.on(Namespace(region))(*operands)
        return z.number if isinstance(z, Symbol) else region.double(float(z))
    except Exception as error:
        raise UntraceableError(f"{op.name} does not become machine code: {error}") from error


class Namespace:
    """NumPy's names for functions of symbols."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def __init__(self, region: Region) -> None:
        self.region = region

    def __getattr__(self, name: str) -> Any:
        if name in PLAIN:
            return PLAIN[name]
        if name in FUNCTIONS:
            return lambda x: function(name, self.symbol(x))
        if name in LIBRARY and (name != "erfc" or self.region.module.library):
            return lambda *xs: library(LIBRARY[name], *map(self.symbol, xs))
        if name in ROUNDING:
            return lambda x: intrinsic(ROUNDING[name], self.symbol(x))
        raise AttributeError(f"np.{name} is not known here")

    def symbol(self, x: Number) -> Symbol:
        """A number as a symbol."""
        return x.number if isinstance(x, Symbol) else self.region.double(x)

    def power(self, x: Any, y: Any) -> Any:
        """x ** y."""
        return self.symbol(x) ** y

    def sqrt(self, x: Any) -> Any:
        """The square root."""
        return intrinsic("sqrt", self.symbol(x))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """x where a condition holds, else y."""
        if not isinstance(condition, Symbol):
            return x if condition else y
        return where(condition, x, y)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger; NaN if either is."""
        x, y = self.symbol(x), self.symbol(y)
        return where((x > y) | is_nan(x), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller; NaN if either is."""
        x, y = self.symbol(x), self.symbol(y)
        return where((x < y) | is_nan(x), x, y)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """x, or the bound that it is beyond."""
        return self.minimum(self.maximum(x, low), high)

    def sign(self, x: Any) -> Any:
        """1, 0 or -1 as x is positive, zero or negative; NaN of NaN."""
        return where(x > 0.0, 1.0, where(x < 0.0, -1.0, x))

    def remainder(self, x: Any, y: Any) -> Any:
        """What is left of x by division by y, with the sign of y: exact, as C's fmod is."""
        x, y = self.symbol(x), self.symbol(y)
        rest = library("fmod", x, y)
        opposite = ((rest < 0.0) & (y > 0.0)) | ((rest > 0.0) & (y < 0.0))
        return where(opposite, rest + y, intrinsic("copysign", rest, where(rest == 0.0, y, rest)))
