"""Train a small MLP from the command line and write what came of it: `python -m nn --help`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from nn import LOSSES, MLP, History, evaluate, fit
from nn.command.data import Data, examples_for, hold_out
from nn.command.folder import Folder, check, draw_all
from nn.command.options import parser, recipe_of
from nn.command.terminal import prepare, told
from nn.doctor import diagnose
from nn.given import as_rng
from nn.losses import Loss, suited_to
from nn.scaling import ColumnScale, for_raw_numbers
from nn.train.fit import finish
from nn.train.recipe import Recipe, fit_options, new_model

MOST_EXAMINED = 5000  # examples, which a doctor takes a second for


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; the exit code is 0 only if all of it was done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["playground"]:
        from nn.playground.launch import launch

        return launch(arguments[1:])
    options = parser().parse_args(arguments)
    folder = Folder(options.out)
    try:
        is_whole = run(recipe_of(options), folder, plots=not options.no_plots)
    except KeyboardInterrupt:
        said = f"only {', '.join(folder.written)} was written" if folder.written else ""
        print(f"\ninterrupted: {said or 'nothing was written'}", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return 1
    if not is_whole:
        return 130
    return 1 if folder.failed else 0


def run(recipe: Recipe, folder: Folder, *, plots: bool) -> bool:
    """Train, write the model, make the pictures, and report; whether training came to its end."""
    check(folder.path)
    data = examples_for(recipe)
    k = len(data.classes)
    loss = LOSSES[recipe.loss] if recipe.loss else suited_to(k)
    data, test = hold_out(data, recipe.held_out, recipe.seed)
    model = new_model(recipe, len(data.inputs), loss.outputs_for(k, data.source), loss.name)
    scaled, inputs, output = data.scaled(linear=model.output == "linear")
    held_out = test.by(inputs, output) if test.X else None
    n = len(model.parameters())
    print(f"{model} with {n} parameters on {len(data.X)} examples of {data.source}")

    record, is_whole = train(recipe, model, scaled, loss, held_out)
    trained = for_raw_numbers(model, inputs, output) if data.table else model
    history = in_units(record, output, classes=bool(data.classes))
    losses = history.loss
    final = measure(trained, data, loss)
    if not math.isfinite(final[0]):
        raise ArithmeticError("the last step left a model whose loss is not finite")
    trained.recipe = recipe.to_dict() if is_whole else None  # it would lead to another model
    folder.save(trained, data)
    print(f"loss ({loss.name}) {losses[0]:.4g} -> {final[0]:.4g}")
    print(verdict(losses[0], *final, len(data.X)))
    if plots:
        draw_all(folder, trained, data, loss, history)
    diagnosis = diagnose(model, *some_of(scaled, recipe.seed), loss, history=record)
    if not diagnosis.ok:
        print(*diagnosis.findings, sep="\n")
    if test.X:
        report_held_out(folder, trained, test, loss, losses[0])
    print(f"wrote {', '.join(str(folder.path / name) for name in folder.written)}")
    return is_whole


def train(
    recipe: Recipe, model: MLP, data: Data, loss: Loss, held_out: tuple[list[Any], list[Any]] | None
) -> tuple[History, bool]:
    """The record of the training, and whether it came to its end; Ctrl-C keeps what there is."""
    options = fit_options(recipe, model, len(data.X))
    try:
        return fit(model, data.X, data.y, loss=loss, validation=held_out, **options), True
    except KeyboardInterrupt as stop:
        record: History | None = getattr(stop, "history", None)
        if not (record and record.epochs):
            raise
    finish(options["callbacks"])
    said = f"interrupted in epoch {record.epochs + 1} of {recipe.epochs}"
    print(f"\n{said}: what it has come to is written", file=sys.stderr)
    return record, False


def some_of(data: Data, seed: int) -> tuple[list[Any], list[Any]]:
    """The examples that the doctor looks at, each by itself: all of them, or enough."""
    if len(data.X) <= MOST_EXAMINED:
        return data.X, data.y
    chosen = as_rng(seed).sample(range(len(data.X)), MOST_EXAMINED)
    return [data.X[i] for i in chosen], [data.y[i] for i in chosen]


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


def command() -> int:
    """`main` on a terminal, or whatever stands in for one."""
    prepare()
    return main()


if __name__ == "__main__":
    sys.exit(command())
