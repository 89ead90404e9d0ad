"""Random expressions over the whole derivative table, and slopes measured on arrays."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from autograd_core import OPS, Op, Value
from autograd_core.check import arities, measured_slope
from autograd_core.engine import (
    ABS,
    ADD,
    EXP,
    LOGSUMEXP,
    MAXIMUM,
    MINIMUM,
    MUL,
    RELU,
    SIN,
    STEP,
    TOTAL,
    leaky,
)

Step: TypeAlias = tuple[Op, tuple[int | float, ...]]

# Ops of one's own, with rules of all kinds.

SOFTSIGN = Op(
    "softsign",
    lambda x: x / (1 + abs(x)),
    lambda z, x: (1 / ((1 + abs(x)) * (1 + abs(x))),),
    lambda np, x: x / (1 + np.abs(x)),
)
BLEND = Op("blend", lambda x, y: x * y + y, lambda z, x, y: (y, x + 1), lambda np, x, y: x * y + y)
BOX = Op(
    "box",
    lambda x, y, z: x * y * z,
    lambda o, x, y, z: (y * z, x * z, x * y),
    lambda np, x, y, z: x * y * z,
)
SQUARES = Op(
    "squares",
    lambda *xs: sum(x * x for x in xs),
    lambda z, *xs: tuple([2 * x for x in xs]),
    lambda np, *xs: sum(x * x for x in xs),
)
SQUARED_SUM = Op(
    "squared sum",
    lambda *xs: sum(xs) ** 2 / 2,
    lambda z, *xs: (TOTAL(*xs),) * len(xs),
    lambda np, *xs: sum(xs) ** 2 / 2,
)
BACKWARDS = Op(
    "backwards",
    lambda *xs: sum(xs) ** 2 / 2,
    lambda z, *xs: (TOTAL(*reversed(xs)),) * len(xs),
    lambda np, *xs: sum(xs) ** 2 / 2,
)
SPREAD = Op(
    "spread",
    lambda *xs: sum((x - y) ** 2 for x in xs for y in xs) / 4,
    lambda z, *xs: tuple([TOTAL(*[x - y for y in xs]) for x in xs]),
    lambda np, *xs: sum((x - y) ** 2 for x in xs for y in xs) / 4,
)
EXP_MEAN = Op(
    "exp mean",
    lambda *xs: math.log(sum(map(math.exp, xs)) / len(xs)),
    lambda z, *xs: tuple([EXP(x - LOGSUMEXP(*xs)) for x in xs]),
    lambda np, *xs: np.log(sum(map(np.exp, xs)) / len(xs)),
)
STRETCH = Op(
    "stretch", lambda x, y: 3 * x - y, lambda z, x, y: (3.0, -1.0), lambda np, x, y: 3 * x - y
)
OWN = (SOFTSIGN, BLEND, BOX, SQUARES, SQUARED_SUM, BACKWARDS, SPREAD, EXP_MEAN, STRETCH)
KINKED = (ABS, RELU, STEP, leaky(0.01), MAXIMUM, MINIMUM)


class Expression:
    """Inputs, and steps that each apply a row of the table to inputs and earlier results.

    An operand of a step is the number of an input or of an earlier result (int), or a constant
    (float). The steps are fixed, so an expression can be computed again at other inputs, on
    floats, Values or arrays.
    """

    def __init__(self, inputs: Sequence[float], steps: Sequence[Step]) -> None:
        self.inputs, self.steps = tuple(inputs), tuple(steps)

    def nodes(self, inputs: Sequence[Any]) -> list[Any]:
        """The inputs and the result of each step."""
        values = list(inputs)
        for op, operands in self.steps:
            values.append(op(*[values[x] if isinstance(x, int) else x for x in operands]))
        return values

    def __call__(self, *inputs: Any) -> Any:
        return self.nodes(inputs)[-1]

    def leaves(self) -> list[Value]:
        return [Value(x, f"x{i}") for i, x in enumerate(self.inputs)]

    def graph(self) -> tuple[list[Value], Value]:
        """New leaves, and the root computed from them."""
        leaves = self.leaves()
        return leaves, self(*leaves)

    def __repr__(self) -> str:
        lines = [f"x{i} = {x}" for i, x in enumerate(self.inputs)]
        for i, (op, operands) in enumerate(self.steps, len(lines)):
            shown = ", ".join(f"x{x}" if isinstance(x, int) else str(x) for x in operands)
            lines.append(f"x{i} = {op.name}({shown})")
        return "\n".join(lines)


@st.composite
def expressions(draw: Callable[..., Any], max_inputs: int = 3, max_steps: int = 8) -> Expression:
    """Expressions in which every op works inside its domain and away from its kinks.

    Results are used any number of times, also twice by one step; every input counts.
    """
    inputs = draw(st.lists(thousandths(), min_size=1, max_size=max_inputs))
    values = list(inputs)
    steps: list[Step] = []

    def apply(op: Op, *operands: float) -> int:
        steps.append((op, operands))
        values.append(op.value(*[values[x] if isinstance(x, int) else x for x in operands]))
        return len(values) - 1

    def inside(domain: tuple[float, float], place: int) -> int:
        """The place of a result in the domain: the one given, or one computed from it."""
        low, high = domain
        if low <= values[place] <= high:
            return place
        return apply(ADD, apply(MUL, apply(SIN, place), 0.49 * (high - low)), (low + high) / 2)

    for _ in range(draw(st.integers(1, max_steps))):
        op = draw(st.sampled_from(OPS))
        count = draw(st.sampled_from(arities(op)))
        picks = [draw(st.integers(0, len(values) - 1)) for _ in range(count)]
        operands = [inside(op.domain, place) for place in picks]
        if smooth(op, [values[place] for place in operands]):
            apply(op, *operands)
    used = {x for _, operands in steps for x in operands if isinstance(x, int)}
    apply(TOTAL, *[place for place in range(len(values)) if place not in used])
    return Expression(inputs, steps)


def thousandths() -> st.SearchStrategy[float]:
    """Numbers between -2 and 2 that are short to read."""
    return st.integers(-1999, 1999).map(lambda n: n / 1000)


def smooth(op: Op, xs: Sequence[float], near: float = 1e-3) -> bool:
    """Whether neither the op nor a slope of it jumps near xs, and no slope bends there."""

    def value_and_slopes(i: int, nudge: float) -> tuple[float, ...]:
        moved = [x + nudge if i == j else x for j, x in enumerate(xs)]
        z = op.value(*moved)
        return z, *op.partials(z, *moved)

    for i in range(len(xs)):
        for left, here, right in zip(*[value_and_slopes(i, nudge) for nudge in (-near, 0.0, near)]):
            if max(abs(left - here), abs(right - here)) >= 0.1:
                return False
            if abs(left - 2 * here + right) >= near / 4:
                return False
    return True


def slopes_on_arrays(f: Callable[..., Any], xs: Sequence[float]) -> list[float]:
    """df/dx for each x, of a function on arrays: by a complex step, or by differences."""
    return [measured_slope(f, xs, i)[0] for i in range(len(xs))]
