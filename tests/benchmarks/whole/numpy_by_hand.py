"""Train the net of W1 with NumPy alone."""

# ruff: noqa: PLW2901 (arrays are changed in place)

import json
import sys
from pathlib import Path

import numpy as np

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
X, y, rate, decay = np.array(task["X"]), np.array(task["y"]), task["rate"], task["decay"]
layers = [(np.array(W).T.copy(), np.array(b)) for W, b in task["layers"]]
parameters = W1, b1, W2, b2, W3, b3 = [p for layer in layers for p in layer]
w3, slopes, shrink = W3[:, 0], -y / len(y), 1 - 2 * rate * decay
for _ in range(task["steps"]):
    a1 = X @ W1
    a1 += b1
    np.maximum(a1, 0, out=a1)
    a2 = a1 @ W2
    a2 += b2
    np.maximum(a2, 0, out=a2)
    scores = a2 @ w3
    scores += b3
    margins = 1 - y * scores
    loss = np.maximum(margins, 0).sum() / len(y) + decay * sum([np.vdot(p, p) for p in parameters])

    g = slopes * (margins > 0)
    g2 = g[:, None] * w3
    g2 *= a2 > 0
    g1 = g2 @ W2.T
    g1 *= a1 > 0
    gradients = X.T @ g1, g1.sum(0), a1.T @ g2, g2.sum(0), (g @ a2)[:, None], g.sum()
    for p, gradient in zip(parameters, gradients):
        p *= shrink
        p -= rate * gradient
print(json.dumps([(W.T.tolist(), b.tolist()) for W, b in layers]))
