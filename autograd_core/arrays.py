"""Arrays of Values: what NumPy's functions are on them.

On an ordinary array of objects NumPy calls methods (`x.tanh()`), which Values have, or compares,
which picks one of two numbers. A program that is being recorded cannot compare: in the arrays of
its arguments, rows of the derivative table take the place of what NumPy does by comparisons.

>>> from autograd_core import Value
>>> xs = np.array([Value(-1.0), Value(2.0)]).view(ValueArray)
>>> [y.data for y in np.maximum(xs, 0.0) + np.where(xs > 0, xs, 1.0)]
[1.0, 4.0]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core import functions
from autograd_core.engine import ABS, MAXIMUM, MINIMUM, STEP, Op
from autograd_core.functions import logsumexp


class ValueArray(np.ndarray):
    """An array of Values, or of Values and numbers, that computes by the derivative table."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """The function elementwise: by its row, or else by what NumPy does with objects."""
        if out is not None:
            options["out"] = tuple(map(plain, out))
        found = getattr(BY_ROWS.get(ufunc.__name__, ufunc), method)(*map(plain, inputs), **options)
        return of_values(found)

    def computed_by(self, op: Op, operands: Any) -> Any:
        """The op on each of its Values, as a call of the op with it wants."""
        return of_values(elementwise(op, len(operands))(*map(plain, operands)))

    def __array_function__(self, f: Any, types: Any, args: Any, options: Any) -> Any:
        """As for any array; but for where(c, x, y) with a c that is recorded."""
        if f is np.nan_to_num:
            raise TypeError("which number will be NaN is not known yet, and nan_to_num goes by it")
        if f is np.where and len(args) == 3:
            recorded = np.asarray(args[0]).dtype == object
            return of_values((WHERE if recorded else np.where)(*map(plain, args)))
        return of_values(super().__array_function__(f, types, args, options))


def plain(x: Any) -> Any:
    """An array as NumPy's own; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, ValueArray) else x


def of_values(x: Any) -> Any:
    """An array of objects as one of Values; anything else as it is."""
    return x.view(ValueArray) if isinstance(x, np.ndarray) and x.dtype == object else x


def elementwise(f: Any, count: int) -> np.ufunc:
    """The function of some Values on arrays of them."""
    found: np.ufunc = np.frompyfunc(f, count, 1, identity=None)
    return found


LOG_2 = math.log(2)
WHERE = elementwise(functions.where, 3)
BY_ROWS = {
    "maximum": elementwise(MAXIMUM, 2),
    "minimum": elementwise(MINIMUM, 2),
    "clip": elementwise(lambda x, low, high: MINIMUM(MAXIMUM(x, low), high), 3),
    "sign": elementwise(functions.sign, 1),
    "fabs": elementwise(ABS, 1),
    "greater": elementwise(lambda x, y: STEP(x - y), 2),
    "less": elementwise(lambda x, y: STEP(y - x), 2),
    "greater_equal": elementwise(lambda x, y: 1 - STEP(y - x), 2),
    "less_equal": elementwise(lambda x, y: 1 - STEP(x - y), 2),
    "logaddexp": elementwise(lambda x, y: logsumexp([x, y]), 2),
    "logaddexp2": elementwise(lambda x, y: logsumexp([x * LOG_2, y * LOG_2]) / LOG_2, 2),
    "arctan2": elementwise(functions.arctan2, 2),
    "hypot": elementwise(functions.hypot, 2),
    "arcsinh": elementwise(functions.arcsinh, 1),
    "arccosh": elementwise(functions.arccosh, 1),
    "arctanh": elementwise(functions.arctanh, 1),
    "exp2": elementwise(functions.exp2, 1),
    "cbrt": elementwise(functions.cbrt, 1),
    "positive": elementwise(lambda x: x, 1),
    "deg2rad": elementwise(lambda x: x * math.radians(1.0), 1),
    "radians": elementwise(lambda x: x * math.radians(1.0), 1),
    "rad2deg": elementwise(lambda x: x * math.degrees(1.0), 1),
    "degrees": elementwise(lambda x: x * math.degrees(1.0), 1),
}
