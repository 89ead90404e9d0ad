"""How far every primitive is from the exact result: its value, its slopes, and compiled.

The exact results are computed by mpmath to 50 digits, from formulas of their own that cancel
nowhere. Operands come from the whole range of float64: random bit patterns, subnormal numbers,
the neighbours of every special point, and what was worst so far, changed a little.

An error is counted in ulp, the spacing of floats at the exact result (below the normal range, the
smallest number there is). An infinite result counts as 2^1024. Where a formula cannot keep all
digits of a small result, the error is counted in ulp of a `scale`, too, which is larger: of 1, of
the largest term of a sum. That is the measure which is bounded there.
"""

import math
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

from autograd_core import OPS, Value, compile, softmax
from autograd_core.check import arities
from autograd_core.engine import leaky, power
from nn.losses import binary_cross_entropy_with_logits, cross_entropy
from tests.benchmarks.measure import Table

DIGITS = 50
REFUSED = (ArithmeticError, ValueError)  # what a primitive raises where it has no value or slope
OVERFLOW = mpf(2) ** 1024 - mpf(2) ** 970  # from here on, the nearest float is infinite
SMALLEST_NORMAL, LARGEST = sys.float_info.min, sys.float_info.max

# --- Exact results ---------------------------------------------------------------------------


def real_power(x, n):
    if n == int(n):
        return x ** int(n)
    if x < 0:
        raise ValueError
    return x**n


def logarithm(x):
    if x <= 0:
        raise ValueError
    return mp.log(x)


def along_exponent(x, y):
    """The slope of x ** y along y; where the power is 0 as a float, so is the slope."""
    return logarithm(x) * x**y if abs(real_power(x, y)) > mpf(2) ** -1075 else 0


def real(f):
    """The function where its result is a real number."""

    def of_real(x):
        if isinstance(z := f(x), mpmath.mpc):
            raise ValueError
        return z

    return of_real


def normal(x):
    """The density whose integral from minus infinity to infinity is 1."""
    return mp.exp(-x * x) / mp.sqrt(mp.pi)


def phi(x):
    """The share of the normal distribution below x."""
    return complement(-x / mp.sqrt(2)) / 2


def complement(x):
    """1 - erf(x), which is beyond the range of floats from 30 on."""
    return mp.erfc(x) if abs(x) < 30 else mpf(1 - mp.sign(x))


def remainder(x, y):
    with mp.workdps(700):
        return x - y * mp.floor(x / y)


def whole_part(x, y):
    with mp.workdps(700):
        return mp.floor(x / y)


def logarithm_beyond_1(x):
    if x <= -1:
        raise ValueError
    return mp.log1p(x)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return max(x, 0) + mp.log1p(mp.exp(-abs(x)))


def log_of_sum(*xs):
    top = max(xs)
    rest = list(xs)
    rest.remove(top)
    return top + mp.log1p(mp.fsum([mp.exp(x - top) for x in rest]))


def shares(*xs):
    top = max(xs)
    weights = [mp.exp(x - top) for x in xs]
    whole = mp.fsum(weights)
    return [weight / whole for weight in weights]


def slopes_of_first_share(*xs):
    first, *others = shares(*xs)
    return [first * mp.fsum(others), *[-first * share for share in others]]


def slopes_of_cross_entropy(*xs):
    _, *others = shares(*xs)
    return [-mp.fsum(others), *others]


def log_of_sum_less_first(*xs):
    """Of logsumexp(xs) - xs[0], no digit is lost where the differences are taken first."""
    return log_of_sum(*[x - xs[0] for x in xs])


def inner(*xs):
    n = len(xs) // 2
    products = list(zip(xs[:n], xs[n:], strict=False))
    return mp.fdot([*products, (xs[-1], 1)] if len(xs) % 2 else products)


def swapped(*xs):
    n = len(xs) // 2
    return [*xs[n : 2 * n], *xs[:n], *[1] * (len(xs) % 2)]


