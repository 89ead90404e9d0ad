"""How weights start: one random number for each, given the layer's fan-in and fan-out.

Biases start at 0. Weights must differ from each other, or the neurons of a layer would stay
alike for ever; `zeros` is here to show that.

>>> he.formula
'normal with variance 2 / n_in'
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from nn.given import Row

Init: TypeAlias = Callable[[random.Random, int, int], float]


@dataclass(frozen=True, slots=True)
class Initialiser(Row):
    """A way to start: called with a generator, fan-in and fan-out, it gives a weight.

    `formula` says for readers how weights are distributed, and `shown` what it is called.
    """

    name: str
    shown: str
    formula: str
    sample: Init

    def __call__(self, rng: random.Random, n_in: int, n_out: int) -> float:
        """A weight of a layer."""
        return self.sample(rng, n_in, n_out)


# Xavier keeps the size of signals both ways: Glorot and Bengio, "Understanding the difficulty of
# training deep feedforward neural networks", 2010. He is for relu, which passes half of its
# inputs: He et al., "Delving deep into rectifiers", 2015. Normal is small, whatever the layer.
# fmt: off
xavier  = Initialiser("xavier",  "Xavier",  "normal with variance 2 / (n_in + n_out)", lambda rng, n_in, n_out: rng.gauss(0.0, math.sqrt(2.0 / (n_in + n_out))))
he      = Initialiser("he",      "He",      "normal with variance 2 / n_in",           lambda rng, n_in, n_out: rng.gauss(0.0, math.sqrt(2.0 / n_in)))
normal  = Initialiser("normal",  "normal",  "normal with standard deviation 0.01",     lambda rng, n_in, n_out: rng.gauss(0.0, 0.01))
uniform = Initialiser("uniform", "uniform", "uniform between -1 and 1",                lambda rng, n_in, n_out: rng.uniform(-1.0, 1.0))
zeros   = Initialiser("zeros",   "zeros",   "0",                                       lambda rng, n_in, n_out: 0.0)
# fmt: on

INITS = {row.name: row for row in (xavier, he, normal, uniform, zeros)}

__all__ = ["INITS", "Initialiser"]
__all__ += list(INITS)
