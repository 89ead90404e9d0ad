"""Gradients that are not finite, once more as eager has them: on Values, example by example.

On arrays, what a result does not depend on takes part with a gradient of 0, and 0 times infinity
is NaN; on Values it takes no part. And where an op has no slope, Values say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from autograd_core.compile.arguments import Floats
from autograd_core.compile.record import Recording
from autograd_core.engine import Value, collector_paused


def gradients(
    tape: Recording, root: int, parameters: Mapping[int, float], rows: Floats, *, batched: bool
) -> tuple[dict[int, float], Floats]:
    """The gradient along each parameter, and along the inputs, a row for each example.

    Both are those of the mean over the examples, whose inputs are the rows.
    """
    along_parameters = dict.fromkeys(parameters, 0.0)
    along_inputs = np.zeros(rows.shape)
    for example, row in enumerate(rows.tolist()):
        numbers = {**parameters, **dict(zip(tape.inputs, row, strict=True))}
        with collector_paused():
            values = replayed(tape, root, numbers, f" (example {example})" if batched else "")
        for i in parameters:
            if i in values:
                along_parameters[i] += values[i].grad / len(rows)
        slopes = [values[i].grad if i in values else 0.0 for i in tape.inputs]
        along_inputs[example] = np.array(slopes) / len(rows)
    return along_parameters, along_inputs


def replayed(
    tape: Recording, root: int, numbers: Mapping[int, float], where: str
) -> dict[int, Value]:
    """What the root needs, as Values with gradients; an error names the example if it has one."""
    values: dict[int, Value] = {}
    order = ancestors(tape, root)
    at: int | None = None
    try:
        for at in order:
            op, label = tape.ops[at], tape.values[at].label
            if op is None:
                values[at] = Value(numbers.get(at, tape.constants.get(at, 0.0)), label)
            else:
                values[at] = op.record([values[p] for p in tape.parents[at]])
                values[at].label = label
        at = without_slope(order, values)
        values[root].backward()
    except (ArithmeticError, ValueError) as error:
        shared = at is None or not set(ancestors(tape, at)) & set(tape.inputs)
        raise type(error)(f"{error}{'' if shared else where}") from error.__cause__
    return values


def ancestors(tape: Recording, root: int) -> list[int]:
    """The nodes that a node is computed from, and itself, in order."""
    needed = {root}
    for i in range(root, -1, -1):
        if i in needed:
            needed.update(tape.parents[i])
    return sorted(needed)


def without_slope(order: Sequence[int], values: Mapping[int, Value]) -> int | None:
    """The first node that has no slope along some operand, though no operand is NaN."""
    for i in order:
        v = values[i]
        if any(map(math.isnan, v.partials)) and not any(math.isnan(p.data) for p in v.parents):
            return i
    return None
