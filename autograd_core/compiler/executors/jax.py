"""JAX: a program as a pure function of its leaves, which XLA compiles for the device there is.

The arrays are taken as they are, before memory: XLA plans its own. Slopes are those of the
derivative table also where JAX differentiates, kinks and ops of one's own included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.slices import scattered, taken
from autograd_core.compiler.gradient import rule
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Compute,
    Constant,
    Floats,
    Gather,
    Leaf,
    Scatter,
    aligned,
    needed,
)
from autograd_core.compiler.results import Outline, leaves_of
from autograd_core.engine import ABS, ADD, MAXIMUM, MINIMUM, MUL, NEG, RELU, STEP, SUB, Op

if TYPE_CHECKING:
    from autograd_core.compiler.program import Program

Leaves: TypeAlias = Mapping[str, Sequence[Any]]  # as executors take them: parts, in order

# What is finite wherever its operands are, or is no error in eager code either where it is not.
NEVER_UNDEFINED = (ABS, ADD, MAXIMUM, MINIMUM, MUL, NEG, RELU, STEP, SUB, None)


class JaxExecutor:
    """One jitted function; XLA compiles it anew for each number of examples."""

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        self.order, self.results = needed(order, results), results
        self.leaves = {x.name for x in self.order if isinstance(x, Leaf)}
        self.compute = jax.jit(self.traced, static_argnums=1)

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples, in float64."""
        with jax.enable_x64(True):
            found, undefined = self.compute({name: leaves[name] for name in self.leaves}, n)
        arrays = [np.asarray(z) for z in found]
        return Outcome(
            [np.moveaxis(z, 0, -1) if x.batched else z for x, z in zip(self.results, arrays)],
            bool(undefined),
        )

    def traced(self, leaves: Leaves, n: int | None) -> tuple[list[Any], Any]:
        """The results, and whether some number on the way may be undefined."""
        found = computed(self.order, leaves, n, "float64")
        return [found[x] for x in self.results], is_undefined(found)


# --- Arrays ----------------------------------------------------------------------------------
# Here the examples are the first axis: so X @ W is the product that XLA knows best.


def computed(order: Sequence[Array], leaves: Leaves, n: int | None, dtype: str) -> dict[Array, Any]:
    """Every array's numbers for n examples; a leaf's are given as executors take them."""
    found: dict[Array, Any] = {}
    parts = {name: [jnp.asarray(part, dtype) for part in leaves[name]] for name in leaves}
    for x in order:
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


def is_undefined(found: Mapping[Array, Any]) -> Any:
    """Whether an op that may be undefined, or overflow, gave a number that is not finite."""
    wrong = [
        ~jnp.isfinite(z).all()
        for x, z in found.items()
        if isinstance(x, Compute) and x.op not in NEVER_UNDEFINED
    ]
    return jnp.stack(wrong).any() if wrong else jnp.asarray(False)


def examples_first(letters: str) -> str:
    """Letters in the order in which axes are here."""
    return "b" * ("b" in letters) + letters.replace("b", "")


def of_compute(x: Any, found: Mapping[Array, Any]) -> Any:
    """op(*operands), folded over the letters that the result lacks."""
    xs, named = (
        [found[y] for y, _ in x.operands],
        [examples_first(names) for _, names in x.operands],
    )
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
    pieces, places, rest = [], [index for _, index in x.pieces], (n,) if x.batched else ()
    for (y, letters), index in x.pieces:
        names = "b" * x.batched + NAMES[: index.ndim]
        piece = aligned(found[y], examples_first(letters), names)
        pieces.append(jnp.broadcast_to(piece, (*rest, *index.shape)))
    flat = each(x, lambda *numbers: scattered(list(zip(numbers, places)), x.size))(*pieces)
    return flat.reshape(*rest, *x.cells)


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
    tape, results = rule(op, len(xs))
    found = dict(zip(tape.inputs, [z, *xs]))
    for i, inner in enumerate(tape.ops):
        if i in tape.constants:
            found[i] = tape.constants[i]
        elif inner is not None:
            found[i] = on_jax(inner)(*[jnp.asarray(found[p], z.dtype) for p in tape.parents[i]])
    changes = [
        found[i] * tangent
        for i, tangent in zip(results, tangents)
        if not isinstance(tangent, jax.custom_derivatives.SymbolicZero)
    ]
    return z, jnp.broadcast_to(sum(changes), z.shape).astype(z.dtype)


# --- A function for JAX ----------------------------------------------------------------------


def as_function(program: Program, dtype: str) -> Callable[..., Any]:
    """A pure function f(parameters, *args) of a program; see `Program.to_jax`."""
    if dtype not in {"float64", "float32"}:
        raise ValueError(f"dtype is 'float64' or 'float32', got {dtype!r}")

    def f(parameters: Any, *args: Any, **keywords: Any) -> Any:
        check_precision(dtype)
        fixed, rest, named = program.static.apart(args, keywords)
        compiled, _ = program.find_for(fixed, blank(rest), blank(named))
        every = (*rest, *named.values())
        parts = [part for x in every for part in flattened(x, batched=program.batched)]
        n = len(parts[0]) if program.batched else None
        leaves = {
            "parameters": [jnp.asarray(parameters, dtype)],
            "inputs": parts,
            "others": [compiled.other_numbers()],
        }
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
    if isinstance(x, dict):
        return {key: blank(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(map(blank, x))
    return np.zeros(np.shape(x)) if np.ndim(x) else 0.0


def flattened(x: Any, *, batched: bool) -> Iterator[Any]:
    """The numbers of an argument, in flat arrays; where batched, with a row for each example."""
    if isinstance(x, dict):
        x = list(x.values())
    elif batched or not isinstance(x, (list, tuple)):
        array = jnp.asarray(x)
        yield array.reshape(len(array), -1) if batched else array.reshape(-1)
        return
    for item in x:
        yield from flattened(item, batched=batched)


def structured(outline: Outline, arrays: Sequence[Any], n: int | None) -> Any:
    """The results in the structure that the function gave them: as `results.numbers`, for JAX."""
    count = list(leaves_of(outline)).count(None)
    firsts = [jnp.mean(z) for z in arrays[: min(count, 1)]]
    more = arrays[1].reshape(-1, count - 1).mean(0) if count > 1 else ()
    return filled(outline, iter([*firsts, *more]), iter(arrays[min(count, 2) :]), n)


def filled(outline: Outline, values: Iterator[Any], arrays: Iterator[Any], n: int | None) -> Any:
    """An outline, with numbers and arrays in place of Values."""
    kind, *rest = outline
    if kind == "value":
        return next(values)
    if kind == "values":
        return tuple(islice(values, rest[0]))
    if kind == "dict":
        return {key: filled(item, values, arrays, n) for key, item in rest[0]}
    if kind != "numbers":
        items = [filled(item, values, arrays, n) for item in rest[0]]
        return rest[1](items) if kind == "record" else tuple(items) if kind == "tuple" else items
    return jnp.broadcast_to(next(arrays), (*((n,) if n is not None else ()), *rest[0]))
