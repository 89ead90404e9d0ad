"""Indices: cells of arrays that are numbered as if they were laid end to end; -1 is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from autograd_core.compiler.ir import Array, Cells


def stops_of(sources: Iterable[Array]) -> Cells:
    """Where each array ends."""
    return np.cumsum([x.size for x in sources])


def owned(stops: Cells, index: Cells) -> Iterator[tuple[int, Cells, Cells]]:
    """Each array of which cells are read: its number, at which places of the index, which cells."""
    flat = index.ravel()
    read = np.flatnonzero(flat >= 0)
    owner = np.searchsorted(stops, flat[read], side="right")
    order = np.argsort(owner, kind="stable")
    numbers, starts = np.unique(owner[order], return_index=True)
    for k, some in zip(numbers.tolist(), np.split(order, starts[1:])):
        yield k, read[some], flat[read[some]] - (stops[k - 1] if k else 0)


def boxed(places: Cells, cells: Cells, shape: tuple[int, ...]) -> tuple[list[Cells], Cells]:
    """Cells at places of a shape: the places along each axis, and the cells in these (or -1)."""
    axes = np.unravel_index(places, shape)
    if len(places) == 1:  # of a single number
        return list(axes), cells.reshape([1] * len(shape))
    box, place = list[Cells](), np.zeros(len(places), int)
    for along in axes:
        own, at = np.unique(along, return_inverse=True)
        box.append(own)
        place = place * len(own) + at
    found = np.full(math.prod(map(len, box)), -1)
    found[place] = cells
    return box, found.reshape(list(map(len, box)))


def transposed(index: Cells, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where an index reads all cells of a shape with its axes in another order: in which one."""
    if index.size != math.prod(shape) or index.ndim != len(shape):
        return None
    steps = [int(index.take(1, axis).flat[0] - index.flat[0]) for axis in range(index.ndim)]
    order = tuple(sorted(range(index.ndim), key=lambda axis: -steps[axis]))
    cells = np.arange(index.size).reshape(shape)
    straight = index.transpose(order)
    return order if straight.shape == shape and np.array_equal(straight, cells) else None


def narrow(array: Any, letters: str) -> tuple[Any, str]:
    """An array without the axes along which it repeats, those of length 1 among them."""
    if not array.ndim:
        return array, letters
    for axis in reversed(range(array.ndim if array.size else 0)):
        first = array.take([0], axis)
        if array.shape[axis] == 1 or (array == first).all():
            array, letters = first.squeeze(axis), letters[:axis] + letters[axis + 1 :]
    return np.ascontiguousarray(array).reshape(array.shape), letters


def fingerprint(array: Any) -> Any:
    """What equal arrays have in common; short, for it is kept."""
    return array.shape, array.tobytes() if array.size < 4 else blake2b(array).digest()
