"""What an op's form on arrays is handed in NumPy's place, to be written down as code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from autograd_core.compiler.executors import UntraceableError
from autograd_core.compiler.executors.native.elementary import FUNCTIONS, function, where
from autograd_core.compiler.executors.native.text import Number, Region, Symbol, intrinsic, library
from autograd_core.engine import Op

# NumPy's name: the C library's.
LIBRARY = {name: name for name in ("sinh", "cosh", "tan", "cbrt", "log2", "log10", "hypot", "erfc")}
LIBRARY |= {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}
ROUNDING = {"floor": "floor", "ceil": "ceil", "rint": "rint", "round": "rint", "trunc": "trunc"}


def traced(op: Op | None, region: Region, operands: Sequence[Symbol]) -> Symbol:
    """What an op makes of symbols: one for itself, where there is none."""
    if op is None:
        return operands[0]
    try:
        z = op.on(Namespace(region))(*operands)
        return z if isinstance(z, Symbol) else region.double(float(z))
    except Exception as error:
        raise UntraceableError(f"{op.name} does not become machine code: {error}") from error


class Namespace:
    """NumPy's names for functions of symbols."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def __init__(self, region: Region) -> None:
        self.region = region

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return lambda x: function(name, self.symbol(x))
        if name in LIBRARY:
            return lambda *xs: library(LIBRARY[name], *map(self.symbol, xs))
        if name in ROUNDING:
            return lambda x: intrinsic(ROUNDING[name], self.symbol(x))
        raise AttributeError(f"np.{name} is not known here")

    def symbol(self, x: Number) -> Symbol:
        """A number as a symbol."""
        return x if isinstance(x, Symbol) else self.region.double(x)

    # fmt: off
    def add(self, x: Any, y: Any) -> Any: return x + y
    def subtract(self, x: Any, y: Any) -> Any: return x - y
    def multiply(self, x: Any, y: Any) -> Any: return x * y
    def divide(self, x: Any, y: Any) -> Any: return x / y
    def negative(self, x: Any) -> Any: return -x
    def power(self, x: Any, y: Any) -> Any: return self.symbol(x) ** y
    def square(self, x: Any) -> Any: return x * x
    def reciprocal(self, x: Any) -> Any: return 1.0 / x
    def absolute(self, x: Any) -> Any: return abs(x)
    def sqrt(self, x: Any) -> Any: return intrinsic("sqrt", self.symbol(x))
    def greater(self, x: Any, y: Any) -> Any: return x > y
    def less(self, x: Any, y: Any) -> Any: return x < y
    def isnan(self, x: Any) -> Any: return x != x
    def logical_and(self, x: Any, y: Any) -> Any: return x & y
    def logical_or(self, x: Any, y: Any) -> Any: return x | y
    def asarray(self, x: Any) -> Any: return x
    # fmt: on

    abs = fabs = absolute
    true_divide = divide
    exp2 = property(lambda self: partial(self.power, 2.0))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """x where a condition holds, else y."""
        if not isinstance(condition, Symbol):
            return x if condition else y
        return where(condition, x, y)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger; NaN if either is."""
        x, y = self.symbol(x), self.symbol(y)
        return where((x > y) | (x != x), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller; NaN if either is."""
        x, y = self.symbol(x), self.symbol(y)
        return where((x < y) | (x != x), x, y)

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
