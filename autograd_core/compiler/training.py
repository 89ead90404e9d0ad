"""Many steps of training at once, as data: what an executor that takes whole epochs is asked for.

An executor may have a method `take(leaves, steps)` beside `run`, for a program whose results are
the loss, then the outputs if there are labels, then the gradient. Leaves are those of `run`, with
the rows of all examples. Each step has rows of its own: the gradient of their mean loss, plus
`decay` times the parameters, times `most / max(norm, most)`, goes into `update`. It stops before a
step in which a number is not finite, or not defined: who asked takes that one alone, and so finds
out what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.compiler.ir import Floats

Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """Steps that follow each other, and what a step does beside the program.

    Step k takes the next `sizes[k]` rows of `order`, which begins again at its end, at the rate
    `rates[k]`. `update` is that of an optimiser, pure, and `constants` all that it reads beside its
    arguments: what is compiled for equal constants serves again. `state` is how many steps were
    made, then an array with a number for each parameter, or several. `labels` are the examples'
    classes, to count the outputs that agree: the largest output says which class, or a single
    output whether it is above `threshold`.
    """

    order: Ints
    sizes: Ints
    rates: Floats
    update: Callable[..., tuple[Any, tuple[Any, ...]]]  # (p, g, state, lr, step counted from 1)
    constants: tuple[Any, ...]
    state: tuple[Any, ...]
    decay: Floats | None
    most: float | None  # the largest norm of the gradient, None for any
    labels: Ints | None
    threshold: float


class Taken(NamedTuple):
    """What came of steps: `losses` and `hits` have a number for each that was taken."""

    theta: Floats
    gradient: Floats  # of the last step, as it went into `update`
    state: tuple[Any, ...]
    losses: Floats
    hits: Ints
