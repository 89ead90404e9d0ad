"""Derivatives of functions, compiled: `grad(f)` is a function, as in HIPS autograd and JAX.

f takes numbers, and lists, dicts, dataclasses and arrays of them. It is differentiated along its
first argument, or the one that `argnum` counts from 0, and gradients come back in the structure of
that. Each function is recorded at its first call for arguments of a structure, as `compile` says,
and run from then on. Given Values, it computes with them, so derivatives nest: `grad(grad(f))`.

>>> slope = grad(lambda x: x**3)
>>> slope(2.0), grad(slope)(2.0)
(12.0, 12.0)
>>> value_and_grad(lambda x: x[0] ** 2 * x[1])([3.0, 4.0])
(36.0, [24.0, 9.0])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from threading import get_ident
from typing import Any, NamedTuple, TypeAlias, overload

from autograd_core import engine
from autograd_core.compiler import Program, compile
from autograd_core.engine import RECORDERS, Operand, Value, as_value, gradient, times, total
from autograd_core.structures import leaves, rebuilt, structure

Function: TypeAlias = Callable[..., Any]


def value_and_grad(f: Function, argnum: int = 0) -> Function:
    """The function that returns what f does, and the gradient along an argument.

    Where f returns a tuple, its first item is what is differentiated. It is what
    `scipy.optimize.minimize(value_and_grad(f), x, jac=True)` takes.
    """
    check(f)
    if argnum < 0:
        raise ValueError(f"argnum counts from 0, got {argnum}")
    known: dict[Any, AlongArgument] = {}

    @wraps(f)
    def both(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        if in_values([*args, *keywords.values()]):
            return value_and_slopes(partial(f, **keywords), argnum, args)
        xs = argument(args, argnum)
        key = structure(xs)
        if key not in known:
            known[key] = AlongArgument(f, argnum, xs)
        return known[key](args, keywords)

    return both


def check(f: object) -> None:
    """Raise for what is no function."""
    if not callable(f):
        given = f"{type(f).__name__}: {f!r}"
        raise TypeError(f"expected a function, got {given}; of Values, gradient(y, x) is dy/dx")


def grad(f: Function, argnum: int = 0) -> Function:
    """The function that returns the gradient of f along an argument, in its structure."""
    both = value_and_grad(f, argnum)
    return wraps(f)(lambda *args, **keywords: both(*args, **keywords)[1])


def jvp(f: Function, argnum: int = 0) -> Function:
    """The function of f's arguments and a direction: what f returns, and its slope that way.

    >>> jvp(lambda x: [x[0] * x[1], x[0]])([3.0, 4.0], [1.0, 0.0])
    (array([12.,  3.]), array([4., 1.]))
    """
    check(f)

    def along(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        *args_of_f, direction = args
        xs, args_of_f = with_values(args_of_f, argnum)
        y = f(*args_of_f, **keywords)
        slopes = tangents(leaves(y), xs, leaves(direction))
        return y, rebuilt(y, iter(slopes))

    return compiled(along)


def hvp(f: Function, argnum: int = 0) -> Function:
    """The function of f's arguments and a direction: the Hessian of f times the direction.

    >>> hvp(lambda x: x[0] ** 2 * x[1])([3.0, 4.0], [1.0, 0.0])
    array([8., 6.])
    """
    slope = grad(f, argnum)

    def along(*args: Any, **keywords: Any) -> Any:
        *args_of_f, direction = args
        xs, args_of_f = with_values(args_of_f, argnum)
        bends = tangents(leaves(slope(*args_of_f, **keywords)), xs, leaves(direction))
        return rebuilt(args_of_f[argnum], iter(bends))

    return compiled(along)


@overload
def jacobian(ys: Function, xs: int = 0) -> Function: ...
@overload
def jacobian(ys: Sequence[Value], xs: Sequence[Value]) -> list[tuple[Value, ...]]: ...
def jacobian(ys: Any, xs: Any = 0) -> Any:
    """The slopes of each y along each x: of Values, or of a function.

    `jacobian(ys, xs)` has a row (dy/dx1, ..., dy/dxn) for each y, as Values. `jacobian(f)` is the
    function that returns the slopes of each item of what f returns along each item of its first
    argument, or of argument number `xs`. Both are numbers, lists of one shape or arrays; the
    result's shape is that of what f returns, followed by that of the argument.

    >>> jacobian(lambda x: [x[0] * x[1], x[0]])([3.0, 4.0])
    array([[4., 3.],
           [1., 0.]])
    """
    if callable(ys):
        return rows_of(ys, xs)
    return [gradient(y, *several(xs)) for y in several(ys)]


@overload
def hessian(y: Function, xs: int = 0) -> Function: ...
@overload
def hessian(y: Value, xs: Sequence[Value]) -> list[tuple[Value, ...]]: ...
def hessian(y: Any, xs: Any = 0) -> Any:
    """The second derivatives of y: the Jacobian of its gradient, of Values or of a function.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([3.0, 4.0])
    array([[8., 6.],
           [6., 0.]])
    """
    if callable(y):
        return jacobian(grad(y, xs), xs)
    return jacobian(gradient(y, *several(xs)), xs)


def several(xs: Sequence[Value]) -> Sequence[Value]:
    """The same, or a TypeError for a Value that is not in a list."""
    if isinstance(xs, Value):
        raise TypeError(f"expected a list of Values, got one: {xs!r}")
    return xs


def rows_of(f: Function, argnum: int) -> Function:
    """The function that returns the slopes of each item of f."""

    def rows(*args: Any, **keywords: Any) -> Any:
        import numpy as np

        xs, args_of_f = with_values(args, argnum)
        y = f(*args_of_f, **keywords)
        slopes = [slope for row in jacobian(leaves(y), xs) for slope in row]
        shape = np.shape(y) + np.shape(args_of_f[argnum])
        return np.array(slopes, dtype=object).reshape(shape)[()]

    return compiled(rows)


class AlongArgument:
    """A function compiled with the items of one argument as parameters."""

    def __init__(self, f: Function, argnum: int, xs: Any) -> None:
        self.argnum, parameters = argnum, [Value(x) for x in leaves(xs)]
        inside = rebuilt(xs, iter(parameters))

        def of_others(*others: Any, **keywords: Any) -> Any:
            return f(*others[:argnum], inside, *others[argnum:], **keywords)

        self.program: Program = compile(of_others, wrt=parameters)

    def __call__(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[Any, Any]:
        """What the function returns, and its gradient along that argument."""
        import numpy as np

        given = args[self.argnum]
        others = [x for i, x in enumerate(args) if i != self.argnum]
        array = type(given) is np.ndarray and given.dtype == float and given.ndim
        numbers = given.reshape(-1) if array else np.array(numbers_in(given), dtype=float)
        value, slopes = self.program.value_and_gradient(*others, at=numbers, **keywords)
        if array:
            return value, slopes.reshape(given.shape)
        return value, rebuilt(given, iter(slopes.tolist()))


# --- On Values -------------------------------------------------------------------------------


def compiled(f: Function) -> Function:
    """The function as a program; on Values, the function itself."""
    program = compile(f)

    def run(*args: Any, **keywords: Any) -> Any:
        on_values = in_values([*args, *keywords.values()])
        return (f if on_values else program)(*args, **keywords)

    return run


def in_values(args: Sequence[Any]) -> bool:
    """Whether to compute with Values: some are given, or a program is being recorded."""
    return get_ident() in RECORDERS or any(map(holds_values, args))


def holds_values(x: Any) -> bool:
    """Whether there is a Value in an argument."""
    numbers = getattr(x, "dtype", "O") != "O"
    return not numbers and any(isinstance(leaf, Value) for leaf in leaves(x))


def value_and_slopes(f: Function, argnum: int, args: Sequence[Any]) -> tuple[Any, Any]:
    """What f returns, and its slopes along the items of an argument, as Values."""
    xs, args = with_values(args, argnum)
    result = f(*args)
    y = as_value(result[0] if isinstance(result, tuple) else result)
    return result, rebuilt(args[argnum], iter(gradient(y, *xs)))


def with_values(args: Sequence[Any], argnum: int) -> tuple[list[Value], list[Any]]:
    """The items of one argument as Values, and the arguments with these in it."""
    xs = list(map(as_value, leaves(argument(args, argnum))))
    given = list(args)
    given[argnum] = rebuilt(args[argnum], iter(xs))
    return xs, given


def argument(args: Sequence[Any], argnum: int) -> Any:
    """The argument to differentiate along; TypeError where it was not given."""
    if argnum >= len(args):
        raise TypeError(f"no argument {argnum} to differentiate along: {len(args)} were given")
    return args[argnum]


class Roots(NamedTuple):
    """Several Values, as a node that came from them all, for `topological` to start from."""

    parents: tuple[Value, ...]


def tangents(
    ys: Sequence[Operand], xs: Sequence[Value], directions: Sequence[Operand]
) -> list[Operand]:
    """The slope of each y where each x moves in its direction: the chain rule, forward."""
    if len(xs) != len(directions):
        raise ValueError(f"a direction of {len(directions)} numbers, for {len(xs)} to go along")
    roots = Roots(tuple([y for y in ys if isinstance(y, Value)]))
    slope: dict[Any, Operand] = dict(zip(xs, directions, strict=True))
    for v in engine.topological(roots)[:-1]:
        if v.op and v not in slope and not slope.keys().isdisjoint(v.parents):
            partials = zip(v.parents, v.op.partials(v, *v.parents))
            terms = [times(partial, slope[p]) for p, partial in partials if p in slope]
            slope[v] = total(terms) if len(terms) > 1 else terms[0]
    return [slope.get(y, 0.0) if isinstance(y, Value) else 0.0 for y in ys]


def numbers_in(x: Any) -> list[float]:
    """The numbers in a structure, in order; TypeError for what is none."""
    found = leaves(x)
    return found if {*map(type, found)} <= {float} else [Value(item).data for item in found]
