"""A vector for each of n things: a lookup by index, written as data."""

from __future__ import annotations

from functools import lru_cache

from autograd_core import Op, Value, dot
from autograd_core.engine import NUMBER, Operand
from nn.given import Seed, as_rng, whole_number
from nn.losses import EQUALS
from nn.model.init import Init
from nn.model.layers import initialiser
from nn.model.module import Module


class Embedding(Module):
    """`n` rows of `width` parameters; called with an index from 0 to n - 1, it gives that row.

    For an index that is a Value, an input of a program, the row is a sum over all rows, each times
    whether the index is its own: the same numbers, and the same gradient.

    >>> letters = Embedding(26, 2, seed=0)
    >>> [v.label for v in letters(25)]
    ['E[25,0]', 'E[25,1]']
    >>> [v.data == w.data for v, w in zip(letters(Value(25)), letters(25))]
    [True, True]
    """

    def __init__(
        self, n: int, width: int, *, init: str | Init = "uniform", seed: Seed = None, name: str = ""
    ) -> None:
        self.n, self.width, self.name = whole_number("n", n), whole_number("width", width), name
        rng, sample = as_rng(seed), initialiser(init)
        self.rows = [
            [Value(sample(rng, n, width), f"E{name}[{i},{j}]") for j in range(width)]
            for i in range(n)
        ]

    def __call__(self, index: Operand) -> list[Value]:
        """The row of an index."""
        known = index_below(self.n)(index)
        if isinstance(known, NUMBER):
            return list(self.rows[round(float(known))])
        chosen = [EQUALS(known, float(i)) for i in range(self.n)]
        return [dot(chosen, column) for column in zip(*self.rows)]

    def __repr__(self) -> str:
        return f"Embedding({self.n}, {self.width})"


@lru_cache
def index_below(n: int) -> Op:
    """A whole number from 0 to n - 1, which refuses any other."""

    def value(i: float) -> float:
        if 0 <= i < n and i == int(i):
            return float(i)
        raise ValueError(f"an index must be a whole number from 0 to {n - 1}, got {i:g}")

    # On arrays 0 / 0 for any other: the program then runs this op on floats, where it raises.
    return Op(
        "index",
        value,
        lambda z, i: (0.0,),
        lambda np, i: i + 0.0 / ((i >= 0) * (i < n) * (i <= np.floor(i))),
    )
