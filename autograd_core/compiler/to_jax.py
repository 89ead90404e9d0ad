"""A program as a pure function for JAX: `Program.to_jax`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from autograd_core import structures
from autograd_core.compiler.executors.traced import check_dtype, computed
from autograd_core.compiler.ir import needed
from autograd_core.compiler.results import Outline, maker

if TYPE_CHECKING:
    from autograd_core.compiler.program import Program


def as_function(program: Program, dtype: str) -> Callable[..., Any]:
    """A pure function f(parameters, *args) of a program; see `Program.to_jax`."""
    check_dtype(dtype)

    def f(parameters: Any, *args: Any, **keywords: Any) -> Any:
        check_precision(dtype)
        fixed, rest, named = program.static.apart(args, keywords)
        compiled, _ = program.variants.find_for(fixed, blank(rest), blank(named))
        every = (*rest, *named.values())
        parts = [part for x in every for part in flattened(x, batched=program.batched)]
        n = len(parts[0]) if program.batched else None
        leaves = compiled.given(parts, None) | {"parameters": [parameters]}
        order = needed(compiled.emit.order, compiled.results)
        found = computed(order, leaves, n, dtype)
        return structured(compiled.returned.outline, [found[x] for x in compiled.results], n)

    return f


def check_precision(dtype: str) -> None:
    """RuntimeError where JAX would compute in float32 instead of float64."""
    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise RuntimeError(
            'float64 is switched off in JAX: call jax.config.update("jax_enable_x64", True) '
            'first, or take dtype="float32"'
        )


def blank(x: Any) -> Any:
    """The same structure with zeros, by which a program is found."""
    found = structures.parts(x)
    if found:
        return structures.joined(x, [blank(item) for item in found[1]])
    return np.zeros(np.shape(x)) if np.ndim(x) else 0.0


def flattened(x: Any, *, batched: bool) -> Iterator[Any]:
    """The numbers of an argument, in flat arrays; where batched, with a row for each example."""
    if isinstance(x, dict) or structures.is_record(x):
        _, x = structures.parts(x) or ((), ())
    elif batched or not isinstance(x, (list, tuple)):
        array = jnp.asarray(x)
        yield array.reshape(len(array), -1) if batched else array.reshape(-1)
        return
    for item in x:
        yield from flattened(item, batched=batched)


def structured(outline: Outline, arrays: Sequence[Any], n: int | None) -> Any:
    """The results in the structure that the function gave them."""
    alone, make = maker(outline, numbers)
    means = [jnp.mean(z) for z in arrays[: min(alone, 1)]]
    if alone > 1:
        means += [*arrays[1].reshape(-1, alone - 1).mean(0)]
    return make(means, arrays, n)


def numbers(array: Any, shape: tuple[int, ...], n: int | None) -> Any:
    """An array, with a row for each example where there are any."""
    return jnp.broadcast_to(array, (*((n,) if n is not None else ()), *shape))
