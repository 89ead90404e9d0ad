"""Kept: a recording without its Values, in a few bytes a node."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any

from autograd_core.compiler.record import Recording
from autograd_core.engine import Value


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
        self.flat = array("i", chain.from_iterable(tape.parents))
        self.counts = Coded(list(map(len, tape.parents)))
        self.inputs = array("i", tape.inputs)
        self.fixed = array("i", tape.constants), array("d", tape.constants.values())
        rest = set(tape.parameters).difference(nodes)
        self.outside = [(nodes, values), (list(rest), [tape.parameters[i] for i in rest])]
        self.names = names
        inputs = dict(zip(tape.inputs, names()))
        labels = [(i, value.label) for i, value in enumerate(tape.values)]
        labels = [(i, label) for i, label in labels if label != inputs.get(i, "")]
        self.own_labels = {i: label for i, label in labels if i not in tape.parameters}

    @property
    def parents(self) -> list[tuple[int, ...]]:
        """The nodes that each one is computed from."""
        flat = iter(self.flat)
        return [tuple(islice(flat, count)) for count in self.counts]

    @property
    def constants(self) -> dict[int, float]:
        """The numbers from outside, by their nodes."""
        return dict(zip(*self.fixed))

    @property
    def parameters(self) -> dict[int, Value]:
        """The Values from outside, by their nodes."""
        return {i: value for some in self.outside for i, value in zip(*some) if i >= 0}

    @property
    def labels(self) -> dict[int, str]:
        """The labels of nodes, of parameters as they are by now."""
        outside = {i: value.label for i, value in self.parameters.items()}
        return dict(zip(self.inputs, self.names())) | self.own_labels | outside

    def recording(self) -> Recording:
        """The recording once more, with new Values."""
        tape = Recording(constants=self.constants, parameters=self.parameters, under_way=False)
        tape.inputs, labels = list(self.inputs), self.labels
        for i, (op, parents) in enumerate(zip(self.ops, self.parents)):
            tape.new(op, parents).label = labels.get(i, "")
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
