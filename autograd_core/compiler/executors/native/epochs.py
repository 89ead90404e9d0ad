"""Whole epochs in one call: what the training loop is told, and what came of it."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.compiler.executors.cells import lengths_of
from autograd_core.compiler.executors.native.machine import Machine, compiled
from autograd_core.compiler.executors.native.text import Module
from autograd_core.compiler.executors.native.training import NAMES, Shape, Training
from autograd_core.compiler.ir import Array, Compute, Floats, Leaf
from autograd_core.compiler.training import Steps, Taken

if TYPE_CHECKING:
    from autograd_core.compiler.executors.native import NativeExecutor

AT_MOST = 50e6  # nanoseconds that a call should take, for Ctrl-C to be heard
PER_PLACE = 0.25  # nanoseconds that an op may take at a place, on average


def take(executor: NativeExecutor, leaves: Mapping[str, Sequence[Floats]], steps: Steps) -> Taken:
    """Many steps at once, as far as all numbers are finite, and as many as a call should take."""
    (theta,), (made, *state) = leaves["parameters"], steps.state
    if not (isinstance(made, int) and is_trainable(executor)):
        return Taken(theta, theta, steps.state, np.zeros(0), np.zeros(0, np.int64))
    given = Given(executor, leaves, steps)
    done = trainer(executor, given.shape, steps)(given.plan.ctypes.data)
    gradient, *carried = given.gradient.copy(), *given.state
    return Taken(
        given.theta.copy(), gradient, (made + done, *carried), given.losses[:done], given.hits[:done]
    )


def is_trainable(executor: NativeExecutor) -> bool:
    """Whether the gradient and the parameters are there, and lie as one row each."""
    found = [x for x in executor.leaves if x.name == "parameters"]
    arrays = [*found, executor.results[-1]]
    return bool(found) and all(executor.writer.view(x, executor.memory).flags.c_contiguous for x in arrays)


def trainer(executor: NativeExecutor, shape: Shape, steps: Steps) -> Any:
    """The code of the loop, for an optimiser with these constants."""
    try:
        known = executor.trainers.get((shape, steps.constants))
    except TypeError:  # they cannot be looked up: another optimiser each time
        known = None
    if known is None:
        module = Module()
        Training(module, shape, steps.update)
        known = Machine(compiled(str(module)))
        try:
            executor.trainers[shape, steps.constants] = known
        except TypeError:
            executor.trainers[shape, ()] = known
    return known.function("train", ctypes.c_void_p)


class Given:
    """The numbers of a call, and where they are."""

    def __init__(
        self, executor: NativeExecutor, leaves: Mapping[str, Sequence[Floats]], steps: Steps
    ) -> None:
        loss, *outputs, slopes = executor.results
        made, *state = steps.state
        sizes = np.ascontiguousarray(steps.sizes[: most(executor, steps)], np.int64)
        largest = int(sizes.max(initial=1))
        rooms = executor.outputs(largest)
        view = {x: executor.writer.view(x, executor.memory) for x in executor.leaves + executor.results if not x.batched}
        for x in executor.leaves:
            start = 0
            for part in leaves[x.name] if not x.batched else []:
                view[x][start : start + part.size] = part
                start += part.size
        self.theta = next(view[x] for x in executor.leaves if x.name == "parameters")
        self.gradient, self.losses = view[slopes], np.zeros(len(sizes))
        self.hits = np.zeros(len(sizes), np.int64)
        size = self.theta.size
        self.state = [np.array(np.broadcast_to(x, size), float) for x in state]
        self.shape = Shape(
            size, len(state), steps.decay is not None, steps.most is not None,
            steps.labels is not None, outputs[0].size if outputs else 0,
            (loss.batched, bool(outputs) and outputs[0].batched),
        )
        order = np.concatenate([steps.order, steps.order[:largest]]).astype(np.int64)
        arguments = executor.arguments(largest, order, rooms.values())
        self.kept: list[Any] = [order, rooms, sizes]
        for x in executor.leaves:
            start = 0
            for part in leaves[x.name] if x.batched else []:
                self.kept.append(np.ascontiguousarray(part, float))
                executor.describe(arguments, self.kept[-1], x, start, part.shape[1])
                start += part.shape[1]
        zero = np.zeros(1)
        numbers = {
            "program_at": executor.machine.address("all"),
            "arguments": np.array(arguments, np.int64),
            "order": order,
            "length": len(steps.order),
            "sizes": sizes,
            "rates": np.ascontiguousarray(steps.rates, float),
            "steps": len(sizes),
            "made": made,
            "theta": self.theta,
            "gradient": self.gradient,
            "state": (carried := np.array(self.state).reshape(-1)),
            "new": np.empty(size * (len(state) + 1)),
            "decay": zero if steps.decay is None else np.ascontiguousarray(steps.decay, float),
            "most": np.array([steps.most or 0.0]),
            "labels": zero if steps.labels is None else np.ascontiguousarray(steps.labels, np.int64),
            "threshold": np.array([steps.threshold], float),
            "loss": rooms[loss] if loss.batched else view[loss],
            "outputs": zero if not outputs else rooms.get(outputs[0], view.get(outputs[0])),
            "losses": self.losses,
            "hits": self.hits,
        }
        self.state = list(carried.reshape(len(state), size))
        self.kept.append(numbers)
        found = [numbers[name] for name in NAMES]
        self.plan = np.array([x if isinstance(x, int) else x.ctypes.data for x in found], np.int64)


def most(executor: NativeExecutor, steps: Steps) -> int:
    """How many steps a call may take."""
    size = float(np.mean(steps.sizes)) if len(steps.sizes) else 1.0
    return max(1, int(AT_MOST / (PER_PLACE * (1 + size * executor.places))))


def places_of(order: Sequence[Array]) -> int:
    """At how many places an op is done, for an example."""
    return sum([math.prod(lengths_of(x).values()) for x in order if isinstance(x, Compute)])
