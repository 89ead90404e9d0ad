"""Linear forms: sums of scaled products, while they are being collected."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias


class Scale(NamedTuple):
    """A constant factor, and a divisor apart: x / 3 is not quite x * (1 / 3)."""

    factor: float
    divisor: float

    @property
    def negative(self) -> Scale:
        """The same with the other sign."""
        return Scale(-self.factor, self.divisor)

    @property
    def sign(self) -> int:
        """Whether it is 1 or -1, which are exact; 0 for others."""
        return int(self.factor) if self.divisor == 1 and abs(self.factor) == 1 else 0

    @property
    def is_exact(self) -> bool:
        """Whether it is a power of two, of moderate size: nothing is rounded, nothing is lost."""
        size = abs(self.factor / self.divisor)
        return math.frexp(size)[0] == 0.5 and 2.0**-64 < size < 2.0**64

    @property
    def shrinks(self) -> bool:
        """Whether it is less than 1."""
        return abs(self.factor) < abs(self.divisor)


ONE, MINUS = Scale(1.0, 1.0), Scale(-1.0, 1.0)
Term: TypeAlias = "tuple[Scale, int, int]"  # scale * left * right; -1 where there is no right


class Linear:
    """scale * (term + ... + constant), of a node that is used once, by what it may be part of."""

    __slots__ = ("constant", "scale", "terms")

    def __init__(self, terms: list[Term], constant: float = 0.0, scale: Scale = ONE) -> None:
        self.terms, self.constant, self.scale = terms, constant, scale

    def scaled(self, scale: Scale) -> Linear | None:
        """The same, scaled once more; None where the two scales together were too extreme."""
        both = multiplied(self.scale, scale)
        return both and Linear(self.terms, self.constant, both)

    def term(self) -> Term | None:
        """It as one term, where it is one."""
        if len(self.terms) != 1 or self.constant:
            return None
        scale, x, y = self.terms[0]
        both = multiplied(scale, self.scale)
        return both and (both, x, y)

    @property
    def is_multiple(self) -> bool:
        """Whether it is a node times a constant factor."""
        return len(self.terms) == 1 and not self.constant and self.terms[0][2] < 0


def multiplied(c: Scale, d: Scale) -> Scale | None:
    """Both scales as one; None where that would overflow, or vanish."""
    if c is ONE or d is ONE:
        return c if d is ONE else d
    found = Scale(c.factor * d.factor, c.divisor * d.divisor)
    return found if usable(found.factor) and usable(found.divisor) else None


def usable(number: float) -> bool:
    """Whether it can be a scale: finite, and neither 0 nor so small that digits are lost."""
    return 2.0**-1022 <= abs(number) < math.inf
