"""Arguments in, as flat arrays of numbers; and numbers out again, in the shape of an argument.

A kind is the structure of an argument, without its numbers and without the examples:
("number", ()), ("list", shape) and ("array", shape) where it is regular, ("items", kinds) for other
lists, ("dict", pairs of a key and a kind), and ("record", pairs of a name and a kind, class) for a
dataclass or a named tuple.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.arrays import ValueArray
from autograd_core.compiler.ir import Floats
from autograd_core.compiler.lists import NUMERIC, regular
from autograd_core.engine import NUMBER, Value
from autograd_core.structures import is_record, names_of

Kind: TypeAlias = "tuple[Any, ...]"
Parts: TypeAlias = "list[NDArray[Any]]"  # numbers in order; where batched, a row for each example

A_NUMBER: Kind = ("number", ())
FLOAT = np.dtype(float)


# --- In --------------------------------------------------------------------------------------


def read_all(
    arguments: Sequence[Any], names: Sequence[str], *, batched: bool
) -> tuple[list[Kind], Parts]:
    """The kinds of all arguments, and their numbers."""
    kinds: list[Kind] = []
    parts: Parts = []
    for x, name in zip(arguments, names):
        if type(x) is np.ndarray and x.dtype is FLOAT and x.ndim and x.size:  # as in most calls
            kinds.append(("array", x.shape[1:] if batched else x.shape))
            parts += flat([x], batched=batched)
        elif type(x) is float and not batched:
            kinds.append(A_NUMBER)
            parts.append(np.array([x]))
        else:
            kind, numbers = read(x, name, batched=batched)
            kinds.append(kind)
            parts += numbers
    return kinds, parts


def flat(arrays: Sequence[Floats], *, batched: bool) -> Parts:
    """Arrays, each as a row, or as one for each example."""
    if batched:
        return [x if x.ndim == 2 else x.reshape(len(x), -1) for x in arrays]
    return [x if x.ndim == 1 else x.ravel() for x in arrays]


def shapes_of(arguments: Sequence[Any]) -> list[tuple[int, ...]] | None:
    """The shapes of arrays of floats; None where not all arguments are."""
    shapes = [x.shape for x in arguments if type(x) is np.ndarray and x.dtype is FLOAT]
    return shapes if len(shapes) == len(arguments) else None


def read(x: Any, place: str, *, batched: bool) -> tuple[Kind, Parts]:
    """The kind of an argument, and its numbers; of a dict, one array for each key."""
    named = by_name(x, place)
    if named is not None:
        found = [read(item, where, batched=batched) for item, where in named.values()]
        return kind_of(x, named, [kind for kind, _ in found]), [y for _, ys in found for y in ys]
    x = listed(x)
    if getattr(x, "shape", ()):
        kind, numbers = read_array(x, place, batched=batched)
    elif batched:
        kind, numbers = read_rows(x, place)
    elif (array := regular(x)) is not None:
        kind, numbers = ("list", array.shape), array.reshape(-1)
    else:
        kind, found_one_by_one = read_one_by_one(x, place)
        numbers = np.array(found_one_by_one, dtype=float)
    return kind, [numbers]


def read_rows(x: Any, place: str) -> tuple[Kind, NDArray[Any]]:
    """The kind that all examples share, and a row of numbers for each."""
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"a batched program takes a row for each example; {place} is {x!r}")
    if not x:
        raise ValueError(f"a batched program needs at least one example; {place} has none")
    if (array := regular(x)) is not None:
        kind = ("list", array.shape[1:]) if array.ndim > 1 else A_NUMBER
        return kind, flat([array], batched=True)[0]
    shape = getattr(x[0], "shape", ())
    if shape and all(is_plain(row) and row.shape == shape for row in x):
        return read_array(np.array(x), place, batched=True)
    rows = [read_one_by_one(row, f"{place}[{i}]") for i, row in enumerate(x)]
    first = rows[0][0]
    for i, (kind, _) in enumerate(rows):
        if kind != first:
            one, other = said(kind), said(first)
            raise ValueError(
                f"{place}: example {i} has another structure than example 0"
                + (f": {one}, not {other}" if one != other else "")  # it may be further inside
                + ". Fill sequences up to one length, and pass a mask too: "
                "where(there, new, old) keeps what was before"
            )
    return first, np.array([numbers for _, numbers in rows], dtype=float)


def said(kind: Kind) -> str:
    """A kind in words, for an error."""
    if kind == A_NUMBER:
        return "a number"
    name, content = {"array": "an array", "items": "a list"}.get(kind[0], f"a {kind[0]}"), kind[1]
    lengths = content if kind[0] in {"list", "array"} else [len(content)]
    return f"{name} of {' x '.join(map(str, lengths))}"


def read_array(x: Any, place: str, *, batched: bool) -> tuple[Kind, NDArray[Any]]:
    """The kind of an array, and its numbers."""
    if is_masked(x):
        raise TypeError(f"{place} has masked numbers, which would come back: fill or drop them")
    array = np.asarray(x)
    if batched and not len(array):
        raise ValueError(f"a batched program needs at least one example; {place} has none")
    if array.dtype.kind not in NUMERIC:
        numbers = [
            number(array[index], f"{place}[{', '.join(map(str, index))}]")
            for index in np.ndindex(*array.shape)
        ]
        array = np.array(numbers, dtype=float).reshape(array.shape)
    shape = array.shape[1:] if batched else array.shape
    return ("array", shape), flat([array], batched=batched)[0]


def is_masked(x: Any) -> bool:
    """Whether an array leaves some of its numbers out."""
    return isinstance(x, np.ma.MaskedArray) and bool(np.any(x.mask))


def is_plain(x: Any) -> bool:
    """Whether this is an array of numbers, and no more than that."""
    return type(x) is np.ndarray and x.dtype.kind in NUMERIC


def read_one_by_one(x: Any, place: str) -> tuple[Kind, list[float]]:
    """The same for what is not regular, or not numbers alone, naming the place that is wrong."""
    named = by_name(x, place)
    if named is not None:
        found = [read_one_by_one(item, where) for item, where in named.values()]
        return kind_of(x, named, [kind for kind, _ in found]), [y for _, ys in found for y in ys]
    x = listed(x)
    if isinstance(x, (list, tuple)):
        items = [read_one_by_one(item, f"{place}[{i}]") for i, item in enumerate(x)]
        return list_of([kind for kind, _ in items]), [number for _, xs in items for number in xs]
    if getattr(x, "shape", ()):
        kind, array = read_array(x, place, batched=False)
        return kind, array.tolist()
    return A_NUMBER, [number(x, place)]


def by_name(x: Any, place: str) -> dict[Any, tuple[Any, str]] | None:
    """The items of a dict or a record, and the place of each; None for what has no names."""
    if isinstance(x, dict):
        return {key: (item, f"{place}[{key!r}]") for key, item in x.items()}
    if is_record(x):
        return {name: (getattr(x, name), f"{place}.{name}") for name in names_of(x)}
    return None


def kind_of(x: Any, names: Iterable[Any], kinds: Sequence[Kind]) -> Kind:
    """The kind of a dict or a record."""
    pairs = tuple(zip(names, kinds, strict=True))
    return ("dict", pairs) if isinstance(x, dict) else ("record", pairs, type(x))


def listed(x: Any) -> Any:
    """An array of lists, of any lengths, as a list of them; anything else as it is."""
    several = isinstance(x, np.ndarray) and x.dtype.kind == "O" and any(map(holds_items, x.flat))
    return x.tolist() if several else x


def holds_items(x: Any) -> bool:
    """Whether this is no number, but a structure of them."""
    return isinstance(x, (list, tuple, dict)) or bool(getattr(x, "shape", ()))


def list_of(kinds: Sequence[Kind]) -> Kind:
    """The kind of a list of items of these kinds."""
    if not kinds or set(kinds) == {A_NUMBER}:
        return ("list", (len(kinds),))
    if len(set(kinds)) == 1 and kinds[0][0] == "list":
        return ("list", (len(kinds), *kinds[0][1]))
    return ("items", tuple(kinds))


def number(x: Any, place: str) -> float:
    """The number, or a TypeError that names its place."""
    if isinstance(x, NUMBER):
        return float(x)
    if isinstance(x, Value):
        return x.data
    scalar = getattr(x, "shape", None) == () and not is_masked(x)
    if scalar and np.asarray(x).dtype.kind in NUMERIC:
        return float(x)
    raise TypeError(
        f"a program takes numbers, lists and arrays of them, dicts and dataclasses; {place} is "
        f"{x!r}, of type {type(x).__name__}"
    )


def examples(parts: Parts) -> int:
    """How many examples the arguments have."""
    if not parts:
        raise ValueError("a batched program needs an argument, to know the number of examples")
    n = len(parts[0])
    for part in parts:
        if len(part) != n:
            counts = list(map(len, parts))
            raise ValueError(f"the arguments have different numbers of examples: {counts}")
    return n


# --- Out again -------------------------------------------------------------------------------


def make(kind: Kind, form: Callable[[str, tuple[int, ...]], Any]) -> Any:
    """An argument of a kind: `form` makes its numbers, regular lists and arrays, one by one."""
    sort, inside, *own = kind
    if sort == "items":
        return [make(item, form) for item in inside]
    if sort not in {"dict", "record"}:
        return form(sort, inside)
    items = {name: make(item, form) for name, item in inside}
    return own[0](**items) if own else items


def of_values(values: Iterator[Value], kinds: Iterable[Kind]) -> list[Any]:
    """Arguments with the next one of some Values in place of each number."""

    def form(sort: str, shape: tuple[int, ...]) -> Any:
        array = np.empty(math.prod(shape), dtype=object)
        array[:] = list(islice(values, array.size))
        array = array.reshape(shape)
        return array.view(ValueArray)[()] if sort == "array" else array.tolist()

    return [make(kind, form) for kind in kinds]


def of_numbers(flat: Floats, kinds: Iterable[Kind]) -> tuple[Any, ...]:
    """Numbers in the shapes of arguments; arrays for lists that are regular.

    Where flat has a row for each example, so has each array.
    """
    start = 0

    def form(sort: str, shape: tuple[int, ...]) -> Any:
        nonlocal start
        start, some = start + math.prod(shape), slice(start, start + math.prod(shape))
        found = flat[..., some].reshape((*flat.shape[:-1], *shape))
        return found if found.ndim else float(found)

    return tuple([make(kind, form) for kind in kinds])


def labels(kinds: Iterable[Kind], names: Iterable[str]) -> Iterator[str]:
    """What the numbers in all arguments are called, in the order of `make`."""
    return chain.from_iterable(map(labels_in, kinds, names))


def labels_in(kind: Kind, label: str) -> Iterator[str]:
    """The same in one argument."""
    if kind[0] == "array":
        for place in np.ndindex(*kind[1]):
            yield f"{label}[{','.join(map(str, place))}]" if place else label
    elif kind[0] in {"number", "list"}:
        for place in np.ndindex(*kind[1]):
            yield label + "".join([f"[{i}]" for i in place])
    else:
        form = "{}.{}" if kind[0] == "record" else "{}[{}]"
        named = enumerate(kind[1]) if kind[0] == "items" else kind[1]
        for name, item in named:
            yield from labels_in(item, form.format(label, name))
