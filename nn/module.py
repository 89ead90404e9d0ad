"""What neurons, layers and nets have in common: parameters."""

from __future__ import annotations

from autograd_core import Value


class Module:
    """A part of a model that has parameters."""

    def parameters(self) -> list[Value]:
        """The leaf Values that training changes, in a fixed order."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Set every parameter's gradient back to zero; backward() would add to it."""
        for parameter in self.parameters():
            parameter.grad = 0.0
