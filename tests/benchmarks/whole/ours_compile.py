"""Train the net of W1 with `compile` and a line of NumPy."""

import json
import sys
from pathlib import Path

import numpy as np

from autograd_core import compile, dot
from nn import MLP, losses

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
X, y = np.array(task["X"]), np.array(task["y"])
model = MLP(2, task["sizes"], seed=1)
parameters = model.parameters()
program = compile(
    lambda x, y: losses.hinge(model(x), y) + task["decay"] * dot(parameters, parameters),
    batched=True,
)
program.prepare(X, y)
theta = np.array([p.data for p in program.parameters])
for _ in range(task["steps"]):
    loss, gradient = program.value_and_gradient(X, y, at=theta)
    theta -= task["rate"] * gradient
for p, number in zip(program.parameters, theta.tolist(), strict=True):
    p.data = number
layers = [
    ([[w.data for w in n.w] for n in layer.neurons], [n.b.data for n in layer.neurons])
    for layer in model.layers
]
print(json.dumps(layers))
