"""A vector for each of n things: a lookup by index, written as data."""

from __future__ import annotations

from autograd_core import Value
from autograd_core import index as item
from autograd_core.engine import Operand
from nn.given import Seed, as_rng, whole_number
from nn.model.init import Init
from nn.model.layers import initialiser
from nn.model.module import Module


class Embedding(Module):
    """`n` rows of `width` parameters; called with an index from 0 to n - 1, it gives that row.

    The index may be a Value, an input of a program.

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
        return list(item(self.rows, index))

    def __repr__(self) -> str:
        return f"Embedding({self.n}, {self.width})"
