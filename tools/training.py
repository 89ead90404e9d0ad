"""The tables of docs/training.md, made of the rows: settings, optimisers, schedules, initialisers.

`python -m tools.training` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nn.command.options import option_of, usual
from nn.model.init import INITS
from nn.optim import OPTIMIZERS
from nn.schedules import SCHEDULES
from nn.train.settings import SETTINGS

PAGE = Path(__file__).parents[1] / "docs" / "training.md"


def settings() -> Iterable[Sequence[str]]:
    """Each setting of a run, as an option, with what it is where nobody sets it."""
    yield "setting", "option", "what it is for", "default"
    for name, setting in SETTINGS.items():
        yield f"`{name}`", f"`{option_of(name)}`", setting.told(), usual(name)


def optimizers() -> Iterable[Sequence[str]]:
    """Each optimiser with its formula and its numbers."""
    yield "name", "class", "formula", "numbers, their defaults and bounds"
    for name, row in OPTIMIZERS.items():
        numbers = [f"`{known.name}` {known.default:g}, {known.bounds}" for known in row.numbers()]
        yield f"`{name}`", f"`{row.__name__}`", row.formula, "; ".join(numbers)


def schedules() -> Iterable[Sequence[str]]:
    """Each schedule with its formula."""
    yield "name", "rate after a share s of the steps", "end"
    for name, row in SCHEDULES.items():
        yield f"`{name}`", row.formula, f"{row.end:g}"


def initialisers() -> Iterable[Sequence[str]]:
    """Each initialiser with how weights are distributed."""
    yield "name", "weights are"
    for name, row in INITS.items():
        yield f"`{name}`", row.formula


TABLES: dict[str, Callable[[], Iterable[Sequence[str]]]] = {
    table.__name__: table for table in (settings, optimizers, schedules, initialisers)
}


def line(cells: Iterable[str]) -> str:
    """A row of a table in Markdown, where a bar in a cell would end it."""
    return "| " + " | ".join([cell.replace("|", r"\|") for cell in cells]) + " |"


def with_tables(text: str) -> str:
    """The page with each table as it is now."""
    for name, table in TABLES.items():
        head, *rows = map(line, table())
        rule = "|---" * (head.count(" | ") + 1) + "|"
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        lines = "\n".join([begin, head, rule, *rows, end])
        text = re.sub(f"{begin}.*?{end}", lambda _, lines=lines: lines, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
