"""Steps of training as one loop on the device, or on every device of a mesh.

On a mesh each device takes its share of the rows of every step, and all that the devices must tell
each other is one vector, added up once a step: the gradient, the loss and the labels hit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from autograd_core.compiler.executors.slices import scattered, taken
from autograd_core.compiler.executors.traced import Leaves, pieces_of
from autograd_core.compiler.ir import Array, Cells, Gather, Leaf, Scatter
from autograd_core.compiler.training import Steps

Compute: TypeAlias = Callable[[Leaves, int, Mapping[Array, Any]], tuple[dict[Array, Any], Any]]


class Parts:
    """The parameters in the arrays in which a program reads them: each is in one of these.

    So that a step need not take the vector apart, and put the gradient together.
    """

    def __init__(self, order: Sequence[Array], size: int) -> None:
        self.size, there = size, np.zeros(size, bool)
        self.arrays: list[Gather] = []
        for x in order:
            if isinstance(x, Gather) and [is_parameters(y) for y in x.sources] == [True]:
                cells = x.index.ravel()
                distinct = cells.min() >= 0 and np.unique(cells).size == cells.size
                if distinct and not there[cells].any():
                    there[cells] = True
                    self.arrays.append(x)
        self.places: list[Cells] = [x.index for x in self.arrays]
        if not there.all():  # some are read in another way
            self.places.append(np.flatnonzero(~there))

    def apart(self, vector: Any) -> list[Any]:
        """A number for each parameter, as arrays."""
        return [taken(vector, index) for index in self.places]

    def whole(self, parts: Sequence[Any]) -> Any:
        """The same as one vector again."""
        return scattered(list(zip(parts, self.places)), self.size)

    def gradient(self, x: Array, found: Mapping[Array, Any]) -> list[Any]:
        """The parts of the array that is the gradient."""
        if not isinstance(x, Scatter):
            return self.apart(found[x])
        parts: list[Any] = [0.0] * len(self.places)
        mixed = []
        for numbers, index in pieces_of(x, found, None):
            alike = [k for k, own in enumerate(self.places) if np.array_equal(own, index)]
            for k in alike:
                parts[k] += numbers
            if not alike:
                mixed.append((numbers, index))
        more = self.apart(scattered(mixed, self.size)) if mixed else [0.0] * len(parts)
        return [
            jnp.broadcast_to(own + other, index.shape)
            for own, other, index in zip(parts, more, self.places)
        ]


def is_parameters(x: Array) -> bool:
    """Whether this is the vector of all parameters."""
    return isinstance(x, Leaf) and x.name == "parameters"


class Carried(NamedTuple):
    """What a step hands to the next one."""

    taken: Any  # how many steps
    going: Any  # whether all of them were finite
    theta: Any
    made: Any
    state: tuple[Any, ...]
    gradient: Any
    losses: Any
    hits: Any

    def through(self, f: Callable[[Any], Any]) -> Carried:
        """The same with the parameters, and all that there is one of for each, in another form."""
        many = isinstance(self.made, list) or jnp.ndim(self.made)
        return self._replace(
            theta=f(self.theta),
            made=f(self.made) if many else self.made,
            state=tuple(map(f, self.state)),
            gradient=f(self.gradient),
        )


class Given(NamedTuple):
    """What every step reads: leaves beside the parameters and inputs, and numbers of the steps."""

    leaves: Leaves
    rates: Any
    count: Any
    threshold: Any
    decay: Any
    most: Any


def begun(theta: Any, steps: Steps, room: int, dtype: str) -> Carried:
    """Before the first step, with room for so many losses."""
    made, *state = steps.state
    numbers = [np.asarray(x, dtype) for x in (theta, *state, np.zeros(len(theta)))]
    theta, *carried, gradient = numbers
    losses, hits = np.zeros((2, room), dtype)
    return Carried(0, True, theta, made, tuple(carried), gradient, losses, hits)


class StepLoop:
    """Steps of one size: `compute` gives their losses and gradients, `update` is the optimiser's.

    It ends after a step with a loss that is not finite, or an op that is not defined; where it is
    `checked`, after one to parameters that are not finite too. Who does not want that step lets
    all before it be taken again. Rows that the devices of a mesh cannot share evenly are taken by
    each of them.
    """

    def __init__(
        self,
        compute: Compute,
        results: Sequence[Array],
        parts: Parts,
        steps: Steps,
        size: int,
        mesh: Any,
        dtype: str,
        *,
        checked: bool,
    ) -> None:
        self.compute, self.update, self.checked = compute, steps.update, checked
        self.results, self.parts = results, parts
        self.labelled = steps.labels is not None
        self.mesh, self.dtype = mesh, dtype
        self.devices = 1 if mesh is None else mesh.size
        self.size, self.shared = size, size - size % self.devices

    def __call__(self, begin: Carried, data: Sequence[Any], order: Any, given: Given) -> Carried:
        """All steps, on batches of rows in this order; on all rows each time where it is None."""
        if order is not None:
            data = [x[order] for x in data]
        batches = [x.reshape(-1, self.size, *x.shape[1:]) for x in data]
        parts = [x[:, : self.shared] for x in batches], [x[:, self.shared :] for x in batches]
        apart = self.parts.apart
        given = given._replace(decay=None if given.decay is None else apart(given.decay))
        loop, start = self.loop, begin.through(apart)
        if self.mesh is not None:
            everywhere, split = PartitionSpec(), PartitionSpec(None, self.mesh.axis_names)
            specs = (everywhere, split, everywhere, everywhere)
            options = {"mesh": self.mesh, "in_specs": specs, "out_specs": everywhere}
            loop = jax.shard_map(self.loop, **options, check_vma=False)
        return loop(start, *parts, given).through(self.parts.whole)

    def loop(self, begin: Carried, own: list[Any], common: list[Any], given: Given) -> Carried:
        """The same on one device: `own` are its rows, `common` those that all have."""

        def goes_on(now: Carried) -> Any:
            return now.going & (now.taken < given.count)

        def step(now: Carried) -> Carried:
            loss, hits, gradient, fine = self.slope(now, own, common, given)
            rate = given.rates[now.taken]
            theta, state = self.moved(now, gradient, rate)
            if self.checked:
                fine &= jnp.stack([jnp.isfinite(p).all() for p in theta]).all()
            return Carried(
                now.taken + 1,
                fine,
                theta,
                jax.tree.map(lambda made: made + 1, now.made),
                state,
                gradient,
                now.losses.at[now.taken].set(loss),
                now.hits.at[now.taken].set(hits) if self.labelled else now.hits,
            )

        end: Carried = jax.lax.while_loop(goes_on, step, begin)
        return end

    def slope(self, now: Carried, own: list[Any], common: list[Any], given: Given) -> Any:
        """The mean loss of a batch, the labels hit, the gradient, and whether all is defined."""
        total: list[Any] = []
        if self.shared:
            total = self.summed(now, own, self.shared // self.devices, given)
            if self.mesh is not None:
                total = added_up(total, self.mesh.axis_names)
        if self.size > self.shared:
            more = self.summed(now, common, self.size - self.shared, given)
            total = [x + y for x, y in zip(total, more)] if total else more
        *gradient, (loss, hits, undefined) = total
        fine = jnp.isfinite(loss) & (undefined == 0)
        if given.decay is not None:
            terms = zip(gradient, given.decay, now.theta)
            gradient = [g + decay * p for g, decay, p in terms]
        if given.most is not None:
            scale = given.most / jnp.maximum(norm_of(gradient), given.most)
            gradient = [g * scale for g in gradient]
        return loss, hits, gradient, fine

    def moved(self, now: Carried, gradient: list[Any], rate: Any) -> tuple[list[Any], Any]:
        """The parameters after a step of the optimiser, and what it carries along."""
        every = now.made if isinstance(now.made, list) else [now.made] * len(now.theta)
        steps = [jnp.asarray(made + 1, self.dtype) for made in every]
        carried = list(zip(*now.state)) if now.state else [()] * len(now.theta)
        terms = zip(now.theta, gradient, carried, steps)
        pairs = [self.update(p, g, state, rate, t) for p, g, state, t in terms]
        return [p for p, _ in pairs], tuple(map(list, zip(*[state for _, state in pairs])))

    def summed(self, now: Carried, data: list[Any], n: int, given: Given) -> list[Any]:
        """The share of n rows in a batch's gradient; last the loss, the hits and what is wrong."""
        place = now.taken % data[0].shape[0]
        rows = [jax.lax.dynamic_index_in_dim(x, place, keepdims=False) for x in data]
        inputs, labels = (rows[:-1], rows[-1]) if self.labelled else (rows, None)
        whole = [self.parts.whole(now.theta)]  # for what reads it as one
        leaves = {**given.leaves, "parameters": whole, "inputs": inputs}
        known: dict[Array, Any] = dict(zip(self.parts.arrays, now.theta))
        found, undefined = self.compute(leaves, n, known)
        losses, *outputs, _ = [found[x] for x in self.results]
        hits = 0.0 if labels is None else hits_of(outputs[0], labels, given.threshold)
        counts = [jnp.mean(losses) * (n / self.size), hits, undefined]
        ends = jnp.stack([jnp.asarray(x, self.dtype) for x in counts])
        gradient = self.parts.gradient(self.results[-1], found)
        return [*[g * (n / self.size) for g in gradient], ends]


def added_up(parts: Sequence[Any], axes: Any) -> list[Any]:
    """The sum over all devices, of all parts as one vector."""
    vector = jax.lax.psum(jnp.concatenate([x.ravel() for x in parts]), axes)
    stops = np.cumsum([x.size for x in parts])[:-1]
    return [found.reshape(x.shape) for found, x in zip(jnp.split(vector, stops), parts)]


def norm_of(parts: Sequence[Any]) -> Any:
    """The length of all parts as one vector, whose squares do not overflow."""
    most = jnp.stack([jnp.abs(x).max() for x in parts]).max()
    unit = jnp.where(most > 0, most, 1.0)
    return unit * jnp.sqrt(sum([((x / unit) ** 2).sum() for x in parts]))


def hits_of(outputs: Any, labels: Any, threshold: Any) -> Any:
    """How often the outputs speak for an example's label; the first of several largest does."""
    z = jnp.broadcast_to(outputs, (len(labels), outputs.shape[-1]))
    if z.shape[1] == 1:
        return ((z[:, 0] > threshold) == labels).sum()
    return (z.argmax(1) == labels).sum()
