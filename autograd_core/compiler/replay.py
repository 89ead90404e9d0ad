"""What was recorded, once more as eager has it: on Values, example by example.

A run that met numbers out of range is looked at again, for on Values an op says where it is not
defined, and on arrays it cannot: so the error is eager's, and names the example. And where a
gradient is not finite, eager's is the right one: on arrays, what a result does not depend on takes
part with a gradient of 0, and 0 times infinity is NaN; on Values it takes no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autograd_core.compiler.ir import Floats
from autograd_core.compiler.kept import Kept
from autograd_core.complaints import no_slope
from autograd_core.engine import Value, collector_paused


@dataclass(frozen=True)
class Replay:
    """A recording, its results, and the numbers of its leaves: inputs have a row an example."""

    tape: Kept
    roots: Sequence[int]
    outside: Mapping[int, float]
    rows: Floats
    batched: bool

    @cached_property
    def parents(self) -> list[tuple[int, ...]]:
        """The nodes that each one is computed from."""
        return self.tape.parents

    def check(self, *, slopes: bool) -> None:
        """Raise what eager raises for the first example in which it raises."""
        for example in self.suspects(slopes=slopes):
            self.values(example, slopes=slopes)

    def numbers(self, *, slopes: bool) -> tuple[Floats, dict[int, float], Floats]:
        """The results for each example, and the mean's gradient: outside, and along the inputs.

        That along the inputs has a row for each example.
        """
        n = len(self.rows)
        results, along_inputs = np.zeros((len(self.roots), n)), np.zeros(self.rows.shape)
        along = dict.fromkeys(self.outside, 0.0)
        for example in range(n):
            values = self.values(example, slopes=slopes)
            results[:, example] = [values[root].data for root in self.roots]
            grads = {i: v.grad / n for i, v in values.items()}
            along = {i: total + grads.get(i, 0.0) for i, total in along.items()}
            along_inputs[example] = [grads.get(i, 0.0) for i in self.tape.inputs]
        return results, along, along_inputs

    def suspects(self, *, slopes: bool) -> Sequence[int]:
        """The examples in which some number, or some slope, is not finite."""
        if len(self.rows) == 1:
            return [0]
        suspect = np.zeros(len(self.rows), bool)
        found = {i: np.asarray(x) for i, x in {**self.tape.constants, **self.outside}.items()}
        found.update(zip(self.tape.inputs, self.rows.T))
        with np.errstate(all="ignore"):
            for i in ancestors(self.parents, self.roots):
                op = self.tape.ops[i]
                if op is not None:
                    xs = [found[p] for p in self.parents[i]]
                    found[i] = np.asarray(op.on(np)(*xs))
                    for z in (found[i], *(op.partials(found[i], *xs) if slopes else ())):
                        suspect |= ~np.isfinite(z)
        return np.flatnonzero(suspect).tolist()

    def values(self, example: int, *, slopes: bool) -> dict[int, Value]:
        """The Values of one example, where need be with gradients."""
        tape, values = self.tape, dict[int, Value]()
        numbers, labels = {**tape.constants, **self.outside}, tape.labels
        numbers.update(zip(tape.inputs, self.rows[example].tolist()))
        order = ancestors(self.parents, self.roots)
        at: int | None = None
        try:
            with collector_paused():
                for at in order:
                    op = tape.ops[at]
                    operands = [values[p] for p in self.parents[at]]
                    values[at] = op.record(operands) if op else Value(numbers[at])
                    values[at].label = labels.get(at, "")
                if slopes:
                    at = next((i for i in order if no_slope([values[i]])), None)
                    values[self.roots[0]].backward()
        except (ArithmeticError, ValueError) as error:
            shared = at is None or not set(ancestors(self.parents, [at])) & set(tape.inputs)
            where = f" (example {example})" if self.batched and not shared else ""
            raise type(error)(f"{error}{where}") from error.__cause__
        return values


def ancestors(parents: Sequence[Sequence[int]], nodes: Iterable[int]) -> list[int]:
    """The nodes that some are computed from, and themselves, in order."""
    needed = set(nodes)
    for i in range(max(needed, default=-1), -1, -1):
        if i in needed:
            needed.update(parents[i])
    return sorted(needed)
