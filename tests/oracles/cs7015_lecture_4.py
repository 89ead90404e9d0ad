"""The algorithms of "CS7015 Lecture 4: Feedforward Neural Networks, Backpropagation".

CS7015 (Deep Learning), Mitesh M. Khapra, Indian Institute of Technology Madras.

Conventions: W[i, j] leads to unit i from unit j; biases; activation g in the hidden layers,
softmax in the output layer; the loss of an example is -log ŷ_ℓ, ℓ its class, and that of N
examples is their mean. a is before an activation, h after it. Classes count from 0 here. For its
regressions the document takes (1/N) Σ_i Σ_j (ŷ_ij - y_ij)²: without a factor ½, and summed, not
averaged, over the outputs j.
"""

import numpy as np

# --- Module 4.8: pseudo code -----------------------------------------------------------------


def softmax(a):
    return np.exp(a) / np.exp(a).sum()


def e(label, k):
    """The one-hot vector of a class among k."""
    return np.eye(k)[label]


def forward_propagation(W, b, x, g):
    """h, a and ŷ; W_L is k x n (printed: n x k, which does not fit W_L h_(L-1))."""
    L, h, a = len(W), {0: np.asarray(x)}, {}
    W, b = dict(enumerate(W, 1)), dict(enumerate(b, 1))
    for k in range(1, L):
        a[k] = b[k] + W[k] @ h[k - 1]
        h[k] = g(a[k])
    a[L] = b[L] + W[L] @ h[L - 1]
    return h, a, softmax(a[L])


def back_propagation(W, h, a, y_hat, label, d_g):
    """∇W, ∇b, ∇h and ∇a of every layer."""
    L, W = len(W), dict(enumerate(W, 1))
    # Module 4.5 prints component i as -(1(ℓ = i) - ŷ_ℓ). It must be ŷ_i, as in its vector form.
    da = {L: -(e(label, len(y_hat)) - y_hat)}
    dW, db, dh = {}, {}, {}
    for k in range(L, 0, -1):
        dW[k] = np.outer(da[k], h[k - 1])
        db[k] = da[k]
        dh[k - 1] = W[k].T @ da[k]
        if k > 1:  # printed without this; but there is no a_0
            da[k - 1] = dh[k - 1] * d_g(a[k - 1])
    return dW, db, dh, da


def gradient_descent(theta, gradient, eta, max_iterations=1000):
    """θ ← θ - η ∇θ. In Module 4.8, `gradient` is forward_propagation, then back_propagation."""
    t = 0
    while t < max_iterations:  # printed: t++ < max_iterations
        t += 1
        theta = [p - eta * d for p, d in zip(theta, gradient(theta), strict=True)]
    return theta


def mean_gradient(theta, X, labels, g, d_g):
    """∇θ of the mean loss, where θ = [W_1, ..., W_L, b_1, ..., b_L]."""
    L = len(theta) // 2
    W, b = theta[:L], theta[L:]
    total = [np.zeros_like(p) for p in theta]
    for x, label in zip(X, labels, strict=True):
        h, a, y_hat = forward_propagation(W, b, x, g)
        dW, db, _, _ = back_propagation(W, h, a, y_hat, label, d_g)
        own = [dW[k] for k in range(1, L + 1)] + [db[k] for k in range(1, L + 1)]
        total = [t + d for t, d in zip(total, own, strict=True)]
    return [t / len(X) for t in total]


# --- Module 4.4: a deep but thin network -----------------------------------------------------


def thin_network(w1, w2, w3, x, y, g, d_g):
    """ŷ and ∂L/∂W_111, ∂L/∂W_211, ∂L/∂W_L11: products of the slopes along the one path.

    One unit in each of three layers, no biases, linear output, L = (ŷ - y)².
    """
    a1 = w1 * x
    h1 = g(a1)
    a2 = w2 * h1
    h2 = g(a2)
    y_hat = w3 * h2
    along = 2 * (y_hat - y) * 1.0  # ∂L/∂ŷ · ∂ŷ/∂a3
    dw3 = along * h2
    along = along * w3 * d_g(a2)  # · ∂a3/∂h2 · ∂h2/∂a2
    dw2 = along * h1
    along = along * w2 * d_g(a1)  # · ∂a2/∂h1 · ∂h1/∂a1
    dw1 = along * x
    return y_hat, (dw1, dw2, dw3)
