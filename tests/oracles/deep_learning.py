"""The closed form of "Deep Learning" (handwritten, no author named), with Jacobian blocks.

Conventions: W[l][i, j] leads to unit i from unit j; biases; activation g in the hidden layers, a
sigmoid in the output layer, one unit; ℒ = -[y log ŷ + (1 - y) log(1 - ŷ)] for one example. z is
before an activation, a after it. Gradients of ℒ are rows, so blocks multiply from the left.
"""

import numpy as np

from tests.oracles.activations import logistic


def forward(W, b, x, g):
    """z and a of every layer; ŷ = a[L]."""
    z, a = {}, {0: np.asarray(x)}
    for l, (w, bias) in enumerate(zip(W, b, strict=True), 1):
        z[l] = w @ a[l - 1] + bias
        a[l] = g(z[l]) if l < len(W) else logistic(z[l])
    return z, a


def blocks(W, z, a, y, d_g, l):
    """The factors of ∂ℒ/∂z[l]: (a[L] - y), W[L], diag(g'(z[L-1])), ..., W[l+1], diag(g'(z[l]))."""
    L, w = len(W), dict(enumerate(W, 1))
    # Printed: ℒ without its minus, which would make the first block y - a[L].
    factors = [(a[L] - y).reshape(1, 1)]
    for k in range(L, l, -1):
        factors += [w[k], np.diag(d_g(z[k - 1]))]
    return factors


def entry(W, z, a, y, d_g, l, i, j):
    """∂ℒ/∂W[l]_ij, all blocks multiplied out."""
    # Printed: ∂z[l]/∂W[l]_ij = a[l-1]_j e_j. It must be e_i: W_ij is a weight of z_i alone.
    last = a[l - 1][j] * np.eye(len(z[l]))[i]
    product, _ = vector_first([*blocks(W, z, a, y, d_g, l), last.reshape(-1, 1)])
    return product.item()


def closed_form(W, b, x, y, g, d_g):
    """∂ℒ/∂W[l] and ∂ℒ/∂b[l] for every layer: δ_i a[l-1]_j and δ_i, where δ is ∂ℒ/∂z[l]."""
    L, w = len(W), dict(enumerate(W, 1))
    z, a = forward(W, b, x, g)
    delta = {L: a[L] - y}
    for l in range(L - 1, 0, -1):
        # Printed "in general": (a[L] - y) W[l+1] ⊙ g'(z[l]), which is so for l = L - 1 alone. It
        # must be δ[l+1] W[l+1] ⊙ g'(z[l]): "we can work our way back to our δ of interest".
        delta[l] = (delta[l + 1] @ w[l + 1]) * d_g(z[l])
    return {l: np.outer(delta[l], a[l - 1]) for l in delta}, delta


# --- What the order of the products costs ----------------------------------------------------


def vector_first(factors):
    """The product from the left, and how many multiplications it took."""
    product, count = factors[0], 0
    for factor in factors[1:]:
        count += product.shape[0] * product.shape[1] * factor.shape[1]
        product = product @ factor
    return product, count


def matrix_first(factors):
    """The product with the first factor, a row, left until the end."""
    product, count = vector_first(factors[1:])
    result, last = vector_first([factors[0], product])
    return result, count + last
