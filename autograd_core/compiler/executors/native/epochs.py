"""Whole epochs in one call: what the training loop is told, and what came of it."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.compiler.executors.cells import lengths_of
from autograd_core.compiler.executors.native.machine import Machine, compiled
from autograd_core.compiler.executors.native.training import Plan, Shape, Training
from autograd_core.compiler.ir import Array, Compute, Floats
from autograd_core.compiler.training import Steps, Taken

if TYPE_CHECKING:
    from autograd_core.compiler.executors.native import NativeExecutor

AT_MOST = 50e6  # nanoseconds that a call should take, for Ctrl-C to be heard
PER_PLACE = 0.25  # nanoseconds that an op may take at a place, on average
COURSES = 4  # that are kept prepared: of the whole data, of another batch size


def take(executor: NativeExecutor, leaves: Mapping[str, Sequence[Floats]], steps: Steps) -> Taken:
    """Many steps at once, as far as all numbers are finite, and as many as a call should take."""
    (theta,) = leaves["parameters"]
    if not (isinstance(steps.state[0], int) and is_trainable(executor)):
        return Taken(theta, theta, steps.state, np.zeros(0), np.zeros(0, np.int64))
    shape, largest = shape_of(executor, steps), int(max(steps.sizes))
    parts = [np.ascontiguousarray(part, float) for part in leaves.get("inputs", [])]
    key = shape, largest, *[(part.ctypes.data, part.shape) for part in parts]
    course = executor.courses.get(key)
    if course is None:
        if len(executor.courses) >= COURSES:
            del executor.courses[next(iter(executor.courses))]
        course = executor.courses[key] = Course(executor, shape, largest, parts)
    others = leaves.get("others")
    if others:
        executor.shared("others")[...] = others[0]
    return course.take(theta, steps)


def is_trainable(executor: NativeExecutor) -> bool:
    """Whether the parameters and the gradient are there, and each lie as one row."""
    names = [x.name for x in executor.leaves]
    if "parameters" not in names:
        return False
    slopes = executor.writer.view(executor.results[-1], executor.memory)
    return slopes.flags.c_contiguous and executor.shared("parameters").shape == slopes.shape


def shape_of(executor: NativeExecutor, steps: Steps) -> Shape:
    """What the code of the loop depends on, but for the formula."""
    loss, *outputs, slopes = executor.results
    return Shape(
        parameters=slopes.size,
        slots=len(steps.state) - 1,
        decays=steps.decay is not None,
        clips=steps.most is not None,
        labels=steps.labels is not None,
        outputs=outputs[0].size if outputs else 0,
        batched=(loss.batched, bool(outputs) and outputs[0].batched),
    )


class Course:
    """What stays the same from call to call: the examples, and rooms for numbers."""

    def __init__(
        self, executor: NativeExecutor, shape: Shape, largest: int, parts: Sequence[Floats]
    ) -> None:
        self.executor, self.shape, self.largest, self.parts = executor, shape, largest, parts
        size, slots = shape.parameters, shape.slots
        self.loss, *self.outputs, slopes = executor.results
        self.rooms = executor.outputs(largest)
        arguments = executor.arguments(largest, np.zeros(1, np.int64), self.rooms.values())
        for x in executor.leaves:
            start = 0
            for part in parts if x.batched else []:
                executor.describe(arguments, part, x, start, part.shape[1])
                start += part.shape[1]
        self.theta = executor.shared("parameters")
        self.gradient = executor.writer.view(slopes, executor.memory)
        self.state = np.empty((slots, size))
        self.plan = np.zeros(len(Plan._fields), np.int64)
        self.kept: dict[str, NDArray[Any]] = {}
        self.tell(
            arguments=np.array(arguments, np.int64),
            theta=self.theta,
            gradient=self.gradient,
            state=self.state,
            new=np.empty((slots + 1, size)),
            loss=self.room(self.loss),
            outputs=self.room(self.outputs[0]) if self.outputs else np.zeros(1),
        )
        self.plan[Plan._fields.index("program")] = executor.machine.address("all")

    def room(self, x: Array) -> Floats:
        """Where a result is."""
        return self.rooms[x] if x.batched else self.executor.writer.view(x, self.executor.memory)

    def tell(self, **numbers: NDArray[Any]) -> None:
        """Note where numbers are, and keep them there."""
        for name, array in numbers.items():
            self.plan[Plan._fields.index(name)] = array.ctypes.data
        self.kept.update(numbers)

    def take(self, theta: Floats, steps: Steps) -> Taken:
        """The steps, from these parameters on."""
        made, *state = steps.state
        sizes = np.asarray(steps.sizes[: self.most(steps)], np.int64)
        losses, hits = np.zeros(len(sizes)), np.zeros(len(sizes), np.int64)
        self.theta[...] = theta
        for row, numbers in zip(self.state, state):
            row[...] = numbers
        self.tell(
            order=np.concatenate([steps.order, steps.order[: self.largest]]).astype(np.int64),
            sizes=sizes,
            rates=np.asarray(steps.rates, float),
            most=np.array([steps.most or 0.0]),
            threshold=np.array([steps.threshold], float),
            losses=losses,
            hits=hits,
        )
        if steps.decay is not None:
            self.tell(decay=np.ascontiguousarray(steps.decay, float))
        if steps.labels is not None:
            self.tell(labels=np.ascontiguousarray(steps.labels, np.int64))
        for name, number in (("length", len(steps.order)), ("steps", len(sizes)), ("made", made)):
            self.plan[Plan._fields.index(name)] = number
        done: int = self.loop(steps)(self.plan.ctypes.data)
        state_after = made + done, *self.state.copy()
        return Taken(
            self.theta.copy(), self.gradient.copy(), state_after, losses[:done], hits[:done]
        )

    def most(self, steps: Steps) -> int:
        """How many steps a call may take."""
        places = 1 + self.executor.places * float(np.mean(steps.sizes))
        return max(1, int(AT_MOST / (PER_PLACE * places)))

    def loop(self, steps: Steps) -> Callable[[int], int]:
        """The code of the loop for an optimiser; made once for equal constants."""
        loops = self.executor.loops
        key: Any = self.shape, steps.constants
        try:
            known = loops.get(key)
        except TypeError:  # some constant cannot be looked up: then by what is written
            key = self.text(steps)
            known = loops.get(key)
        if known is None:
            machine = Machine(compiled(self.text(steps), self.executor.processor))
            known = loops[key] = machine, machine.function("train", ctypes.c_void_p)
        function: Callable[[int], int] = known[1]
        return function

    def text(self, steps: Steps) -> str:
        """The module of the loop."""
        module = self.executor.processor.module()
        Training(module, self.shape, steps.update)
        return str(module)


def places_of(order: Sequence[Array]) -> int:
    """At how many places an op is done, for an example."""
    return sum([math.prod(lengths_of(x).values()) for x in order if isinstance(x, Compute)])
