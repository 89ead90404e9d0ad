"""What can be set in a run, as the page shows it: names come from the rows of each kind.

>>> data, *_ = controls(State())
>>> data["title"], data["settings"][0]["options"][:2]
('Data', [('moons', 'moons'), ('xor', 'XOR')])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nn.datasets import DATASETS
from nn.losses import LOSSES
from nn.model.init import INITS
from nn.model.layers import ACTIVATIONS
from nn.optim import OPTIMIZERS
from nn.playground.state import State, data_sets

GROUPS = {  # of settings: the text beside each, and what it says to a mouse that waits
    "Data": {
        "data": ("data set", ""),
        "n": ("points", ""),
        "noise": ("noise", ""),
        "held_out": ("held out", "share of the points that is not trained on"),
        "seed": ("seed", "of data, weights and the order of examples"),
    },
    "Model": {
        "hidden": ("hidden", "neurons of each hidden layer, such as 8, 8"),
        "activation": ("activation", "of the hidden layers"),
        "output": ("output", "activation of the last layer"),
        "loss": ("loss", ""),
        "init": ("initialise", "how weights start"),
    },
    "Training": {
        "optimizer": ("optimiser", ""),
        "lr": ("learn. rate", ""),
        "l2": ("L2", "weight of the penalty on squared weights"),
        "batch": ("batch size", "examples in one step"),
    },
}
OF_DATA_SETS = ("n", "noise")  # which points of one's own have not


def controls(state: State) -> list[dict[str, Any]]:
    """The groups of controls with their values; `options` are pairs of value and text."""
    own = state.data == "own"
    known = options(state)
    return [
        {
            "title": title,
            "settings": [
                {
                    "name": name,
                    "text": text,
                    "help": told,
                    "value": getattr(state, name),
                    "options": known.get(name),
                    "disabled": own and name in OF_DATA_SETS,
                }
                for name, (text, told) in settings.items()
            ],
        }
        for title, settings in GROUPS.items()
    ]


def options(state: State) -> dict[str, list[tuple[str, str]]]:
    """What there is to choose from, by setting: each value, and how it is shown."""
    return {
        "data": titles({name: DATASETS.get(name) for name in data_sets()}),
        "activation": titles(ACTIVATIONS),
        "output": with_spaces(LOSSES[state.loss].outputs),
        "loss": titles(LOSSES),
        "init": titles(INITS),
        "optimizer": titles(OPTIMIZERS),
    }


def with_spaces(names: Iterable[str]) -> list[tuple[str, str]]:
    """Names, and how they are shown."""
    return [(name, name.replace("_", " ")) for name in names]


def titles(rows: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names, and how their rows are shown, or else the names again.

    >>> titles(OPTIMIZERS)[0]
    ('adam', 'Adam')
    """
    return [(name, getattr(rows[name], "shown", "") or text) for name, text in with_spaces(rows)]
