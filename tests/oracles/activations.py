"""Activations on arrays, each with its derivative: α, α' or f, f' or g, g' or σ, σ'.

"CS7015 Lecture 4" derives that of the logistic function, g' = g (1 - g), and of tanh,
g' = 1 - g², in its Module 4.9. No document gives the derivative of relu at 0; here it is 0.
"""

import numpy as np


def logistic(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0) * 1.0),
    "sigmoid": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}
