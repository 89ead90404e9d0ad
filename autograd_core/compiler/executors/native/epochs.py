"""Whole epochs in one call: what the training loop is told, and what came of it."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from autograd_core.compiler.executors import UntraceableError
from autograd_core.compiler.executors.cells import lengths_of
from autograd_core.compiler.executors.native.machine import Machine, compiled
from autograd_core.compiler.executors.native.regions import Region
from autograd_core.compiler.executors.native.symbols import Symbol
from autograd_core.compiler.executors.native.training import (
    Plan,
    Shape,
    Training,
    untraceable,
    updated,
)
from autograd_core.compiler.ir import Array, Compute, Floats
from autograd_core.compiler.training import Steps, Taken

if TYPE_CHECKING:
    from autograd_core.compiler.executors.native import NativeExecutor

AT_MOST = 50e6  # nanoseconds that a call should take, for Ctrl-C to be heard
PER_PLACE = 0.25  # nanoseconds that an op may take at a place, on average
LENGTH, STEPS, MADE = map(Plan._fields.index, ("length", "steps", "made"))
COURSES = 4  # that are kept prepared: of the whole data, of another batch size
LOOPS = 4  # that are kept: of another optimiser, or of one whose constants were changed


class Loop(NamedTuple):
    """The code of the loop: `function(plan)` is how many steps it took."""

    machine: Machine  # which is only kept alive
    function: Callable[[int], int]

    @classmethod
    def of(cls, text: str, executor: NativeExecutor) -> Loop:
        """That of a module."""
        machine = Machine(compiled(text, executor.processor))
        return cls(machine, machine.function("train", ctypes.c_void_p))


def take(executor: NativeExecutor, leaves: Mapping[str, Sequence[Floats]], steps: Steps) -> Taken:
    """Many steps at once, as far as all numbers are finite, and as many as a call should take."""
    (theta,) = leaves["parameters"]
    able = isinstance(steps.state[0], int) and is_trainable(executor)
    loop = loop_of(executor, steps) if able else None
    if loop is None:
        return Taken(theta, theta, steps.state, np.zeros(0), np.zeros(0, np.int64))
    for others in leaves.get("others", []):
        executor.shared("others")[...] = others
    return course_of(executor, leaves.get("inputs", []), steps).take(loop, theta, steps)


def loop_of(executor: NativeExecutor, steps: Steps) -> Loop | None:
    """The code of the loop for an optimiser, made once for equal constants; None: there is none."""
    loops, shape = executor.loops, shape_of(executor, steps)
    key: Any = shape, steps.constants
    try:
        if key in loops:
            return loops[key]
    except TypeError:  # some constant cannot be looked up: then by what is written
        key = None
    text = text_of(executor, shape, steps)
    key = key or text
    if key not in loops:
        if len(loops) >= LOOPS:
            del loops[next(iter(loops))]
        loops[key] = Loop.of(text, executor) if text else None
    return loops[key]


def text_of(executor: NativeExecutor, shape: Shape, steps: Steps) -> str:
    """The module of the loop; none, and a warning, for what does not become machine code."""
    try:
        first, again = [formula(executor, shape, steps.update) for _ in range(2)]
        if first != again:
            raise untraceable(steps.update, "it does not return the same again")
        module = executor.processor.module()
        Training(module, shape, steps.update)
    except UntraceableError as error:
        warn(f"steps are taken one by one: {error}", stacklevel=2)
        return ""
    return str(module)


def formula(executor: NativeExecutor, shape: Shape, update: Callable[..., Any]) -> list[str]:
    """What is written for the formula alone, and what its numbers are called."""
    region = Region(executor.processor.module())
    p, g, rate, made, *slots = [Symbol(region, f"%x{i}") for i in range(4 + shape.slots)]
    after = updated(update, p, g, tuple(slots), rate, made)
    return [*region.lines, *[p.like(x).text for x in after]]


def course_of(executor: NativeExecutor, inputs: Sequence[Floats], steps: Steps) -> Course:
    """What is prepared for steps on these examples: at least with room for so many."""
    parts = [np.ascontiguousarray(part, float) for part in inputs]
    examples = max([len(steps.order), *map(len, parts)])
    most = 1 << (len(steps.sizes) - 1).bit_length()  # so that nearly as many have room, too
    sizes, shape = (examples, int(steps.sizes.max()), most), shape_of(executor, steps)
    key = shape, sizes, *[(part.ctypes.data, part.shape) for part in parts]
    course = executor.courses.get(key)
    if course is None:
        if len(executor.courses) >= COURSES:
            del executor.courses[next(iter(executor.courses))]
        course = executor.courses[key] = Course(executor, shape, sizes, parts)
    return course


def is_trainable(executor: NativeExecutor) -> bool:
    """Whether the parameters and the gradient are there, and each lie as one row."""
    names = [x.name for x in executor.leaves]
    if "parameters" not in names:
        return False
    slopes = executor.views[executor.results[-1]]
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
        self,
        executor: NativeExecutor,
        shape: Shape,
        sizes: tuple[int, int, int],
        parts: Sequence[Floats],
    ) -> None:
        self.executor, self.shape = executor, shape
        (examples, self.largest, steps), size = sizes, shape.parameters
        loss, *outputs, slopes = executor.results
        self.rooms = executor.rooms(self.largest)
        self.rows: dict[str, NDArray[Any]] = {
            "arguments": self.arguments(parts),
            "order": np.empty(examples + self.largest, np.int64),
            "sizes": np.empty(steps, np.int64),
            "rates": np.empty(steps),
            "theta": executor.shared("parameters"),
            "gradient": self.room(slopes),
            "state": np.empty((shape.slots, size)),
            "slopes": np.empty(size),
            "new": np.empty((shape.slots + 2, size)),
            "decay": np.empty(size),
            "most": np.empty(1),
            "labels": np.empty(examples, np.int64),
            "threshold": np.empty(1),
            "loss": self.room(loss),
            "outputs": self.room(outputs[0]) if outputs else np.empty(1),
            "losses": np.empty(steps),
            "hits": np.zeros(steps, np.int64),
        }
        self.parts = parts  # which are only kept alive
        known = {name: row.ctypes.data for name, row in self.rows.items()}
        known["program"] = executor.machine.address("all")
        self.plan = np.array([known.get(name, 0) for name in Plan._fields], np.int64)
        self.pointer = self.plan.ctypes.data

    def arguments(self, parts: Sequence[Floats]) -> NDArray[Any]:
        """What the program is told; the loop enters the order and the number of examples."""
        executor = self.executor
        row = executor.arguments(0, self.rooms.values())
        for x in executor.leaves:
            start = 0
            for part in parts if x.batched else []:
                executor.describe(row, part, x, start, part.shape[1])
                start += part.shape[1]
        return np.array(row, np.int64)

    def room(self, x: Array) -> Floats:
        """Where a result is."""
        return self.rooms[x] if x.batched else self.executor.views[x]

    def take(self, loop: Loop, theta: Floats, steps: Steps) -> Taken:
        """The steps, from these parameters on."""
        made, *state = steps.state
        rows, n, count = self.rows, len(steps.order), len(steps.sizes)
        again = min(n, self.largest)  # of the order, its beginning
        rows["theta"][...] = theta
        rows["order"][:n], rows["order"][n : n + again] = steps.order, steps.order[:again]
        rows["sizes"][:count], rows["rates"][:count] = steps.sizes, steps.rates
        for row, numbers in zip(rows["state"], state):
            row[...] = numbers
        beside = {"decay": steps.decay, "most": steps.most, "labels": steps.labels}
        for name, numbers in {**beside, "threshold": steps.threshold}.items():
            if numbers is not None:
                rows[name][: np.size(numbers)] = numbers
        self.plan[LENGTH], self.plan[STEPS], self.plan[MADE] = n, self.most(steps), made
        done = loop.function(self.pointer)
        return Taken(
            rows["theta"].copy(),
            rows["slopes"].copy(),
            (made + done, *rows["state"].copy()),
            rows["losses"][:done].copy(),
            rows["hits"][:done].copy(),
        )

    def most(self, steps: Steps) -> int:
        """How many steps a call may take."""
        places = 1 + self.executor.places * int(steps.sizes.sum()) / len(steps.sizes)
        return min(len(steps.sizes), max(1, int(AT_MOST / (PER_PLACE * places))))


def places_of(order: Sequence[Array]) -> int:
    """At how many places an op is done, for an example."""
    return sum([math.prod(lengths_of(x).values()) for x in order if isinstance(x, Compute)])
