"""Models as readable files: the architecture and every parameter, in JSON."""

from __future__ import annotations

import math
import os
from typing import Any

from autograd_core.files import write_whole
from nn.layers import MLP, Layer

FORMAT = "autograd-core model 1"
LONGEST_REASON = 300  # characters, of what may quote a whole file


class ModelFileError(ValueError):
    """A file that does not hold a model; the message names the file and what is wrong."""


def save(model: MLP, path: str | os.PathLike[str]) -> None:
    """Write a model to a JSON file; the old file stays until the new one is whole."""
    import json

    hidden = model.activation if isinstance(model.activation, list) else [model.activation]
    for what in (*hidden, model.output):
        if not isinstance(what, str):
            raise ValueError(f"a file can only name an activation, and {what!r} is a function")
    for p in model.parameters():
        if not math.isfinite(p.data):
            raise ValueError(f"cannot save {p.label} = {p.data}: not a finite number")
    content = {
        "format": FORMAT,
        "n_in": model.n_in,
        "sizes": model.sizes,
        "activation": model.activation,
        "output": model.output,
        "layers": [
            {
                "W": [[w.data for w in neuron.w] for neuron in layer.neurons],
                "b": [neuron.b.data for neuron in layer.neurons],
            }
            for layer in model.layers
        ],
    }
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def load(path: str | os.PathLike[str]) -> MLP:
    """The model in a file written by `save`; nothing in the file is executed.

    Raises ModelFileError, and OSError for a file that cannot be read.
    """
    import json
    from pathlib import Path

    raw = Path(path).read_bytes()
    try:
        content = json.loads(raw)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"it does not say that it is an {FORMAT!r}")
        return model_of(content)
    except RecursionError:
        raise ModelFileError(f"{path} is not a model file: it is nested too deeply") from None
    except KeyError as error:
        raise ModelFileError(f"{path} is not a model file: it lacks {error}") from None
    except (ValueError, TypeError, OverflowError) as error:
        reason = str(error)[:LONGEST_REASON]
        raise ModelFileError(f"{path} is not a model file: {reason}") from None


def model_of(content: dict[str, Any]) -> MLP:
    """The model that the content of a file describes."""
    n_in, sizes, layers = content["n_in"], content["sizes"], content["layers"]
    # The numbers in the file are counted before anything of the size it claims is made.
    shapes = list(zip(sizes, [n_in, *sizes], strict=False))
    if [shape(layer) for layer in layers] != shapes:
        raise ValueError(f"its weights do not have the shapes of {n_in!r} inputs, layers {sizes!r}")
    model = MLP(
        n_in, sizes, activation=content["activation"], output=content["output"], init="zeros"
    )
    for layer, numbers in zip(model.layers, layers, strict=True):
        fill(layer, numbers)
    return model


def shape(numbers: dict[str, Any]) -> tuple[int, int] | None:
    """(neurons, inputs) of a layer's numbers; None where rows differ in length."""
    weights, biases = numbers["W"], numbers["b"]
    widths = {len(row) for row in weights}
    return (len(biases), widths.pop()) if len(widths) == 1 and len(weights) == len(biases) else None


def fill(layer: Layer, numbers: dict[str, Any]) -> None:
    """Set a layer's parameters."""
    for neuron, weights, bias in zip(layer.neurons, numbers["W"], numbers["b"], strict=True):
        for p, number in zip(neuron.parameters(), [*weights, bias], strict=True):
            if type(number) not in (int, float) or not math.isfinite(number):
                raise ValueError(f"{p.label} is {number!r}, not a finite number")
            p.data = float(number)
