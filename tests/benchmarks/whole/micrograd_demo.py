"""Train the net of W1 with micrograd, as its demo does."""

import json
import sys
from pathlib import Path

from micrograd.engine import Value
from micrograd.nn import MLP

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
model = MLP(2, task["sizes"])
for layer, (weights, biases) in zip(model.layers, task["layers"], strict=True):
    for neuron, row, bias in zip(layer.neurons, weights, biases, strict=True):
        for w, number in zip(neuron.w, row, strict=True):
            w.data = number
        neuron.b.data = bias
for _ in range(task["steps"]):
    inputs = [list(map(Value, xrow)) for xrow in task["X"]]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(task["y"], scores)]
    total_loss = sum(losses) * (1.0 / len(losses))
    total_loss = total_loss + task["decay"] * sum(p * p for p in model.parameters())
    model.zero_grad()
    total_loss.backward()
    for p in model.parameters():
        p.data -= task["rate"] * p.grad
layers = [
    ([[w.data for w in n.w] for n in layer.neurons], [n.b.data for n in layer.neurons])
    for layer in model.layers
]
print(json.dumps(layers))
