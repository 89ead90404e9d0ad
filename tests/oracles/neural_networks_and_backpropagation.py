"""The recursion of "Neural Networks and Backpropagation" (handwritten slides, no author named).

An M-layer feedforward network that discovers H features in every layer but the last:

    n^(m) = x^(m-1) W^(m),  x^(m) = α(n^(m)),  m = 1 .. M.

Conventions: x is a row vector; W[i, j] leads from unit i to unit j; no biases; the last layer is
one unit, and the loss ℓ is a function of its n^(M), before any activation. The slopes are those
of n^(M), from the base case 1; dℓ/dn^(M), "just the standard derivative of the loss function",
is a factor at the end. One example, so no mean; a factor ½ in ℓ is the caller's.
"""

import numpy as np


def forward(W, x, alpha):
    """n and x of every layer."""
    ns, xs = {}, {0: np.asarray(x)}
    for m, w in enumerate(W, 1):
        ns[m] = xs[m - 1] @ w
        xs[m] = alpha(ns[m])
    return ns, xs


class Recursion:
    """∂n^(M)/∂n^(m)_i, computed as it is defined: again for every path that leads to it.

    `calls` counts how often.
    """

    def __init__(self, W, ns, d_alpha):
        self.W, self.M = dict(enumerate(W, 1)), len(W)
        self.ns, self.d_alpha = ns, d_alpha
        self.calls = 0

    def __call__(self, m, i):
        self.calls += 1
        if m == self.M:
            return 1.0  # the base case
        w = self.W[m + 1]
        # The general step cannot be read in the scan; this is the 3-layer one with m for 1.
        later = sum(w[i, h] * self(m + 1, h) for h in range(w.shape[1]))
        return self.d_alpha(self.ns[m][i]) * later


def slopes(W, ns, d_alpha):
    """∂n^(M)/∂n^(m) for every layer, "starting from the final layer M and moving backwards"."""
    w, M = dict(enumerate(W, 1)), len(W)
    dn = {M: np.ones(1)}
    for m in range(M - 1, 0, -1):
        dn[m] = d_alpha(ns[m]) * (w[m + 1] @ dn[m + 1])
    return dn


def backpropagation(W, x, y, alpha, d_alpha, d_loss):
    """∂ℓ/∂w^(m)_ij = dℓ/dn^(M) · ∂n^(M)/∂n^(m)_j · x^(m-1)_i, for every layer.

    `d_loss` gives dℓ/dn^(M) from n^(M) and the target y.
    """
    M = len(W)
    ns, xs = forward(W, x, alpha)
    dn = slopes(W, ns, d_alpha)
    # Printed: ∂n^(M)/∂w^(M)_i1 = x^(M-1)_2, for every i. It must be x^(M-1)_i.
    return {m: d_loss(ns[M][0], y) * np.outer(xs[m - 1], dn[m]) for m in range(1, M + 1)}
