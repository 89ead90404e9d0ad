"""Nested lists as arrays, where all items are numbers and the lists of a level are as long.

That takes longer than many a program: any look at each item of a list takes Python 5 ns or more.
Floats are read at 12 ns each, or 20 in rows of two, where NumPy takes 20, or 60. An array costs
nothing.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from autograd_core.compiler.ir import Floats

NUMERIC = "fiub"  # NumPy's letters for float, int, unsigned, bool
DEEPEST = 64  # axes, of which NumPy takes no more
HEAD, ITEM = 5, 9  # bytes, as `marshal` writes: a list's kind and its length; "g" and a float
PIECE = 1 << 14  # floats at a time, so that what is written stays in the cache


def regular(x: Any) -> Floats | None:
    """Nested lists of one shape as an array; None for others, and where not all are numbers."""
    found = floats(x)
    return nested(x) if found is None else found


def floats(x: Any) -> Floats | None:
    """Nested lists of floats, all of one shape, as an array; None for anything else.

    `marshal` writes down of what kind each item is: that is the quickest look at all of them.
    """
    shape = lengths(x)
    if not shape:
        return None
    try:
        table = np.empty(shape)
    except (MemoryError, ValueError):  # the first lists are long, others must be shorter
        return None
    at_once = max(1, PIECE // prod(shape[1:]))
    for i in range(0, len(x), at_once):
        if not read(x[i : i + at_once], table[i : i + at_once]):
            return None
    return table


def lengths(x: Any) -> list[int]:
    """The lengths of the first list of each level; none where no float is at its end."""
    found: list[int] = []
    while type(x) in (list, tuple) and x and len(found) < DEEPEST:
        found.append(len(x))
        x = x[0]
    return found if type(x) is float else []


def read(x: Any, table: Floats) -> bool:
    """Put floats into a table; False where they are no such, or in lists of another shape."""
    try:
        written = marshal.dumps(x, 2)
    except ValueError:  # there is what it does not know
        return False
    shape, steps = table.shape, [ITEM]  # from one item to the next, in the lists of each level
    for n in reversed(shape):
        steps.insert(0, HEAD + n * steps[0])
    whole, *steps = steps
    levels = range(1, len(shape))
    if len(written) != whole or not all(alike(written, shape, steps, i) for i in levels):
        return False
    first = HEAD * len(shape)
    kinds = np.ndarray(shape, "u1", written, first, steps)
    if kinds.tobytes() != b"g" * table.size:
        return False
    table[...] = np.ndarray(shape, "<f8", written, first + 1, steps)
    return True


def alike(written: bytes, shape: Sequence[int], steps: Sequence[int], level: int) -> bool:
    """Whether all items of a level are lists, or all tuples, of the length that the shape has."""
    first, outer = HEAD * level, shape[:level]
    head = written[first : first + 1] + shape[level].to_bytes(4, "little")
    heads = np.ndarray((*outer, HEAD), "u1", written, first, (*steps[:level], 1))
    return head[:1] in b"[(" and heads.tobytes() == head * prod(outer)


def nested(x: Any) -> Floats | None:
    """The same for any numbers, and lists in lists in lists.

    Whether all are numbers is left to NumPy, which makes NaN of one that is masked.
    """
    if not isinstance(x, (list, tuple)):
        return None
    depth, level = 1, list(x)
    while level and isinstance(level[0], (list, tuple)) and depth <= DEEPEST:
        if not set(map(type, level)) <= {list, tuple}:
            return None
        depth += 1
        inner = level[0][0] if level[0] else None
        level = list(chain.from_iterable(level)) if isinstance(inner, (list, tuple)) else []
    try:
        array = np.array(x)
    except (ValueError, UserWarning):  # of several shapes; masked
        return None
    if array.ndim != depth or array.dtype.kind not in NUMERIC or np.isnan(array).any():
        return None
    return array.astype(float, copy=False)
