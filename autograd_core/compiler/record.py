"""Record: run a function on Values that stand for numbers to come, and keep what it did.

The recording is a list of nodes in the order they were made: parameters and constants where
they are first used, inputs, and ops on earlier nodes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, chain
from threading import get_ident
from typing import Any, NoReturn

from autograd_core.engine import NUMBER, RECORDERS, Op, Operand, Value


class RecordingError(TypeError):
    """Python was about to decide by the number in a Value while a program was being recorded."""


class Traced(Value):
    """A Value that stands for a number to come: it has an op and parents, and no data."""

    __slots__ = ("index", "recording")

    index: int
    recording: Recording

    @property
    def data(self) -> float:  # type: ignore[override]
        """There is none: raises RecordingError."""
        self.recording.refuse(self)

    grad = partials = data  # type: ignore[assignment]

    @property
    def op(self) -> Op | None:  # type: ignore[override]
        """What it stands for the result of."""
        return self.recording.ops[self.index]

    @property
    def parents(self) -> tuple[Value, ...]:  # type: ignore[override]
        """The operands it stands for the result of."""
        return tuple([self.recording.values[i] for i in self.recording.parents[self.index]])

    def __index__(self) -> int:  # noqa: PLE0305  there is none to return
        self.recording.refuse(self)

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Value) else self.recording.refuse(self)

    __hash__ = Value.__hash__

    def __repr__(self) -> str:
        return f"Traced({self.label or self.index})"

    def backward(self, seed: float = 1.0) -> None:
        """There are no numbers to go back over: raises RecordingError."""
        self.recording.refuse(self)


@dataclass
class Recording:
    """Nodes 0, 1, 2, ...: `ops[i]` applied to the nodes `parents[i]`; a leaf has no op.

    `parameters`, `constants` and `inputs` say of a leaf what it is; `values[i]` is the Value that
    a node is known by.
    """

    ops: list[Op | None] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    parameters: dict[int, Value] = field(default_factory=dict)
    constants: dict[int, float] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    known: dict[Value, int] = field(default_factory=dict)
    made: set[Value] = field(default_factory=set)
    under_way: bool = True

    def label(self, i: int) -> str:
        """What node i is called, if it is."""
        return self.values[i].label

    def input(self, label: str) -> Traced:
        """A new input."""
        self.inputs.append(len(self.ops))
        node = self.new(None, ())
        node.label = label
        return node

    def new(self, op: Op | None, parents: tuple[int, ...]) -> Traced:
        """A new node."""
        node = Traced.__new__(Traced)
        node.index, node.recording, node.label = len(self.ops), self, ""
        self.ops.append(op)
        self.parents.append(parents)
        self.values.append(node)
        return node

    def record(self, op: Op, operands: Iterable[Operand]) -> Value:
        """A new node for op(*operands)."""
        return self.new(op, tuple([self.node(x) for x in operands]))

    def node(self, x: Operand) -> int:
        """The node of an operand: one of this recording, a number, or a Value from outside."""
        if type(x) is Traced and x.recording is self:
            return x.index
        if isinstance(x, NUMBER):
            x = Value(x)
            self.constant(x)  # a result may be a number, and is read when the recording is over
        elif not isinstance(x, Value):
            raise TypeError(f"expected a number or a Value, got {type(x).__name__}: {x!r}")
        index = self.known.get(x)
        return self.leaf(x) if index is None else index

    def leaf(self, value: Value) -> int:
        """A new node for a Value that has a number: a constant made here, or a parameter."""
        if value.parents:
            raise RecordingError(
                f"{value} was computed before the recording began: its history would be cut. "
                "Compute it inside the function, or pass its number as an argument."
            )
        index = self.known[value] = len(self.ops)
        self.ops.append(None)
        self.parents.append(())
        self.values.append(value)
        if value in self.made:
            self.constants[index] = value.data
        else:
            self.parameters[index] = value
        return index

    def constant(self, leaf: Value) -> None:
        """A leaf made while recording is a constant, not a parameter."""
        self.made.add(leaf)

    def refuse(self, value: Value) -> NoReturn:
        """Raise, for the number that Python wants is not there yet."""
        if not self.under_way:
            raise RecordingError(
                f"{value!r} stood for a number while a program was recorded; "
                "call the function or the model again to compute numbers."
            )
        raise RecordingError(
            f"Python asked for the number in {value!r} while a program is being recorded. "
            "The program will serve other numbers too, so it cannot follow an `if`, a comparison, "
            "float(), or `.data`: write the choice as relu(), step(), maximum() or minimum(), "
            "or leave the function uncompiled: fit(..., compile=False)."
        )


class Kept:
    """What is kept of a recording: all but its Values, in a few bytes a node."""

    def __init__(self, tape: Recording) -> None:
        self.ops = Coded(tape.ops)
        self.parents = Tuples(tape.parents)
        self.inputs = array("i", tape.inputs)
        self.constants, self.parameters = tape.constants, tape.parameters
        own = [i for i in range(len(tape.ops)) if i not in tape.parameters and tape.label(i)]
        self.labels = {i: tape.label(i) for i in own}

    def label(self, i: int) -> str:
        """What node i is called, if it is."""
        value = self.parameters.get(i)
        return self.labels.get(i, "") if value is None else value.label


class Coded(Sequence[Any]):
    """A sequence of things of which there are few different ones."""

    def __init__(self, things: Sequence[Any]) -> None:
        code: dict[Any, int] = {}
        self.codes = array("i", [code.setdefault(thing, len(code)) for thing in things])
        self.things = list(code)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, i: Any) -> Any:
        return self.things[self.codes[i]]


class Tuples(Sequence[tuple[int, ...]]):
    """A sequence of tuples of node numbers, laid end to end."""

    def __init__(self, rows: Sequence[tuple[int, ...]]) -> None:
        self.stops = array("i", [0, *accumulate(map(len, rows))])
        self.flat = array("i", chain.from_iterable(rows))

    def __len__(self) -> int:
        return len(self.stops) - 1

    def __getitem__(self, i: Any) -> Any:
        return tuple(self.flat[self.stops[i] : self.stops[i + 1]])


@contextmanager
def recording() -> Iterator[Recording]:
    """A new Recording that takes over this thread's Values meanwhile."""
    tape = Recording()
    with taken_over_by(tape):
        yield tape


