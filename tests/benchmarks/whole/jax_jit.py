"""Train the net of W1 with JAX, the step compiled."""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as np

jax.config.update("jax_enable_x64", True)
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


@jax.jit
def step(layers):
    loss, gradient = jax.value_and_grad(mean_loss)(layers)
    return loss, jax.tree.map(lambda p, g: p - task["rate"] * g, layers, gradient)


for _ in range(task["steps"]):
    loss, layers = step(layers)
print(json.dumps([(W.tolist(), b.tolist()) for W, b in layers]))
