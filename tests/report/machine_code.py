"""How far the elementary functions in machine code are from the exact result, in every lane."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np
from mpmath import mp, mpf

from autograd_core.compiler.executors.native.machine import Machine, compiled, host
from autograd_core.compiler.executors.native.namespace import Namespace
from autograd_core.compiler.executors.native.symbols import POINTER
from autograd_core.engine import COS, EXP, EXPM1, LOG, LOG1P, SIGMOID, SIN, SOFTPLUS, SQRT, TANH
from tests.benchmarks.measure import Table
from tests.report.accuracy import DIGITS, REFUSED, SPECIAL, exact_of, number, ulps

ROWS = (EXP, LOG, LOG1P, EXPM1, TANH, SIGMOID, SOFTPLUS, SIN, COS, SQRT)
LANES = 8


@cache
def machine():
    """Code for every row, on one number and on eight."""
    module = host().module()
    for op in ROWS:
        for lanes in (1, LANES):

            def body(region, x, z, op=op, lanes=lanes):
                y = op.on(Namespace(region))(region.load(x, lanes=lanes))
                region.store(y, z)
                return region.integer(0)

            places = [("x", POINTER, 1), ("z", POINTER, 1)]
            module.function(f"{op.name}_{lanes}", places, body, exported=True)
    return Machine(compiled(str(module), host()))


def computed(op, xs, lanes=LANES):
    """A row on numbers, so many at once."""
    padded = np.concatenate([xs, np.repeat(xs[-1:], -len(xs) % lanes)])
    found = np.empty_like(padded)
    function = machine().function(f"{op.name}_{lanes}", *[np.ctypeslib.ctypes.c_void_p] * 2)
    for i in range(0, len(padded), lanes):
        function(padded[i:].ctypes.data, found[i:].ctypes.data)
    return found[: len(xs)]


@dataclass
class Found:
    """The largest error in ulp, and where it is."""

    error: float = 0.0
    at: float = 0.0


def operands(n: int) -> Sequence[float]:
    """Numbers of all kinds, special points first."""
    rng = Random(0)
    return [*SPECIAL, *[-x for x in SPECIAL], *[number(rng) for _ in range(n)]]


def measure(op, n):
    """The worst error of a row, at n operands and at the special points."""
    value, _ = exact_of(op)
    xs, worst = np.array(operands(n)), Found()
    for x, z in zip(xs.tolist(), computed(op, xs).tolist(), strict=True):
        with mp.workdps(DIGITS):
            try:
                exact = value(mpf(x))
            except REFUSED:
                assert not math.isfinite(z), (op.name, x, z)
                continue
            error = ulps(z, exact, beyond(op, x))
        if error > worst.error:
            worst = Found(error, x)
    return worst


def beyond(op, x):
    """The C library, asked for large sines, loses digits next to multiples of π: a scale for it."""
    return 1e-12 if op in (SIN, COS) and abs(x) > 1e8 else 0.0


def tables(n=4000):
    """The table of all rows, each at n operands."""
    rows = []
    for op in ROWS:
        found = measure(op, n)
        rows.append([op.name, f"{found.error:.2f}", f"{found.at:.17g}"])
    yield Table("Machine code", ["worst error in ulp", "value", "at"], rows)
