"""The algorithms of "Deep Feedforward Networks" (Advanced Artificial Intelligence, Jucheol Moon).

Three parts with conventions of their own:

- Forward and backward propagation, slides 40 and 41: W[i, j] leads to unit i from unit j; biases;
  f is applied in the output layer too; any loss, whose slope starts the way back.
- The 2-2-2 network, slides 42 to 52: w[i, j] leads from unit i to unit j; no biases; sigmoid in
  both layers; L = ½ Σ (y - ŷ)².
- The linear model of XOR, slides 7 to 10: J = ¼ Σ (y - x·w - b)² over four examples: a mean,
  without a factor ½.
"""

import numpy as np

from tests.oracles.activations import logistic

# --- Forward and backward propagation --------------------------------------------------------


def forward_propagation(W, b, x, f):
    """a and h of every layer; ŷ is the last h."""
    a, h = {}, {0: np.asarray(x)}
    for k, (W_k, b_k) in enumerate(zip(W, b, strict=True), 1):
        a[k] = W_k @ h[k - 1] + b_k
        h[k] = f(a[k])
    return a, h


def back_propagation(W, b, x, y, f, df, dL):
    """∇W and ∇b of every layer, and ∇x; `dL` gives the loss's slope along ŷ from ŷ and y."""
    a, h = forward_propagation(W, b, x, f)
    w, l = dict(enumerate(W, 1)), len(W)
    dW, db = {}, {}
    g = dL(h[l], y)
    for k in range(l, 0, -1):
        g = g * df(a[k])
        # Printed: g ⊙ h_(k-1), "element-wise". It must be the outer product g h_(k-1)ᵀ.
        dW[k] = np.outer(g, h[k - 1])
        db[k] = g
        # Printed: ∇h_(k) = W_k g. It must be ∇h_(k-1) = W_kᵀ g.
        g = w[k].T @ g
    return dW, db, g


# --- The 2-2-2 network -----------------------------------------------------------------------


def eight_formulas(w1, w2, x, y):
    """∂L/∂w of the eight weights, each written out (slides 51 and 52)."""
    (x1, x2), (y1, y2) = x, y
    h1, h2 = logistic(w1[0, 0] * x1 + w1[1, 0] * x2), logistic(w1[0, 1] * x1 + w1[1, 1] * x2)
    # Slide 45 prints a²_1 = w²_11 h¹_1 + w²_12 h¹_2: "to, from". Slides 47 to 52 need w²_21 there.
    p1, p2 = logistic(w2[0, 0] * h1 + w2[1, 0] * h2), logistic(w2[0, 1] * h1 + w2[1, 1] * h2)
    d1, d2 = (p1 - y1) * p1 * (1 - p1), (p2 - y2) * p2 * (1 - p2)
    # Slide 49 prints w¹_11 and w¹_12 in ∂L/∂w¹_11. It must be w²_11 and w²_12, as on slide 52.
    return {
        1: np.array(
            [
                [
                    (d1 * w2[0, 0] + d2 * w2[0, 1]) * h1 * (1 - h1) * x1,
                    (d1 * w2[1, 0] + d2 * w2[1, 1]) * h2 * (1 - h2) * x1,
                ],
                [
                    (d1 * w2[0, 0] + d2 * w2[0, 1]) * h1 * (1 - h1) * x2,
                    (d1 * w2[1, 0] + d2 * w2[1, 1]) * h2 * (1 - h2) * x2,
                ],
            ]
        ),
        2: np.array([[d1 * h1, d2 * h1], [d1 * h2, d2 * h2]]),
    }


# --- The linear model of XOR -----------------------------------------------------------------

XOR_X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
XOR_Y = np.array([0.0, 1.0, 1.0, 0.0])


def linear_model_slopes(w, b):
    """∂J/∂w1 and ∂J/∂w2, then ∂J/∂b."""
    error = XOR_Y - XOR_X @ w - b
    # Printed for w1 and w2: ¼ Σ error · (-x). It must be 2/4: the square has a slope of 2.
    dw = np.array([2 / 4 * (error * -x).sum() for x in XOR_X.T])
    # Printed: 2/4 Σ error. It must be -2/4, which makes no difference where it is set to 0.
    db = -2 / 4 * error.sum()
    return dw, db


def normal_equations():
    """The three boxed equations as A (w1, w2, b) = c."""
    # Slide 10 prints w1 + w2 + 2b = 0 in its last box. It must be 1, as on slide 8.
    return np.array([[1, 1, 2], [2, 1, 2], [1, 2, 2]]), np.array([1, 1, 1])
