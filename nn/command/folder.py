"""What the command line writes: the model, and pictures of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from autograd_core import Value, draw, topological
from autograd_core.files import write_whole
from autograd_core.pictures.net import MOST_LINKS
from autograd_core.pictures.picture import Picture
from autograd_core.pictures.renderers import GraphvizMissingError
from nn import plot
from nn.command.data import Data
from nn.command.terminal import told
from nn.losses import Loss
from nn.model.labels import name_units, parameter
from nn.model.mlp import MLP
from nn.saving import save
from nn.tables import shown
from nn.train.history import History

MOST_NODES, MOST_BOXES = 60, 60  # of a graph, and of a net drawn by its neurons, that can be read


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
    said = " ".join(told(error).split())
    known = isinstance(
        error, (ValueError, ArithmeticError, OSError, ImportError, GraphvizMissingError)
    )
    return said if said and known else f"{type(error).__name__}: {said}"


def check(out: Path) -> None:
    """Raise for a folder that cannot be written to, before any training."""
    found = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not found.is_dir():
        raise ValueError(f"--out {out}: {found} is a file, and must be a directory")
    if not os.access(found, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(f"--out {out}: Permission denied to write into {found}")


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
