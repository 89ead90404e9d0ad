"""Train the net of W1 with CasADi: one example's loss as a symbolic function, mapped."""

import json
import sys
from pathlib import Path

import casadi
from casadi import DM, MX, SX, Function

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
X, Y, rate, decay = DM(task["X"]).T, DM(task["y"]).T, task["rate"], task["decay"]
parts = [DM(part) for layer in task["layers"] for part in layer]
shapes = [part.shape for part in parts]
ends = [sum(m * n for m, n in shapes[:k]) for k in range(len(shapes) + 1)]
spans = list(zip(ends, ends[1:], shapes))

theta, x, y = SX.sym("theta", ends[-1]), SX.sym("x", 2), SX.sym("y")
p = [casadi.reshape(theta[start:stop], *shape) for start, stop, shape in spans]
a = x
for W, b in zip(p[:-2:2], p[1:-2:2]):
    a = casadi.fmax(W @ a + b, 0)
loss = casadi.fmax(1 - y * (p[-2] @ a + p[-1]), 0)
one = Function("one", [theta, x, y], [loss, casadi.gradient(loss, theta)])
n = X.shape[1]
q = MX.sym("theta", ends[-1])
loss, slope = one.map("all", "serial", n, [0], [0, 1])(q, X, Y)
total = loss / n + decay * casadi.dot(q, q)
step = Function("step", [q], [total, q - rate * (slope / n + 2 * decay * q)])

numbers = casadi.vertcat(*[casadi.vec(part) for part in parts])
for _ in range(task["steps"]):
    loss, numbers = step(numbers)
parts = [casadi.reshape(numbers[start:stop], *shape).full() for start, stop, shape in spans]
print(json.dumps([(W.tolist(), b[:, 0].tolist()) for W, b in zip(parts[::2], parts[1::2])]))
