"""A model and points of one's own, as the state of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nn.given import listed
from nn.losses import LOSSES
from nn.model.mlp import MLP
from nn.playground.state import MOST_CLASSES, MOST_POINTS, State
from nn.train.settings import RecipeError


def own(state: State, model: MLP, X: Iterable[Sequence[float]], y: Iterable[float]) -> State:
    """The state of a run with a model and points of one's own, and their labels or numbers."""
    if not isinstance(model, MLP):
        raise TypeError(f"expected an MLP, got {type(model).__name__}")
    if model.n_in != 2:
        raise ValueError(f"the plane has 2 inputs, and the model has {model.n_in}")
    if not (isinstance(model.activation, str) and isinstance(model.output, str)):
        raise ValueError(
            "the playground knows activations by their names, one for all hidden layers, and not "
            f"{model.activation!r} with the output {model.output!r}"
        )
    rows, labels = listed("X", X), listed("y", y)
    if len(rows) != len(labels):
        raise ValueError(f"there are {len(rows)} points and {len(labels)} labels")
    if len(rows) > MOST_POINTS:
        raise RecipeError(f"at most {MOST_POINTS:,} points, got {len(rows):,}")
    if any(len(row) != 2 for row in rows):
        raise ValueError("every point has 2 coordinates")
    numbers = any(label not in range(-1, MOST_CLASSES) for label in labels)
    if numbers and not all(isinstance(label, (int, float)) for label in labels):
        known = f"whole numbers from 0 (or -1) to {MOST_CLASSES - 1}"
        raise ValueError(f"targets are labels, which are {known}, or else numbers")
    loss, output = losses_for(state, model, numbers=numbers)
    return state.replace(
        data="own",
        points=[
            (float(a), float(b), float(label) if numbers else max(0, int(label)))
            for (a, b), label in zip(rows, labels)
        ],
        hidden=list(model.sizes[:-1]),
        activation=model.activation,
        output=output,
        loss=loss,
        weights=[p.data for p in model.parameters()],
    )


def losses_for(state: State, model: MLP, *, numbers: bool) -> tuple[str, str]:
    """The loss of the state where it suits the model's output, else the first that does."""
    output = str(model.output)
    many = model.sizes[-1] > 1
    suiting = [
        loss
        for loss, row in LOSSES.items()
        if output in row.outputs and many == row.of_classes and (row.takes_numbers or not numbers)
    ]
    if not suiting:
        raise ValueError(f"no loss here suits the output {output!r} of {model.sizes[-1]} neurons")
    return (state.loss if state.loss in suiting else suiting[0]), output
