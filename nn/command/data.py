"""The examples that the command line trains on: of a data set, or of a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nn import datasets
from nn.losses import LOSSES
from nn.scaling import ColumnScale
from nn.tables import column, read_table, shown
from nn.train.recipe import Recipe, new_data

MOST_NAMED = 10  # classes that are listed


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

    def scaled(self, *, linear: bool) -> tuple[Data, list[ColumnScale], ColumnScale]:
        """The examples of a table on a common scale, with the scales; data sets as they are.

        So are targets but of a linear output: no other can be given back their scale.
        """
        if not self.table:
            return self, [], ColumnScale()
        columns = zip(self.inputs, zip(*self.X), strict=True)
        inputs = [ColumnScale.of(shown(name)[1:-1], numbers) for name, numbers in columns]
        scales = linear and not self.classes
        output = ColumnScale.of(shown(self.target)[1:-1], self.y) if scales else ColumnScale()
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
    row = datasets.DATASETS[recipe.data]
    classes = [] if row.numbers else [str(k) for k in range(1 + max(y))]
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
