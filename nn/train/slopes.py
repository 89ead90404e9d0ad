"""How the loss, the outputs and the gradient of a batch are had, in two ways to the same numbers.

`GraphSlopes` builds the graph of the batch and goes back over it, with lists of floats.
`ArraySlopes` runs compiled programs, with arrays. All else of training is the loop's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_core import Program, Value, mean, topological
from autograd_core.engine import collector_paused
from nn.model.dropout import drawing, dropouts
from nn.model.module import outputs_of, parameters_of, unchanged
from nn.optim import Optimizer
from nn.train.examples import Examples, Model, classes_said
from nn.train.stacks import Stack, alike

LEAST_NORM = 2.0**-500  # below which squares of a gradient's numbers may be 0
MOST_DRAWS = 10**9  # random numbers that one example uses up

if TYPE_CHECKING:
    from autograd_core.compiler.executors import Wanted


class DivergedError(FloatingPointError):
    """Training met a number that is not finite; the message names where it arose."""


class GraphSlopes:
    """As the textbook has it: build the graph of a batch, and go back over it."""

    takes_steps = False  # whether an executor takes many steps at once, by `take`

    def __init__(self, model: Model, data: Examples) -> None:
        self.model, self.parameters = model, parameters_of(model)
        self.dropouts = dropouts(model)
        self.show(data)

    def show(self, data: Examples) -> None:
        """Take other examples."""
        self.data = data
        self.units = self.count_draws()
        self.draws: Any = [()] * data.n

    def slope(self, theta: Any, batch: Sequence[int]) -> tuple[float, int, Any]:
        """The mean loss of a batch, the labels hit, and the gradient, for parameters theta."""
        with collector_paused():
            self.give(theta)
            said, loss = self.graph(batch)
            return loss.data, self.data.hits(said, batch), [p.grad for p in self.parameters]

    def give(self, theta: Any) -> None:
        """Put numbers into the parameters."""
        for p, number in zip(self.parameters, self.numbers(theta), strict=True):
            p.data = number

    def graph(self, batch: Sequence[int]) -> tuple[list[Any], Value]:
        """What the model says to a batch, and the mean loss after backward."""
        said = [self.said(i) for i in batch]
        loss = mean([self.data.weighted(i, z) for i, z in zip(batch, said, strict=True)])
        for p in self.parameters:
            p.grad = 0.0
        loss.backward()
        return said, loss

    def said(self, i: int) -> Any:
        """What the model says to example i, in training."""
        with drawing(self.dropouts, self.draws[i]):
            return self.model(self.data.X[i])

    def measure(self, data: Examples, theta: Any) -> tuple[float, float | None]:
        """The mean loss, and the share of labels hit, on any examples, out of training."""
        with collector_paused():
            self.give(theta)
            said = [self.model(x) for x in data.X]
            loss = mean([data.weighted(i, z) for i, z in enumerate(said)]).data
        return loss, share_of(data, data.hits(said, range(data.n)))

    def take(self, theta: Any, **steps: Any) -> Any:
        """Many steps at once, as `autograd_core.compiler.training` describes them."""
        raise NotImplementedError

    def explain(self, batch: Sequence[int]) -> None:
        """Raise for what is not defined, or not finite, in the graph of a batch."""
        for i in batch:
            try:
                self.data.weighted(i, self.said(i))
            except (ArithmeticError, ValueError) as error:
                raise type(error)(f"example {i}: {error}") from error
        check_finite(self.graph(batch)[1], self.parameters)

    def check_unchanged(self) -> None:
        """Nothing to do: every step follows the model and the loss as they are."""

    # --- Random numbers ---

    def count_draws(self) -> int:
        """How many numbers the Dropouts use up for an example, at the most."""
        if not self.dropouts:
            return 0
        used = []
        with unchanged(self.model):
            for stack in alike(self.data.X):
                left = iter(range(MOST_DRAWS))
                with drawing(self.dropouts, map(float, left)):
                    self.model(self.data.X[stack[0]])
                used.append(next(left))
        return max(used)

    def draw(self, seed: int) -> None:
        """For an epoch, the numbers of every example from 0 to below 1, by a seed."""
        words = struct.unpack(f"<{self.data.n * self.units}I", self.words(seed))
        self.draws = [
            [word / 2**32 for word in words[start : start + self.units]]
            for start in range(0, len(words), self.units)
        ]

    def words(self, seed: int) -> bytes:
        """Four random bytes for each number of an epoch."""
        return Random(seed).randbytes(4 * self.data.n * self.units)

    def places(self, keys: bytes | None) -> Any:
        """Where each example stands in turn: in order, or as eight bytes for each are sorted."""
        order = range(self.data.n)
        if keys is None:
            return list(order)
        return sorted(order, key=struct.unpack(f"<{self.data.n}Q", keys).__getitem__)

    def joined(self, orders: Sequence[Any]) -> Any:
        """The places of several epochs, one after the other."""
        return [i for order in orders for i in order]

    # --- Numbers, one for each parameter ---

    def vector(self, numbers: Iterable[float]) -> Any:
        """Numbers to compute with."""
        return list(numbers)

    def numbers(self, vector: Any) -> list[float]:
        """The same as a list of floats."""
        return list(vector)

    def all_finite(self, vector: Any) -> bool:
        """Whether every number is."""
        return all(map(math.isfinite, vector))

    def signs(self, theta: Any) -> Any:
        """The slope of |w|: -1, 1, or 0 at 0."""
        return [float(t > 0) - float(t < 0) for t in theta]

    def plus(self, gradient: Any, factor: Any, theta: Any) -> Any:
        """The gradient, and theta times a factor for each."""
        return [g + f * t for g, f, t in zip(gradient, factor, theta, strict=True)]

    def clipped(self, gradient: Any, most: float) -> Any:
        """The gradient, shortened if it is longer than `most`."""
        scale = most / max(math.hypot(*gradient), most)
        return [scale * g for g in gradient]

    def moved(self, optimizer: Optimizer, theta: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """The parameters after a step of the optimiser, and its state."""
        rows = zip(theta, gradient, state, strict=True)
        moved = [optimizer.moved(p, g, carried) for p, g, carried in rows]
        return [number for number, _ in moved], [carried for _, carried in moved]

    def state_of(self, optimizer: Optimizer) -> Any:
        """What the optimiser carries along."""
        return list(map(optimizer.state_of, self.parameters))

    def states(self, state: Any) -> Iterator[tuple[Value, tuple[Any, ...]]]:
        """The same for each parameter."""
        return zip(self.parameters, state, strict=True)


class ArraySlopes(GraphSlopes):
    """On arrays: model and loss are recorded once for each structure of examples."""

    def __init__(self, model: Model, data: Examples, executor: Wanted | None = None) -> None:
        import numpy as np

        from autograd_core.compiler.results import is_finite

        self.np, self.executor, self.is_finite = np, executor, is_finite
        self.programs: dict[Any, Program] = {}
        super().__init__(model, data)

    def show(self, data: Examples) -> None:
        """Take other examples; those of a structure that is known are not recorded again."""
        super().show(data)
        self.labels = self.classes(data)
        self.rows = [self.beside(data, stack) for stack in data.stacks]
        self.using = [self.program(data, *pair) for pair in zip(data.stacks, self.rows)]
        self.place = {
            i: (k, row) for k, stack in enumerate(data.stacks) for row, i in enumerate(stack.places)
        }
        self.takes_steps = len(self.using) == 1 and self.using[0].takes_steps

    def classes(self, data: Examples) -> Any:
        """The labels of examples as an array, None without."""
        return None if data.labels is None else self.np.array(data.labels)

    def beside(self, data: Examples, stack: Stack, *, training: bool = True) -> dict[str, Any]:
        """What a program takes beside inputs and targets: weights, and in training random numbers.

        Those are drawn for every epoch.
        """
        rows: dict[str, Any] = {}
        if data.weights is not None:
            rows["weight"] = self.np.array([data.weights[i] for i in stack.places])
        if self.units and training:
            rows["draws"] = self.np.zeros((len(stack.places), self.units))
        return rows

    def program(self, data: Examples, stack: Stack, rows: Mapping[str, Any]) -> Program:
        """What is compiled: the loss of one example, and its outputs for the accuracy.

        It is recorded if there is none yet for examples such as those of the stack.
        """

        def loss_and_outputs(x: Any, target: Any, weight: Any = None, draws: Any = None) -> Any:
            with drawing(self.dropouts if draws is not None else (), draws or ()):
                prediction = self.model(x)
            loss = data.loss_of(prediction, target)
            loss = loss if weight is None else loss * weight
            return loss if data.labels is None else (loss, outputs_of(prediction))

        # The program keeps the loss, so that no other has its id.
        key = stack.structure, id(data.formula), data.labels is None, *rows
        if key not in self.programs:
            options = {"wrt": self.parameters, "executor": self.executor}
            self.programs[key] = stack.record(loss_and_outputs, rows, **options)
        return self.programs[key]

    def check_unchanged(self) -> None:
        """Raise RecordingError if model or loss would do something else by now."""
        for program in self.programs.values():
            program.check_unchanged()

    def slope(self, theta: Any, batch: Any) -> tuple[float, int, Any]:
        """The mean loss of a batch, the labels hit, and the gradient, for parameters theta."""
        if len(self.using) == 1:
            whole = len(batch) == self.data.n  # in order then, and not copied
            return self.slope_of(0, theta, None if whole else batch, batch)
        mean_loss, hits, gradient = 0.0, 0, self.np.zeros(len(self.parameters))
        for k in range(len(self.using)):
            if among := [i for i in batch if self.place[i][0] == k]:
                rows = [self.place[i][1] for i in among]
                loss, right, slope = self.slope_of(k, theta, rows, among)
                share = len(among) / len(batch)
                mean_loss, hits = mean_loss + share * loss, hits + right
                gradient += share * slope
        return mean_loss, hits, gradient

    def slope_of(self, k: int, theta: Any, rows: Any, among: Any) -> tuple[float, int, Any]:
        """The same for examples of one stack."""
        stack, beside, labels = self.data.stacks[k], self.rows[k], self.labels
        given = [stack.X, stack.targets]
        if rows is not None:  # `take` is twice as fast as an index
            given = [column.take(rows, 0) for column in given]
            beside = {name: column.take(rows, 0) for name, column in beside.items()}
        result, gradient = self.using[k].value_and_gradient(*given, at=theta, **beside)
        if labels is None:
            return result, 0, gradient
        loss, outputs = result
        return loss, self.hits(outputs, labels if rows is None else labels.take(among)), gradient

    def take(self, theta: Any, **steps: Any) -> Any:
        """Many steps at once, as `autograd_core.compiler.training` describes them."""
        from autograd_core.compiler.training import Steps

        (stack,), (rows,), (program,) = self.data.stacks, self.rows, self.using
        arrays = {name: self.np.array(steps[name]) for name in ("order", "sizes", "rates")}
        asked = Steps(**steps | arrays, labels=self.labels)
        return program.take(stack.X, stack.targets, at=theta, steps=asked, **rows)

    def measure(self, data: Examples, theta: Any) -> tuple[float, float | None]:
        """The mean loss, and the share of labels hit, on any examples, out of training."""
        mean_loss, hits, labels = 0.0, 0, self.classes(data)
        for stack in data.stacks:
            beside = self.beside(data, stack, training=False)
            program = self.program(data, stack, beside)
            result = program(stack.X, stack.targets, at=theta, **beside)
            loss, outputs = (result, None) if labels is None else result
            if outputs is not None:
                hits += self.hits(outputs, labels[stack.places])
            mean_loss += loss * len(stack.places) / data.n
        return mean_loss, share_of(data, hits)

    def hits(self, outputs: Any, labels: Any) -> int:
        """How often the outputs speak for an example's label."""
        return int(self.np.count_nonzero(classes_said(outputs, self.data.threshold) == labels))

    # --- Random numbers ---

    def draw(self, seed: int) -> None:
        """For an epoch, the numbers of every example from 0 to below 1, by a seed."""
        table = self.np.frombuffer(self.words(seed), "<u4").reshape(self.data.n, -1) / 2**32
        self.draws = table
        for rows, stack in zip(self.rows, self.data.stacks, strict=True):
            rows["draws"] = table[stack.places]

    def places(self, keys: bytes | None) -> Any:
        """Where each example stands in turn: in order, or as eight bytes for each are sorted."""
        if keys is None:
            return self.np.arange(self.data.n)
        return self.np.frombuffer(keys, "<u8").argsort(kind="stable")

    def joined(self, orders: Sequence[Any]) -> Any:
        """The places of several epochs, one after the other."""
        return self.np.concatenate(orders) if len(orders) > 1 else orders[0]

    # --- Numbers, one for each parameter ---

    def vector(self, numbers: Iterable[float]) -> Any:
        """Numbers to compute with."""
        return self.np.array(list(numbers), dtype=float)

    def numbers(self, vector: Any) -> list[float]:
        """The same as a list of floats."""
        found: list[float] = vector.tolist()
        return found

    def all_finite(self, vector: Any) -> bool:
        """Whether every number is."""
        return self.is_finite(vector)

    def signs(self, theta: Any) -> Any:
        """The slope of |w|: -1, 1, or 0 at 0."""
        return self.np.sign(theta)

    def plus(self, gradient: Any, factor: Any, theta: Any) -> Any:
        """The gradient, and theta times a factor for each."""
        with self.np.errstate(over="ignore"):  # which the step to it tells
            return gradient + factor * theta

    def clipped(self, gradient: Any, most: float) -> Any:
        """The gradient, shortened if it is longer than `most`."""
        with self.np.errstate(over="ignore"):
            norm = float(self.np.linalg.norm(gradient))
        if not LEAST_NORM < norm < math.inf:
            norm = math.hypot(*gradient)  # which squares no number that is very large or small
        return most / max(norm, most) * gradient

    def moved(self, optimizer: Optimizer, theta: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """The parameters after a step of the optimiser, and its state."""
        with self.np.errstate(all="ignore"):
            return optimizer.moved(theta, gradient, state)

    def state_of(self, optimizer: Optimizer) -> Any:
        """What the optimiser carries along; the steps made as one number if they agree."""
        steps, *slots = map(self.np.array, zip(*super().state_of(optimizer), strict=True))
        agree = bool((steps == steps[0]).all())
        return int(steps[0]) if agree else steps, *slots

    def states(self, state: Any) -> Iterator[tuple[Value, tuple[Any, ...]]]:
        """The same for each parameter."""
        n = len(self.parameters)
        slots = [self.np.broadcast_to(slot, n).tolist() for slot in state]
        return zip(self.parameters, zip(*slots, strict=True), strict=True)


def share_of(data: Examples, hits: int) -> float | None:
    """The share of labels hit, None where there are none."""
    return None if data.labels is None else hits / data.n


def check_finite(loss: Value, parameters: Sequence[Value]) -> None:
    """Raise DivergedError for a loss or a gradient that is not finite."""
    if not math.isfinite(loss.data):
        raise DivergedError(f"the loss is {loss.data}; {first_nonfinite(loss)}")
    for p in parameters:
        if not math.isfinite(p.grad):
            raise DivergedError(f"the gradient of {name_of(p)} is {p.grad}")


def name_of(p: Value) -> str:
    """A parameter's label, or what it is."""
    return p.label or "a parameter"


def first_nonfinite(root: Value) -> str:
    """Where in a graph the first number that is not finite arose."""
    first = next(v for v in topological(root) if not math.isfinite(v.data))
    if first.op is None:
        return f"the first such number is {first.label or 'an input'} = {first.data}"
    parents = first.parents
    if len(parents) > 6:
        parents = tuple(sorted(parents, key=lambda p: -abs(p.data))[:4])
    operands = ", ".join(f"{p.label} = {p.data:g}" if p.label else f"{p.data:g}" for p in parents)
    more = f", and {len(first.parents) - 4} smaller ones" if len(first.parents) > 6 else ""
    return f"the first such number is {first.op.name} of ({operands}{more})"
