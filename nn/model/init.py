"""How weights start: one random number for each, given the layer's fan-in and fan-out.

Biases start at 0. Weights must differ from each other, or the neurons of a layer would stay
alike for ever; `zeros` is here to show that.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TypeAlias

Init: TypeAlias = Callable[[random.Random, int, int], float]


def zeros(rng: random.Random, n_in: int, n_out: int) -> float:
    """0."""
    return 0.0


def normal(rng: random.Random, n_in: int, n_out: int) -> float:
    """Normal with standard deviation 0.01: small, whatever the layer's size."""
    return rng.gauss(0.0, 0.01)


def uniform(rng: random.Random, n_in: int, n_out: int) -> float:
    """Uniform between -1 and 1."""
    return rng.uniform(-1.0, 1.0)


def xavier(rng: random.Random, n_in: int, n_out: int) -> float:
    """Normal with variance 2 / (n_in + n_out), so that signals keep their size both ways.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.
    """
    return rng.gauss(0.0, math.sqrt(2.0 / (n_in + n_out)))


def he(rng: random.Random, n_in: int, n_out: int) -> float:
    """Normal with variance 2 / n_in, for relu, which passes half of its inputs.

    He et al., "Delving deep into rectifiers", 2015.
    """
    return rng.gauss(0.0, math.sqrt(2.0 / n_in))


INITS: dict[str, Init] = {f.__name__: f for f in (xavier, he, normal, uniform, zeros)}