def of_power(n):
    return (
        lambda x: real_power(x, n),
        lambda x: [n * real_power(x, n - 1) if n else 0],
    )


def of_leaky(slope):
    return lambda x: x if x > 0 else slope * x, lambda x: [1 if x > 0 else slope]


# The value and the slopes by the name of the op, as mathematics has them.
EXACT: dict[str, tuple[Callable[..., Any], Callable[..., Sequence[Any]]]] = {
    "+": (lambda x, y: x + y, lambda x, y: [1, 1]),
    "-": (lambda x, y: x - y, lambda x, y: [1, -1]),
    "*": (lambda x, y: x * y, lambda x, y: [y, x]),
    "/": (lambda x, y: x / y, lambda x, y: [1 / y, -x / y**2]),
    "**": (real_power, lambda x, y: [y * x ** (y - 1), along_exponent(x, y)]),
    "xlogy": (lambda x, y: x and x * logarithm(y), lambda x, y: [logarithm(y), x / y]),
    "neg": (lambda x: -x, lambda x: [-1]),
    "abs": (abs, lambda x: [mp.sign(x)]),
    "exp": (mp.exp, lambda x: [mp.exp(x)]),
    "log": (logarithm, lambda x: [1 / x]),
    "sqrt": (lambda x: real_power(x, mpf(0.5)), lambda x: [mpf(0.5) / mp.sqrt(x)]),
    "sin": (mp.sin, lambda x: [mp.cos(x)]),
    "cos": (mp.cos, lambda x: [-mp.sin(x)]),
    "tanh": (mp.tanh, lambda x: [1 / mp.cosh(x) ** 2]),
    "sigmoid": (sigmoid, lambda x: [sigmoid(x) * sigmoid(-x)]),
    "softplus": (softplus, lambda x: [sigmoid(x)]),
    "step": (lambda x: mpf(x > 0), lambda x: [0]),
    "relu": (lambda x: max(x, 0), lambda x: [int(x > 0)]),
    "maximum": (max, lambda x, y: [int(x >= y), int(x < y)]),
    "minimum": (min, lambda x, y: [int(x <= y), int(x > y)]),
    "total": (lambda *xs: mp.fsum(xs), lambda *xs: [1] * len(xs)),
    "dot": (inner, swapped),
    "logsumexp": (log_of_sum, shares),
    "expm1": (mp.expm1, lambda x: [mp.exp(x)]),
    "log1p": (logarithm_beyond_1, lambda x: [1 / (1 + x)]),
    "log2": (lambda x: logarithm(x) / mp.ln2, lambda x: [1 / (x * mp.ln2)]),
    "log10": (lambda x: logarithm(x) / mp.ln10, lambda x: [1 / (x * mp.ln10)]),
    "tan": (mp.tan, lambda x: [1 / mp.cos(x) ** 2]),
    "sinh": (mp.sinh, lambda x: [mp.cosh(x)]),
    "cosh": (mp.cosh, lambda x: [mp.sinh(x)]),
    "arcsin": (real(mp.asin), lambda x: [1 / mp.sqrt(1 - x * x)]),
    "arccos": (real(mp.acos), lambda x: [-1 / mp.sqrt(1 - x * x)]),
    "arctan": (mp.atan, lambda x: [1 / (1 + x * x)]),
    "arctan2": (mp.atan2, lambda y, x: [x / (x * x + y * y), -y / (x * x + y * y)]),
    "hypot": (mp.hypot, lambda x, y: [x / mp.hypot(x, y), y / mp.hypot(x, y)]),
    "erf": (lambda x: 1 - complement(x) if abs(x) > 1 else mp.erf(x), lambda x: [2 * normal(x)]),
    "erfc": (complement, lambda x: [-2 * normal(x)]),
    "gelu": (lambda x: x * phi(x), lambda x: [phi(x) + x * normal(x / mp.sqrt(2)) / mp.sqrt(2)]),
    "silu": (
        lambda x: x * sigmoid(x),
        lambda x: [sigmoid(x) * (1 + x * sigmoid(-x))],
    ),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), lambda x: [mp.exp(min(x, 0))]),
    "floor": (mp.floor, lambda x: [0]),
    "ceil": (mp.ceil, lambda x: [0]),
    "sign": (mp.sign, lambda x: [0]),
    "mod": (remainder, lambda x, y: [1, -whole_part(x, y)]),
    "exp2": (lambda x: mp.power(2, x), lambda x: [mp.power(2, x) * mp.log(2)]),
    "cbrt": (
        lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        lambda x: [1 / (3 * mp.cbrt(abs(x)) ** 2)],
    ),
    "arcsinh": (mp.asinh, lambda x: [1 / mp.sqrt(1 + x * x)]),
    "arccosh": (real(mp.acosh), lambda x: [1 / mp.sqrt((x - 1) * (x + 1))]),
    "arctanh": (real(mp.atanh), lambda x: [1 / ((1 - x) * (1 + x))]),
    "equals": (lambda x, y: int(x == y), lambda x, y: [0, 0]),
    "where": (lambda c, x, y: x if c > 0 else y, lambda c, x, y: [0, int(c > 0), int(c <= 0)]),
}