@contextmanager
def taken_over_by(tape: Recording) -> Iterator[None]:
    """Meanwhile, what this thread does with Values is recorded."""
    thread = get_ident()
    if thread in RECORDERS:
        raise RecordingError("a program cannot be recorded while another one is")
    RECORDERS[thread] = tape
    try:
        yield
    finally:
        del RECORDERS[thread]  # without a call before it, at which Ctrl-C might come
        tape.under_way = False


def record(
    f: Callable[..., Any], arguments: Callable[[Recording], list[Any]]
) -> tuple[Recording, Any]:
    """Call f on the arguments, made for a new recording; the recording and what f returned."""
    with recording() as tape:
        return tape, f(*arguments(tape))


# --- Recorded again --------------------------------------------------------------------------


@dataclass
class Repetition(Recording):
    """A recording of a function that was recorded before, and must do the same again.

    What differs is found where it is done: the traceback shows the line.
    """

    before: Recording | Kept = field(default_factory=Recording)

    def record(self, op: Op, operands: Iterable[Operand]) -> Value:
        """A new node for op(*operands), if there was one before."""
        start, node = len(self.ops), super().record(op, operands)
        for i in range(start, len(self.ops)):
            if not self.is_the_same(i):
                self.complain(i, len(self.ops) - 1)
        return node

    def is_the_same(self, i: int) -> bool:
        """Whether node i is what it was."""
        before = self.before
        if i >= len(before.ops) or self.parents[i] != before.parents[i]:
            return False
        if i in self.constants and i in before.constants:
            x, y = self.constants[i], before.constants[i]
            return x == y or (math.isnan(x) and math.isnan(y))
        if i in self.parameters or i in before.parameters:
            return self.parameters.get(i) is before.parameters.get(i)
        return same_op(self.ops[i], before.ops[i])

    def finish(self, roots: Sequence[int], roots_before: Sequence[int], *, same: bool) -> None:
        """Look at the results, which are in the same structure or not, and at leaves among them."""
        for i in range(len(self.ops)):
            if self.ops[i] is None and not self.is_the_same(i):
                self.complain(i, i)
        if len(self.ops) < len(self.before.ops):
            self.complain(len(self.ops), len(self.ops))
        if not same or list(roots) != list(roots_before):
            raise RecordingError(
                f"recorded again, the function returns something else. {WHAT_TO_DO}"
            )

    def complain(self, i: int, at: int) -> NoReturn:
        """Say what node i was and is now, and in which op."""
        was, now = told(self.before, i), told(self, i)
        if was == now:
            now = "another one of that name, with other numbers or functions inside"
        where = f"in {told(self, at)}, " if i != at else ""
        raise RecordingError(
            f"recorded again, the function does something else: {where}{was} has become {now}. "
            f"{WHAT_TO_DO}"
        )


WHAT_TO_DO = (
    "A program keeps the numbers and choices that Python makes while it is recorded, so it cannot "
    "follow a variable, an attribute, random numbers or a clock that change: make the number a "
    "Value or an argument, or leave the function uncompiled: fit(..., compile=False)."
)


def told(tape: Recording | Kept, i: int) -> str:
    """What a node is, in words: the constant 0.5, the parameter w, x * 0.5."""
    if i >= len(tape.ops):
        return "nothing"
    op = tape.ops[i]
    label = f" {tape.label(i)}" if tape.label(i) else ""
    if i in tape.constants:
        return f"the constant{label} {tape.constants[i]!r}"
    if i in tape.parameters:
        return f"the parameter{label}" if label else f"a parameter of {tape.parameters[i].data!r}"
    if op is None:
        return f"the input{label}"
    parents = [named(tape, p) for p in tape.parents[i]]
    shown = [*parents[:3], "..."] if len(parents) > 4 else parents
    return f"{op.name} of ({', '.join(shown)})"


def named(tape: Recording | Kept, i: int) -> str:
    """A node as an operand: its label, its number, or the op that made it."""
    label, op = tape.label(i), tape.ops[i]
    if i in tape.constants:
        return f"{label} = {tape.constants[i]!r}" if label else repr(tape.constants[i])
    return label or (f"{op.name}(...)" if op else "a parameter")


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
    f: Callable[..., Any], arguments: Callable[[Recording], list[Any]], before: Recording | Kept
) -> tuple[Repetition, Any]:
    """Record f again; RecordingError where it does something else than before."""
    tape = Repetition(before=before)
    with taken_over_by(tape):
        return tape, f(*arguments(tape))
