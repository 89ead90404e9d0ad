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

from autograd_core.engine import NUMBER, RECORDERS, Op, Operand, Recorder, Value


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
        if not self.recording.values:
            self.recording.refuse(self)
        return tuple([self.recording.values[i] for i in self.recording.parents[self.index]])

    def __index__(self) -> int:  # noqa: PLE0305  there is none to return
        self.recording.refuse(self)

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
        node = self.node
        return self.new(
            op,
            tuple(
                [
                    x.index if type(x) is Traced and x.recording is self else node(x)
                    for x in operands
                ]
            ),
        )

    def node(self, x: Operand) -> int:
        """The node of an operand: one of this recording, a number, or a Value from outside."""
        if isinstance(x, Value):
            if type(x) is Traced and x.recording is self:
                return x.index
            index = self.known.get(x)
            return self.leaf(x) if index is None else index
        if not isinstance(x, NUMBER):
            raise TypeError(f"expected a number or a Value, got {type(x).__name__}: {x!r}")
        x = Value(x)
        self.constant(x)  # a result may be a number, and is read when the recording is over
        return self.leaf(x)

    def leaf(self, value: Value) -> int:
        """A new node for a Value that has a number: a constant made here, or a parameter."""
        if value.parents:
            raise RecordingError(COMPUTED_BEFORE.format(value))
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
            "float(), or `.data`: write the choice as where(x - y, a, b), which is a where x > y, "
            "else b, or as relu(), step(), maximum() or minimum(), "
            "or leave the function uncompiled: fit(..., compile=False)."
        )


class Kept:
    """What is kept of a recording: all but its Values, in a few bytes a node.

    `nodes` and `values` are parameters that are kept elsewhere anyway; `names` says what inputs are
    called, but for those that were given another label.
    """

    def __init__(
        self,
        tape: Recording,
        nodes: Sequence[int],
        values: Sequence[Value],
        names: Callable[[], Iterable[str]],
    ) -> None:
        self.ops = Coded(tape.ops)
        self.parents = Tuples(tape.parents)
        self.inputs = array("i", tape.inputs)
        self.constants = tape.constants
        rest = set(tape.parameters).difference(nodes)
        self.outside = [(nodes, values), (list(rest), [tape.parameters[i] for i in rest])]
        self.names = names
        inputs = dict(zip(tape.inputs, names()))
        labels = [(i, value.label) for i, value in enumerate(tape.values)]
        labels = [(i, label) for i, label in labels if label != inputs.get(i, "")]
        self.own_labels = {i: label for i, label in labels if i not in tape.parameters}

    @property
    def parameters(self) -> dict[int, Value]:
        """The Values from outside, by their nodes."""
        return {i: value for some in self.outside for i, value in zip(*some) if i >= 0}

    @property
    def labels(self) -> dict[int, str]:
        """The labels of inputs, and of what was computed of them."""
        return dict(zip(self.inputs, self.names())) | self.own_labels

    def recording(self) -> Recording:
        """The recording once more, with new Values."""
        tape = Recording(constants=self.constants, parameters=self.parameters, under_way=False)
        tape.inputs, labels = list(self.inputs), self.labels
        for i, op in enumerate(self.ops):
            tape.new(op, self.parents[i]).label = labels.get(i, "")
        for i, value in tape.parameters.items():
            tape.values[i] = value
        for i, number in tape.constants.items():
            tape.values[i] = Value(number)
        return tape


class Coded(Sequence[Any]):
    """A sequence of things of which there are few different ones."""

    def __init__(self, things: Sequence[Any]) -> None:
        code: dict[Any, int] = {}
        codes = [code.setdefault(thing, len(code)) for thing in things]
        self.codes = array("B" if len(code) <= 1 << 8 else "i", codes)
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
    try:
        with taken_over_by(tape):
            yield tape
    finally:
        tape.under_way = False


@contextmanager
def taken_over_by(recorder: Recorder) -> Iterator[None]:
    """Meanwhile, what this thread does with Values is recorded."""
    thread = get_ident()
    if thread in RECORDERS:
        raise RecordingError("a program cannot be recorded while another one is")
    RECORDERS[thread] = recorder
    try:
        yield
    finally:
        del RECORDERS[thread]  # without a call before it, at which Ctrl-C might come


def record(
    f: Callable[..., Any], arguments: Callable[[Recording], list[Any]]
) -> tuple[Recording, Any]:
    """Call f on the arguments, made for a new recording; the recording and what f returned."""
    with recording() as tape:
        return tape, f(*arguments(tape))


# --- Recorded again --------------------------------------------------------------------------


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


COMPUTED_BEFORE = (
    "{} was computed before the recording began: its history would be cut. "
    "Compute it inside the function, or pass its number as an argument."
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
