"""What is trained: examples, a net with given parameters, a loss, a learning rate."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nn import MLP, datasets


@dataclass(frozen=True)
class Problem:
    """An MLP on all of X at once.

    `loss` is "hinge", with -1 or 1 in y, and decay * the sum of squares of all parameters added;
    "cross entropy", with classes in y; or "output", of one example. Then nothing is updated: the
    rate is 0.
    """

    X: np.ndarray
    y: np.ndarray
    sizes: tuple
    loss: str
    rate: float = 0.0
    decay: float = 0.0
    seed: int = 1

    @property
    def n(self):
        """How many examples there are."""
        return len(self.X)

    @cached_property
    def classes(self):
        """The labels one-hot."""
        return np.eye(self.sizes[-1])[self.y]

    def model(self):
        """A net of ours with the parameters to start from."""
        return MLP(self.X.shape[1], self.sizes, seed=self.seed)

    def layers(self):
        """The parameters to start from, as arrays: weights (inputs, outputs) and biases."""
        return [
            (
                np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T.copy(),
                np.array([neuron.b.data for neuron in layer.neurons]),
            )
            for layer in self.model().layers
        ]


def moons(size):
    """W1: two moons, a net 2-16-16-1, hinge loss and weight decay."""
    X, y = datasets.moons(n=size.examples)
    signs = 2.0 * np.array(y) - 1
    return Problem(np.array(X), signs, (*size.hidden, 1), "hinge", rate=1.0, decay=1e-4)


def digits(n, *, real=True):
    """W2: n handwritten digits, or numbers in their place, a net 64-32-10, cross entropy."""
    if real:
        X, y = map(np.array, datasets.digits())
    else:
        rng = np.random.default_rng(0)
        X, y = rng.random((n, 64)), rng.integers(0, 10, n)
    return Problem(X[:n].copy(), y[:n], (32, 10), "cross entropy", rate=0.1)


def one_point(size):
    """W3: the net of W1, its output for one example, and no update."""
    return Problem(np.array([[0.5, -1.0]]), np.array([1.0]), (*size.hidden, 1), "output")
