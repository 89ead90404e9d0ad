"""Train the net of W1 with HIPS autograd."""

# ruff: noqa: PLW2901 (arrays are changed in place)

import json
import sys
from pathlib import Path

import autograd.numpy as np
from autograd import value_and_grad

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
X, y = np.array(task["X"]), np.array(task["y"])
layers = [(np.array(W), np.array(b)) for W, b in task["layers"]]


def mean_loss(layers):
    a = X
    for W, b in layers[:-1]:
        a = np.maximum(a @ W.T + b, 0)
    W, b = layers[-1]
    scores = (a @ W.T + b)[:, 0]
    squares = sum(np.sum(p * p) for layer in layers for p in layer)
    return np.mean(np.maximum(1 - y * scores, 0)) + task["decay"] * squares


for _ in range(task["steps"]):
    loss, gradients = value_and_grad(mean_loss)(layers)
    for layer, slopes in zip(layers, gradients):
        for p, gradient in zip(layer, slopes):
            p -= task["rate"] * gradient
print(json.dumps([(W.tolist(), b.tolist()) for W, b in layers]))
