"""Train a small MLP from the command line and write what came of it: `python -m nn --help`."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograd_core import Value, draw
from autograd_core.draw import NO_GRAPHVIZ, Picture, can_render
from autograd_core.files import write_whole
from nn import ACTIVATIONS, LOSSES, MLP, SGD, Adam, History, datasets, evaluate, fit, plot, save
from nn.doctor import diagnose
from nn.losses import Loss
from nn.optim import Optimizer
from nn.readings import name_units

DATA: dict[str, Callable[[int], datasets.Data]] = {
    "moons": lambda seed: datasets.moons(seed=seed),
    "xor": lambda _: datasets.xor(),
    "circles": lambda seed: datasets.circles(seed=seed),
    "spirals": lambda seed: datasets.spirals(seed=seed),
    "blobs": lambda seed: datasets.blobs(seed=seed),
    "digits": lambda _: datasets.digits(),
}
OPTIMIZERS: dict[str, tuple[type[Optimizer], float]] = {"adam": (Adam, 0.05), "sgd": (SGD, 0.5)}
OUTPUT = {"binary_cross_entropy": "sigmoid", "nll": "softmax"}  # else linear
MOST_CLASSES = 100  # each costs an output, and a number for every example
NO_MATPLOTLIB = 'plots need matplotlib: pip install "matplotlib>=3.8"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; the exit code is 0 only if all of it was done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["playground"]:
        from nn.playground.launch import launch

        return launch(arguments[1:])
    options = parser().parse_args(arguments)
    fill_in(options)
    try:
        run(options)
    except KeyboardInterrupt as interrupt:
        print(f"\ninterrupted: {str(interrupt) or 'nothing was written'}", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m nn",
        description="Train a small multi-layer perceptron and write boundary.png, loss.png, "
        "graph.svg and model.json.",
        epilog="python -m nn playground: train one live, in a notebook.",
    )
    data = p.add_mutually_exclusive_group()
    data.add_argument("--data", choices=DATA, default="moons", help="a data set (default: moons)")
    data.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="a table with a header: columns of inputs, and one named y",
    )
    p.add_argument(
        "--hidden",
        type=int,
        nargs="*",
        metavar="N",
        help="neurons of each hidden layer (default: 16 16; 32 for digits)",
    )
    p.add_argument(
        "--activation",
        choices=ACTIVATIONS,
        default="relu",
        help="of the hidden layers (default: relu)",
    )
    p.add_argument(
        "--loss",
        choices=LOSSES,
        help=f"default: cross entropy for up to {MOST_CLASSES} classes, mse for other targets",
    )
    p.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="default: adam")
    p.add_argument(
        "--lr", type=float, help="learning rate (default: adam 0.05, sgd 0.5; a tenth for digits)"
    )
    p.add_argument("--epochs", type=int, help="default: 100; 30 for digits")
    p.add_argument("--batch", type=int, metavar="N", help="examples a step (default: all; 32)")
    p.add_argument(
        "--held-out", type=float, metavar="SHARE", help="kept for testing (default: 0; 0.2)"
    )
    p.add_argument("--seed", type=int, default=0, help="of data and weights (default: 0)")
    p.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where to write (default: out)"
    )
    return p


def fill_in(options: argparse.Namespace) -> None:
    """Defaults that depend on the data and the optimiser."""
    digits = options.data == "digits" and not options.csv
    lr = OPTIMIZERS[options.optimizer][1] * (0.1 if digits else 1.0)
    small = {"hidden": [16, 16], "epochs": 100, "batch": None, "held_out": 0.0, "lr": lr}
    large = {"hidden": [32], "epochs": 30, "batch": 32, "held_out": 0.2, "lr": lr}
    for name, value in (large if digits else small).items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def check(options: argparse.Namespace) -> None:
    """Raise for what is missing or makes no sense, before any training."""
    if find_spec("matplotlib") is None:
        raise ImportError(NO_MATPLOTLIB)
    if not can_render():
        raise ImportError(NO_GRAPHVIZ)
    if options.epochs < 1:
        raise ValueError(f"--epochs must be at least 1, got {options.epochs}")
    if not 0 <= options.held_out < 1:
        raise ValueError(f"--held-out must be a share below 1, got {options.held_out}")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file, and must be a directory")


def run(options: argparse.Namespace) -> None:
    """Train, report, write."""
    check(options)
    X, y, source = load_data(options)
    X, y, test_X, test_y = datasets.split(X, y, options.held_out, seed=options.seed)
    if not X:
        raise ValueError(f"--held-out {options.held_out} leaves no example to train on")
    loss = LOSSES[options.loss or default_loss(y)]
    n_outputs = outputs_for(loss, y)
    output = OUTPUT.get(loss.name, "linear")
    shape = {"activation": options.activation, "output": output, "seed": options.seed}
    model = MLP(len(X[0]), [*options.hidden, n_outputs], **shape)

    print(f"{model} with {len(model.parameters())} parameters on {len(X)} examples of {source}")
    history = fit(
        model,
        X,
        y,
        loss=loss,
        optimizer=OPTIMIZERS[options.optimizer][0](options.lr),
        epochs=options.epochs,
        batch_size=options.batch,
        seed=options.seed,
    )
    report(model, X, y, loss, history)
    if test_X:
        test_loss, test_accuracy = evaluate(model, test_X, test_y, loss=loss)
        print(f"held out: {verdict(history.loss[0], test_loss, test_accuracy, len(test_X))}")

    small = MLP(min(model.n_in, 2), [2, min(n_outputs, 3)], **shape)
    target = y[0] if n_outputs == 1 else int(y[0]) % small.sizes[-1]
    files = {}
    if model.n_in == 2:
        boundary = plot.decision_boundary(model, X, y, threshold=loss.threshold)
        files["boundary.png"] = boundary.render("png")
    else:
        print(f"no boundary.png: it needs 2 inputs, and there are {model.n_in}")
    files["loss.png"] = plot.loss(history).render("png")
    prediction = one_prediction(small, X[0][: small.n_in], target, loss)
    files["graph.svg"] = prediction.render("svg")
    write(options.out, model, files)


def write(out: Path, model: MLP, files: dict[str, bytes]) -> None:
    """Write the model and the pictures, which are all made by now."""
    out.mkdir(parents=True, exist_ok=True)
    save(model, out / "model.json")
    written = ["model.json"]
    try:
        for name, content in files.items():
            write_whole(out / name, content)
            written.append(name)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"only {', '.join(written)} was written") from None
    print(f"wrote {', '.join(str(out / name) for name in ('model.json', *files))}")


def report(model: MLP, X: list[list[float]], y: list[Any], loss: Loss, history: History) -> None:
    """Print what came of the training and, where it did not fit, why."""
    final_loss, accuracy = evaluate(model, X, y, loss=loss)
    print(f"loss ({loss.name}) {history.loss[0]:.4g} -> {final_loss:.4g}")
    print(verdict(history.loss[0], final_loss, accuracy, len(X)))
    diagnosis = diagnose(model, X, y, loss, history=history)
    if not diagnosis.ok:
        print(*diagnosis.findings, sep="\n")
    if not math.isfinite(final_loss):
        raise ArithmeticError("the last step left a model whose loss is not finite")


def load_data(options: argparse.Namespace) -> tuple[list[list[float]], list[Any], str]:
    """Inputs, targets and a name for them."""
    if options.csv:
        return *read_csv(options.csv), str(options.csv)
    return *DATA[options.data](options.seed), str(options.data)


def read_csv(path: Path) -> tuple[list[list[float]], list[float]]:
    """The inputs and targets of a table with a header; ValueError names the row that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path} is not a table: {error}") from None
    header = [name.strip() for name in rows[0]] if rows else []
    if header.count("y") != 1 or len(set(header)) < len(header) or len(header) < 2:
        raise ValueError(
            f"{path} needs a first row that names its columns once each, inputs and one named y; "
            f"it has {shown(header)}"
        )
    X, y = [], []
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError(
                f"{path}, row {number}: {len(row)} cells where the header names {len(header)}"
            )
        cells = {
            name: to_number(cell, f"{path}, row {number}, column {shown(name)[1:-1]}")
            for name, cell in zip(header, row, strict=True)
        }
        y.append(cells.pop("y"))
        X.append(list(cells.values()))
    if not X:
        raise ValueError(f"{path} has no rows below its header")
    return X, y


