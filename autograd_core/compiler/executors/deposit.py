"""Numbers put into the cells of a buffer, or added there: one call, the quickest that NumPy has."""

from __future__ import annotations

from functools import partial

import numpy as np

from autograd_core.compiler.executors.contract import Call
from autograd_core.compiler.ir import Cells, Floats
from autograd_core.compiler.memory import regular, view_of


def deposit(buffer: Floats, cells: Cells, source: Floats, *, add: bool) -> Call:
    """The call buffer[cells] = source, or +=; a cell may be there several times; at -1 is none."""
    flat, rest = cells.ravel(), buffer.shape[1:]
    keep = np.flatnonzero(flat >= 0)
    distinct = np.unique(flat[keep]).size == keep.size
    home = regular(0, cells) if distinct else None
    if home is not None:
        target = view_of(buffer, home, (*cells.shape, *rest))
        return (
            partial(np.add, target, source, target) if add else partial(np.copyto, target, source)
        )
    whole = np.broadcast_to(source, (*cells.shape, *rest))
    if distinct:
        order = keep[np.argsort(flat[keep])]
        places = run_of(flat[order])

        def put() -> None:
            numbers = whole.reshape(-1, *rest).take(order, 0)
            if add:
                numbers += buffer[places]
            buffer[places] = numbers

        return put
    if not rest and buffer.size < 8 * flat.size:
        counted = np.where(flat < 0, buffer.size, flat)  # one place more, for what belongs nowhere
        return partial(count_up, buffer, counted, whole, np.unique(flat[keep]), add=add)
    order = keep[np.argsort(flat[keep], kind="stable")]
    found, starts = np.unique(flat[order], return_index=True)

    def add_up() -> None:
        summed = np.add.reduceat(whole.reshape(-1, *rest)[order], starts, axis=0)
        buffer[found] = buffer[found] + summed if add else summed

    return add_up


def run_of(cells: Cells) -> Cells | slice:
    """Cells in order; as a slice, which is quicker, where they follow each other."""
    first, last = (int(cells[0]), int(cells[-1])) if cells.size else (0, -1)
    return slice(first, last + 1) if last - first + 1 == cells.size else cells


def count_up(buffer: Floats, cells: Cells, source: Floats, found: Cells, *, add: bool) -> None:
    """The same where there are no examples: as a histogram, which is quick."""
    summed = np.bincount(cells, source.ravel(), buffer.size + 1)
    if add:
        buffer += summed[:-1]
    else:
        buffer[found] = summed[found]