def exact_of(op):
    """The exact value and slopes of a row of the derivative table."""
    if op.name in EXACT:
        return EXACT[op.name]
    return of_leaky(mpf(0.01)) if op.name == "leaky_relu" else of_power(mpf(op.name[2:]))


# --- Operands --------------------------------------------------------------------------------

# Where something begins or ends: of exp, the overflow, the subnormal results and the last that is
# not 0; where tanh, the sigmoid and the softplus round to 1 and to x; of squares and cubes.
SPECIAL = (
    *(0.0, 0.5, 1.0, 2.0, math.e, math.log(2), 19.061547465398498, 33.3, 36.7, 37.43),
    *(709.782712893384, 708.3964185322641, 744.4400719213812, 745.1332191019412),
    *(2.0**-26, 2.0**-27, 2.0**-53, 2.0**53, 1e17, 1e300),
    *(1.3407807929942596e154, 5.643803094122362e102, 1.4916681462400413e-154, 1.7e-162),
    *(1.7976931348623157e308, SMALLEST_NORMAL, 5e-324, 2.0**-1023, 2.0**1023),
    *(k * math.pi / 2 for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 1001, 10**6, 10**15)),
    # Floats that are next to multiples of π/2, as few are.
    *(6381956970095103 * 2.0**797, 6366906923947931 * 2.0**194, 2925482757170843 * 2.0**527),
)


def nudged(rng, x):
    """A float a few steps away, at most."""
    for _ in range(rng.randrange(4)):
        x = math.nextafter(x, rng.choice((-math.inf, math.inf)))
    return x if math.isfinite(x) else 1.0


def changed(rng, x):
    """A float near x, on any scale."""
    x *= 1 + rng.uniform(-1, 1) * 2.0 ** -rng.uniform(0, 52)
    return x if math.isfinite(x) else 1.0


def any_float(rng):
    """A finite float of any bit pattern."""
    while not math.isfinite(x := struct.unpack("d", rng.randbytes(8))[0]):
        pass
    return x


KINDS = (
    any_float,
    lambda rng: nudged(rng, rng.choice((-1, 1)) * rng.choice(SPECIAL)),
    lambda rng: rng.choice((-1, 1)) * rng.getrandbits(rng.randint(1, 53)) * 5e-324,  # subnormal
    lambda rng: rng.uniform(-750, 750),
    lambda rng: rng.uniform(-40, 40),
    lambda rng: rng.uniform(-2, 2),
    lambda rng: rng.choice((-1, 1)) * 2.0 ** rng.uniform(-60, 10),
)


def number(rng):
    return rng.choice(KINDS)(rng)


