"""Tables from text files: separator, header, target and classes are found, or an error says where.

A table has a row for each example, a column for each input, and one for the target.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

Label: TypeAlias = "float | str"

SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "spaces"}
TARGETS = ("y", "target", "label", "labels", "class", "classes", "category", "species", "outcome")
COUNTERS = ("#1", "unnamed: 0", "id", "index")  # columns that programs number the rows in
MISSING = ("", "?", "na", "n/a", "nan", "null")
MOST_CLASSES = 100  # each costs an output, and a number for every example
SAMPLE = 100  # rows by which separator and header are found


@dataclass(frozen=True)
class Table:
    """Inputs by the names of their columns, and a target for each row: numbers, or names."""

    inputs: list[str]
    X: list[list[float]]
    target: str
    y: list[Label]
    layout: str

    def classes(self, *, wanted: bool | None = None) -> list[Label]:
        """The classes among the targets in order; none where the targets are measurements.

        Names are classes. Of numbers, two are if they are 0 and 1, 1 and 2, or -1 and 1; more are
        if they count from 0 or 1 and each is there twice in the mean. `wanted` decides otherwise:
        all that differ are classes, or none. Raises ValueError where that cannot be.
        """
        known = sorted(set(self.y))  # which are all numbers, or all names
        named, k = isinstance(known[0], str), len(known)
        if k == 1:
            alone = f"{column(self.target)} is {shown(known[0])} in every row"
            raise ValueError(f"{alone}: there is nothing to learn")
        if wanted is False and named:
            raise ValueError(f"{column(self.target)} has names, and the loss is for numbers")
        if wanted is False or not (wanted or named or are_labels(known, len(self.y))):
            return []
        if k > MOST_CLASSES:
            advice = "" if named else ": --loss mse takes any numbers"
            raise ValueError(
                f"{column(self.target)} has {k:,} different targets, and at most {MOST_CLASSES} "
                f"classes are told apart{advice}"
            )
        return known


def are_labels(known: Sequence[Label], n: int) -> bool:
    """Whether the different numbers in a column of n look like labels."""
    k = len(known)
    counted = known in (list(range(k)), list(range(1, k + 1)))
    if k == 2:
        return counted or known == [-1, 1]
    return counted and 2 < k <= MOST_CLASSES and 2 * k <= n


def read_table(path: Path, target: str | None = None) -> Table:
    """The table in a text file; ValueError names the file, the line and the column at fault.

    The target is the column of the given name or number (from 1), else the one that is called y,
    target, label, class or the like, else the last. Other columns hold numbers. A column that
    numbers the rows and is called so, or not at all, is left out.
    """
    separator, lines, rows = read_rows(path)
    header = bool(rows) and is_header(rows)
    names = name_columns(path, rows[0] if header else [""] * len(rows[0] if rows else ()))
    if header:
        del rows[0], lines[0]
    if not rows:
        raise ValueError(f"{path} has no rows{' below its header' * header}")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(names):
            what = "header names" if header else "first row has"
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise ValueError(f"{path}, line {line}: {cells} where the {what} {len(names)}")
    place = find_target(path, names, target)
    places = [j for j in range(len(names)) if j != place]
    X = [
        [to_number(row[j], path, line, names[j]) for j in places]
        for line, row in zip(lines, rows, strict=True)
    ]
    y = to_targets([row[place] for row in rows], path, lines, names[place])
    layout = f"separated by {SEPARATORS[separator]}" + ", without a header" * (not header)
    table = Table([names[j] for j in places], X, names[place], y, layout)
    return without_counter(table) if header else table


# --- Rows of cells ----------------------------------------------------------------------------


def read_rows(path: Path) -> tuple[str, list[int], list[list[str]]]:
    """The separator, and the rows that are not empty with the lines that they end on."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError:
        raise ValueError(f'{path} is not a text in UTF-8: save it as "CSV UTF-8"') from None
    separator = find_separator(text)
    lines, rows = [], []
    try:
        for line, row in split(text, separator):
            lines.append(line)
            rows.append(row)
    except csv.Error as error:
        raise ValueError(f"{path} is not a table: {error}") from None
    return separator, lines, rows


