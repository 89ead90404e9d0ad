"""Blocks: which pairs of left and right factors are combined each with each, and grids of cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from autograd_core.compiler.ir import Cells

Pair: TypeAlias = "tuple[int, int]"  # a row and a column
Sides: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"  # the left factors, and the right ones


@dataclass(slots=True)
class Block:
    """Rows and columns that are combined, each with each; the member for each combination."""

    rows: list[int]
    columns: list[int]
    members: dict[Pair, int]


def blocks(pairs: Sequence[Pair], n_rows: int) -> list[Block]:
    """Split pairs (row, column) into blocks that are full, or at least half full."""
    if len(set(pairs)) < len(pairs):  # some pair is there twice
        return [single(pair, m) for m, pair in enumerate(pairs)]
    leader = components(pairs, n_rows)
    found: defaultdict[int, dict[Pair, int]] = defaultdict(dict)
    for m, (row, column) in enumerate(pairs):
        found[leader[row]][row, column] = m
    result = []
    for members in found.values():
        rows = list(dict.fromkeys([row for row, _ in members]))
        columns = list(dict.fromkeys([column for _, column in members]))
        if 2 * len(members) >= len(rows) * len(columns):
            result.append(Block(rows, columns, members))
        else:
            result += [single(pair, m) for pair, m in members.items()]
    return result


def single(pair: Pair, member: int) -> Block:
    """A block of one row and one column."""
    return Block([pair[0]], [pair[1]], {pair: member})


def components(pairs: Sequence[Pair], n_rows: int) -> list[int]:
    """For each row, the first of the rows that are linked to it by columns they share."""
    leader = list(range(n_rows))

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    row_of: dict[int, int] = {}
    for row, column in pairs:
        a, b = find(row), find(row_of.setdefault(column, row))
        leader[max(a, b)] = min(a, b)
    return [find(row) for row in range(n_rows)]


def together(lengths: Sequence[int]) -> list[list[int]]:
    """Which sums to compute as one: all, where at most half of it is filling; else by length."""
    if max(lengths) * len(lengths) <= 2 * sum(lengths) + len(lengths):
        return [list(range(len(lengths)))]
    found: defaultdict[int, list[int]] = defaultdict(list)
    for m, length in enumerate(lengths):
        found[length].append(m)
    return list(found.values())


def tables(rows: Sequence[Sequence[int]], filling: int) -> Iterator[tuple[list[int], Cells]]:
    """Rows as tables, each with which rows it has; shorter ones are filled up."""
    for some in together(list(map(len, rows))):
        width = max([len(rows[m]) for m in some])
        yield some, np.array([(*rows[m], *[filling] * (width - len(rows[m]))) for m in some])


def filled(sides: list[Sides]) -> list[Sides]:
    """The factors of sums of products, all as long as can be.

    A sum whose right factors are among those of a longer one takes them all; the left factor of
    one that it did not have is -1, which reads 0.
    """
    lengths = [len(left) for left, _ in sides]
    if len(set(lengths)) == 1 or len(together(lengths)) > 1:
        return sides
    sides = list(sides)
    home: dict[int, tuple[int, ...]] = {}  # for each right factor, the first sum that has it
    for m in sorted(range(len(sides)), key=lambda m: -lengths[m]):
        left, right = sides[m]
        whole = home.get(right[0], right)
        if len(right) < len(whole) and len(set(right)) == len(right) and set(right) <= set(whole):
            place = {y: i for i, y in enumerate(whole)}
            factors = [-1] * len(whole)
            for x, y in zip(left, right):
                factors[place[y]] = x
            sides[m] = tuple(factors), whole
        for y in right:
            home.setdefault(y, right)
    return sides


def common_grid(columns: Sequence[Cells], n: int) -> tuple[int, ...]:
    """The shape in which every column of n cells is regular: (n,), or rows of equal length."""
    lengths = {run_length(column) for column in columns} - {n}
    if len(lengths) == 1 and n % (length := lengths.pop()) == 0:
        return (n // length, length)
    return (n,)


def run_length(column: Cells) -> int:
    """How many cells go on at the first one's pace."""
    if len(column) < 3:
        return len(column)
    paces = np.diff(column)
    breaks = np.flatnonzero(paces != paces[0])
    return int(breaks[0]) + 1 if len(breaks) else len(column)
