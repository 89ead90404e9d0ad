"""Train a small MLP from the command line and write what came of it: `python -m nn --help`."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from autograd_core import Value, draw, topological
from autograd_core.files import write_whole
from autograd_core.pictures.net import MOST_LINKS
from autograd_core.pictures.picture import Picture
from autograd_core.pictures.renderers import GraphvizMissingError
from nn import LOSSES, MLP, History, datasets, evaluate, fit, plot, save
from nn.doctor import diagnose
from nn.losses import Loss
from nn.model.labels import name_units, parameter
from nn.optim import OPTIMIZERS
from nn.scaling import ColumnScale, for_raw_numbers
from nn.tables import column, read_table, shown
from nn.train.recipe import Recipe, fit_options, new_data, new_model
from nn.train.settings import SETTINGS, RecipeError, Setting, pair, parse

OPTIONS = {"file": "csv"}  # settings that the command line calls by another name
WRITTEN = {int: "N", float: "X", pair: "NAME=X"}
DIGITS: dict[str, Any] = {"hidden": [32], "epochs": 30, "batch": 32, "held_out": 0.2}
MOST_NAMED = 10  # classes that are listed
MOST_NODES, MOST_BOXES = 60, 60  # of a graph, and of a net drawn by its neurons, that can be read
NO_MATPLOTLIB = 'plots need matplotlib: pip install "matplotlib>=3.8"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; the exit code is 0 only if all of it was done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["playground"]:
        from nn.playground.launch import launch

        return launch(arguments[1:])
    options = parser().parse_args(arguments)
    folder = Folder(options.out)
    try:
        run(recipe_of(options), folder, plots=not options.no_plots)
    except KeyboardInterrupt:
        said = f"only {', '.join(folder.written)} was written" if folder.written else ""
        print(f"\ninterrupted: {said or 'nothing was written'}", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 1 if folder.failed else 0


def parser() -> argparse.ArgumentParser:
    """The command line: an option for each setting of a recipe, and what to do with the run."""
    p = argparse.ArgumentParser(
        prog="python -m nn",
        description="Train a small multi-layer perceptron and write model.json, boundary.png, "
        "loss.png and graph.svg, the trained net's prediction for one example.",
        epilog="python -m nn playground: train one live, in a notebook.",
    )
    data = p.add_mutually_exclusive_group()
    for name, setting in SETTINGS.items():
        add_option(data if name in {"data", "file"} else p, name, setting)
    p.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="repeat the run that a JSON file describes, or that a model.json was trained by, but "
        "for what other options say",
    )
    p.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where to write (default: out)"
    )
    p.add_argument("--no-plots", action="store_true", help="write the model, and no pictures")
    return p


def add_option(p: Any, name: str, setting: Setting) -> None:
    """An option for a setting."""
    option, default = option_of(name), usual(name)
    told = setting.told() + (f" (default: {default})" if default else "")
    if isinstance(getattr(Recipe(), name), bool):
        p.add_argument(option, action=argparse.BooleanOptionalAction, help=told)
        return
    kind = WRITTEN.get(setting.written, "NAME" if setting.names else "TEXT")
    many = "*" if setting.many else None
    p.add_argument(option, dest=name, type=setting.written, nargs=many, metavar=kind, help=told)


def option_of(name: str) -> str:
    """What the command line calls a setting."""
    return f"--{OPTIONS.get(name, name).replace('_', '-')}"


def usual(name: str) -> str:
    """What a setting is where it is not given; "" for none."""
    if name == "lr":
        starts = [f"{row.start:g} for {key}" for key, row in OPTIMIZERS.items()]
        return ", ".join([*starts, "a tenth for digits"])
    default, said = getattr(Recipe(), name), []
    if default not in (None, ()):
        said.append(in_words(default))
    if name in DIGITS:
        said.append(f"{in_words(DIGITS[name])} for digits")
    return ", ".join(said)


def in_words(x: Any) -> str:
    """A value as it is given on the command line."""
    return " ".join(map(str, x)) if isinstance(x, (list, tuple)) else str(x)


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The run that the options describe, with defaults that depend on data and optimiser."""
    told = {field.name: getattr(options, field.name, None) for field in fields(Recipe)}
    given = {name: value for name, value in told.items() if value is not None}
    if options.recipe:
        return Recipe.of(read_recipe(options.recipe) | given)
    optimizer = OPTIMIZERS.get(given.get("optimizer", Recipe().optimizer))
    lr = optimizer.start if optimizer else Recipe().lr
    if given.get("data") == "digits":
        return Recipe.of({**DIGITS, "lr": lr / 10, **given})
    return Recipe.of({"lr": lr, **given})


