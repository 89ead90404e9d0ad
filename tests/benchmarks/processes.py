"""W5 and imports: whole processes, from the start of the interpreter to its end."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.benchmarks.measure import Table, alternate, digits, has, shown
from tests.benchmarks.problems import moons

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = Path(__file__).parent / "whole"
STEPS = 100

# By name: the package that is needed, and the script that trains with it, with what it is told.
WHOLE = {
    "ours, fit": ("numpy", "ours_fit.py"),
    "ours, fit, machine code kept": ("llvmlite", "ours_fit.py native"),
    "ours, compile": ("numpy", "ours_compile.py"),
    "NumPy by hand": ("numpy", "numpy_by_hand.py"),
    "PyTorch nn + SGD": ("torch", "torch_nn.py"),
    "JAX jit": ("jax", "jax_jit.py"),
    "CasADi": ("casadi", "casadi_sx.py"),
    "HIPS autograd": ("autograd", "hips_autograd.py"),
}
SLOW = {"micrograd": ("micrograd", "micrograd_demo.py")}


def run(*command, **variables):
    """What a process of its own prints; modules compiled to byte code are kept, as is usual."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.check_output([sys.executable, *command], env=environment)


def whole_process(size, *, slow):
    """W5: start, import, record, train: a hundred steps of W1, and every label right."""
    problem = moons(size)
    scripts = WHOLE | (SLOW if slow else {})
    scripts = {n: script for n, (package, script) in scripts.items() if has(package)}
    results = {}
    with TemporaryDirectory() as folder:
        task = Path(folder, "task.json")
        task.write_text(json.dumps(as_task(problem)), encoding="utf-8")

        def train(name):
            script, *told = scripts[name].split()
            results[name] = run(SCRIPTS / script, task, *told)

        tasks = {name: partial(train, name) for name in scripts}
        seconds = {}
        if slow and "micrograd" in tasks:
            seconds = alternate({"micrograd": tasks.pop("micrograd")}, 0)
        seconds = alternate(tasks, size.processes) | seconds
    check_results(problem, results, size)
    ours = seconds["ours, fit"]
    targets = dict.fromkeys(seconds, "1") | {"NumPy by hand": "0.33 (ours at most 3x)"}
    rows = [
        [name, shown(found), digits(found / ours), "" if "ours" in name else targets[name]]
        for name, found in seconds.items()
    ]
    yield Table(
        f"W5: a fresh process to a trained model, {STEPS} steps of W1",
        ["engine", "process", f"times {shown(ours)}", "target"],
        rows,
        f"Every one ends with the same parameters, which classify all {problem.n} moons right."
        if size.full
        else "",
        seconds=seconds,
    )


def as_task(problem):
    """What the scripts are given: data, and layers as ours and PyTorch have them."""
    return {
        "X": problem.X.tolist(),
        "y": problem.y.tolist(),
        "sizes": problem.sizes,
        "layers": [(W.T.tolist(), b.tolist()) for W, b in problem.layers()],
        "rate": problem.rate,
        "decay": problem.decay,
        "steps": STEPS,
    }


def check_results(problem, results, size):
    """Every script printed the same layers; at full size, they get every label right."""
    expected = None
    for name, printed in results.items():
        layers = [(np.array(W), np.array(b)) for W, b in json.loads(printed)]
        a = problem.X
        for W, b in layers[:-1]:
            a = np.maximum(a @ W.T + b, 0)
        W, b = layers[-1]
        scores = (a @ W.T + b)[:, 0]
        expected = scores if expected is None else expected
        if not np.allclose(scores, expected, rtol=1e-6, atol=1e-6):
            raise ValueError(f"{name} trained another model than the first")
        if size.full and not ((scores > 0) == (problem.y > 0)).all():
            raise ValueError(f"{name} did not reach 100 % accuracy")


def imports(size, **_):
    """Fresh processes that import a package, beside one that imports nothing."""
    peers = [module for module in ("micrograd", "autograd", "jax") if has(module)]
    modules = ["autograd_core", "nn", "numpy", *peers]
    tasks = {m: partial(run, "-c", f"import {m}" if m else "pass") for m in ["", *modules]}
    seconds = alternate(tasks, size.processes)
    rows = [[p, f"{(seconds[p] - seconds['']) * 1e3:.1f}"] for p in modules]
    yield Table(
        f"Import, beyond a bare interpreter ({seconds[''] * 1e3:.1f} ms)",
        ["module", "ms"],
        rows,
        "The target of autograd_core and nn is under 50 ms.",
    )
