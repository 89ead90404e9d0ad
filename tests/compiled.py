"""Functions to compile, run twice: eagerly, on a graph of Values, and compiled."""

import math
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from autograd_core import Value, compile, gradient, mean, topological
from autograd_core.compiler.executors import EXECUTORS
from autograd_core.compiler.ir import Compute, needed
from tests.arrays import products_of

EPSILON = 2.0**-52
OWN = ("llvmlite",)  # packages that are there where tests run


def long_with(package):
    """Marks for what needs a package and takes long to make programs ready."""
    absent = find_spec(package) is None
    without = pytest.mark.skipif(absent, reason=f"{package} is not installed")
    return [pytest.mark.slow, without if package in OWN else pytest.mark.needs(package)]


QUICK = [name for name, row in EXECUTORS.items() if not row.package]
EACH = [
    pytest.param(name, marks=long_with(row.package) if row.package else [])
    for name, row in EXECUTORS.items()
]
each_executor = pytest.mark.parametrize("executor", EACH)


def values(x):
    """An argument with a new Value in place of each number."""
    if isinstance(x, np.ndarray) and x.ndim:
        array = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            array[place] = Value(float(x[place]))
        return array
    return [values(item) for item in x] if isinstance(x, (list, tuple)) else Value(float(x))


def numbers(x):
    """All numbers in nested lists and arrays, as one flat array."""
    if isinstance(x, (list, tuple)):
        return np.concatenate([np.zeros(0), *[numbers(item) for item in x]])
    return np.ravel(x).astype(float)


def grads(x):
    """The gradients of all Values in nested lists and arrays, as one flat array."""
    if isinstance(x, Value):
        return np.array([x.grad])
    return np.concatenate([np.zeros(0), *[grads(item) for item in x]])


def eager(f, args, *, batched=False):
    """What f returns on Values, the mean over the examples where batched, and those Values."""
    if not batched:
        leaves = [values(x) for x in args]
        return f(*leaves), leaves
    rows = [[values(row) for row in x] for x in args]
    return mean([f(*example) for example in zip(*rows, strict=True)]), rows


def assert_close(found, expected, slack=0.0):
    found, expected = numbers(found), numbers(expected)
    assert found.shape == expected.shape
    tolerance = 1e-12 * np.maximum(1.0, np.abs(expected)) + slack
    wrong = ~(np.abs(found - expected) <= tolerance)
    assert not wrong.any(), (found[wrong], expected[wrong])


def assert_like_eager(f, *args, batched=False, program=None, slack=(0.0, {}, 0.0)):
    """Value, gradient and gradient with respect to the inputs are eager's; the program.

    `slack` is how far rounding may take each of the three apart, beyond 1e-12. What has no
    examples is run by every executor that is quickly ready.
    """
    program = program or compile(f, batched=batched)
    root, leaves = eager(f, args, batched=batched)
    program.prepare(*args)
    for p in program.parameters:
        p.grad = 0.0
    root.backward()
    expected = root.data, {p: p.grad for p in program.parameters}, grads(leaves)
    assert_numbers(program, args, expected, slack)
    for executor in [] if batched else set(QUICK) - {program.executor}:
        assert_numbers(compile(f, executor=executor), args, expected, slack)
    return program


def assert_numbers(program, args, expected, slack):
    value, gradient = program.value_and_gradient(*args)
    parameters = program.parameters
    assert_close(value, expected[0], slack[0])
    assert_close(program(*args), expected[0], slack[0])
    allowed = np.array([slack[1].get(p, 0.0) for p in parameters])
    assert_close(gradient, [expected[1][p] for p in parameters], allowed)
    if args:
        assert_close(program.gradient_wrt_inputs(*args), expected[2], slack[2])


# --- How far rounding goes -------------------------------------------------------------------


def uncertainties(root):
    """For each Value of a graph, how far rounding may have taken it from the exact number."""
    error = {}
    for v in topological(root):
        inherited = [abs(s) * error[p] for s, p in zip(v.partials, v.parents, strict=True)]
        added = [abs(s * p.data) for s, p in zip(v.partials, v.parents, strict=True)]
        error[v] = sum(inherited) + EPSILON * (abs(v.data) + sum(added)) if v.parents else 0.0
    return error


def slack_of(root, leaves):
    """How far rounding may take a value, and its slope along each leaf."""
    slopes = gradient(root, *leaves)
    value = 8 * uncertainties(root)[root]
    return value, {leaf: 8 * uncertainties(s)[s] for leaf, s in zip(leaves, slopes, strict=True)}


def at_a_kink(root, kinked):
    """Whether rounding may decide which side of a kink some Value is on."""
    error = uncertainties(root)
    for v in topological(root):
        if v.op in kinked:
            x, y = (*v.parents, *[Value(0.0)])[:2]
            uncertain = error[x] + error.get(y, 0.0)
            if x is not y and uncertain and abs(x.data - y.data) <= 100 * uncertain:
                return True
    return False


# --- What the program consists of ------------------------------------------------------------


def steps(program):
    """The arrays forward that are computed for all to see, one for each group of nodes."""
    return [x for x in program.current().steps if isinstance(x, Compute)]


def shapes(program):
    """(shorter side, longer side, terms added up) of every matrix product, block by block.

    Not counted are single dot products of numbers that are the same for all examples, and those
    that add nothing up.
    """
    found = []
    for x in needed(program.current().emit.order, program.current().results):
        for blocks, rows, columns, summed in products_of([x]):
            if summed > 1 and (blocks * columns * rows > 1 or x.batched):
                found += [(*sorted((rows, columns)), summed)] * blocks
    return found


def kinds(program, *, backward=False):
    """How each array of the value is computed, in order; backward, each that the gradient adds.

    By its op, as a sum (+) or maximum, or as a product of matrices.
    """
    compiled = program.current()
    forward = needed(compiled.emit.order, compiled.results)
    order = forward
    if backward:
        order = [x for x in compiled.ready[compiled.vector].order if x not in set(forward)]
    return [
        "product" if products_of([x]) else x.op.name if x.op else x.fold
        for x in order
        if isinstance(x, Compute)
    ]


def forward_lines(program):
    """The formulas forward in the printed program, blanks within a line reduced to one."""
    return section(program, "forward")


def backward_lines(program):
    """The formulas backward in the printed program."""
    return section(program, "backward")


def section(program, name):
    lines = [" ".join(line.split()) for line in str(program).splitlines()]
    start = lines.index(name) + 1
    ends = [i for i in range(start, len(lines)) if lines[i] in ("forward", "backward", "")]
    return lines[start : min(ends, default=len(lines))]


# --- Parameters and data ---------------------------------------------------------------------


class Draw:
    """Parameters and data, the same in every run."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)

    def vector(self, n, label):
        return [Value(self.rng.normal(0, 0.5), f"{label}[{i}]") for i in range(n)]

    def matrix(self, rows, columns, label):
        return [
            [Value(self.rng.normal(0, 0.5), f"{label}[{i},{j}]") for j in range(columns)]
            for i in range(rows)
        ]

    def data(self, *shape):
        return self.rng.normal(size=shape)


def finite(xs: Sequence[float], below: float = math.inf) -> bool:
    return all(math.isfinite(x) and abs(x) < below for x in xs)