def read_recipe(path: Path) -> dict[str, Any]:
    """What a file says of a run: one that describes nothing else, or a model's."""
    try:
        content = parse(path.read_text("utf-8"))
        if isinstance(content, dict) and "format" in content:
            content = content.get("recipe")
        return Recipe.of(content).to_dict()
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None


def check(out: Path) -> None:
    """Raise for a folder that cannot be written to, before any training."""
    found = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not found.is_dir():
        raise ValueError(f"--out {out}: {found} is a file, and must be a directory")
    if not os.access(found, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(f"--out {out}: Permission denied to write into {found}")


def run(recipe: Recipe, folder: Folder, *, plots: bool) -> None:
    """Train, write the model, make the pictures, and report."""
    check(folder.path)
    data = examples_for(recipe)
    loss = LOSSES[recipe.loss or default_loss(data.classes)]
    data, test = hold_out(data, recipe.held_out, recipe.seed)
    scaled, inputs, output = data.scaled()
    held_out = test.by(inputs, output) if test.X else None
    model = new_model(recipe, len(data.inputs), outputs_for(loss, data), loss.name)
    n = len(model.parameters())
    print(f"{model} with {n} parameters on {len(data.X)} examples of {data.source}")

    told = fit_options(recipe, model, len(scaled.X))
    record = fit(model, scaled.X, scaled.y, loss=loss, validation=held_out, **told)
    trained = for_raw_numbers(model, inputs, output) if data.table else model
    history = in_units(record, output, classes=bool(data.classes))
    losses = history.loss
    final = measure(trained, data, loss)
    if not math.isfinite(final[0]):
        raise ArithmeticError("the last step left a model whose loss is not finite")
    trained.recipe = recipe.to_dict()
    folder.save(trained, data)
    print(f"loss ({loss.name}) {losses[0]:.4g} -> {final[0]:.4g}")
    print(verdict(losses[0], *final, len(data.X)))
    if plots:
        draw_all(folder, trained, data, loss, history)
    diagnosis = diagnose(model, scaled.X, scaled.y, loss, history=record)
    if not diagnosis.ok:
        print(*diagnosis.findings, sep="\n")
    if test.X:
        report_held_out(folder, trained, test, loss, losses[0])
    print(f"wrote {', '.join(str(folder.path / name) for name in folder.written)}")


def in_units(record: History, output: ColumnScale, *, classes: bool) -> History:
    """The record of a training on scaled targets in the units of the table."""
    square = output.deviation**2  # for a squared error's targets are scaled alone
    return History(
        [loss * square for loss in record.loss],
        record.accuracy if classes else [],
        [loss * square for loss in record.validation_loss],
        record.validation_accuracy if classes else [],
    )


def report_held_out(folder: Folder, model: MLP, test: Data, loss: Loss, first_loss: float) -> None:
    """Print what the model does on what is held out, where that is defined."""
    try:
        result = measure(model, test, loss)
    except (ValueError, ArithmeticError) as error:
        folder.fail("result on what is held out", error)
    else:
        print(f"held out: {verdict(first_loss, *result, len(test.X))}")


def draw_all(folder: Folder, model: MLP, data: Data, loss: Loss, history: History) -> None:
    """Make and write each picture, and where Graphviz is missing the graph as text and in DOT."""

    def boundary() -> bytes:
        shown = plot.decision_boundary(model, data.X, data.y, threshold=loss.threshold)
        return shown.render("png")

    if model.n_in == 2:
        folder.write("boundary.png", boundary)
    else:
        print(f"no boundary.png: it needs 2 inputs, and there are {model.n_in}")
    folder.write("loss.png", lambda: plot.loss(history).render("png"))
    failure = folder.write("graph.svg", lambda: one_prediction(model, data, loss).render("svg"))
    if isinstance(failure, GraphvizMissingError):
        folder.write("graph.txt", lambda: f"{one_prediction(model, data, loss)}\n".encode())
        folder.write("graph.dot", lambda: one_prediction(model, data, loss).source.encode())


class Folder:
    """Where the files go, each by itself: what fails is said, and leaves the others alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[str] = []
        self.failed: list[str] = []

    def save(self, model: MLP, data: Data) -> None:
        """Write the model, and for one of a table what its inputs and outputs are called."""
        self.path.mkdir(parents=True, exist_ok=True)
        save(model, self.path / "model.json")
        self.written.append("model.json")
        if data.table:
            names = {"inputs": data.inputs, "target": data.target, "classes": data.classes}
            text = json.dumps(names, indent=1, ensure_ascii=False) + "\n"
            self.write("columns.json", text.encode)

    def write(self, name: str, make: Callable[[], bytes]) -> Exception | None:
        """Make a file and write it; why that was not possible, or None."""
        try:
            write_whole(self.path / name, make())
        except Exception as error:  # noqa: BLE001  # whatever it is, the other files can be had
            left = " (the one that is there is older)" * (self.path / name).exists()
            self.fail(f"{name}{left}", error)
            return error
        self.written.append(name)
        return None

    def fail(self, what: str, error: Exception) -> None:
        """Say what there is not, and why."""
        print(f"error: no {what}: {reason(error)}", file=sys.stderr)
        self.failed.append(what)


def reason(error: Exception) -> str:
    """Why a file could not be made, on one line."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("matplotlib"):
        return NO_MATPLOTLIB
    said = " ".join(str(error).split())
    known = isinstance(
        error, (ValueError, ArithmeticError, OSError, ImportError, GraphvizMissingError)
    )
    return said if said and known else f"{type(error).__name__}: {said}"


# --- Data -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """Examples, the names of their inputs and classes, and where they are from.

    Targets are places in `classes`, or measurements where that is empty.
    """

    source: str
    inputs: list[str]
    X: list[list[float]]
    y: list[Any]
    classes: list[str]
    target: str = ""

    @property
    def table(self) -> bool:
        """Whether these are rows of a table, whose columns have a name and a scale each."""
        return bool(self.target)

    def scaled(self) -> tuple[Data, list[ColumnScale], ColumnScale]:
        """The examples of a table on a common scale, with the scales; data sets as they are."""
        if not self.table:
            return self, [], ColumnScale()
        columns = zip(self.inputs, zip(*self.X), strict=True)
        inputs = [ColumnScale.of(shown(name)[1:-1], numbers) for name, numbers in columns]
        own = self.classes
        output = ColumnScale() if own else ColumnScale.of(shown(self.target)[1:-1], self.y)
        X, y = self.by(inputs, output)
        return replace(self, X=X, y=y), inputs, output

    def by(self, inputs: list[ColumnScale], output: ColumnScale) -> tuple[list[Any], list[Any]]:
        """The examples on such scales; data sets as they are."""
        if not self.table:
            return self.X, self.y
        X = [[scale(v) for scale, v in zip(inputs, x, strict=True)] for x in self.X]
        return X, self.y if self.classes else [output(t) for t in self.y]


def examples_for(recipe: Recipe) -> Data:
    """The examples that are asked for; of a table, say how it was understood."""
    if recipe.file is not None:
        return load_table(recipe, recipe.file)
    X, y = new_data(recipe)
    classes = [str(k) for k in range(1 + max(y))]
    return Data(recipe.data, [f"x{j}" for j in range(len(X[0]))], X, y, classes)


def load_table(recipe: Recipe, path: str) -> Data:
    """The examples in a table, their targets read as the loss takes them."""
    table = read_table(Path(path), recipe.target)
    wanted = not LOSSES[recipe.loss].takes_numbers if recipe.loss else None
    try:
        labels = table.classes(wanted=wanted)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    places = {label: k for k, label in enumerate(labels)}
    y = [places[label] for label in table.y] if labels else list[Any](table.y)
    names = [label if isinstance(label, str) else f"{label:g}" for label in labels]
    data = Data(path, table.inputs, table.X, y, names, table.target)
    what = f"{len(y)} rows of {len(data.inputs)} inputs, standardised for training"
    print(f"{data.source}: {what}; {table.layout}; {column(data.target)}: {understood(data)}")
    return data


def understood(data: Data) -> str:
    """What the targets are taken for."""
    if not data.classes:
        return f"numbers from {min(data.y):g} to {max(data.y):g}"
    counts = Counter(data.y)
    few = [f"{shown(name)[1:-1]} ({counts[k]})" for k, name in enumerate(data.classes)][:MOST_NAMED]
    more = f" and {len(data.classes) - MOST_NAMED} more" * (len(data.classes) > MOST_NAMED)
    return f"{len(data.classes)} classes, {', '.join(few)}{more}"


def hold_out(data: Data, share: float, seed: int) -> tuple[Data, Data]:
    """What is trained on, and what is kept to test with."""
    try:
        parts = datasets.split(data.X, data.y, share, seed, by_class=bool(data.classes))
    except ValueError as error:
        raise ValueError(f"held_out: {error}") from None
    return replace(data, X=parts[0], y=parts[1]), replace(data, X=parts[2], y=parts[3])


# --- Losses -----------------------------------------------------------------------------------


def default_loss(classes: Sequence[str]) -> str:
    """A cross entropy for classes, else the mean squared error."""
    if not classes:
        return "mse"
    return "binary_cross_entropy_with_logits" if len(classes) <= 2 else "cross_entropy"


def outputs_for(loss: Loss, data: Data) -> int:
    """One output; one for each class where the loss compares classes."""
    k = len(data.classes)
    if loss.of_classes:
        return max(2, k)
    if k > 2 and not loss.takes_numbers:
        raise ValueError(f"{loss.name} tells 2 classes apart, and {data.source} has {k}")
    return 1


def measure(model: MLP, data: Data, loss: Loss) -> tuple[float, float | None]:
    """The mean loss, and the accuracy or None where there are no classes."""
    mean, accuracy = evaluate(model, data.X, data.y, loss=loss)
    return mean, accuracy if data.classes else None


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


# --- The graph --------------------------------------------------------------------------------


def one_prediction(model: MLP, data: Data, loss: Loss) -> Picture:
    """The graph of the first example's loss, after backward: whole, by neurons, or by layers."""
    labels = [
        f"x{j}" if parameter(name) else shown(name)[1:-1] for j, name in enumerate(data.inputs)
    ]
    said = model([Value(v, label) for v, label in zip(data.X[0], labels, strict=True)])
    result = loss(said, data.y[0])
    name_units(model.layers)
    result.label = "loss"
    result.backward()
    if len(topological(result)) <= MOST_NODES:
        return draw(result)
    widths = [model.n_in, *model.sizes]
    links = sum(m * n for m, n in zip(widths, model.sizes))
    legible = sum(widths) <= MOST_BOXES and links <= MOST_LINKS
    return draw(result, collapse="neuron" if legible else "layer")


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of a table on any terminal
    sys.exit(main())
