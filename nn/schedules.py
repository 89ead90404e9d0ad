"""Learning rates that change: each makes a function from the steps made so far to a rate.

Handed to an optimiser in place of a rate: `SGD(cosine(0.5, steps=1000))`. Any function of your own
will do. Within `steps` steps the rate goes from `lr` to `end` times that, and stays there.

>>> [round(linear(0.8, steps=4)(step), 3) for step in range(6)]
[0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
>>> warmed = warm_up(linear(0.8, steps=4), 2)  # from nothing to the full rate in 2 steps
>>> [round(warmed(step), 3) for step in range(7)]
[0.4, 0.8, 0.8, 0.6, 0.4, 0.2, 0.0]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from nn.given import Row, length, penalty, whole_number

Schedule: TypeAlias = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Shape(Row):
    """A way down: `factor(share, end)` goes from 1 to `end` as a share of the steps is made.

    Called with a rate and a number of steps, it gives the schedule. `formula` is the same for
    readers, with s for the share. One that is entered in `SCHEDULES` is known wherever it is named.
    """

    name: str
    shown: str
    formula: str
    factor: Callable[[float, float], float]
    end: float = 0.0

    def __call__(self, lr: float, steps: int, *, end: float | None = None) -> Schedule:
        """The rate of each step, by how many went before it."""
        lr, steps = length("lr", lr), whole_number("steps", steps)
        last = self.end if end is None else penalty("end", end)
        return partial(self.rate, lr, steps, last)

    def rate(self, lr: float, steps: int, end: float, step: int) -> float:
        """The rate of the step before which so many were made."""
        return lr * self.factor(min(step / steps, 1.0), end)


# fmt: off
constant    = Shape("constant",    "constant",    "lr",                                          lambda s, end: 1.0)
linear      = Shape("linear",      "linear",      "lr · (1 - s + s · end)",                      lambda s, end: 1 - s + s * end)
cosine      = Shape("cosine",      "cosine",      "lr · (end + (1 - end) · (1 + cos πs) / 2)",   lambda s, end: end + (1 - end) * (1 + math.cos(math.pi * s)) / 2)
exponential = Shape("exponential", "exponential", "lr · endˢ",                                   lambda s, end: end**s, end=0.01)
stairs      = Shape("stairs",      "stairs",      "lr · end^(⌊4s⌋ / 3), at most end",             lambda s, end: end ** (min(math.floor(4 * s), 3) / 3), end=0.001)
# fmt: on

SCHEDULES = {row.name: row for row in (constant, linear, cosine, exponential, stairs)}


def warm_up(schedule: Schedule, steps: int) -> Schedule:
    """The schedule after so many steps in which the rate rises evenly to its first."""
    return partial(warmed, schedule, whole_number("steps", steps, at_least=0), schedule(0))


def warmed(schedule: Schedule, steps: int, first: float, step: int) -> float:
    """The rate of a step, of which so many come before the schedule begins with its first."""
    return first * (step + 1) / steps if step < steps else schedule(step - steps)


__all__ = ["SCHEDULES", "Schedule", "Shape", "warm_up"]
__all__ += list(SCHEDULES)