def split(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text with their lines; spaces in a row count as one."""
    source: Iterator[str] = io.StringIO(text, newline="")
    if separator == " ":
        source = (line.strip() for line in source)
    reader = csv.reader(source, delimiter=separator, skipinitialspace=separator == " ")
    for row in reader:
        if len(row) > 1 or "".join(row).strip():
            yield reader.line_num, row


def find_separator(text: str) -> str:
    """The separator by which the first rows are equally long, or else hold the most numbers."""
    found, best = ",", (False, -1)
    for separator in SEPARATORS:
        try:
            rows = [row for _, row in islice(split(text, separator), SAMPLE)]
        except csv.Error:
            continue
        widths = Counter([len(row) for row in rows])
        numbers = len([cell for row in rows for cell in row if is_number(cell)])
        fit = (len(widths) == 1 and numbers > 0, numbers)
        if rows and widths.most_common(1)[0][0] > 1 and fit > best:
            found, best = separator, fit
    return found


def is_number(cell: str) -> bool:
    """Whether a cell holds a number; Python's underscores are none of a table's."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds no number, or a name above numbers."""
    first, below = rows[0], rows[1:SAMPLE]
    if not any(map(is_number, first)):
        return True
    for j, cell in enumerate(first):
        numbers = [is_number(row[j]) for row in below if j < len(row)]
        named = not is_number(cell) and cell.strip().casefold() not in MISSING
        if named and 2 * sum(numbers) > len(numbers):
            return True
    return False


# --- Columns ----------------------------------------------------------------------------------


def name_columns(path: Path, header: Sequence[str]) -> list[str]:
    """The names in a header, each once; a column without one is called by its number."""
    names = [name.strip() for name in header]
    if len(names) < 2:
        raise ValueError(
            f"{path} needs columns of inputs and one of targets, separated by commas, semicolons, "
            f"tabs or spaces; it has {'one column' if names else 'no rows'}"
        )
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if twice:
        raise ValueError(f"{path}: two columns are named {shown(twice[0])}")
    return [name or f"#{j}" for j, name in enumerate(names, 1)]


def find_target(path: Path, names: Sequence[str], target: str | None) -> int:
    """Where the column of targets stands."""
    if target is None:
        lower = [name.casefold() for name in names]
        return next((lower.index(name) for name in TARGETS if name in lower), len(names) - 1)
    if target in names:
        return names.index(target)
    if re.fullmatch("[0-9]{1,9}", target) and 1 <= int(target) <= len(names):
        return int(target) - 1
    raise ValueError(f"{path} has no column {shown(target)} for a target; it has {shown(names)}")


def without_counter(table: Table) -> Table:
    """The table without a first column of inputs that only numbers the rows."""
    numbers, called = [x[0] for x in table.X], table.inputs[0].casefold() in COUNTERS
    counted = any(numbers == list(range(start, start + len(numbers))) for start in (0, 1))
    if not (called and counted and len(table.inputs) > 1 and len(numbers) > 2):
        return table
    return Table(
        table.inputs[1:],
        [x[1:] for x in table.X],
        table.target,
        table.y,
        f"{table.layout}, {column(table.inputs[0])} left out: it numbers the rows",
    )


# --- Cells ------------------------------------------------------------------------------------


def to_number(cell: str, path: Path, line: int, name: str) -> float:
    """The finite number written in a cell."""
    where = f"{path}, line {line}, {column(name)}"
    if cell.strip().casefold() in MISSING:
        raise ValueError(f"{where}: the number is missing{f' ({shown(cell)})' * bool(cell)}")
    if not is_number(cell):
        point = re.fullmatch(r"\s*[+-]?\d*,\d+\s*", cell)
        advice = ": decimals are written with a point" if point else ""
        raise ValueError(f"{where}: {shown(cell)} is not a number{advice}")
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(f"{where}: {shown(cell)} is not finite")
    return number


def to_targets(cells: Sequence[str], path: Path, lines: Sequence[int], name: str) -> list[Label]:
    """Numbers, or names, of which none is a number."""
    numbers = [is_number(cell) for cell in cells]
    if 2 * sum(numbers) >= len(cells):
        return [to_number(cell, path, line, name) for cell, line in zip(cells, lines, strict=True)]
    for cell, line, number in zip(cells, lines, numbers, strict=True):
        where = f"{path}, line {line}, {column(name)}"
        if cell.strip().casefold() in MISSING:
            raise ValueError(f"{where}: the target is missing{f' ({shown(cell)})' * bool(cell)}")
        if number:
            raise ValueError(f"{where}: {shown(cell)} is a number, and others are names")
    return [cell.strip() for cell in cells]


def column(name: str) -> str:
    """What a column is called in a message."""
    return f"column {shown(name)[1:-1]}"


def shown(x: object) -> str:
    """What a file holds, fit for a terminal: cut short, and without control characters."""
    text = repr(x)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-1]}"
