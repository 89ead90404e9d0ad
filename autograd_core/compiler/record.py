"""Record: run a function on Values that stand for numbers to come, and keep what it did.

The recording is a list of nodes in the order they were made: parameters and constants where
they are first used, inputs, and ops on earlier nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any, NoReturn

from autograd_core.engine import NUMBER, RECORDERS, Op, Operand, Recorder, Value

COMPUTED_BEFORE = (
    "{} was computed before the recording began: its history would be cut. "
    "Compute it inside the function, or pass its number as an argument."
)


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
