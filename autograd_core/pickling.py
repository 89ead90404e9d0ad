"""How graphs are copied and travel to other processes: ops by name, Values after their parents."""

from __future__ import annotations

import copy
import sys
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from importlib import import_module
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from types import ModuleType

    from autograd_core.engine import Op, Value

# --- Ops -------------------------------------------------------------------------------------

Name: TypeAlias = "tuple[Callable[..., Op], tuple[Any, ...]]"


def by_name(op: Op) -> Name:
    """What pickle stores of an op: a function to call for it, and the arguments.

    It is the name that the op has in the module where its rules were written; or the function
    there that makes it, and always the same one from the same arguments, such as `power`.
    """
    for rule in (op.partials, op.array, op.value):
        module = sys.modules.get(getattr(rule, "__module__", None) or "")
        if module:
            for found in (*names(op, module), *makers(op, module, rule)):
                return found
    raise TypeError(
        f"the op {op.name} cannot be pickled, nor can a Value that it made: its rules are "
        "functions, and it has no name in the module they were written in. Assign it to one at "
        "the top of a module; or send numbers, a model, or the function that builds the graph."
    )


def names(op: Op, module: ModuleType) -> Iterator[Name]:
    """The op as what a variable of a module holds."""
    for name, held in vars(module).items():
        if held is op:
            yield named, (module.__name__, name)


def makers(op: Op, module: ModuleType, rule: Any) -> Iterator[Name]:
    """The op as what a function of a module gives for the numbers that the rule closes over."""
    maker = getattr(module, getattr(rule, "__qualname__", "").partition(".<locals>")[0], None)
    closure = getattr(rule, "__closure__", None)
    if callable(maker) and closure:
        arguments = tuple([cell.cell_contents for cell in closure])
        if all(isinstance(x, (str, int, float)) for x in arguments) and maker(*arguments) is op:
            yield maker, arguments


def named(module: str, name: str) -> Op:
    """The op of that name, where it was pickled by it."""
    op: Op = getattr(import_module(module), name)
    return op


# --- Values ----------------------------------------------------------------------------------

IN_ORDER: set[int] = set()  # the threads in which pickle is given a history in order


def state_of(v: Value) -> tuple[Any, dict[str, Any]]:
    """What pickle stores of a Value."""
    state: Any = object.__getstate__(v)
    attributes, slots = state
    return attributes, slots | {"parents": v.parents and Parents(v.parents)}


class Parents(tuple["Value", ...]):
    """The parents of a Value, pickled after all that they came from.

    Left to itself, pickle would go from a Value to its parents, to theirs, and so on: too deep.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        if get_ident() in IN_ORDER:
            return tuple, (list(self),)
        return second, (Past(self), list(self))


class Past:
    """What some parents came from: pickle meets it, and forgets it again when it is read."""

    def __init__(self, parents: Iterable[Value]) -> None:
        self.parents = parents

    def __reduce__(self) -> tuple[Any, ...]:
        return deque, ((), 0), None, self.in_order()

    def in_order(self) -> Iterator[Value]:
        """Every Value after its parents; meanwhile, they are known to pickle."""
        known: dict[int, Value] = {}
        IN_ORDER.add(get_ident())
        try:
            for v in history(self.parents, known):
                known[id(v)] = v
                yield v
        finally:
            IN_ORDER.discard(get_ident())


def second(_: object, parents: list[Value]) -> tuple[Value, ...]:
    """The parents, when their history has been read."""
    return tuple(parents)


def deep_copy(root: Value, memo: dict[int, Value]) -> Value:
    """A copy of a Value and of all that it came from, for copy.deepcopy."""
    for v in history([root], memo):
        memo[id(v)] = twin = object.__new__(type(v))
        twin.data, twin.grad, twin.label = v.data, v.grad, v.label
        twin.op, twin.partials = v.op, v.partials
        twin.parents = tuple([memo[id(p)] for p in v.parents])
        attributes, _ = state_of(v)
        if attributes:
            vars(twin).update(copy.deepcopy(attributes, memo))
    return memo[id(root)]


def history(values: Iterable[Value], known: Container[int]) -> Iterator[Value]:
    """Values after all that they came from, but for those known, by id, when it is their turn."""
    path = list(values)  # no recursion: histories are deep
    while path:
        v = path.pop()
        missing = [p for p in v.parents if id(p) not in known]
        if missing:
            path += [v, *missing]
        elif id(v) not in known:
            yield v
