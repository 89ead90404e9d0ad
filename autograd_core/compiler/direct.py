"""Calls like the one before, with arrays of the same shapes: straight into machine code.

That is what most calls are. Where anything is not as it was, or some number is not finite, the
answer is None: then the call goes the long way, which knows what to do or what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from autograd_core.compiler.arguments import FLOAT
from autograd_core.compiler.executors import Entry
from autograd_core.compiler.ir import Floats

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import Compiled


class Direct:
    """A program's value and gradient, for parameters and arguments in arrays of these shapes."""

    def __init__(self, compiled: Compiled, shapes: Sequence[tuple[int, ...]], entry: Entry) -> None:
        self.compiled, self.theta_shape = compiled, shapes[0]
        (self.theta, *targets), self.function, self.pointer, self.slopes, self.owner = entry
        self.inputs = list(zip(shapes[1:], targets, strict=True))

    def run(self, args: Sequence[Any], at: Any) -> tuple[float, Floats] | None:
        """What `value_and_gradient` returns, if all is as it was."""
        compiled = self.compiled
        theta = compiled.numbers(None) if at is None else at
        if type(theta) is not ndarray or theta.dtype is not FLOAT:
            return None
        if theta.shape != self.theta_shape or len(args) != len(self.inputs):
            return None
        with compiled.lock:
            if compiled.is_occupied:
                return None
            compiled.is_occupied = True
            try:
                self.theta[...] = theta
                for x, (shape, target) in zip(args, self.inputs):
                    if type(x) is not ndarray or x.dtype is not FLOAT or x.shape != shape:
                        return None
                    target[...] = x
                value = self.function(self.pointer)
                return None if isnan(value) else (value, self.slopes.copy())
            finally:
                compiled.is_occupied = False
