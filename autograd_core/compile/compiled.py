"""A recorded function on arrays: recorded twice, laid out, loaded and run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd_core.compile import replay, results
from autograd_core.compile.arguments import (
    Floats,
    Kind,
    Parts,
    examples,
    make,
    shaped,
    split,
)
from autograd_core.compile.canonical import Graph, canonical
from autograd_core.compile.layout import Program, groups, lay_out
from autograd_core.compile.record import Recording, Repetition, record, repeat
from autograd_core.compile.run import Machine
from autograd_core.compile.scalars import ScalarMachine
from autograd_core.engine import collector_paused


class Compiled:
    """A function on Values, recorded and laid out for arguments of one structure."""

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
        self.batched, self.kinds = batched, kinds
        self.machines: dict[int | None, Machine | ScalarMachine] = {}
        with collector_paused():
            self.tape, self.result = record(self.call, self.arguments)
            self.roots = [self.tape.node(root) for root in results.leaves(self.result)]
            self.check_unchanged()
            self.graph = canonical(self.tape, self.roots, batched=batched)
        self.parameter_nodes = [self.graph.origin[i] for i in self.graph.parameters]
        self.parameters = [self.tape.parameters[i] for i in self.parameter_nodes]

    def arguments(self, tape: Recording | Repetition) -> list[Any]:
        """The function's arguments, made of new inputs."""
        return [make(kind, name, tape.input) for kind, name in zip(self.kinds, self.names)]

    def call(self, *arguments: Any) -> Any:
        """The function, called with the last arguments by keyword."""
        n = len(arguments) - len(self.keywords)
        return self.f(*arguments[:n], **dict(zip(self.keywords, arguments[n:], strict=True)))

    def check_unchanged(self) -> None:
        """Record again; RecordingError where the function does something else than before."""
        with collector_paused():
            again, result = repeat(self.call, self.arguments, self.tape)
            same = results.form(result) == results.form(self.result)
            again.finish(results.leaves(result), self.roots, same=same)

    def value(self, parts: Parts) -> Any:
        """What f returns."""
        machine = self.load(parts, None)
        machine.forward()
        return self.results(machine)

    def value_and_gradient(self, parts: Parts, at: Floats | None) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to the parameters."""
        results.root_of(self.result)
        machine = self.load(parts, at)
        machine.backward()
        gradient = machine.gradient.copy()
        if not np.isfinite(gradient).all():
            found, _ = self.replay(machine)
            gradient = np.array([found[i] for i in self.parameter_nodes])
        return self.results(machine), gradient

    def gradient_wrt_inputs(self, parts: Parts) -> Any:
        """The gradient with respect to every argument, in its shape."""
        results.root_of(self.result)
        machine = self.load(parts, None)
        machine.backward_to_inputs()
        flat = machine.input_gradient.T.copy()  # a row for each example
        if not np.isfinite(flat).all():
            flat = self.replay(machine)[1].reshape(flat.shape)
        return tuple([shaped(part, kind) for part, kind in split(flat, self.kinds)])

    def replay(self, machine: Machine | ScalarMachine) -> tuple[dict[int, float], Floats]:
        """Both gradients, as eager has them."""
        parameters = dict(zip(self.parameter_nodes, machine.parameters.tolist(), strict=True))
        rows = machine.inputs.T if self.batched else machine.inputs[None]
        return replay.gradients(self.tape, self.roots[0], parameters, rows, batched=self.batched)

    def load(self, parts: Parts, at: Floats | None) -> Machine | ScalarMachine:
        """The machine for this number of examples, with parameters and inputs in place."""
        n = examples(parts) if self.batched else None
        machine = self.machines.get(n)
        if machine is None:
            if len(self.machines) >= 4:  # the data set, a batch, its remainder, and one to spare
                del self.machines[next(iter(self.machines))]
            machine = self.machines[n] = self.new_machine(n)
        machine.parameters[:] = self.numbers(at)
        start = 0
        for part in parts:
            stop = start + part.shape[-1]
            machine.inputs[start:stop] = part.T
            start = stop
        return machine

    def numbers(self, at: Floats | None) -> Any:
        """The parameters' numbers: those given, or their own."""
        if at is None:
            return [p.data for p in self.parameters]
        at = np.asarray(at, dtype=float)
        if at.shape != (len(self.parameters),):
            raise ValueError(f"at must be a list of {len(self.parameters)} numbers, got {at!r}")
        return at

    def new_machine(self, n: int | None) -> Machine | ScalarMachine:
        """An array machine, or a scalar one where there is little to gather into arrays."""
        if n is None and not has_structure(self.graph, self.alike):
            return ScalarMachine(self.tape, self.parameter_nodes, self.roots)
        return Machine(self.program, n, self.label)

    @cached_property
    def alike(self) -> list[list[int]]:
        """The groups of nodes that are alike."""
        return groups(self.graph)

    @cached_property
    def program(self) -> Program:
        """The steps on arrays."""
        return lay_out(self.graph, self.alike)

    def results(self, machine: Machine | ScalarMachine) -> Any:
        """The roots, in the structure that f returned."""
        return results.numbers(self.result, iter(machine.roots), machine.n)

    def label(self, node: int) -> str:
        """The label of what a node of the graph computes."""
        origin = self.graph.origin[node]
        return self.tape.values[origin].label if origin < len(self.tape.values) else ""


def has_structure(graph: Graph, alike: Sequence[list[int]]) -> bool:
    """Whether steps on arrays would do enough at once to be worth their overhead."""
    operands = sum([len(graph.operands(i)) for i in range(len(graph.ops))])
    return operands > 12 * len(alike)