def numbers(rng, count):
    """Operands of any kind, or such as nearly cancel, or such as are not far apart."""
    xs = [number(rng) for _ in range(count)]
    match rng.randrange(4):
        case 0:
            xs = [xs[0], *[nudged(rng, rng.choice((-1, 1)) * xs[0]) for _ in xs[1:]]]
        case 1:
            xs = [xs[0], *[xs[0] + rng.choice(KINDS[3:])(rng) for _ in xs[1:]]]
        case 2:
            xs = [rng.choice(KINDS[3:])(rng) for _ in xs]
    return [x if math.isfinite(x) else 1.0 for x in xs]


def mostly_positive(rng, count):
    """The first operand is positive, but for one in ten."""
    x, *rest = numbers(rng, count)
    return [abs(x) if rng.random() < 0.9 else x, *rest]


def then_positive(rng, count):
    """The last operand is positive."""
    *rest, x = numbers(rng, count)
    return [*rest, abs(x) or 1.0]


def at_most_1(rng, count):
    """Nine in ten between -1 and 1, and many near to these."""
    kinds = (lambda: rng.uniform(-1, 1), lambda: 1 - 2.0 ** -rng.uniform(0, 53))
    x = rng.choice(kinds)() if rng.random() < 0.6 else number(rng)
    return [rng.choice((-1, 1)) * (1 / x if abs(x) > 1 and rng.random() < 0.9 else x)]


def base_and_exponent(rng, count):
    """Half of them with a power in the range of floats."""
    x, y = mostly_positive(rng, count)
    if rng.random() < 0.5 and x > 0 and x != 1:
        y = rng.uniform(-745, 709) / math.log(x)
    return [x, y]


