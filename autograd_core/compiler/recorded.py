"""Recorded: what a function does with arguments of one structure, and how to have it done again.

In go the function and the structure; out comes the graph of what it did, in canonical form. Of the
recording stays what it takes to go over it on Values again, and to see that the function has not
changed.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd_core.compiler.arguments import Kind, labels, of_values
from autograd_core.compiler.canonical import canonical
from autograd_core.compiler.graph import Graph
from autograd_core.compiler.ir import Floats
from autograd_core.compiler.kept import Kept
from autograd_core.compiler.record import Recording, record
from autograd_core.compiler.repeat import Repetition, repeat
from autograd_core.compiler.replay import Replay
from autograd_core.compiler.results import Returned
from autograd_core.engine import Value, collector_paused
from autograd_core.structures import leaves, structure


class Recorded:
    """A function, with `graph` called once: its recording without Values, and what it returned.

    `parameters` are the Values that a gradient is along, and `nodes` where they were recorded (-1:
    nowhere); `others` are by node those that it reads besides; `roots` are the results' nodes.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        names: Sequence[str],
        keywords: Sequence[str],
        kinds: Sequence[Kind],
        *,
        batched: bool,
    ) -> None:
        self.f, self.names, self.keywords = f, names, keywords
        self.kinds, self.batched = kinds, batched

    def graph(self, wrt: Sequence[Value] | None) -> Graph:
        """Record the function, twice; the graph of it, with all Values free that it made."""
        if wrt is not None:
            check_leaves(wrt)
        tape, result = record(self.call, self.arguments)
        self.roots = [tape.node(root) for root in leaves(result)]
        self.returned = Returned(result)
        self.compare(tape)
        along = None if wrt is None else [tape.known.get(p, -1) for p in wrt]
        graph = canonical(tape, self.roots, batched=self.batched, wrt=along)
        self.nodes = array("i", along or [graph.origin[i] for i in graph.parameters])
        self.parameters = [tape.parameters[i] for i in self.nodes] if wrt is None else list(wrt)
        self.others = {graph.origin[i]: tape.parameters[graph.origin[i]] for i in graph.others}
        self.tape = Kept(tape, self.nodes, self.parameters, partial(labels, self.kinds, self.names))
        tape.values.clear()  # which know the tape, as it knows them
        return graph

    def arguments(self, tape: Recording | Repetition) -> list[Any]:
        """The function's arguments, made of new inputs."""
        return of_values(map(tape.input, labels(self.kinds, self.names)), self.kinds)

    def call(self, *arguments: Any) -> Any:
        """The function, called with the last arguments by keyword."""
        n = len(arguments) - len(self.keywords)
        return self.f(*arguments[:n], **dict(zip(self.keywords, arguments[n:], strict=True)))

    def check_unchanged(self) -> None:
        """Record again; RecordingError where the function does something else than before."""
        with collector_paused():
            self.compare(self.tape.recording())

    def compare(self, tape: Recording) -> None:
        """The same, with the recording at hand."""
        again, result = repeat(self.call, self.arguments, tape)
        same = structure(result) == self.returned.form
        again.finish(leaves(result), self.roots, same=same)

    def replay(self, leaves: Mapping[str, Sequence[Floats]]) -> Replay:
        """The recording on the numbers of a run."""
        outside = dict(zip(self.nodes, leaves["parameters"][0].tolist()))
        for others in leaves.get("others", []):
            outside.update(zip(self.others, others.tolist()))
        inputs = [part if self.batched else part[None] for part in leaves["inputs"]]
        rows = np.concatenate(inputs, axis=1) if inputs else np.zeros((1, 0))
        return Replay(self.tape, self.roots, outside, rows, self.batched)

    def eagerly(self, leaves: Mapping[str, Sequence[Floats]], along: str | None) -> list[Floats]:
        """The arrays of a run as eager has them, last the gradient along the leaf of a name."""
        roots, outside, inputs = self.replay(leaves).numbers(slopes=along is not None)
        if not self.batched:
            roots, inputs = roots[:, 0], inputs[0]
        arrays = [roots[group] for group in self.returned.groups]
        if along == "inputs":
            arrays.append(inputs.T)
        elif along:
            arrays.append(np.array([outside[i] for i in self.nodes], dtype=float))
        return arrays


def check_leaves(values: Sequence[Value]) -> None:
    """TypeError or ValueError for what the gradient cannot be along, or is asked for twice."""
    for value in values:
        if not isinstance(value, Value):
            raise TypeError(f"wrt is a list of Values, got {type(value).__name__}: {value!r}")
        if value.parents:
            raise ValueError(f"wrt is of Values that nothing computed; {value!r} was computed")
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"wrt has {twice[0]!r} twice")
