"""Many examples at once: those of one structure stacked in arrays, with a program for them.

Examples that are all alike are one stack. Sequences of several lengths are a stack for each
length, each with a program of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd_core import Program, RecordingError, Value
from autograd_core import compile as compile_program


class Stack:
    """Examples of one structure, as arrays: `places` says where they stand among all."""

    def __init__(self, structure: Any, places: list[int], X: Any, targets: Any) -> None:
        self.structure, self.places, self.X, self.targets = structure, places, X, targets

    def record(self, f: Callable[[Any, Any], Any], **options: Any) -> Program:
        """A program of f(x, target), which is called with nested lists of Values."""
        program = compile_program(lambda x, t: f(in_lists(x), in_lists(t)), batched=True, **options)
        program.prepare(self.X, self.targets)
        return program


def stacks(X: Sequence[Any], targets: Sequence[Any]) -> list[Stack]:
    """Examples and their targets, those of one structure together."""
    import numpy as np

    alike: dict[Any, list[int]] = {}
    for i, (x, target) in enumerate(zip(X, targets, strict=True)):
        alike.setdefault((structure(x), structure(target)), []).append(i)
    made = []
    for kind, places in alike.items():
        rows, wanted = [X[i] for i in places], [targets[i] for i in places]
        made.append(Stack(kind, places, np.array(rows), as_array(wanted)))
    return made


def structure(x: Any) -> Any:
    """How long lists are, and the lists in them; None for what is no list."""
    if not isinstance(x, (list, tuple)):
        return None
    if any(isinstance(item, (list, tuple)) for item in x):
        return tuple(map(structure, x))
    return len(x)


def as_array(targets: Sequence[Any]) -> Any:
    """Targets as an array; ValueError for those that are no numbers."""
    import numpy as np

    try:
        return np.array(targets, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            "compiled training needs targets that are numbers, or lists of numbers; "
            "with others, use fit(..., compile=False)"
        ) from None


def in_lists(x: Any) -> Any:
    """An argument of a program as the nested lists that it stands for."""
    return x.tolist() if hasattr(x, "tolist") else x


def each(f: Callable[[Any, Any], Any], X: Sequence[Any], targets: Sequence[Any]) -> list[Any]:
    """The numbers of f(x, target) for each example: lists and tuples of Values as lists of floats.

    By compiled programs; by f itself where Python decides by a number in it, or without NumPy.
    """
    try:
        return compiled_each(f, X, targets)
    except (RecordingError, ImportError):
        results = [f(x, target) for x, target in zip(X, targets, strict=True)]
        return [in_numbers(z, iter([float(v) for v in flattened(z)])) for z in results]


def compiled_each(
    f: Callable[[Any, Any], Any], X: Sequence[Any], targets: Sequence[Any]
) -> list[Any]:
    """The same, by a program for each structure."""
    results: list[Any] = [None] * len(X)
    for stack in stacks(X, targets):
        forms: list[Any] = []

        def flat(x: Any, target: Any, forms: list[Any] = forms) -> list[Value]:
            forms.append(f(x, target))
            return list(flattened(forms[-1]))

        table = stack.record(flat)(stack.X, stack.targets).tolist()
        for place, numbers in zip(stack.places, table, strict=True):
            results[place] = in_numbers(forms[0], iter(numbers))
    return results


def flattened(result: Any) -> Iterator[Any]:
    """The Values in a result, in order."""
    if isinstance(result, (list, tuple)):
        for item in result:
            yield from flattened(item)
    else:
        yield result


def in_numbers(result: Any, numbers: Iterator[float]) -> Any:
    """The next numbers, in the lists in which a result has Values."""
    if isinstance(result, (list, tuple)):
        return [in_numbers(item, numbers) for item in result]
    return next(numbers)
