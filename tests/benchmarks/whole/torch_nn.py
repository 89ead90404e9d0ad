"""Train the net of W1 with PyTorch: modules and an optimiser."""

import json
import sys
from pathlib import Path

import torch
from torch import nn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
X, y = torch.tensor(task["X"]), torch.tensor(task["y"])
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
for layer, (W, b) in zip(model[::2], task["layers"], strict=True):
    layer.weight.data, layer.bias.data = torch.tensor(W), torch.tensor(b)
parameters = list(model.parameters())
optimizer = torch.optim.SGD(parameters, lr=task["rate"])
for _ in range(task["steps"]):
    loss = torch.relu(1 - y * model(X)[:, 0]).mean()
    loss = loss + task["decay"] * sum((p * p).sum() for p in parameters)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(json.dumps([(layer.weight.tolist(), layer.bias.tolist()) for layer in model[::2]]))
