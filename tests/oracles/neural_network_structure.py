"""The delta recursion of "Neural Network Structure" (handwritten, no author named).

Conventions: w[i, j] leads from unit i to unit j, so W^(l) is n_(l-1) x n_l; no biases; σ = relu
in the hidden layers, none in the last layer m, on whose z the loss is taken; δ^(j) = ∂L/∂z^(j).
The loss of several examples is their sum, not their mean. σ'(0), which the document leaves open,
is 0 here.
"""

import numpy as np

from tests.oracles.activations import ACTIVATIONS

relu, d_relu = ACTIVATIONS["relu"]


def forward_pass(W, x, sigma=relu):
    """z and a of every layer."""
    z, a = {}, {0: np.asarray(x)}
    for l, w in enumerate(W, 1):
        z[l] = a[l - 1] @ w
        a[l] = sigma(z[l])
    return z, a


def squared_error_delta(z, y):
    """δ^(m) of ‖z - y‖²."""
    # Printed: 2 (z - y) for ∂Loss/∂z, then δ = z - y, which belongs to ½ ‖z - y‖².
    return 2 * (z - y)


def cross_entropy_delta(z, y):
    """δ^(m) of -Σ y log p, where p is the softmax of z and y is one-hot."""
    p = np.exp(z) / np.exp(z).sum()
    # Printed as a fraction, p - y over the softmax; that is a note under p on what p is.
    return p - y


def deltas(W, z, last, d_sigma=d_relu):
    """δ^(j) for every layer, from that of the last one."""
    w, m = dict(enumerate(W, 1)), len(W)
    delta = {m: last}
    for j in range(m, 1, -1):
        # Printed: σ'(z^(i-1)) W^(i) δ^(j), i and j mixed; the first product is "entry by entry".
        delta[j - 1] = d_sigma(z[j - 1]) * (w[j] @ delta[j])
    return delta


def gradients(W, x, y, last, sigma=relu, d_sigma=d_relu):
    """∇L for W^(1), ..., W^(m); `last` gives δ^(m) from z^(m) and y."""
    z, a = forward_pass(W, x, sigma)
    delta = deltas(W, z, last(z[len(W)], np.asarray(y)), d_sigma)
    # δ^(j) a^(j-1)ᵀ is n_j x n_(j-1): "transpose of ∇L". Printed: ∂L/∂w^(j-1)_it = δ_k σ(z_i); it
    # must be ∂L/∂w^(j)_it = δ_t σ(z_i), with σ(z^(j-1)) = a^(j-1) (and a^(0) = x).
    return {j: np.outer(delta[j], a[j - 1]).T for j in delta}
