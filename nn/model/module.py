"""What parts of models and whole models have in common: parameters, found in their attributes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from autograd_core import Value
from autograd_core.engine import NUMBER, as_value
from nn.given import listed, shown

MODULES: dict[str, type[Module]] = {}  # by the name that a file knows a class by


class Module:
    """A part of a model that has parameters: the Values and Modules in its attributes.

    A subclass is called with one example and gives a Value, or a list of them. What its
    constructor takes and keeps under the same name is what `save` writes of it, beside the
    parameters.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.height = Value(2.0, "slope"), Value(0.0, "height")
    ...
    ...     def __call__(self, x):
    ...         return self.slope * x + self.height
    >>> [p.label for p in Line().parameters()]
    ['slope', 'height']
    """

    known_as: ClassVar[str] = "Module"
    recipe: dict[str, Any] | None = None  # how it was trained, where that is known

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        known = MODULES.get(cls.__name__)
        # Written anew in a notebook's cell, a class takes its own place, and nobody else's.
        taken = known is not None and known.__module__ != cls.__module__
        cls.known_as = f"{cls.__module__}.{cls.__name__}" if taken else cls.__name__
        MODULES[cls.known_as] = cls

    def parameters(self) -> list[Value]:
        """The leaf Values that training changes, each once, in the order of the attributes."""
        return list(dict.fromkeys(leaves(vars(self))))

    def arguments(self) -> dict[str, Any]:
        """The arguments of its constructor that make another one, but for the parameters."""
        kept, who = vars(self), type(self).__name__
        wanted = inspect.signature(type(self)).parameters
        for name, parameter in wanted.items():
            needed = parameter.default is parameter.empty and "*" not in str(parameter)
            if needed and name not in kept:
                raise ValueError(f"cannot save a {who}: it does not keep its {name} as self.{name}")
        return {name: kept[name] for name in wanted if name in kept}

    def parts(self) -> Mapping[str, Any]:
        """What it is made of, by name: Values and Modules, also in lists and dicts of them."""
        return {name: part for name, part in vars(self).items() if has_leaves(part)}

    def zero_grad(self) -> None:
        """Set every parameter's gradient back to zero; backward() would add to it."""
        for parameter in self.parameters():
            parameter.grad = 0.0


def leaves(x: Any) -> Iterator[Value]:
    """The leaf Values in a Module, and in lists, tuples, dicts and arrays of them."""
    if isinstance(x, Value):
        if not x.parents:
            yield x
    elif isinstance(x, Module):
        yield from x.parameters()
    else:
        for item in items(x):
            yield from leaves(item)


def has_leaves(x: Any) -> bool:
    """Whether there is a leaf Value in it."""
    return any(True for _ in leaves(x))


def modules(x: Any) -> Iterator[Module]:
    """A Module and those that it is made of, and those in lists, tuples and dicts of them."""
    return (module for _, module in named_modules(x))


def named_modules(x: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """The same, each with its path: "encoder.layers[0]"."""
    where = "{}[{!r}]"
    if isinstance(x, Module):
        yield path, x
        x, where = vars(x), "{}.{}" if path else "{}{}"
    parts = x.items() if isinstance(x, dict) else enumerate(items(x))
    for name, part in parts:
        if not isinstance(part, Value):  # of which there are many, and none in them
            yield from named_modules(part, where.format(path, name))


def items(x: Any) -> Iterable[Any]:
    """What lists, tuples, dicts and arrays of objects hold; nothing of anything else."""
    if isinstance(x, dict):
        return x.values()
    if isinstance(x, (list, tuple)):
        return x
    return x.ravel().tolist() if getattr(getattr(x, "dtype", None), "hasobject", False) else ()


def parameters_of(model: Any) -> list[Value]:
    """What training changes, each once; an error where it could change nothing."""
    found = listed("parameters()", model.parameters())
    for p in found:
        if not isinstance(p, Value) or p.parents:
            raise TypeError(f"parameters() must give Values that nothing computed, got {p!r}")
    if not found:
        raise ValueError(f"there is no parameter to train: {shown(model)} keeps no Value")
    return list(dict.fromkeys(found))


def outputs_of(prediction: Any) -> list[Value]:
    """What a model gave for one example, as a list of Values also where it is one.

    >>> outputs_of(Value(1.0))
    [Value(data=1.0, grad=0.0)]
    """
    if prediction is None:
        raise TypeError("the model gave None for an example: is there a return at its end?")
    outputs: Any = [prediction] if isinstance(prediction, (Value, *NUMBER)) else prediction
    return [as_value(output) for output in outputs]


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Give every part of a model back what it held, such as the latest activations."""
    before = [(vars(module), vars(module).copy()) for module in modules(model)]
    try:
        yield
    finally:
        for attributes, kept in before:
            attributes.update(kept)
            for name in attributes.keys() - kept.keys():
                del attributes[name]
