"""Train the net of W1 with `nn.fit`."""

import json
import sys
from pathlib import Path

from autograd_core import dot
from nn import MLP, SGD, fit, losses

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
model = MLP(2, task["sizes"], seed=1)
parameters = model.parameters()
fit(
    model,
    task["X"],
    task["y"],
    loss=lambda score, y: losses.hinge(score, y) + task["decay"] * dot(parameters, parameters),
    optimizer=SGD(task["rate"]),
    epochs=task["steps"],
    progress=False,
    executor=next(iter(sys.argv[2:]), None),
)
layers = [
    ([[w.data for w in n.w] for n in layer.neurons], [n.b.data for n in layer.neurons])
    for layer in model.layers
]
print(json.dumps(layers))
