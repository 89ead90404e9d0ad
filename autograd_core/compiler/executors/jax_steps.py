"""Steps of training as one loop on the device, or on every device of a mesh.

On a mesh each device takes its share of the rows of every step, and all that the devices must tell
each other is one vector, added up once a step: the gradient, the loss and the labels hit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from autograd_core.compiler.executors.traced import Leaves
from autograd_core.compiler.training import Steps

Compute = Callable[[Leaves, int], tuple[list[Any], Any]]  # the results, and whether undefined


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
        self, compute: Compute, steps: Steps, size: int, mesh: Any, dtype: str, *, checked: bool
    ) -> None:
        self.compute, self.update, self.checked = compute, steps.update, checked
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
        if self.mesh is None:
            return self.loop(begin, *parts, given)
        everywhere, split = PartitionSpec(), PartitionSpec(None, self.mesh.axis_names)
        specs = (everywhere, split, everywhere, everywhere)
        options = {"mesh": self.mesh, "in_specs": specs, "out_specs": everywhere}
        shared: Carried = jax.shard_map(self.loop, **options, check_vma=False)(begin, *parts, given)
        return shared

    def loop(self, begin: Carried, own: list[Any], common: list[Any], given: Given) -> Carried:
        """The same on one device: `own` are its rows, `common` those that all have."""

        def goes_on(now: Carried) -> Any:
            return now.going & (now.taken < given.count)

        def step(now: Carried) -> Carried:
            loss, hits, gradient, fine = self.slope(now, own, common, given)
            rate, steps = given.rates[now.taken], jnp.asarray(now.made + 1, self.dtype)
            theta, state = self.update(now.theta, gradient, now.state, rate, steps)
            if self.checked:
                fine &= jnp.isfinite(theta).all()
            return Carried(
                now.taken + 1,
                fine,
                theta,
                now.made + 1,
                tuple(state),
                gradient,
                now.losses.at[now.taken].set(loss),
                now.hits.at[now.taken].set(hits) if self.labelled else now.hits,
            )

        end: Carried = jax.lax.while_loop(goes_on, step, begin)
        return end

    def slope(self, now: Carried, own: list[Any], common: list[Any], given: Given) -> Any:
        """The mean loss of a batch, the labels hit, the gradient, and whether all is defined."""
        total: Any = 0.0
        if self.shared:
            total = self.summed(now, own, self.shared // self.devices, given)
            if self.mesh is not None:
                total = jax.lax.psum(total, self.mesh.axis_names)
        if self.size > self.shared:
            total += self.summed(now, common, self.size - self.shared, given)
        gradient, (loss, hits, undefined) = total[:-3], total[-3:]
        fine = jnp.isfinite(loss) & (undefined == 0)
        if given.decay is not None:
            gradient += given.decay * now.theta
        if given.most is not None:
            norm = jnp.sqrt((gradient * gradient).sum())
            gradient *= given.most / jnp.maximum(norm, given.most)
        return loss, hits, gradient, fine

    def summed(self, now: Carried, data: list[Any], n: int, given: Given) -> Any:
        """The share of n rows in a batch's gradient, loss and hits, as one vector."""
        place = now.taken % data[0].shape[0]
        rows = [jax.lax.dynamic_index_in_dim(x, place, keepdims=False) for x in data]
        inputs, labels = (rows[:-1], rows[-1]) if self.labelled else (rows, None)
        leaves = {**given.leaves, "parameters": [now.theta], "inputs": inputs}
        (losses, *outputs, gradient), undefined = self.compute(leaves, n)
        hits = 0.0 if labels is None else hits_of(outputs[0], labels, given.threshold)
        counts = [jnp.mean(losses) * (n / self.size), hits, undefined]
        ends = jnp.stack([jnp.asarray(x, self.dtype) for x in counts])
        return jnp.concatenate([gradient * (n / self.size), ends])


def hits_of(outputs: Any, labels: Any, threshold: Any) -> Any:
    """How often the outputs speak for an example's label; the first of several largest does."""
    z = jnp.broadcast_to(outputs, (len(labels), outputs.shape[-1]))
    if z.shape[1] == 1:
        return ((z[:, 0] > threshold) == labels).sum()
    k, own = jnp.arange(z.shape[1]), labels[:, None]
    chosen = jnp.where(k == own, z, 0.0).sum(1, keepdims=True)
    return jnp.where(k < own, z < chosen, z <= chosen).all(1).sum()
