"""Repeat: a function is called again, and must do what it did when it was recorded.

What a program keeps, the numbers and choices of Python, is the same at each call only if nothing
around the function changes: this looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from autograd_core.compiler.record import (
    COMPUTED_BEFORE,
    Recording,
    RecordingError,
    Traced,
    taken_over_by,
)
from autograd_core.engine import NUMBER, Op, Operand, Value


class Repetition:
    """A function is called again, and must do what it did in the recording `before`, op by op.

    Its nodes serve again, so nothing new is kept. What differs is found where it is done: the
    traceback shows the line.
    """

    def __init__(self, before: Recording) -> None:
        self.before, self.next = before, 0  # the node that is to come next
        self.known: dict[Value, int] = {}
        self.made: set[Value] = set()
        self.under_way: tuple[Op, Sequence[Any]] | None = None

    def input(self, label: str) -> Value:
        """The input that comes next."""
        self.next += 1
        return self.before.values[self.next - 1]

    def record(self, op: Op, operands: Iterable[Operand]) -> Value:
        """The node for op(*operands), if that is what comes next."""
        operands, before, node = tuple(operands), self.before, self.node
        self.under_way = op, operands
        parents = tuple(
            [x.index if type(x) is Traced and x.recording is before else node(x) for x in operands]
        )
        i = self.next
        same = i < len(before.ops) and parents == before.parents[i]
        if not (same and (op is before.ops[i] or same_op(op, before.ops[i]))):
            self.under_way = None
            self.complain(of_operands(op, [self.told(x) for x in operands]))
        self.next = i + 1
        return before.values[i]

    def node(self, x: Operand) -> int:
        """The node of an operand."""
        if isinstance(x, Value):
            if type(x) is Traced and x.recording is self.before:
                return x.index
            found = self.known.get(x)
            if found is None:
                found = self.known[x] = self.leaf_of(x)
            return found
        if not isinstance(x, NUMBER):
            raise TypeError(f"expected a number or a Value, got {type(x).__name__}: {x!r}")
        return self.leaf(float(x), f"the constant {float(x)!r}")

    def leaf_of(self, value: Value) -> int:
        """The next node, which must be the leaf that this Value is."""
        if value.parents:
            raise RecordingError(COMPUTED_BEFORE.format(value))
        label = f" {value.label}" if value.label else ""
        if value in self.made:
            found = self.leaf(value.data, f"the constant{label} {value.data!r}")
            self.before.values[found] = value  # of which a gradient may be asked for
            return found
        if self.before.parameters.get(self.next) is not value:
            self.complain(f"the parameter{label}" if label else f"a parameter of {value.data!r}")
        self.next += 1
        return self.next - 1

    def leaf(self, number: float, told: str) -> int:
        """The next node, which must be this constant."""
        before = self.before.constants.get(self.next)
        if before is None or not same_number(before, number):
            self.complain(told)
        found, self.next = self.next, self.next + 1
        self.known[self.before.values[found]] = found  # which a node names as its parent
        return found

    def constant(self, leaf: Value) -> None:
        """A leaf made while recording is a constant, not a parameter."""
        self.made.add(leaf)

    def refuse(self, value: Value) -> NoReturn:
        """Raise, for the number that Python wants is not there yet."""
        self.before.refuse(value)

    def finish(self, roots: Iterable[Operand], roots_before: Sequence[int], *, same: bool) -> None:
        """Look at the results, which are in the same structure or not."""
        self.under_way = None
        found = [self.node(root) for root in roots]
        if self.next < len(self.before.ops):
            self.complain("nothing")
        if not same or found != list(roots_before):
            raise RecordingError(
                f"recorded again, the function returns something else. {WHAT_TO_DO}"
            )

    def complain(self, now: str) -> NoReturn:
        """Say what the next node was and is now, and in which op."""
        was = told(self.before, self.next)
        if was == now:
            now = "another one of that name, with other numbers or functions inside"
        where = ""
        if self.under_way:
            op, operands = self.under_way
            where = f"in {of_operands(op, [self.told(x) for x in operands])}, "
        raise RecordingError(
            f"recorded again, the function does something else: {where}{was} has become {now}. "
            f"{WHAT_TO_DO}"
        )

    def told(self, x: Operand) -> str:
        """An operand in words."""
        if type(x) is Traced:
            return named(self.before, x.index)
        if isinstance(x, Value) and x.label:
            return f"{x.label} = {x.data!r}" if x in self.made else x.label
        return repr(x.data if isinstance(x, Value) else x)


WHAT_TO_DO = (
    "A program keeps the numbers and choices that Python makes while it is recorded, so it cannot "
    "follow a variable, an attribute, random numbers or a clock that change: make the number a "
    "Value or an argument, or leave the function uncompiled: fit(..., compile=False)."
)


def told(tape: Recording, i: int) -> str:
    """What a node is, in words: the constant 0.5, the parameter w, * of (x, 0.5)."""
    if i >= len(tape.ops):
        return "nothing"
    value, op = tape.values[i], tape.ops[i]
    label = f" {value.label}" if value.label else ""
    if op is not None:
        return of_operands(op, [named(tape, p) for p in tape.parents[i]])
    if i in tape.constants:
        return f"the constant{label} {tape.constants[i]!r}"
    return f"the parameter{label}" if label else f"a parameter of {value.data!r}"


def of_operands(op: Op, operands: Sequence[str]) -> str:
    """An op on operands, the first of them where they are many."""
    shown = [*operands[:3], "..."] if len(operands) > 4 else operands
    return f"{op.name} of ({', '.join(shown)})"


def named(tape: Recording, i: int) -> str:
    """A node as an operand: its label, its number, or the op that made it."""
    label, op = tape.values[i].label, tape.ops[i]
    if i in tape.constants:
        return f"{label} = {tape.constants[i]!r}" if label else repr(tape.constants[i])
    return label or (f"{op.name}(...)" if op else "a parameter")


def same_number(x: float, y: float) -> bool:
    """Whether these are one number, or both none."""
    return x == y or (math.isnan(x) and math.isnan(y))


def same_op(x: Op | None, y: Op | None) -> bool:
    """Whether these are one op, or were made by the same lines with the same numbers."""
    if x is y or x is None or y is None:
        return x is y
    return (x.name, x.domain) == (y.name, y.domain) and all(
        map(same_function, (x.value, x.partials, x.array), (y.value, y.partials, y.array))
    )


def same_function(f: Any, g: Any) -> bool:
    """Whether these are one function, or of the same code with the same numbers around it."""
    if f is g or f == g:
        return True
    codes = getattr(f, "__code__", None), getattr(g, "__code__", None)
    return codes[0] is not None and codes[0] is codes[1] and all(map(same, around(f), around(g)))


def around(f: Any) -> list[Any]:
    """What a function has from the one that it was made in, and its defaults."""
    return [*[cell.cell_contents for cell in f.__closure__ or ()], *(f.__defaults__ or ())]


def same(x: Any, y: Any) -> bool:
    """Whether these are one object, equal numbers, or functions that do the same."""
    if x is y or (isinstance(x, NUMBER) and isinstance(y, NUMBER)):
        return x is y or x == y
    return same_function(x, y) if callable(x) and callable(y) else False


def repeat(
    f: Callable[..., Any], arguments: Callable[[Repetition], list[Any]], before: Recording
) -> tuple[Repetition, Any]:
    """Call f again; RecordingError where it does something else than before."""
    again = Repetition(before)
    before.under_way = True
    try:
        with taken_over_by(again):
            return again, f(*arguments(again))
    finally:
        before.under_way = False
