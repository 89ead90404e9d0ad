"""JAX: XLA compiles a program for the device there is, or for a mesh of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.jax_steps import Carried, Given, Parts, StepLoop, begun
from autograd_core.compiler.executors.traced import (
    Leaves,
    check_dtype,
    computed,
    is_undefined,
    shown,
)
from autograd_core.compiler.ir import Array, Floats, Leaf, needed
from autograd_core.compiler.results import is_finite
from autograd_core.compiler.training import Steps, Taken


@dataclass(frozen=True)
class OnJax:
    """The executor "jax" with its options, wherever an executor is named.

    `dtype` is "float64" or, for accelerators, "float32". On a `mesh` of devices, each takes its
    share of the examples of every step of training, and one all-reduce adds up the gradients.
    """

    dtype: str = "float64"
    mesh: Any = None

    name = "jax"

    def __post_init__(self) -> None:
        check_dtype(self.dtype)
        if self.mesh is not None:  # whose axes may be of any kind: here JAX finds what lies where
            own = Mesh(self.mesh.devices, self.mesh.axis_names)
            object.__setattr__(self, "mesh", own)

    def __call__(self, order: Sequence[Array], results: Sequence[Array]) -> JaxExecutor:
        """The executor of a program."""
        return JaxExecutor(order, results, self)


class JaxExecutor:
    """Jitted functions; XLA compiles them anew for each number of examples."""

    def __init__(
        self, order: Sequence[Array], results: Sequence[Array], options: OnJax | None = None
    ) -> None:
        self.order, self.results = needed(order, results), results
        self.options = options or OnJax()
        self.leaves = {x.name for x in self.order if isinstance(x, Leaf)}
        self.compute = jax.jit(self.traced, static_argnums=1)
        self.loops: dict[Any, Callable[..., Carried]] = {}
        self.data: list[tuple[Any, ...]] = []  # where examples are, as given, and on the devices

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        with jax.enable_x64(True):
            found, undefined = self.compute({name: leaves[name] for name in self.leaves}, n)
        arrays = [np.asarray(z, dtype=float) for z in found]
        results = [np.moveaxis(z, 0, -1) if x.batched else z for x, z in zip(self.results, arrays)]
        return Outcome(results, bool(undefined) or not all(map(is_finite, arrays)))

    def traced(self, leaves: Leaves, n: int | None) -> tuple[list[Any], Any]:
        """The results, and whether some number on the way may be undefined."""
        found, undefined = self.arrays(leaves, n)
        return [found[x] for x in self.results], undefined

    def arrays(
        self, leaves: Leaves, n: int | None, known: Mapping[Array, Any] = {}
    ) -> tuple[dict[Array, Any], Any]:
        """All arrays, and the same; some may be known."""
        found = computed(self.order, leaves, n, self.options.dtype, known)
        return found, is_undefined(found, shown(self.order, (self.results[0], self.results[-1])))

    # --- Training: see `autograd_core.compiler.training`

    def take(self, leaves: Mapping[str, Sequence[Floats]], steps: Steps) -> Taken:
        """Many steps at once: a loop on the device for those of one size."""
        (theta,), start, order = leaves["parameters"], 0, np.resize(steps.order, steps.sizes.sum())
        taken = Taken(theta, np.zeros_like(theta), steps.state, np.zeros(0), np.zeros(0, int))
        for size, some in groupby(steps.sizes.tolist()):
            count, done = len(list(some)), len(taken.losses)
            rows, rates = order[start : start + size * count], steps.rates[done : done + count]
            part = replace(steps, order=rows, rates=rates, state=taken.state)
            more = self.take_alike(taken.theta, leaves, part, size)
            made = more if len(more.losses) else taken
            joined = [np.concatenate(pair) for pair in zip(taken[3:], more[3:])]
            taken, start = Taken(*made[:3], *joined), start + size * count
            if len(more.losses) < count:
                break
        return taken

    def take_alike(
        self, theta: Floats, leaves: Mapping[str, Sequence[Floats]], steps: Steps, size: int
    ) -> Taken:
        """The same for steps of one size."""
        count, n = len(steps.rates), len(leaves["inputs"][0])
        room = 1 << (count - 1).bit_length()  # so that few sizes are compiled
        rates, rows = np.resize(steps.rates, room), steps.order.reshape(count, size)
        if (rows == rows[0]).all():  # as where all examples are one batch
            rows = rows[:1]
        whole = size == n and np.array_equal(rows[0], np.arange(n))
        others = {name: leaves[name] for name in self.leaves - {"inputs", "parameters"}}
        with jax.enable_x64(True):
            data = [self.placed(x) for x in (*leaves["inputs"], steps.labels) if x is not None]
            given = Given(others, rates, count, steps.threshold, steps.decay, steps.most)
            given = jax.tree.map(self.as_dtype, given)
            begin = begun(theta, steps, room, self.options.dtype)
            order = None if whole else rows.ravel()
            end = self.loop(steps, size)(begin, data, order, given)
            if not (end.going and np.isfinite(end.theta).all()):
                loop = self.loop(steps, size, checked=True)
                last = loop(begin, data, order, given).taken - 1
                end = loop(begin, data, order, given._replace(count=last))
        done = int(end.taken)
        return Taken(
            np.asarray(end.theta, float),
            np.asarray(end.gradient, float),
            (steps.state[0] + done, *[np.asarray(x, float) for x in end.state]),
            np.asarray(end.losses, float)[:done],
            np.asarray(end.hits)[:done].astype(int),
        )

    def loop(self, steps: Steps, size: int, *, checked: bool = False) -> Callable[..., Carried]:
        """The loop for steps of this kind, compiled once where it can be known again.

        That parameters stay finite is seen at the end, for none becomes so again; `checked` finds
        the step at which one does not, and is slower.
        """
        key = (*steps.constants, size, steps.labels is None, checked)
        known = all(isinstance(x, Hashable) for x in key)
        if known and key in self.loops:
            return self.loops[key]
        mesh, dtype = self.options.mesh, self.options.dtype
        parts = Parts(self.order, self.results[-1].size)
        loop = StepLoop(self.arrays, self.results, parts, steps, size, mesh, dtype, checked=checked)
        made: Callable[..., Carried] = jax.jit(loop)
        if known:
            self.loops[key] = made
        return made

    def as_dtype(self, x: Any) -> Any:
        """A number or an array in the precision asked for; whole numbers stay."""
        x = np.asarray(x)
        return x.astype(self.options.dtype) if x.dtype.kind == "f" else x

    def placed(self, x: Any) -> Any:
        """Examples on the devices, each with its share; they stay there for the next time."""
        where = x.__array_interface__
        found = [z for there, _, z in self.data if there == where]
        if not found:
            found = [self.put(self.as_dtype(x))]
            self.data = [*self.data[-3:], (where, x, *found)]
        return found[0]

    def put(self, x: Any) -> Any:
        """The same, which every process of a mesh has as a whole."""
        mesh = self.options.mesh
        if mesh is None:
            return jnp.asarray(x)
        split = PartitionSpec(mesh.axis_names) if len(x) % mesh.size == 0 else PartitionSpec()
        sharding = NamedSharding(mesh, split)
        return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])
