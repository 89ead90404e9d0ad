"""Dropout: while `fit` trains, numbers are left out at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd_core import Value
from autograd_core.engine import STEP, Operand, as_value
from nn.given import share
from nn.model.module import Module, modules


class Dropout(Module):
    """Hands numbers on; in training each is 0 with probability `rate`, or else over 1 - rate.

    So the next layer gets the same in the mean: Srivastava et al., 2014. `fit` draws anew for each
    example and epoch, by its seed, and compiles the draws as inputs: nothing is drawn while a
    function is recorded. Outside of training nothing is left out.

    >>> Dropout(0.5)([Value(1.0), Value(2.0)])
    [Value(data=1.0, grad=0.0), Value(data=2.0, grad=0.0)]
    """

    draws: Iterator[Operand] | None = None  # in training: numbers from 0 to below 1, to be used up

    def __init__(self, rate: float) -> None:
        self.rate = share("rate", rate)

    def __call__(self, xs: Sequence[Operand]) -> list[Value]:
        """The numbers, or what is left of them."""
        if self.draws is None or not self.rate:
            return [as_value(x) for x in xs]
        kept = [STEP(next(self.draws) - self.rate) / (1 - self.rate) for _ in xs]
        return [as_value(x * keep) for x, keep in zip(xs, kept, strict=True)]

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


def dropouts(model: Any) -> list[Dropout]:
    """Those that a model is made of, and that leave anything out."""
    return [part for part in modules(model) if isinstance(part, Dropout) and part.rate]


@contextmanager
def drawing(parts: Sequence[Dropout], draws: Iterable[Operand]) -> Iterator[None]:
    """Leave out by these numbers, which are taken in turn."""
    numbers = iter(draws)
    for part in parts:
        part.draws = numbers
    try:
        yield
    finally:
        for part in parts:
            del part.draws
