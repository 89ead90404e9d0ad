"""Elementary functions in every lane at once, at most 2 ulp from the exact number.

Each takes its argument apart by its bits, computes a polynomial where that is small, and puts it
together again. Where a function is not defined, or overflows, some division or product on the way
says so by the processor's flags; and none does where all is well. The polynomials of log, sin and
cos are those of Sun's fdlibm.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

from autograd_core.compiler.executors.native.symbols import (
    DOUBLE,
    INTEGER,
    TRUTH,
    Number,
    Symbol,
    call,
    fused,
    instruction,
    intrinsic,
    kind_of,
    library,
    number,
    select,
    truth,
)

ROUND = 1.5 * 2.0**52  # added to a number it leaves the nearest whole one in the low bits
LN2, LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10
EXPONENTIAL = [1 / math.factorial(i) for i in range(13, 1, -1)]
LOGARITHM = [
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
    2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
    6.666666666666735130e-01,
]  # fmt: skip
SINE = [
    1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
    -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01,
]  # fmt: skip
COSINE = [
    -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
    2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
]  # fmt: skip
HALF_PI = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33
SQRT_HALF_BITS = 0x3FE6A09E << 32
FRACTION = 2**52 - 1  # the bits of a double below its exponent


def bits_of(x: float) -> int:
    """The bits of a double, as a whole number."""
    bits: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return bits


def where(condition: Symbol, x: Number, y: Number) -> Symbol:
    """x where a condition holds, else y."""
    if {kind_of(x), kind_of(y)} != {TRUTH}:
        x, y = number(x), number(y)
    symbol = next((s for s in (x, y) if isinstance(s, Symbol)), condition.region.double(0.0))
    return select(truth(condition), symbol.like(x), symbol.like(y))


def is_nan(x: Symbol) -> Symbol:
    """Whether this is no number."""
    return instruction("fcmp uno {0}, {1}", x.number, x.number, kind=TRUTH)


def polynomial(coefficients: Sequence[float], x: Symbol) -> Symbol:
    """The polynomial with these coefficients, that of the highest power first.

    Neighbours become one, as coefficients for x * x: so that few steps wait for others.
    """
    terms: list[Number] = [*reversed(coefficients)]
    while len(terms) > 1:
        alone = terms[-1:] if len(terms) % 2 else []
        terms = [*[fused(high, x, low) for low, high in zip(terms[::2], terms[1::2])], *alone]
        x = x * x
    (y,) = terms
    assert isinstance(y, Symbol)
    return y


# --- exp and its kin -------------------------------------------------------------------------


def halves(x: Symbol) -> tuple[Symbol, Symbol]:
    """x = n * ln 2 + t with the whole number n nearest, as an integer, and t."""
    shifted = fused(x, 1 / math.log(2), ROUND)
    n = shifted - ROUND
    t = fused(n, -LN2_REST, fused(n, -LN2, x))
    return shifted.as_kind(INTEGER) - bits_of(ROUND), t


def power_of_two(n: Symbol) -> Symbol:
    """2 ** n, for an n between -1023 and 1024."""
    return ((n + 1023) << 52).as_kind(DOUBLE)


def small_exponential(t: Symbol) -> Symbol:
    """exp(t) - 1 for |t| <= ln(2) / 2."""
    return fused(polynomial(EXPONENTIAL, t), t * t, t)


def exp(x: Symbol) -> Symbol:
    """The exponential: 2 ** n in two factors, for it may be out of range where the result is not."""
    x = where(x > 710.0, 710.0, where(x < -746.0, -746.0, x))
    n, t = halves(x)
    half = n >> 1
    return (small_exponential(t) + 1.0) * power_of_two(half) * power_of_two(n - half)


def expm1(x: Symbol) -> Symbol:
    """exp(x) - 1, without loss where x is small."""
    y = where(x > 710.0, 710.0, where(x < -40.0, -40.0, x))
    n, t = halves(y)
    q, half = small_exponential(t), n >> 1
    first, second = power_of_two(half), power_of_two(n - half)
    large = y > 700.0
    whole = where(large, 1.0, first * where(large, 1.0, second))
    usual = fused(q, whole, whole - 1.0)
    huge = fused(q, first, first) * where(large, second, 1.0)
    return where(x == 0.0, x, where(large, huge, usual))


def tanh(x: Symbol) -> Symbol:
    """e / (e + 2) of |x|, where e is exp(2x) - 1; what e + 2 lost is made good. From 22 on it is 1."""
    a = abs(x)
    a = where(a > 22.0, 22.0, a)
    n, t = halves(a + a)
    whole = power_of_two(n)
    e = fused(small_exponential(t), whole, whole - 1.0)
    below = e + 2.0
    inverse = 1.0 / below
    z = e * inverse
    left = fused(-z, below, e) - z * (e - (below - 2.0))
    return intrinsic("copysign", fused(left, inverse, z), x)


# --- log and its kin -------------------------------------------------------------------------


def parts(x: Symbol) -> tuple[Symbol, Symbol]:
    """x = 2**n * m with m between sqrt(1/2) and sqrt(2); n as a double."""
    i = x.as_kind(INTEGER) + (bits_of(1.0) - SQRT_HALF_BITS)
    n = (i >> 52) - 1023
    m = ((i & FRACTION) + SQRT_HALF_BITS).as_kind(DOUBLE)
    return (n + bits_of(ROUND)).as_kind(DOUBLE) - ROUND, m


def logarithm(n: Symbol, f: Symbol, rest: Number, sign: Symbol, undefined: Symbol) -> Symbol:
    """n * ln 2 + log(1 + f) + rest; where undefined, sign / 0, which raises the flag."""
    s = where(undefined, sign, f) / where(undefined, 0.0, f + 2.0)
    z, h = s * s, 0.5 * f * f
    series = z * polynomial(LOGARITHM, z)
    small = s * (h + series) + fused(n, LN2_REST, rest)
    return where(undefined, s, fused(n, LN2, f - (h - small)))


def log(x: Symbol) -> Symbol:
    """The natural logarithm."""
    tiny, undefined = x < 2.0**-1022, x <= 0.0
    n, m = parts(where(tiny, x * 2.0**54, x))
    n = n - where(tiny, 54.0, 0.0)
    z = logarithm(n, m - 1.0, 0.0, where(x == 0.0, -1.0, 0.0), undefined)
    return where((x == math.inf) | is_nan(x), x, z)


def log1p(x: Symbol) -> Symbol:
    """log(1 + x), without loss where x is small: what 1 + x lost is added in the end."""
    undefined = x <= -1.0
    y = where(undefined, 0.0, x)
    u = y + 1.0
    lost = where(abs(y) < 1.0, y - (u - 1.0), 1.0 - (u - y))
    n, m = parts(u)
    exact = (n == 0.0) & (abs(y) < 0.5)
    f = where(exact, y, m - 1.0)
    rest = where(exact | (u == math.inf), 0.0, lost / u)
    z = logarithm(n, f, rest, where(x == -1.0, -1.0, 0.0), undefined)
    return where((x == math.inf) | is_nan(x) | (abs(x) < 1e-300), x, z)


# --- sin and cos -----------------------------------------------------------------------------


def circular(x: Symbol, quarter: int, name: str) -> Symbol:
    """sin(x + quarter * pi / 2): the multiple of pi / 2 nearest to x is taken off in three parts.

    Numbers above a million, and processors that do not multiply and add in one, ask the C library.
    """
    region = x.region
    if not region.module.fused:
        return library(name, x)
    large = ~(abs(x) < 2.0**20)
    y = where(large, 0.0, x)
    shifted = fused(y, 2 / math.pi, ROUND)
    n, (first, second, third) = shifted - ROUND, HALF_PI
    a = fused(n, -first, y)
    w = n * second
    t = a - w
    error = (a - t) - w
    rest = fused(n, -third, error - fused(n, second, -w))
    z = t * t
    sine = t + fused(z * t, polynomial(SINE, z), fused(-0.5 * z, rest, rest))
    h = 0.5 * z
    top = 1.0 - h
    cosine = top + (((1.0 - top) - h) + fused(z * z, polynomial(COSINE, z), -(t * rest)))
    turns = shifted.as_kind(INTEGER) + quarter
    found = where((turns & 1) != 0, cosine, sine)
    found = (found.as_kind(INTEGER) ^ ((turns & 2) << 62)).as_kind(DOUBLE)
    some = large if large.lanes == 1 else any_lane(large)
    (z,) = region.when(some, lambda inner: [library(name, x.known_in(inner))], [found])
    return z


def any_lane(condition: Symbol) -> Symbol:
    """Whether a condition holds in any lane."""
    lanes = condition.lanes
    text = condition.region.let(f"bitcast {condition.typed} to i{lanes}")
    text = condition.region.let(f"icmp ne i{lanes} {text}, 0")
    return Symbol(condition.region, text, TRUTH)


FUNCTIONS: dict[str, Callable[[Symbol], Symbol]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "tanh": tanh,
    "sin": lambda x: circular(x, 0, "sin"),
    "cos": lambda x: circular(x, 1, "cos"),
}


def function(name: str, x: Symbol) -> Symbol:
    """One of these, written once in a module for each number of lanes."""
    full = f"{name}.{x.lanes}"
    x.region.module.function(full, [("x", DOUBLE, x.lanes)], lambda region, x: FUNCTIONS[name](x))
    return call(full, x)
