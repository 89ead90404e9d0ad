"""Many examples at once: those of one structure stacked in arrays, with a program for them.

Examples that are all alike are one stack. Sequences of several lengths are a stack for each
length, each with a program of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from threading import Lock
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, ref

from autograd_core import Program, RecordingError
from autograd_core import compile as compile_program


class Stack:
    """Examples of one structure, as arrays: `places` says where they stand among all."""

    def __init__(self, structure: Any, places: list[int], X: Any, targets: Any) -> None:
        self.structure, self.places, self.X, self.targets = structure, places, X, targets

    def record(
        self, f: Callable[..., Any], beside: Mapping[str, Any] | None = None, **options: Any
    ) -> Program:
        """A program of f(x, target), which is called with nested lists of Values.

        What is beside these has a row for each example, too, and is handed over by name.
        """

        def one(x: Any, t: Any, *, weight: Any = None, draws: Any = None) -> Any:
            named = {"weight": weight, "draws": draws}
            given = {name: in_lists(item) for name, item in named.items() if item is not None}
            return f(in_lists(x), in_lists(t), **given)

        program = compile_program(one, batched=True, **options)
        program.prepare(self.X, self.targets, **(beside or {}))
        return program


def stacks(X: Sequence[Any], targets: Sequence[Any]) -> list[Stack]:
    """Examples and their targets, those of one structure together."""
    import numpy as np

    made = []
    for places, rows, wanted in groups(X, targets):
        kind = structure(X[places[0]]), structure(targets[places[0]])
        made.append(Stack(kind, places, np.asarray(rows), as_array(wanted)))
    return made


def groups(X: Sequence[Any], targets: Sequence[Any]) -> list[tuple[list[int], Any, Any]]:
    """Examples and targets of one structure, with their places; as arrays if all are of one."""
    import numpy as np

    try:  # most are, and looking at each takes longer than all the rest
        arrays = np.array(X, dtype=float), np.array(targets, dtype=float)
    except (TypeError, ValueError):
        found = alike(list(zip(X, targets, strict=True)))
        return [(own, [X[i] for i in own], [targets[i] for i in own]) for own in found]
    return [(list(range(len(X))), *arrays)] if len(X) else []


def alike(items: Sequence[Any]) -> list[list[int]]:
    """The places of items that are of one structure, for each structure."""
    places: dict[Any, list[int]] = {}
    for i, item in enumerate(items):
        places.setdefault(structure(item), []).append(i)
    return list(places.values())


def structure(x: Any) -> Any:
    """How long lists are, and the lists in them; None for what is no list."""
    if not isinstance(x, (list, tuple)):
        return None
    kinds = set(map(type, x))  # which is quicker than to look at each
    if any(issubclass(kind, (list, tuple)) for kind in kinds):
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


# --- Run over all examples ---------------------------------------------------------------------

Kept: TypeAlias = "dict[Any, tuple[Program, Any]]"  # by structure: a program, and what f returned
MOST_USES = 4  # such as: to be predicted by, to be evaluated by two losses, to be diagnosed
KEEPING = Lock()
PROGRAMS: WeakKeyDictionary[Any, dict[Any, Kept]] = WeakKeyDictionary()  # by model and by use


def kept(model: Any, use: Any) -> Kept:
    """Where programs of a model are kept for its next use; nowhere if one cannot be a key."""
    with KEEPING:
        try:
            uses = PROGRAMS.setdefault(model, {})
            found = uses[use] = uses.pop(use, {})  # the last of all
        except TypeError:
            return {}
        if len(uses) > MOST_USES:
            del uses[next(iter(uses))]
        return found


def reference(x: Any) -> Any:
    """What is equal for the same x and does not keep it alive; x itself where that is impossible.

    A function may refer to the model that it is kept with, which would then never end.
    """
    try:
        return ref(x)
    except TypeError:
        return x


def weakly(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function, such as a model, that does not keep f alive, where that is possible."""
    known = reference(f)
    return f if known is f else lambda *given: known()(*given)


def each(
    f: Callable[[Any, Any], Any],
    X: Sequence[Any],
    targets: Sequence[Any],
    programs: Kept | None = None,
) -> list[Any]:
    """The numbers of f(x, target) for each example: lists and tuples of Values as lists of floats.

    By compiled programs; by f itself where Python decides by a number in it, or without NumPy.
    Programs that are kept serve again if f does still the same, which takes a recording to see.
    """
    try:
        return compiled_each(f, X, targets, {} if programs is None else programs)
    except (RecordingError, ImportError):
        results = [f(x, target) for x, target in zip(X, targets, strict=True)]
        return [in_numbers(z, iter([float(v) for v in flattened(z)])) for z in results]


def compiled_each(
    f: Callable[[Any, Any], Any], X: Sequence[Any], targets: Sequence[Any], programs: Kept
) -> list[Any]:
    """The same, by a program for each structure."""
    results: list[Any] = [None] * len(X)
    for stack in stacks(X, targets):
        # Taken out while it runs: threads that share a model have each its own.
        program, form = programs.pop(stack.structure, None) or (None, None)
        if program is None or not is_unchanged(program):
            program, form = recorded(f, stack)
        table = program(stack.X, stack.targets).tolist()
        is_list = isinstance(form, list) and not any(isinstance(z, (list, tuple)) for z in form)
        for place, numbers in zip(stack.places, table, strict=True):
            results[place] = numbers if is_list else in_numbers(form, iter(numbers))
        programs[stack.structure] = program, form
    return results


def recorded(f: Callable[[Any, Any], Any], stack: Stack) -> tuple[Program, Any]:
    """A program that gives all numbers of f(x, target) in a row, and the lists they belong in."""
    forms: list[Any] = []

    def flat(x: Any, target: Any) -> list[Any]:
        result = f(x, target)
        forms[:] = [in_numbers(result, repeat(0.0))]
        return list(flattened(result))

    return stack.record(flat), forms[0]


def is_unchanged(program: Program) -> bool:
    """Whether what was recorded would be recorded again."""
    try:
        program.check_unchanged()
    except RecordingError:
        return False
    return True


def flattened(result: Any) -> Iterator[Any]:
    """The Values in a result, in order."""
    if isinstance(result, (list, tuple)):
        for item in result:
            yield from flattened(item)
    else:
        yield result


def in_numbers(result: Any, numbers: Iterator[float]) -> Any:
    """The next numbers, in the lists in which a result has Values."""
    if not isinstance(result, (list, tuple)):
        return next(numbers)
    if any(issubclass(kind, (list, tuple)) for kind in set(map(type, result))):
        return [in_numbers(item, numbers) for item in result]
    return list(islice(numbers, len(result)))
