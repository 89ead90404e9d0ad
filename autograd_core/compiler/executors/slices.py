"""Cells of an array as slices and reshapes, which XLA makes part of what reads them.

A gather by an index costs XLA far more. All of this is for one example: `jax.vmap` adds the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autograd_core.compiler.ir import Cells
from autograd_core.compiler.memory import regular

Piece: TypeAlias = "tuple[Any, Cells]"  # numbers in the shape of an index, and the index

Placed: TypeAlias = "tuple[Axes, Any]"  # numbers with an axis for each of theirs

FEW = 16  # slices that are stacked, where windows overlap


class Axes(NamedTuple):
    """The axes of an index along which it moves, the largest step first; it starts at a cell."""

    start: int
    places: tuple[int, ...]
    lengths: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def stop(self) -> int:
        """The cell at which the axis of the largest step would end."""
        return self.start + (self.lengths[0] * self.steps[0] if self.steps else 1)

    @property
    def apart(self) -> bool:
        """Whether each axis stays within a step of the one before, so that no cell comes twice."""
        inner = [n * step for n, step in zip(self.lengths, self.steps)][1:]
        return all(room <= step for room, step in zip(inner, self.steps))


def axes_of(index: Cells) -> Axes | None:
    """The axes of an index; None where it is irregular."""
    home = regular(0, index)
    if home is None or not index.size:
        return None
    places = [a for a, n in enumerate(index.shape) if n > 1 and home.strides[a]]
    places.sort(key=lambda a: -home.strides[a])
    lengths, steps = [index.shape[a] for a in places], [home.strides[a] for a in places]
    return Axes(home.start, tuple(places), tuple(lengths), tuple(steps))


# --- Gather ----------------------------------------------------------------------------------


def taken(flat: Any, index: Cells) -> Any:
    """The cells of an index, in its shape; those at -1 are 0."""
    axes = axes_of(index)
    if axes is None:
        places = np.where(index < 0, flat.shape[0], index)
        return flat.at[places].get(mode="fill", fill_value=0.0)
    if not axes.apart:
        return windows(flat, index, axes)
    found = split(flat[axes.start :], axes).transpose(np.argsort(axes.places))
    shape = [n if a in axes.places else 1 for a, n in enumerate(index.shape)]
    return jnp.broadcast_to(found.reshape(shape), index.shape)


def split(x: Any, axes: Axes) -> Any:
    """The cells at the steps of the axes, with an axis for each."""
    for place, (n, step) in enumerate(zip(axes.lengths, axes.steps)):
        x = fitted(x, place, n * step).reshape(*x.shape[:place], n, step)
    return x[..., 0]


def fitted(x: Any, axis: int, length: int, before: int = 0) -> Any:
    """An array cut or filled up with zeros to a length, with so many of them before it."""
    x = x[(*[slice(None)] * axis, slice(0, length - before))]
    after = length - before - x.shape[axis]
    if not (before or after):
        return x
    return jnp.pad(x, [(before, after) if a == axis else (0, 0) for a in range(x.ndim)])


def windows(flat: Any, index: Cells, axes: Axes) -> Any:
    """The same where cells come several times: a stack of slices, or a gather of many."""
    axis = min(axes.places, key=lambda a: index.shape[a])
    if index.shape[axis] > FEW:
        return flat[index]
    return jnp.stack([taken(flat, part) for part in np.moveaxis(index, axis, 0)], axis)


# --- Scatter ---------------------------------------------------------------------------------


def scattered(pieces: Sequence[Piece], size: int) -> Any:
    """The sum of pieces, each at the cells of its index, and zeros elsewhere."""
    known = []
    for x, index in pieces:
        axes = axes_of(index)
        if axes is None or not is_whole(axes, index):
            return added(pieces, size)
        others = [a for a in range(index.ndim) if a not in axes.places]
        known.append((axes, x.transpose(*axes.places, *others).reshape(axes.lengths)))
    return laid(known, size)


def is_whole(axes: Axes, index: Cells) -> bool:
    """Whether an index has every cell once, in places of its own."""
    return axes.apart and len(axes.places) == sum([n > 1 for n in index.shape])


def laid(pieces: Sequence[Placed], size: int) -> Any:
    """Pieces laid end to end, those that mix as rows if they can be, or else added up."""
    parts, stop = [], 0
    for group in mixed(sorted(pieces, key=lambda piece: piece[0].start)):
        start, end = group[0][0].start, min(max([axes.stop for axes, _ in group]), size)
        parts.append(jnp.zeros(start - stop, pieces[0][1].dtype))
        parts.append(rows(group, start, end) if are_rows(group) else summed(group, start, end))
        stop = end
    parts.append(jnp.zeros(size - stop, pieces[0][1].dtype))
    return jnp.concatenate([part for part in parts if part.size])


def mixed(pieces: Iterable[Placed]) -> Iterator[list[Placed]]:
    """Pieces in order, those together that lie among each other."""
    group: list[Placed] = []
    stop = 0
    for piece in pieces:
        if group and piece[0].start >= stop:
            yield group
            group = []
        group.append(piece)
        stop = max(stop, piece[0].stop)
    yield group


def are_rows(group: Sequence[Placed]) -> bool:
    """Whether all of these have a part in each of the same rows."""
    first, *_ = [axes for axes, _ in group]
    alike = {(axes.lengths[:1], axes.steps[:1]) for axes, _ in group}
    if len(alike) > 1 or not first.steps:
        return False
    return all(in_row(axes, first.start).stop <= first.steps[0] for axes, _ in group)


def in_row(axes: Axes, start: int) -> Axes:
    """The axes within a row, where rows start at a cell."""
    return Axes(axes.start - start, axes.places[1:], axes.lengths[1:], axes.steps[1:])


def rows(group: Sequence[Placed], start: int, end: int) -> Any:
    """Pieces that have parts in rows, row by row."""
    step, within = group[0][0].steps[0], [in_row(axes, start) for axes, _ in group]
    row = jax.vmap(lambda *xs: laid(list(zip(within, xs)), step))
    return fitted(row(*[x for _, x in group]).reshape(-1), 0, end - start)


def summed(group: Sequence[Placed], start: int, end: int) -> Any:
    """Pieces added up, each with zeros between and around its cells."""
    return sum([spread(axes, x, axes.start - start, end - start) for axes, x in group])


def spread(axes: Axes, x: Any, before: int, length: int) -> Any:
    """A piece at its cells, with zeros between and around them."""
    x = x[..., None]
    for place, step in reversed(list(enumerate(axes.steps))):
        x = fitted(x, place + 1, step).reshape(*axes.lengths[:place], axes.lengths[place] * step)
    return fitted(x, 0, length, before)


def added(pieces: Sequence[Piece], size: int) -> Any:
    """The same for any cells, which XLA does one by one."""
    total = jnp.zeros(size, pieces[0][0].dtype)
    for piece, index in pieces:
        total = total.at[np.where(index < 0, size, index)].add(piece, mode="drop")
    return total
