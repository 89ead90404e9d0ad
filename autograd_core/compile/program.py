"""`compile`: a function on Values as a program on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from autograd_core.engine import NUMBER, Value

if TYPE_CHECKING:
    from autograd_core.compile.compiled import Compiled
    from autograd_core.compile.run import Floats


def compile(f: Callable[..., Any], *, batched: bool = False) -> Program:
    """A program that computes what `f` computes, on arrays.

    `f` takes numbers, lists or arrays of them, and returns a Value, or a tuple whose first item
    is the Value to differentiate; it may use any Values from outside, the parameters. It is
    recorded at the first call for arguments of a structure, and run from then on. Parameters may
    be changed between calls (use them as Values: `w.data` in f would be kept as it is now).

    With `batched=True`, `f` is written for one example, and every argument has a leading axis for
    the examples. A Value comes back as its mean over them, a list as an array with a row for each.

    >>> w = Value(3.0, "w")
    >>> program = compile(lambda x, y: (w * x - y) ** 2, batched=True)
    >>> program([1.0, 2.0], [1.0, 1.0])
    14.5
    >>> value, gradient = program.value_and_gradient([1.0, 2.0], [1.0, 1.0])
    >>> gradient
    array([12.])
    """
    return Program(f, batched=batched)


class Program:
    """A function on Values, compiled; see `compile`."""

    def __init__(self, f: Callable[..., Any], *, batched: bool) -> None:
        self.f, self.batched = f, batched
        self.compiled: dict[Any, Compiled] = {}
        self.latest: Compiled | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is of the function: it is recorded anew, at the copy's first call."""
        return partial(compile, batched=self.batched), (self.f,)

    @property
    def parameters(self) -> list[Value]:
        """The Values from outside that the result depends on, in the order of the gradient."""
        return self.current().parameters

    def __call__(self, *args: Any) -> Any:
        """What f returns, as numbers and arrays."""
        return self.find(args).value(args)

    def value_and_gradient(
        self, *args: Any, at: Floats | None = None, accumulate: bool = False
    ) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to all parameters, as one flat array.

        `at` gives the parameters' numbers in place of their own `data`; `accumulate` adds the
        gradient to every parameter's `grad`, as `backward` does.
        """
        compiled = self.find(args)
        value, gradient = compiled.value_and_gradient(args, at)
        if accumulate:
            for parameter, slope in zip(compiled.parameters, gradient.tolist(), strict=True):
                parameter.grad += slope
        return value, gradient

    def gradient_wrt_inputs(self, *args: Any) -> Any:
        """The gradient with respect to each argument, in its shape; one item for each argument."""
        return self.find(args).gradient_wrt_inputs(args)

    def prepare(self, *args: Any) -> None:
        """Record for arguments of this structure, without running: `parameters` are known then."""
        self.find(args)

    def find(self, args: Sequence[Any]) -> Compiled:
        """The program for arguments of this structure, recorded if it is new."""
        key = tuple([structure(x, batched=self.batched) for x in args])
        if key not in self.compiled:
            from autograd_core.compile.compiled import Compiled

            self.compiled[key] = Compiled(self.f, key, batched=self.batched)
        self.latest = self.compiled[key]
        return self.latest

    def current(self) -> Compiled:
        """The program that was called last; one without arguments is recorded if need be."""
        if self.latest is None and not self.batched and not argument_names(self.f):
            self.prepare()
        if self.latest is None:
            raise RuntimeError("a program is recorded at its first call: call it first")
        return self.latest

    def __str__(self) -> str:
        from autograd_core.compile.show import listing

        compiled = self.current()
        return listing(compiled.program, compiled.label, batched=self.batched)


# --- Arguments -------------------------------------------------------------------------------


def structure(x: Any, *, batched: bool) -> Any:
    """What tells arguments apart that need a recording each: the shape, without the examples."""
    shape = getattr(x, "shape", ())
    if shape:
        if batched and not shape[0]:
            raise ValueError("a batched program needs at least one example")
        return ("array", tuple(shape[1:] if batched else shape))
    if batched:
        return structure_of_rows(x)
    if isinstance(x, (list, tuple)):
        return ("list", tuple([structure(item, batched=False) for item in x]))
    if isinstance(x, (*NUMBER, Value)) or hasattr(x, "__array_namespace__"):
        return ("number",)
    raise TypeError(f"a program takes numbers, lists and arrays, got {type(x).__name__}: {x!r}")


def structure_of_rows(x: Any) -> Any:
    """The structure that all examples share."""
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"a batched program's arguments have a row for each example, got {x!r}")
    if not x:
        raise ValueError("a batched program needs at least one example")
    first = structure(x[0], batched=False)
    for i, row in enumerate(x):
        if structure(row, batched=False) != first:
            raise ValueError(f"example {i} has another structure than example 0")
    return first


def argument_names(f: Callable[..., Any]) -> list[str]:
    """What f calls its arguments, as far as it says."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ["?"]
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