# --- Cases -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A function of some Values, its exact value and slopes, and operands.

    `value_scale` and `slope_scale` say, where the error is to be counted in ulp of more than the
    exact result, of what: given the operands, one number, or one for each slope.
    """

    name: str
    f: Callable[..., Value]
    exact: Callable[..., Any]
    slopes: Callable[..., Sequence[Any]]
    counts: Sequence[int] = (1,)
    operands: Callable[[Random, int], list[float]] = numbers
    value_scale: Callable[..., float] | None = None
    slope_scale: Callable[..., Sequence[float]] | None = None

    def eager(self, xs):
        """The value and the slopes along xs, as the engine has them."""
        leaves = list(map(Value, xs))
        z = self.f(*leaves)
        z.backward()
        return z.data, [x.grad for x in leaves]

    def exactly(self, xs):
        """The exact ones; None where there are none."""
        try:
            xs = list(map(mpf, xs))
            return self.exact(*xs), self.slopes(*xs)
        except REFUSED:
            return None


def ones(*xs):
    return [1.0] * len(xs)


def largest(*xs):
    return max(1.0, *map(abs, xs))


def of_reduced(x):
    """C libraries may lose digits of a small sine or cosine of a huge number."""
    return 1e-12 if abs(x) > 1e8 else 0.0


def below_normal(x, y):
    """A length below the normal range has lost digits, one above all: a quotient by it shows it."""
    length = math.hypot(x, y)
    return [SMALLEST_NORMAL / (length or 1.0) if length < math.inf else LARGEST] * 2


def of_normal_length(x, y):
    """Nothing; too much for the pairs that are left out: 1 / length² would lose its digits."""
    return 0.0 if 1e-290 < math.hypot(x, y) < math.inf else OVERFLOW


def size_of_log(x):
    """How large the logarithm is; 0 has none, nor has it a power that would lose digits by it."""
    return abs(math.log(abs(x))) if x else 0.0


COUNTS = (1, 2, 3, 4, 20)  # of operands, where there may be any number
SETTINGS = {
    # A quotient below the normal range has lost digits, which its quotient by y shows.
    "/": {"slope_scale": lambda x, y: [0.0, SMALLEST_NORMAL / max(abs(y), 1e-307)]},
    # y - 1 is rounded, which its power shows; powers below the normal range have lost digits.
    "**": {
        "operands": base_and_exponent,
        "slope_scale": lambda x, y: [
            abs(y) * (mpf(x) ** (mpf(y) - 1) * max(1, abs(y)) * size_of_log(x) + SMALLEST_NORMAL),
            size_of_log(x) * SMALLEST_NORMAL,
        ],
    },
    "xlogy": {"operands": then_positive},
    "log": {"operands": mostly_positive},
    "sqrt": {"operands": mostly_positive},
    "sin": {"value_scale": of_reduced, "slope_scale": lambda x: [of_reduced(x)]},
    "cos": {"value_scale": of_reduced, "slope_scale": lambda x: [of_reduced(x)]},
    "tanh": {"slope_scale": ones},
    "sigmoid": {"slope_scale": ones},
    "total": {"value_scale": lambda *xs: mp.fsum(xs, absolute=True)},
    "dot": {"value_scale": lambda *xs: inner(*map(abs, map(mpf, xs)))},
    "logsumexp": {"value_scale": lambda *xs: max(1.0, abs(max(xs))), "slope_scale": ones},
    "log1p": {"operands": mostly_positive},
    "log2": {"operands": mostly_positive},
    "log10": {"operands": mostly_positive},
    "tan": {
        "value_scale": lambda x: of_reduced(x) * (1 + math.tan(x) ** 2),
        "slope_scale": lambda x: [of_reduced(x) * (1 + abs(math.tan(x)) ** 3)],
    },
    # The square overflows from 1e154 on, where the slope is below the normal range.
    "arctan": {"slope_scale": lambda x: [1e-290]},
    "arctan2": {
        "operands": then_positive,
        "value_scale": of_normal_length,
        "slope_scale": below_normal,
    },
    "hypot": {"slope_scale": below_normal},
    "arcsin": {"operands": at_most_1},
    "arccos": {"operands": at_most_1},
    "erf": {"slope_scale": ones},
    "erfc": {"slope_scale": ones},
    "gelu": {"value_scale": lambda x: 1.0, "slope_scale": ones},
    "silu": {"value_scale": lambda x: SMALLEST_NORMAL * abs(x), "slope_scale": ones},
}


def of_op(op, exact=None):
    counts = COUNTS if len(arities(op)) > 1 else arities(op)
    value, slopes = exact or EXACT[op.name]
    return Case(op.name, op, value, slopes, counts, **SETTINGS.get(op.name, {}))


def cases():
    """Every primitive, those with a constant of their own at several, and the stable losses."""
    named = [op for op in OPS if op.name in EXACT]
    powers = [power(n) for n in (-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0)]
    yield from map(of_op, named)
    for op in powers:
        n = float(op.name[2:])
        positive = mostly_positive if n % 1 else numbers
        yield Case(op.name, op, *of_power(mpf(n)), operands=positive)
    for slope in (0.01, 0.3):
        yield Case(f"leaky_relu {slope}", leaky(slope), *of_leaky(mpf(slope)))
    yield Case(
        "softmax",
        lambda *xs: softmax(xs)[0],
        lambda *xs: shares(*xs)[0],
        slopes_of_first_share,
        counts=COUNTS[1:],
        value_scale=lambda *xs: 1.0,
        slope_scale=ones,
    )
    for label in (0, 1):
        yield Case(
            f"binary cross entropy {label}",
            lambda z, label=label: binary_cross_entropy_with_logits(z, label),
            lambda z, label=label: softplus(z if label == 0 else -z),
            lambda z, label=label: [sigmoid(z) if label == 0 else -sigmoid(-z)],
        )
    yield Case(
        "cross entropy",
        lambda *xs: cross_entropy(xs, 0),
        log_of_sum_less_first,
        slopes_of_cross_entropy,
        counts=COUNTS[1:],
        value_scale=largest,
        slope_scale=ones,
    )


# --- Measuring -------------------------------------------------------------------------------


def ulps(found, exact, scale=0.0):
    """How far a float is from the exact number, in ulp of that, or of the scale if it is larger."""
    if math.isnan(found):
        return math.inf
    if math.isinf(found):
        if (found > 0) == (exact > 0) and abs(exact) >= OVERFLOW:
            return 0.0
        found = math.copysign(1, found) * mpf(2) ** 1024
    error = abs(found - mpf(exact))
    if not error:
        return 0.0
    _, exponent = mpmath.frexp(max(abs(mpf(exact)), scale, SMALLEST_NORMAL))
    return float(mpmath.ldexp(error, 53 - min(exponent, 1024)))


@dataclass
class Worst:
    """The largest error so far, and where it was found."""

    error: float = 0.0
    operands: tuple[float, ...] = ()

    def see(self, error, operands):
        if error > self.error or not self.operands:
            self.error, self.operands = error, tuple(operands)


@dataclass
class Accuracy:
    """The worst errors of one case: in ulp of the exact result, and in ulp of the scale.

    `refused` is the share of operands that the engine refused, `in_range` that of operands it
    refused although value and slopes can be written as floats.
    """

    case: Case
    value: Worst = field(default_factory=Worst)
    slopes: Worst = field(default_factory=Worst)
    scaled_value: Worst = field(default_factory=Worst)
    scaled_slopes: Worst = field(default_factory=Worst)
    compiled_value: Worst = field(default_factory=Worst)
    compiled_slopes: Worst = field(default_factory=Worst)
    refused: float = 0.0
    in_range: float = 0.0

    @property
    def bounded(self):
        """What is asserted: value, slopes, and how far compiled is from eager."""
        compiled = self.compiled_value, self.compiled_slopes
        return [worst.error for worst in (self.scaled_value, self.scaled_slopes, *compiled)]


def scales(case, xs):
    """What the ulp is taken of: for the value, and for each slope."""
    value = case.value_scale(*xs) if case.value_scale else 0.0
    slopes = case.slope_scale(*xs) if case.slope_scale else [0.0] * len(xs)
    return value, slopes


def measure(case, n, seed=0):
    """The accuracy at n operands."""
    rng, found = Random(f"{case.name} {seed}"), Accuracy(case)
    accepted = {count: [] for count in case.counts}
    fresh = 0
    with mp.workdps(DIGITS):
        for i in range(n):
            worst = rng.choice((found.scaled_value, found.scaled_slopes))
            again = i % 3 == 0 and worst.operands
            count = rng.choice(case.counts)
            xs = [changed(rng, x) for x in worst.operands] if again else case.operands(rng, count)
            fresh += not again
            try:
                z, slopes = case.eager(xs)
            except REFUSED:
                found.refused += not again
                found.in_range += not again and in_range(case.exactly(xs))
                continue
            if scales(case, xs)[0] < OVERFLOW:
                accepted[len(xs)].append((xs, z, slopes))
                see(found, xs, z, slopes)
        for runs in accepted.values():
            if runs:
                compare_compiled(found, runs)
    found.refused, found.in_range = found.refused / fresh, found.in_range / fresh
    return found


def in_range(exact):
    """Whether value and slopes are there, and have a float next to them."""
    return exact is not None and all(abs(x) < OVERFLOW for x in (exact[0], *exact[1]))


def see(found, xs, z, slopes):
    """Count the errors of one result."""
    exact = found.case.exactly(xs)
    if exact is None:  # the engine found what is not there
        found.scaled_value.see(math.inf, xs)
        return
    value_scale, slope_scales = scales(found.case, xs)
    found.value.see(ulps(z, exact[0]), xs)
    found.scaled_value.see(ulps(z, exact[0], value_scale), xs)
    for slope, expected, scale in zip(slopes, exact[1], slope_scales, strict=True):
        found.slopes.see(ulps(slope, expected), xs)
        found.scaled_slopes.see(ulps(slope, expected, scale), xs)


def compare_compiled(found, runs):
    """Count how far programs on arrays are from eager, in ulp of eager's result or of the scale.

    The number of examples is a power of two, so that the mean over them changes no digit of a
    slope, unless it takes it below the normal range.
    """
    case = found.case
    n = 1 << (len(runs) - 1).bit_length()
    array = np.array([xs for xs, *_ in runs] + [runs[0][0]] * (n - len(runs)))
    value = compile(lambda xs: [case.f(*xs)], batched=True)(array)[:, 0]
    (slopes,) = compile(lambda xs: case.f(*xs), batched=True).gradient_wrt_inputs(array)
    for run, z, slope in zip(runs, value.tolist(), slopes.tolist()):
        see_compiled(found, run, z, [n * x for x in slope], n * SMALLEST_NORMAL)
    program = compile(case.f, executor="numpy")
    for run in runs[:100]:
        see_compiled(found, run, program(*run[0]), program.gradient_wrt_inputs(*run[0]))


def see_compiled(found, run, z_too, slopes_too, smallest=0.0):
    """Count how far one result of a program is from eager's; slopes, from the smallest on."""
    xs, z, slopes = run
    value_scale, slope_scales = scales(found.case, xs)
    found.compiled_value.see(apart(z_too, z, value_scale), xs)
    for slope, too, scale in zip(slopes, slopes_too, slope_scales, strict=True):
        if abs(slope) >= smallest or slope == 0:
            found.compiled_slopes.see(apart(too, slope, scale), xs)


