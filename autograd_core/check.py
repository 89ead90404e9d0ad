"""Is a derivative right? Compare it with slopes measured from the function's values alone."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd_core.engine import Op, Value, as_value, gradient, topological

NUDGE = 1e-5  # relative to the input; a kink nearer than this counts as being at the input
IMAGINARY = 1e-30  # far below rounding: a complex step measures a slope to the last digits


class WrongDerivativeError(AssertionError):
    """A derivative does not match the slope measured from the function's values.

    `check` is the whole result where `check_gradient` raised it: draw(error.check) shows it.
    """

    check: GradientCheck | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative along one input: `computed` by backward, and measured on either side.

    `left` and `right` are NaN where the function has no value. They differ at a kink, where any
    slope between them is a right convention. `noise` bounds the rounding error of measuring.
    """

    name: str
    x: float
    computed: float
    left: float
    right: float
    noise: float

    @property
    def measured(self) -> float:
        """The mean of the sides there are."""
        sides = [side for side in (self.left, self.right) if not math.isnan(side)]
        return sum(sides) / len(sides) if sides else math.nan

    @property
    def error(self) -> float:
        """How far computed is from measured, relative to the latter where that is above 1.

        At a kink, how far it is outside the two sides.
        """
        low, high = sorted([self.left, self.right]) if self.kink else [self.measured] * 2
        apart = max(low - self.computed, self.computed - high, 0.0)
        return apart / max(1.0, abs(self.measured))

    @property
    def tolerance(self) -> float:
        """How far two slopes may be apart and still be called the same."""
        return 1e-5 * max(1.0, abs(self.measured)) + self.noise

    @property
    def kink(self) -> bool:
        """Whether the slopes to the left and to the right differ."""
        return abs(self.left - self.right) > 2 * self.tolerance

    @property
    def ok(self) -> bool:
        """Whether the computed slope is the measured one, or between the sides of a kink."""
        if self.kink:
            low, high = sorted([self.left, self.right])
            return low - self.tolerance <= self.computed <= high + self.tolerance
        return abs(self.computed - self.measured) <= self.tolerance

    def __str__(self) -> str:
        computed, measured, left, right = [
            f"{round(slope, 6) + 0:.6g}"  # what is below the noise is shown as 0
            for slope in (self.computed, self.measured, self.left, self.right)
        ]
        found = f"slope {computed}, measured {measured}"
        if self.kink:
            found = f"kink, slope {left} on the left, {right} on the right, used {computed}"
        return f"{self.name} = {self.x:g}: {found}{'' if self.ok else '  WRONG'}"


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The slopes along every input, a line each; `root` is f of the inputs, which were checked."""

    slopes: tuple[Slope, ...]
    inputs: tuple[Value, ...] = field(default=(), repr=False, compare=False)
    root: Value | None = field(default=None, repr=False, compare=False)

    @property
    def kinks(self) -> tuple[Slope, ...]:
        """The slopes along inputs at which the function has a kink."""
        return tuple([slope for slope in self.slopes if slope.kink])

    def __str__(self) -> str:
        return "\n".join(map(str, self.slopes))


def check_gradient(f: Callable[..., Value], *xs: Value | float) -> GradientCheck:
    """Compare backward's gradient of f(*xs) with slopes measured from values of f.

    Each x is a number, or a leaf Value, which f may also close over (a model's parameter): its
    `data` is nudged and put back. No `grad` changes. Raises WrongDerivativeError.

    >>> print(check_gradient(lambda w, x: w * x + w.relu(), 0.0, 3.0))
    w = 0: kink, slope 3 on the left, 4 on the right, used 3
    x = 3: slope 0, measured 0
    """
    leaves = [as_value(x) for x in xs]
    for leaf in leaves:
        if leaf.parents:
            raise ValueError(f"{leaf} is computed from others: a gradient is checked at leaves")
    root = f(*leaves)
    slopes = [
        measure(lambda: f(*leaves).data, leaf, leaf.label or name, computed)
        for leaf, name, computed in zip(leaves, names_of(f, leaves), by_backward(root, leaves))
    ]
    result = GradientCheck(tuple(slopes), tuple(leaves), root)
    if not all(slope.ok for slope in slopes):
        error = WrongDerivativeError(f"backward and the function's values disagree:\n{result}")
        error.check = result
        raise error
    return result


def names_of(f: Callable[..., Value], leaves: Sequence[Value]) -> list[str]:
    """What f calls its arguments; x1, x2, ... where it does not say."""
    try:
        names = list(inspect.signature(f).bind(*leaves).arguments.items())
    except (TypeError, ValueError):
        names = []
    own = [name for name, given in names if isinstance(given, Value) and name != "self"]
    return own if len(own) == len(leaves) else [f"x{i}" for i in range(1, len(leaves) + 1)]


def by_backward(y: Value, leaves: Sequence[Value]) -> list[float]:
    """dy/dleaf for each leaf, leaving every `grad` as it was."""
    grads = {v: v.grad for v in [*leaves, *topological(y)]}
    for leaf in leaves:
        leaf.grad = 0.0
    y.backward()
    slopes = [leaf.grad for leaf in leaves]
    for v, grad in grads.items():
        v.grad = grad
    return slopes


def measure(f: Callable[[], float], leaf: Value, name: str, computed: float) -> Slope:
    """The slopes of f on either side of leaf.data, by differences of second order."""
    x = leaf.data

    def at(nudge: float) -> float:
        leaf.data = x + nudge
        try:
            return f()
        except (ArithmeticError, ValueError):
            return math.nan  # x is at the edge of the domain
        finally:
            leaf.data = x

    def difference(h: float) -> float:
        return (4 * at(h) - at(2 * h) - 3 * y) / (2 * h)

    def side(h: float) -> tuple[float, float]:
        """The slope towards x + h and a bound of its error, by the step that suits f best."""
        best = math.nan, math.inf
        for _ in range(9):
            noise = 64 * math.ulp(y) / abs(h)
            coarse, fine = difference(h), difference(h / 2)
            if abs(coarse - fine) + noise < best[1]:
                best = fine, abs(coarse - fine) + noise
            if best[1] < 1e-6 * abs(best[0]):
                break
            h /= 10
        return best

    y = at(0.0)
    h = NUDGE * max(1.0, abs(x))
    (left, left_noise), (right, right_noise) = side(-h), side(h)
    noises = [n for n in (left_noise, right_noise) if n < math.inf]
    return Slope(name, x, computed, left, right, max(noises, default=0.0))


def check_op(op: Op) -> None:
    """Compare the readings of a row of the derivative table with each other, on its domain.

    At random operands, the array form must equal the value, the partials the slopes of the
    array form, the partials read with arrays and with Values those read with floats, and the
    derivatives of the partials read with Values the slopes of the rule: a rule that leaves the
    graph, by `math.cos(x)` or `float(x)`, is found. Slopes are measured by a complex step, to
    1e-13, or by extrapolated differences, to 1e-11, where the array form takes no complex numbers
    or is another function on them. Needs NumPy.
    Raises WrongDerivativeError.

    >>> check_op(  # doctest: +ELLIPSIS
    ...     Op("cube", lambda x: x**3, lambda z, x: (2 * x * x,), lambda np, x: x**3)
    ... )
    Traceback (most recent call last):
    autograd_core.check.WrongDerivativeError: cube at (1.37...): slope 1 is 3.7..., measured 5.6...
    """
    from random import Random

    rng = Random(0)
    for count in arities(op):
        for _ in range(20):
            check_op_at(op, [rng.uniform(*op.domain) for _ in range(count)])


def arities(op: Op) -> Sequence[int]:
    """How many operands the op takes: one number, or 1 to 5 where it takes any."""
    _, *operands = inspect.signature(op.partials).parameters.values()
    if any(operand.kind is operand.VAR_POSITIONAL for operand in operands):
        return range(1, 6)
    return [len(operands)]


def check_op_at(op: Op, xs: Sequence[float]) -> None:
    """Compare the readings of an op at one point."""
    import numpy as np

    where = f"{op.name} at ({', '.join(map(repr, xs))})"

    def agree(what: str, given: Any, expected: Any, tolerance: float = 1e-13) -> None:
        given, expected = float(np.ravel(given)[0]), float(np.ravel(expected)[0])
        if not abs(given - expected) <= tolerance * max(1.0, abs(expected)):
            raise WrongDerivativeError(f"{where}: {what} is {given!r}, measured {expected!r}")

    def read(rule: Callable[..., Any], kind: str, *operands: Any) -> Any:
        try:
            return rule(*operands)
        except TypeError as error:
            message = f"{where}: the rule cannot be read with {kind}: {error}"
            raise WrongDerivativeError(message) from error

    value_of_arrays = op.on(np)

    def slopes_of_arrays(*xs: Any) -> tuple[Any, ...]:
        return op.partials(value_of_arrays(*xs), *xs)

    arrays = [np.array([x, x]) for x in xs]  # two: an `if` in a rule fails
    z = op.record(xs)
    agree("the array form", value_of_arrays(*arrays), z.data)
    on_arrays = read(slopes_of_arrays, "arrays", *arrays)
    for i, partial in enumerate(read(op.partials, "Values", z, *z.parents)):
        agree(f"slope {i + 1}", z.partials[i], *measured_slope(value_of_arrays, xs, i))
        agree(f"slope {i + 1} on arrays", on_arrays[i], z.partials[i])
        agree(f"slope {i + 1} on Values", as_value(partial).data, z.partials[i])
        for j, bend in enumerate(gradient(as_value(partial), *z.parents)):
            measured, tolerance = measured_slope(lambda *xs: slopes_of_arrays(*xs)[i], xs, j)  # noqa: B023
            agree(f"slope {j + 1} of slope {i + 1}", bend.data, measured, tolerance)


def measured_slope(f: Callable[..., Any], xs: Sequence[float], i: int) -> tuple[float, float]:
    """The slope of an array function along xs[i], and how exact it is."""
    import numpy as np

    def at(nudge: complex) -> Any:
        return np.squeeze(f(*[np.array([x + nudge if j == i else x]) for j, x in enumerate(xs)]))

    def difference(h: float) -> float:
        return float(at(h) - at(-h)) / (2 * h)

    try:
        exact = float(np.imag(at(IMAGINARY * 1j))) / IMAGINARY
    except TypeError:
        return extrapolated(difference)  # no complex numbers here
    near = (4 * difference(5e-4) - difference(1e-3)) / 3
    if abs(exact - near) > 1e-6 * max(1.0, abs(near)):  # as of sign(x), where it is 1 / |x|
        return extrapolated(difference)
    return exact, 1e-13


def extrapolated(difference: Callable[[float], float]) -> tuple[float, float]:
    """What difference(h) is for h to 0, and a bound of the error: Ridders' method.

    Its error is a series in h²: each column of the table takes one term of it away.
    """
    best = math.nan, math.inf
    columns: list[float] = []
    for k in range(12):
        column = [difference(0.1 * 0.6**k)]
        for j, before in enumerate(columns, 1):
            factor = 0.6 ** (-2 * j)
            column.append((factor * column[-1] - before) / (factor - 1))
            error = max(abs(column[-1] - column[-2]), abs(column[-1] - before))
            if error < best[1]:
                best = column[-1], error
        columns = column
    return best[0], max(10 * best[1], 1e-11)
