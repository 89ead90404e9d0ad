"""The training loop: gather, step, update, and whole epochs of that in one call.

A step is whole or not at all: new numbers are put beside the old ones, and take their place when
all are finite. The optimiser's formula is traced from its `update`: what is the same for all
parameters, a power of a constant or a rate, is computed once a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autograd_core.compiler.executors import UntraceableError
from autograd_core.compiler.executors.native import exceptions
from autograd_core.compiler.executors.native.nests import added_up, in_lanes, mean_of
from autograd_core.compiler.executors.native.regions import Module, Region
from autograd_core.compiler.executors.native.symbols import (
    DOUBLE,
    INTEGER,
    POINTER,
    Symbol,
    intrinsic,
    select,
)
from autograd_core.compiler.executors.native.writer import EXAMPLES, ORDER, argument


class Plan(NamedTuple):
    """What the loop is told: whole numbers in a row, most of them places of numbers."""

    program: Symbol  # the function that runs the program
    arguments: Symbol  # what it is told
    order: Symbol  # of the examples, and its beginning once more
    length: Symbol  # of the order
    sizes: Symbol  # of the steps
    rates: Symbol
    steps: Symbol  # how many there are
    made: Symbol  # how many were made before
    theta: Symbol
    gradient: Symbol  # where the program puts it, which may be where something else is, too
    state: Symbol
    slopes: Symbol  # the gradient of the last step, as it went into the formula
    new: Symbol  # room for parameters, state and gradient
    decay: Symbol
    most: Symbol  # the largest norm of the gradient
    labels: Symbol
    threshold: Symbol
    loss: Symbol
    outputs: Symbol
    losses: Symbol
    hits: Symbol


# Up to this the squares of a gradient's numbers may be 0: it is then made longer first.
LEAST_NORM, LARGE = 2.0**-500, 2.0**900
WHOLE = {"length", "steps", "made"}  # which are no places


class Shape(NamedTuple):
    """What the code of a training depends on, beside the formula of the optimiser."""

    parameters: int
    slots: int  # that the optimiser carries for each parameter
    decays: bool
    clips: bool
    labels: bool
    outputs: int
    batched: tuple[bool, bool]  # whether there is a loss, and whether outputs, for each example


class Training:
    """Writes the loop."""

    def __init__(
        self,
        module: Module,
        shape: Shape,
        update: Callable[..., tuple[Any, tuple[Any, ...]]],
        program: str | None = None,
    ) -> None:
        self.shape, self.update, self.program = shape, update, program
        module.function("train", [("plan", POINTER, 1)], self.write, exported=True)

    def write(self, region: Region, plan: Symbol) -> Symbol:
        """All steps; how many were taken."""
        kinds = [INTEGER if name in WHOLE else POINTER for name in Plan._fields]
        self.plan = Plan(*[argument(region, plan, i, kind) for i, kind in enumerate(kinds)])
        # The gradient is put aside behind new parameters and new state.
        self.aside = region.at(self.plan.new, (1 + self.shape.slots) * self.shape.parameters)
        exceptions.clear(region)

        def step(inner: Region, carried: list[Symbol]) -> tuple[Symbol, list[Symbol]]:
            k, start = carried
            taken = self.step(inner, k, start)
            after = start + inner.load(inner.at(self.plan.sizes, k, INTEGER), INTEGER)
            start = select(after < self.plan.length, after, after - self.plan.length)
            k = k + taken
            return (taken != 0) & (k < self.plan.steps), [k, start]

        zero = region.integer(0)
        done, _ = region.repeat([zero, zero], step)
        return done

    def step(self, region: Region, k: Symbol, start: Symbol) -> Symbol:
        """A step: 1 if it was taken, 0 if some number was not finite, or not defined."""
        size = region.load(region.at(self.plan.sizes, k, INTEGER), INTEGER)
        order = region.at(self.plan.order, start, INTEGER)
        region.store(size, region.at(self.plan.arguments, EXAMPLES, INTEGER))
        region.store(order, region.at(self.plan.arguments, ORDER, INTEGER))
        self.run(region)
        loss = self.mean_loss(region, size)
        nothing = self.total(region, self.decayed) + loss * 0.0
        scale = self.scale(region)
        good = (nothing == 0.0) & (exceptions.seen(region) == 0)
        if scale is not None:
            good = good & (scale > 0.0)  # 0 where squares overflow, which not every processor tells
        zero = region.integer(0)

        def move(inner: Region) -> list[Symbol]:
            finite = self.moved(inner, k, scale) == 0.0
            return inner.when(finite, commit, [zero])

        def commit(inner: Region) -> list[Symbol]:
            inner.store(loss, inner.at(self.plan.losses, k))
            if self.shape.labels:  # outputs may be parameters
                inner.store(
                    self.count_hits(inner, size, order), inner.at(self.plan.hits, k, INTEGER)
                )
            self.each(inner, self.keep)
            return [inner.integer(1)]

        (taken,) = region.when(good, move, [zero])
        return taken

    def run(self, region: Region) -> None:
        """The program, on the rows of this step."""
        program = f"@{self.program}" if self.program else self.plan.program.text
        region.do(f"call void {program}({self.plan.arguments.typed})")

    # --- Numbers of all parameters

    def each(self, region: Region, body: Callable[[Region, Any, int], None]) -> None:
        """Go over all parameters, some in lanes."""
        in_lanes(region, self.shape.parameters, body)

    def total(self, region: Region, term: Callable[[Region, Any, int], Symbol]) -> Symbol:
        """The sum of a term over all parameters."""
        return added_up(region, self.shape.parameters, term)

    def decayed(self, region: Region, i: Any, lanes: int) -> Symbol:
        """Put the gradient aside, with decay; 0 where it is finite."""
        g = region.load(region.at(self.plan.gradient, i), lanes=lanes)
        if self.shape.decays:
            decay = region.load(region.at(self.plan.decay, i), lanes=lanes)
            g = g + decay * region.load(region.at(self.plan.theta, i), lanes=lanes)
        region.store(g, region.at(self.aside, i))
        return g * 0.0

    def scale(self, region: Region) -> Symbol | None:
        """What makes a gradient that is too long as long as it may be."""
        if not self.shape.clips:
            return None

        def norm_of(region: Region, factor: float) -> Symbol:
            def square(inner: Region, i: Any, lanes: int) -> Symbol:
                g = inner.load(inner.at(self.aside, i), lanes=lanes) * factor
                return g * g

            return intrinsic("sqrt", self.total(region, square)) / factor

        norm, most = norm_of(region, 1.0), region.load(self.plan.most)
        is_small = norm <= LEAST_NORM  # only then, for else it would overflow
        (norm,) = region.when(is_small, lambda inner: [norm_of(inner, LARGE)], [norm])
        return most / select(norm > most, norm, most)

    def moved(self, region: Region, k: Symbol, scale: Symbol | None) -> Symbol:
        """Put new parameters and new state aside; 0 where all parameters are finite."""
        n = self.shape.parameters
        rate = region.load(region.at(self.plan.rates, k))
        made = (self.plan.made + (k + 1)).converted("sitofp", DOUBLE)

        def new(inner: Region, i: Any, lanes: int) -> Symbol:
            p = inner.load(inner.at(self.plan.theta, i), lanes=lanes)
            g = inner.load(inner.at(self.aside, i), lanes=lanes)
            if scale is not None:
                g = g * scale
                inner.store(g, inner.at(self.aside, i))
            slots = [
                inner.load(inner.at(self.plan.state, i + j * n), lanes=lanes)
                for j in range(self.shape.slots)
            ]
            found = updated(self.update, p, g, tuple(slots), rate, made)
            after = [p.like(x).number for x in found]
            for j, x in enumerate(after):
                inner.store(x.wide(lanes), inner.at(self.plan.new, i + j * n))
            return after[0] * 0.0

        return self.total(region, new)

    def keep(self, region: Region, i: Any, lanes: int) -> None:
        """Put new numbers in the place of the old ones."""
        n = self.shape.parameters
        state = [(self.plan.state, j * n) for j in range(self.shape.slots)]
        for j, (old, start) in enumerate([(self.plan.theta, 0), *state, (self.plan.slopes, 0)]):
            x = region.load(region.at(self.plan.new, i + j * n), lanes=lanes)
            region.store(x, region.at(old, i + start))

    # --- Losses and hits

    def mean_loss(self, region: Region, size: Symbol) -> Symbol:
        """The mean loss of a step."""
        if not self.shape.batched[0]:
            return region.load(self.plan.loss)

        return mean_of(region, self.plan.loss, size)

    def count_hits(self, region: Region, size: Symbol, order: Symbol) -> Symbol:
        """For how many examples the outputs speak for the label."""

        def example(inner: Region, j: Any, carried: list[Symbol]) -> list[Symbol]:
            row = inner.load(inner.at(order, j, INTEGER), INTEGER)
            label = inner.load(inner.at(self.plan.labels, row, INTEGER), INTEGER)
            hit = self.said(inner, j, size) == label
            return [carried[0] + hit.converted("zext", INTEGER)]

        return region.loop(0, size, 1, example, [region.integer(0)])[0]

    def said(self, region: Region, j: Any, size: Symbol) -> Symbol:
        """The class that an example's outputs speak for: the first of the largest."""

        def output(inner: Region, c: Any) -> Symbol:
            return inner.load(
                inner.at(self.plan.outputs, size * c + j if self.shape.batched[1] else c)
            )

        if self.shape.outputs == 1:
            above = output(region, 0) > region.load(self.plan.threshold)
            return above.converted("zext", INTEGER)

        def compare(inner: Region, c: Any, carried: list[Symbol]) -> list[Symbol]:
            x, (best, which) = output(inner, c), carried
            larger = x > best
            return [select(larger, x, best), select(larger, which.like(c), which)]

        first = [output(region, 0), region.integer(0)]
        return region.loop(1, self.shape.outputs, 1, compare, first)[1]


def updated(
    update: Callable[..., Any], p: Symbol, g: Symbol, slots: tuple[Symbol, ...], *given: Symbol
) -> list[Any]:
    """What an optimiser's formula makes of symbols: the parameter, and what is carried."""
    try:
        after, carried = update(p, g, slots, *given)
    except Exception as error:
        raise untraceable(update, str(error)) from error
    if len(carried) != len(slots):
        found = f"it carries {len(carried)} numbers along, which began as {len(slots)}"
        raise untraceable(update, found)
    return [after, *carried]


def untraceable(update: Callable[..., Any], why: str) -> UntraceableError:
    """The error for a formula that does not become machine code."""
    name = getattr(update, "__qualname__", "the optimiser's update")
    return UntraceableError(f"{name} does not become machine code: {why}")
