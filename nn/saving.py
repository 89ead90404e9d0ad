"""Models as readable files: what they were built with, and every parameter, in JSON.

A file names classes that are known to `Module`, and holds plain data for their constructors: the
arguments that they keep under their own names, numbers, texts, lists and Modules.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from autograd_core import Op, Value
from autograd_core.engine import RECORDERS, Operand, as_value
from autograd_core.files import write_whole
from nn import tensors
from nn.model.module import MODULES, Module, has_leaves, items, leaves
from nn.train.recipe import Recipe

FORMAT = "autograd-core model 2"
LONGEST_REASON = 300  # characters, of what may quote a whole file
SPARE = 100  # Values that a constructor may make beside the parameters


class ModelFileError(ValueError):
    """A file that does not hold a model; the message names the file and what is wrong."""


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write a model to a JSON file; the old file stays until the new one is whole.

    A path that ends in .safetensors is written in that format, of the package safetensors.

    Raises ValueError for a number that is not finite, and for an argument of a constructor that is
    no plain data, or that the model does not keep as an attribute of the same name.
    """
    import json

    if not isinstance(model, Module):
        raise TypeError(f"a file holds a Module, got a {type(model).__name__}")
    if missing := set(model.parameters()).difference(leaves(model.parts())):
        raise ValueError(f"cannot save {named(missing.pop())}: it is in no attribute of {model!r}")
    content = {"format": FORMAT, **described(model), "parameters": numbers_of(model)}
    if model.recipe is not None:
        content["recipe"] = Recipe.of(model.recipe).to_dict()
    if is_tensors(path):
        write_whole(path, tensors.to_bytes(content))
    else:
        write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def load(path: str | os.PathLike[str]) -> Any:
    """The model in a file written by `save`; nothing in the file is executed.

    Classes of one's own must be defined, or imported, by then. Raises ModelFileError, and OSError
    for a file that cannot be read.
    """
    import json
    from pathlib import Path

    raw = b"" if is_tensors(path) else Path(path).read_bytes()
    try:
        content = tensors.from_file(path) if is_tensors(path) else json.loads(raw)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"it does not say that it is an {FORMAT!r}")
        return model_of(content)
    except RecursionError:
        raise ModelFileError(f"{path} is not a model file: it is nested too deeply") from None
    except KeyError as error:
        raise ModelFileError(f"{path} is not a model file: it lacks {error}") from None
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        said = str(error)[:LONGEST_REASON]
        reason = "".join([c if c.isprintable() else "\ufffd" for c in said])
        raise ModelFileError(f"{path} is not a model file: {reason}") from None


def is_tensors(path: str | os.PathLike[str]) -> bool:
    """Whether a file is to be of safetensors, by its name."""
    return os.fspath(path).endswith(".safetensors")


# --- As plain data ----------------------------------------------------------------------------


def described(module: Module) -> dict[str, Any]:
    """The name of a Module's class, and the arguments that make another one."""
    given = {name: plain_data(name, x) for name, x in module.arguments().items()}
    return {"model": module.known_as, "arguments": given}


def plain_data(what: str, x: Any) -> Any:
    """An argument as JSON has it."""
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, (list, tuple)):
        return [plain_data(what, item) for item in x]
    if isinstance(x, Module):
        return described(x)
    if callable(x):
        raise ValueError(f"a file can only name an activation, and {what} = {x!r} is a function")
    raise ValueError(f"a file holds numbers, texts and lists, and {what} = {x!r} is none of them")


def numbers_of(part: Any) -> Any:
    """The numbers of the parameters in a Module, or in a part of one, in its structure."""
    if isinstance(part, Value):
        if not math.isfinite(as_value(part).data):
            raise ValueError(f"cannot save {named(part)} = {part.data}: not a finite number")
        return part.data
    within = inside(part)
    if isinstance(within, dict):
        return {name: numbers_of(item) for name, item in within.items()}
    return [numbers_of(item) for item in within]


def inside(part: Any) -> dict[str, Any] | list[Any]:
    """What a part is made of, without what holds no parameters."""
    if isinstance(part, Module):
        part = part.parts()
    if isinstance(part, Mapping):
        return {str(name): item for name, item in part.items() if has_leaves(item)}
    return [item for item in items(part) if has_leaves(item)]


def named(p: Value) -> str:
    """A parameter's label, or what it is."""
    return p.label or "a parameter"


# --- Back again -------------------------------------------------------------------------------


def model_of(content: dict[str, Any]) -> Module:
    """The model that the content of a file describes."""
    numbers = content["parameters"]
    # The numbers in the file are counted before anything of the size it claims is made.
    with at_most(count(numbers) + SPARE):
        model = made(content)
    fill(model, numbers, model)
    if "recipe" in content:
        model.recipe = Recipe.of(content["recipe"]).to_dict()
    return model


def made(content: dict[str, Any]) -> Module:
    """A Module as described."""
    name, given = content["model"], content["arguments"]
    if name not in MODULES:
        raise ValueError(f"unknown model {name!r}; known are {', '.join(MODULES)}")
    return MODULES[name](**{key: argument(x) for key, x in given.items()})


def argument(x: Any) -> Any:
    """An argument as the constructor takes it."""
    if isinstance(x, list):
        return [argument(item) for item in x]
    return made(x) if isinstance(x, dict) else x


def count(numbers: Any) -> int:
    """How many items there are in nested lists and dicts."""
    if not isinstance(numbers, (list, dict)):
        return 1
    return sum(map(count, numbers.values() if isinstance(numbers, dict) else numbers))


def fill(part: Any, numbers: Any, model: Module) -> None:
    """Set the parameters in a part of a model."""
    if isinstance(part, Value):
        if type(numbers) not in (int, float) or not math.isfinite(numbers):
            raise ValueError(f"{named(part)} is {numbers!r}, not a finite number")
        part.data = float(numbers)
        return
    within: Any = inside(part)
    if type(numbers) is not type(within):
        raise TypeError(f"expected the weights of {model!r}, got {numbers!r}")
    if isinstance(within, dict):
        numbers = [numbers[name] for name in within]
        within = list(within.values())
    if len(numbers) != len(within):
        raise ValueError(f"its weights do not have the shapes of {model!r}")
    for item, number in zip(within, numbers, strict=True):
        fill(item, number, model)


@contextmanager
def at_most(n: int) -> Iterator[None]:
    """While a model is made, no more than n Values are."""
    thread, limit = get_ident(), Limit(n)
    RECORDERS[thread] = limit
    try:
        yield
    finally:
        del RECORDERS[thread]


class Limit:
    """A recorder that counts new leaves, and lets everything be computed."""

    def __init__(self, n: int) -> None:
        self.left = n

    def constant(self, leaf: Value) -> None:
        """Count a leaf."""
        self.left -= 1
        if self.left < 0:
            raise ValueError("its weights do not have the shapes of the model it describes")

    def record(self, op: Op, operands: Iterable[Operand]) -> Value:
        """Compute, as if nobody recorded."""
        del RECORDERS[get_ident()]
        try:
            return op.record(operands)
        finally:
            RECORDERS[get_ident()] = self

    def refuse(self, value: Value) -> Any:
        """Let the number be had."""
