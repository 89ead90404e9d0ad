"""The arrays of a program on JAX: numbers, or what stands for them while JAX traces.

The arrays are taken as they are, before memory: XLA plans its own. Slopes are those of the
derivative table also where JAX differentiates, kinks and ops of one's own included. The examples
are the first axis here, not the last: so X @ W is the product that XLA knows best.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autograd_core.compiler.executors.slices import Piece, scattered, taken
from autograd_core.compiler.gradient import rule_of
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Compute,
    Constant,
    Gather,
    Leaf,
    Scatter,
    aligned,
)
from autograd_core.engine import (
    ABS,
    ADD,
    LOG,
    MAXIMUM,
    MINIMUM,
    MUL,
    NEG,
    RELU,
    SQRT,
    STEP,
    SUB,
    Op,
)

Leaves: TypeAlias = Mapping[str, Sequence[Any]]  # as executors take them: parts, in order

# What is finite wherever its operands are, or is no error in eager code either where it is not.
NEVER_UNDEFINED = (ABS, ADD, MAXIMUM, MINIMUM, MUL, NEG, RELU, STEP, SUB, None)
# What is not finite where an operand is not.
HANDED_ON = (ADD, LOG, MUL, NEG, SQRT, SUB, None)


def check_dtype(dtype: str) -> None:
    """ValueError for a precision that programs do not have here."""
    if dtype not in {"float64", "float32"}:
        raise ValueError(f"dtype is 'float64' or 'float32', got {dtype!r}")


def computed(
    order: Sequence[Array],
    leaves: Leaves,
    n: int | None,
    dtype: str,
    known: Mapping[Array, Any] = {},
) -> dict[Array, Any]:
    """Every array's numbers for n examples; a leaf's are given as executors take them."""
    found: dict[Array, Any] = dict(known)
    parts = {name: [jnp.asarray(part, dtype) for part in leaves[name]] for name in leaves}
    for x in order:
        if x in known:
            continue
        if isinstance(x, Leaf):
            found[x] = jnp.concatenate(parts[x.name], -1)
        elif isinstance(x, Constant):
            found[x] = jnp.asarray(x.numbers * float(n or 1) ** x.power, dtype)
        elif isinstance(x, Gather):
            found[x] = of_gather(x, [part for y in x.sources for part in blocks(y, found, parts)])
        else:
            shape = (n, *x.cells) if x.batched else x.cells
            z = of_scatter(x, found, n) if isinstance(x, Scatter) else of_compute(x, found)
            found[x] = jnp.broadcast_to(z, shape)
    return found


def is_undefined(found: Mapping[Array, Any], shown: Container[Array]) -> Any:
    """Whether an op that may be undefined, or overflow, gave numbers that are not finite.

    Those that are shown need no look.
    """
    wrong = [
        ~jnp.isfinite(z).all()
        for x, z in found.items()
        if isinstance(x, Compute) and x.op not in NEVER_UNDEFINED and x not in shown
    ]
    return jnp.stack(wrong).any() if wrong else jnp.asarray(False)


def shown(order: Sequence[Array], results: Iterable[Array]) -> set[Array]:
    """The arrays of which a number that is not finite makes one of the results so, too."""
    found = set(results)
    for x in reversed(order):
        if x in found and isinstance(x, Compute) and x.op in HANDED_ON and x.fold == "+":
            found.update(x.reads())
    return found


def examples_first(letters: str) -> str:
    """Letters in the order in which axes are here."""
    return "b" * ("b" in letters) + letters.replace("b", "")


def of_compute(x: Any, found: Mapping[Array, Any]) -> Any:
    """op(*operands), folded over the letters that the result lacks."""
    xs = [found[y] for y, _ in x.operands]
    named = [examples_first(names) for _, names in x.operands]
    axes = examples_first(x.axes)
    every = axes + "".join([c for c in dict.fromkeys("".join(named)) if c not in axes])
    if x.op is MUL and every != axes:
        return jnp.einsum(f"{','.join(named)}->{''.join([c for c in axes if c in every])}", *xs)
    xs = [aligned(y, names, every) for y, names in zip(xs, named)]
    z = on_jax(x.op)(*xs) if x.op else xs[0]
    lost = tuple(range(len(axes), len(every)))
    if not lost:
        return z
    return z.sum(lost) if x.fold == "+" else jax.lax.stop_gradient(z.max(lost))


def of_gather(x: Gather, parts: Sequence[Any]) -> Any:
    """Cells of parts laid end to end, of which only those that it reads take part."""
    stops = np.cumsum([part.shape[-1] for part in parts])
    cells = x.index[x.index >= 0]
    first, last = np.searchsorted(stops, [cells.min(initial=0), cells.max(initial=0)], "right")
    start = stops[first] - parts[first].shape[-1]
    index = np.where(x.index < 0, -1, x.index - start)
    whole = jnp.concatenate(parts[first : last + 1], -1)
    return each(x, lambda flat: taken(flat, index))(whole)


def blocks(x: Array, found: Mapping[Array, Any], parts: Leaves) -> Sequence[Any]:
    """The numbers of an array in rows: of a leaf, those that were given."""
    if isinstance(x, Leaf):
        return parts[x.name]
    return [found[x].reshape(-1, x.size) if x.batched else found[x].reshape(-1)]


def of_scatter(x: Scatter, found: Mapping[Array, Any], n: int | None) -> Any:
    """The pieces, each at its cells."""
    numbers, places = zip(*pieces_of(x, found, n))
    flat = each(x, lambda *xs: scattered(list(zip(xs, places)), x.size))(*numbers)
    return flat.reshape(*flat.shape[:-1], *x.cells)


def pieces_of(x: Scatter, found: Mapping[Array, Any], n: int | None) -> list[Piece]:
    """The numbers of each piece in the shape of its index, and the index."""
    rest = (n,) if x.batched else ()
    pieces = []
    for (y, letters), index in x.pieces:
        names = "b" * x.batched + NAMES[: index.ndim]
        numbers = aligned(found[y], examples_first(letters), names)
        pieces.append((jnp.broadcast_to(numbers, (*rest, *index.shape)), index))
    return pieces


def each(x: Array, f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one example's numbers, for all examples where the array has them."""
    return jax.vmap(f) if x.batched else f


# --- The derivative table --------------------------------------------------------------------

LINEAR: dict[Op, Callable[..., Any]] = {
    ADD: jnp.add,
    SUB: jnp.subtract,
    MUL: jnp.multiply,
    NEG: jnp.negative,
}  # JAX agrees


@lru_cache(maxsize=1024)
def on_jax(op: Op) -> Any:
    """The op on JAX arrays, with the slopes of its row."""
    if op in LINEAR:
        return LINEAR[op]
    function = jax.custom_jvp(op.on(jnp))
    function.defjvp(partial(slope_of, op), symbolic_zeros=True)
    return function


def slope_of(op: Op, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The op's value, and how it changes as its operands do."""
    z = on_jax(op)(*xs)
    slopes = rule_of(op, len(xs)).read(
        [z, *xs], float, lambda inner, ys: on_jax(inner)(*[jnp.asarray(y, z.dtype) for y in ys])
    )
    changes = [
        slope * tangent
        for slope, tangent in zip(slopes, tangents)
        if not isinstance(tangent, jax.custom_derivatives.SymbolicZero)
    ]
    return z, jnp.broadcast_to(sum(changes), z.shape).astype(z.dtype)