def apart(x, y, scale):
    """How far two floats are apart, in ulp of the second or the scale."""
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    if not math.isfinite(x - y):
        return math.inf
    return abs(x - y) / math.ulp(max(abs(y), min(float(scale), LARGEST)))


# --- Tables ----------------------------------------------------------------------------------


def tables(n=4000):
    """The table of all cases, each at n operands."""
    columns = ["worst error in ulp", "value", "slopes", "value, scaled", "slopes, scaled"]
    columns += ["compiled value", "compiled slopes", "refused", "in range", "worst at"]
    rows = [row(measure(case, n)) for case in cases()]
    yield Table("Accuracy", columns, rows, REMARKS)


REMARKS = """\
An ulp is the spacing of floats at the exact result: 0.5 is the best there is.
Scaled: in ulp of something larger, where a small result has the error of the larger numbers it is
computed from. That is 1 for tanh, sigmoid, softmax and all slopes of logsumexp and cross entropy; 1
or the largest logit for the values of these two; the sum of the terms' magnitudes for total and
dot; for / and **, what the rounding of y - 1 and of numbers below the normal range leads to; 1e-12
for sin and cos of numbers above 1e8, where the C library loses digits next to multiples of π.
Compiled: how far programs on arrays are from eager, scaled as the column before is; 0 is bit for
bit, the sign of a zero aside. A program that runs on one number after the other always is.
Refused: the share of operands that raise an error; in range: of those that do though value and
slopes could be written as floats.
Some operands have up to 20 numbers. Sums whose terms' magnitudes add up to more than a float can
hold are left out. What exp, log, sin, cos, tanh, log1p and ** are worth is up to the C library."""


def row(found):
    case = found.case
    worst = max(found.scaled_value, found.scaled_slopes, key=lambda worst: worst.error)
    shown_operands = ", ".join(f"{x:.17g}" for x in worst.operands[:2])
    return [
        case.name,
        shown(found.value.error),
        shown(found.slopes.error),
        shown(found.scaled_value.error) if case.value_scale else "",
        shown(found.scaled_slopes.error) if case.slope_scale else "",
        shown(found.compiled_value.error),
        shown(found.compiled_slopes.error),
        f"{found.refused:.0%}",
        f"{found.in_range:.1%}",
        shown_operands + (", ..." if len(worst.operands) > 2 else "") if worst.error else "",
    ]


def shown(error):
    """Three digits, rounded up."""
    if error in (0, math.inf):
        return f"{error:g}"
    unit = 10.0 ** (math.floor(math.log10(error)) - 2)
    return f"{math.ceil(error / unit * (1 - 1e-12)) * unit:.3g}"
