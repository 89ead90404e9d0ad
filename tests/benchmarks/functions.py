"""Value and gradient of functions in NumPy's words, beside HIPS autograd's and JAX's."""

import numpy as np

from autograd_core import value_and_grad
from tests.benchmarks.measure import Table, alternate, digits, has, shown
from tests.numpy_programs import PROGRAMS, rosenbrock


def ours(make):
    """Compiled at its first call."""
    f, x = make(np)
    return value_and_grad(f), x


def hips(make):
    """HIPS autograd, whose NumPy stands in the place of NumPy."""
    import autograd

    f, x = make(autograd.numpy)
    return autograd.value_and_grad(f), x


def jax_jit(make):
    """JAX, compiled; the numbers are Python's and NumPy's again, as who calls it needs them."""
    import jax

    jax.config.update("jax_enable_x64", True)
    f, x = make(jax.numpy)
    both = jax.jit(jax.value_and_grad(f))

    def run(x):
        value, slopes = both(x)
        return float(value), jax.tree.map(np.asarray, slopes)

    return run, x


def calls(make):
    """A call of each, by name."""
    beside = {"autograd-core": ours}
    if has("jax") and make is rosenbrock:
        beside["JAX jit"] = jax_jit
    if has("autograd"):
        beside["HIPS autograd"] = hips
    prepared = {name: engine(make) for name, engine in beside.items()}
    return {name: lambda f=f, x=x: f(x) for name, (f, x) in prepared.items()}


def functions(size, **_):
    """A call for value and gradient, of each program."""
    rows = []
    for make in PROGRAMS if size.full else PROGRAMS[:1]:
        tasks = calls(make)
        expected, _ = tasks["autograd-core"]()
        for task in tasks.values():
            np.testing.assert_allclose(task()[0], expected, rtol=1e-9)
        many = {name: lambda task=task: [task() for _ in range(20)] for name, task in tasks.items()}
        seconds = {name: s / 20 for name, s in alternate(many, size.repetitions).items()}
        cells = [shown(seconds["autograd-core"])]
        for name in ("JAX jit", "HIPS autograd"):
            there = name in seconds
            times = digits(seconds[name] / seconds["autograd-core"]) if there else ""
            cells.append(f"{shown(seconds[name])} ({times}x)" if there else "–")
        rows.append([make.__name__.replace("_", " "), *cells])
    yield Table(
        "Functions: value and gradient, a call",
        ["function", "autograd-core", "JAX jit", "HIPS autograd"],
        rows,
        "In brackets, how many times our time. The targets: a tenth of HIPS autograd's time, and "
        "1.5 times JAX's for Rosenbrock's valley.",
    )
