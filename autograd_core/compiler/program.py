"""`compile`: a function on Values as a program on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any

from autograd_core.compiler.static import Static
from autograd_core.engine import RECORDERS, Value
from autograd_core.extras import needing

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import Compiled
    from autograd_core.compiler.direct import Direct
    from autograd_core.compiler.executors import Wanted
    from autograd_core.compiler.ir import Floats
    from autograd_core.compiler.training import Steps, Taken
    from autograd_core.compiler.variants import Variants


def compile(
    f: Callable[..., Any],
    *,
    batched: bool = False,
    wrt: Sequence[Value] | None = None,
    executor: Wanted | None = None,
    static: str | Sequence[str] = (),
) -> Program:
    """A program that computes what `f` computes, on arrays.

    `f` takes numbers, lists and arrays of them, dicts and dataclasses of those, also by keyword. It
    returns a Value, a tuple whose first item is the Value to differentiate, or Values in tuples,
    dicts, dataclasses, lists and arrays. It may use any Values from outside, the parameters. It is
    recorded at the first call for arguments of a structure, and run from then on. Parameters may be
    changed between calls; all else that f reads must stay, and is kept as it was (`w.data`, a
    variable around f, an attribute). So f is recorded twice, and RecordingError says what differed;
    `check_unchanged` looks again.

    With `batched=True`, `f` is written for one example, and every argument has a leading axis for
    the examples. A Value comes back as its mean over them, a list as an array with a row for each.

    `wrt` are the parameters, in the order of the gradient: all others stay what they are, and one
    that the result does not depend on has gradient 0. By default they are all Values from outside
    that it depends on. `executor` names what runs the program; by default the program decides,
    never a clock (`autograd_core.compiler.executors.choose`).

    Arguments that are `static`, by name, are handed to f as they are, to count or to choose by:
    there is a program for each of their values. Called by a function that is being recorded, a
    program is part of it.

    >>> w = Value(3.0, "w")
    >>> program = compile(lambda x, y: (w * x - y) ** 2, batched=True)
    >>> program([1.0, 2.0], [1.0, 1.0])
    14.5
    >>> value, gradient = program.value_and_gradient([1.0, 2.0], [1.0, 1.0])
    >>> gradient
    array([12.])
    """
    if not callable(f):
        raise TypeError(f"compile takes a function, got {type(f).__name__}: {f!r}")
    return Program(f, batched=batched, static=static, wrt=wrt, executor=executor)


class Program:
    """A function on Values, compiled; see `compile`."""

    def __init__(
        self, f: Callable[..., Any], *, batched: bool, static: str | Sequence[str], **options: Any
    ) -> None:
        self.f, self.batched, self.options = f, batched, options
        self.static = Static(f, static)
        self.direct: Direct | None = None
        self.of_each: dict[Compiled, Program] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is of the function: it is recorded anew, at the copy's first call."""
        options = {"batched": self.batched, "static": self.static.names, **self.options}
        return partial(compile, **options), (self.f,)

    @property
    def parameters(self) -> list[Value]:
        """The Values that the gradient is along, in its order."""
        return self.current().parameters

    @property
    def executor(self) -> str:
        """The name of the executor that ran last."""
        return self.current().executor

    def __call__(self, *args: Any, at: Floats | None = None, **keywords: Any) -> Any:
        """What f returns, as numbers and arrays; `at` is as in `value_and_gradient`.

        By a function that is being recorded, Values: the program is part of that one.
        """
        if RECORDERS and get_ident() in RECORDERS:
            return self.inlined(args, keywords, at)
        compiled, parts = self.variants.find(args, keywords)
        return compiled.value(parts, at)

    def value_and_gradient(
        self, *args: Any, at: Floats | None = None, accumulate: bool = False, **keywords: Any
    ) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to all parameters, as one flat array.

        `at` gives the parameters' numbers in place of their own `data`; `accumulate` adds the
        gradient to every parameter's `grad`, as `backward` does.
        """
        direct = None if keywords else self.direct
        found = direct and direct.run(args, at)
        if direct and found:
            compiled = self.variants.latest = direct.compiled
        else:
            compiled, parts = self.variants.find(args, keywords)
            found = compiled.value_and_gradient(parts, at)
            self.direct = None if keywords else compiled.direct(args)
        if accumulate:
            for parameter, slope in zip(compiled.parameters, found[1].tolist(), strict=True):
                parameter.grad += slope
        return found

    def value_and_gradient_at(self, at: Floats, *args: Any) -> tuple[Any, Floats]:
        """What f returns, and its gradient, where these are the parameters' numbers.

        It is what `scipy.optimize.minimize` takes, with jac=True and args=(...) for those of f. For
        a function of what is to be found, not of Values, that is `value_and_grad(f)`.
        """
        return self.value_and_gradient(*args, at=at)

    def hessian_vector(
        self, *args: Any, direction: Floats, at: Floats | None = None, **keywords: Any
    ) -> Floats:
        """The Hessian with respect to the parameters, times a direction: a number for each.

        It is the gradient of the slope that way, and takes about twice what a gradient takes; the
        Hessian itself is never made. `at` is as in `value_and_gradient`. Where there is a slope but
        no second derivative, it is infinite or NaN, or Python's own error.

        >>> x, y = Value(3.0), Value(4.0)
        >>> program = compile(lambda: x**2 * y)
        >>> program.hessian_vector(direction=[1.0, 0.0])
        array([8., 6.])
        """
        compiled, parts = self.variants.find(args, keywords)
        return compiled.hessian_vector(parts, direction, at)

    @property
    def takes_steps(self) -> bool:
        """Whether `take` takes them: whether the executor does."""
        return self.current().trainer() is not None

    def take(self, *args: Any, at: Floats, steps: Steps, **keywords: Any) -> Taken:
        """Many steps of training at once, by the executor: see `training`."""
        compiled, parts = self.variants.find(args, keywords)
        return compiled.take(parts, at, steps)

    def gradient_of_each(self, *args: Any, at: Floats | None = None, **keywords: Any) -> Floats:
        """The gradient of every example alone, in a batched program: a row for each.

        The mean of the rows is the gradient that `value_and_gradient` returns.

        >>> w = Value(3.0)
        >>> program = compile(lambda x, y: (w * x - y) ** 2, batched=True)
        >>> program.gradient_of_each([1.0, 2.0], [1.0, 1.0])
        array([[ 4.],
               [20.]])
        """
        if not self.batched:
            raise ValueError("only a batched program has a gradient for each example")
        from autograd_core.compiler.each import gradients, of_parameters

        compiled, parts = self.variants.find(args, keywords)
        compiled.returned.check_differentiable()
        if compiled not in self.of_each:
            alike = of_parameters(compiled.recorded)
            self.of_each[compiled] = compile(alike, batched=True, executor=compiled.wanted)
        try:
            return gradients(self.of_each[compiled], parts, compiled.numbers(at))
        except (ArithmeticError, ValueError):
            compiled.value_and_gradient(parts, at)  # which names what is not defined as f does
            raise

    def gradient_wrt_inputs(self, *args: Any, **keywords: Any) -> Any:
        """The gradient of the value along each argument, in its shape; one item for each argument.

        A number comes back as a float, a dict as a dict, and a list as an array, or as a list of
        arrays where its items have different shapes. In a batch, each has a row for each example.

        The value of a batched program is the mean over the n examples, and so this is the gradient
        of the mean: an example's own slopes are n times its row.

        >>> square = compile(lambda x: x * x, batched=True)
        >>> (slopes,) = square.gradient_wrt_inputs([1.0, 2.0])
        >>> slopes  # of (1 + 4) / 2
        array([1., 2.])
        """
        compiled, parts = self.variants.find(args, keywords)
        return compiled.gradient_wrt_inputs(parts)

    def apart(self, *args: Any) -> list[Any]:
        """For a batch: the results' arrays and the gradient along the arguments, in rows.

        There is a row for each example, and its gradient is that of the mean. Last comes in which
        examples some number is not finite, or not defined: nothing is raised. The arrays are yours
        until the next run.
        """
        compiled, parts = self.variants.find(args, {})
        return compiled.apart(parts)

    def prepare(self, *args: Any, **keywords: Any) -> None:
        """Record for arguments of this structure, without running: `parameters` are known then."""
        self.variants.find(args, keywords)

    def check_unchanged(self) -> None:
        """Record again; RecordingError if f does something else than when it was recorded.

        >>> rate = [0.5]
        >>> program = compile(lambda x: rate[0] * x)
        >>> program(2.0)
        1.0
        >>> rate[0] = 0.25
        >>> program(2.0)  # kept as it was
        1.0
        >>> program.check_unchanged()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        autograd_core.compiler.record.RecordingError: ... 0.5 has become the constant 0.25...
        """
        for compiled in self.variants.known.values():
            compiled.recorded.check_unchanged()

    def to_jax(self, dtype: str = "float64") -> Callable[..., Any]:
        """The program as a pure function f(parameters, *args) for JAX.

        `parameters` are numbers in the order of `parameters`, as one flat array; it returns what
        calling the program does. `jax.jit`, `vmap`, `grad` and `shard_map` take it: slopes are
        those of the derivative table, kinks and ops of one's own included. Numbers that are not
        finite come back as they are. With dtype="float32", as accelerators have it, it takes and
        gives float32; float64 must be switched on in JAX.
        """
        with needing("jax", "to_jax"):
            from autograd_core.compiler.to_jax import as_function

        return as_function(self, dtype)

    def to_wasm(self, path: str | Path, *, optimizer: Any = None) -> None:
        """Write the program, for the arguments that it was last called with, as WebAssembly.

        The file has its value and gradient, and the numbers of its parameters as they are; with
        an optimiser of `nn.optim`, the whole training of a program that returns a loss.
        `autograd_core/compiler/executors/native/program.mjs` loads it in a browser or in node.
        What overflows or is not defined there comes back as it is.
        """
        with needing("llvmlite", "to_wasm"):
            from autograd_core.compiler.executors.native import wasm

        wasm.write(path, self.current(), optimizer)

    @cached_property
    def variants(self) -> Variants:
        """What f is compiled to; NumPy comes with it."""
        from autograd_core.compiler.variants import Variants

        return Variants(self.f, self.static, batched=self.batched, **self.options)

    def current(self) -> Compiled:
        """The variant that was called last; one without arguments is recorded if need be."""
        return self.variants.current()

    def inlined(self, args: Sequence[Any], keywords: Mapping[str, Any], at: Floats | None) -> Any:
        """What f returns on Values, in the structure that the program has for its numbers."""
        from autograd_core.compiler.record import RecordingError
        from autograd_core.compiler.results import with_arrays

        if self.batched:
            raise RecordingError(
                "a batched program cannot be part of another one: call its function, program.f, "
                "for one example, and compile the whole with batched=True"
            )
        if at is not None:
            raise RecordingError(
                "a program that is part of another one has its parameters' numbers"
            )
        return with_arrays(self.f(*args, **keywords))

    def __str__(self) -> str:
        from autograd_core.compiler.listing import listing

        return listing(self.current())