def to_number(cell: str, where: str) -> float:
    """The finite number written in a cell."""
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{where}: {shown(cell)} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{where}: {shown(cell)} is not finite")
    return number


def shown(x: Any) -> str:
    """What a file holds, fit for a terminal: cut short, and without control characters."""
    text = repr(x)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-1]}"


def default_loss(y: Sequence[float]) -> str:
    """A cross entropy for a few class labels 0 to k - 1, else the mean squared error."""
    known = set(y)
    if len(known) > MOST_CLASSES or known != set(range(len(known))):
        return "mse"
    return "binary_cross_entropy_with_logits" if max(y) <= 1 else "cross_entropy"


def outputs_for(loss: Loss, y: Sequence[float]) -> int:
    """One output; one for each class where the loss compares classes."""
    if loss.name not in ("cross_entropy", "nll"):
        return 1
    classes = max(2, 1 + int(max(y)))
    if classes > MOST_CLASSES:
        raise ValueError(
            f"{loss.name} tells at most {MOST_CLASSES} classes apart, labels 0 to "
            f"{MOST_CLASSES - 1}, and the labels go up to {max(y):g}: --loss mse takes any numbers"
        )
    return classes


def verdict(first_loss: float, final_loss: float, accuracy: float | None, n: int) -> str:
    """What came of the training, in one sentence."""
    if accuracy is None:
        return (
            f"the loss fell by {1 - final_loss / first_loss:.1%}"
            if final_loss < first_loss
            else "training did not succeed: the loss did not fall"
        )
    right = round(accuracy * n)
    if right == n:
        return f"all {n} examples are classified right"
    share = f"{right} of {n} examples are classified right ({accuracy:.1%})"
    return share if accuracy >= 0.95 else f"not fitted: only {share}"


def one_prediction(model: MLP, x: Sequence[float], target: Any, loss: Loss) -> Picture:
    """The graph of one example's loss, after backward."""
    outputs = model.outputs([Value(v, f"x{j}") for j, v in enumerate(x)])
    result = loss(outputs, target)
    name_units(model)
    result.label = "loss"
    result.backward()
    return draw(result)


if __name__ == "__main__":
    sys.exit(main())
