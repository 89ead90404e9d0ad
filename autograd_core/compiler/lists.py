"""Nested lists as arrays, where all items are numbers and the lists of a level are as long."""

from __future__ import annotations

import marshal
from itertools import chain
from typing import Any

import numpy as np

from autograd_core.compiler.ir import Floats

NUMERIC = "fiub"  # NumPy's letters for float, int, unsigned, bool
FLOAT = np.dtype([("kind", "S1"), ("number", "<f8")])  # as `marshal` writes one, its kind being "g"


def regular(x: Any) -> Floats | None:
    """Nested lists of one shape as an array; None for others, and where not all are numbers."""
    found = floats(x) if type(x) is list and x else None
    return nested(x) if found is None else found


def floats(x: list[Any]) -> Floats | None:
    """A list of floats, or rows of floats of one length, as an array; None for anything else.

    `marshal` writes a list down as "[", its length and the items, each after a letter for its kind:
    that is twice as quick as NumPy, and one look tells whether all of them are floats.
    """
    in_rows = type(x[0]) is list
    row = x[0] if in_rows else x
    if not row or type(row[0]) is not float:
        return None
    head = b"[" + len(row).to_bytes(4, "little")
    rows = np.dtype([("head", "S5"), ("items", FLOAT, (len(row),))])
    try:
        written = marshal.dumps(x, 2)
    except ValueError:  # there is what it does not know
        return None
    start = len(head) * in_rows
    if len(written) != start + (len(x) if in_rows else 1) * rows.itemsize:
        return None
    found = np.frombuffer(written, rows, offset=start)
    if not ((found["head"] == head).all() and (found["items"]["kind"] == b"g").all()):
        return None
    table = np.array(found["items"]["number"], dtype=float)
    return table if in_rows else table[0]


def nested(x: Any) -> Floats | None:
    """The same for any numbers, and lists in lists in lists.

    Whether all are numbers is left to NumPy, which makes NaN of one that is masked.
    """
    if not isinstance(x, (list, tuple)):
        return None
    depth, level = 1, list(x)
    while level and isinstance(level[0], (list, tuple)):
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
