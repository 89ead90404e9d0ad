"""The table in notebooks/README.md has every row, and its links lead to what they name."""

import re
from functools import cache
from pathlib import Path

import pytest

from tools.notebooks import NOTEBOOKS, read

ROOT = Path(__file__).parent.parent
README = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
INTRODUCTION, _, TABLE = README.partition("\n| |")
ROWS = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| S")]

LENGTHS = {"S0": 16, "S1": 50, "S2": 38, "S3": 12, "S4": 18}
WORDS = {  # rows with nothing in them to compute: definitions, notations, plans, observations
    "S0": {1, 2, 3, 4, 6, 11, 16},
    "S1": {*range(1, 7), 10, 11, 13, 19, 25, 27, 31, 32, 34, 40},
    "S2": {1, 2, 3, 5, 6, 8, 10, 11, 13, 16, 19, 21, 23},
    "S3": {1, 2, 3, 5, 6},
    "S4": {1, 2, 4, 7, 8, 10, 11, 18},
}

CELL = re.compile(r"\[(\d\d) · ([^\]]+)\]\((\d\d_\w+\.ipynb)#([^)]+)\)((?:,? In\[\d+\])+)")
TEST = re.compile(r"\[(test_\w+)\]\(\.\./tests/(test_\w+\.py)\)")


@cache
def code_cells(name):
    """By execution count: the headings that a code cell is under, and whether it shows anything."""
    cells, headings = {}, {}
    for cell in read(ROOT / "notebooks" / name).cells:
        if cell.cell_type == "code":
            cells[cell.execution_count] = set(headings.values()), bool(cell.outputs)
        for marks, heading in re.findall(r"^(##+) (.+)$", cell.source, re.MULTILINE):
            if cell.cell_type == "markdown":
                headings = {k: h for k, h in headings.items() if k < len(marks)}
                headings[len(marks)] = heading.strip()
    return cells


def leads_to_outputs(link):
    number, heading, name, anchor, counts = link
    if not name.startswith(number) or not (ROOT / "notebooks" / name).exists():
        return False
    cells = [code_cells(name).get(int(n), (set(), False)) for n in re.findall(r"\d+", counts)]
    shown = all(heading in headings and shows for headings, shows in cells)
    return shown and anchor == heading.replace(" ", "-")


def is_a_test(link):
    name, file = link
    path = ROOT / "tests" / file
    return path.exists() and f"\ndef {name}(" in path.read_text(encoding="utf-8")


def test_the_table_has_every_row_once_and_in_order():
    expected = [f"{source}.{k:02}" for source, n in LENGTHS.items() for k in range(1, n + 1)]
    assert [row[0] for row in ROWS] == expected


def test_every_row_says_what_it_is_and_where_it_is_shown():
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []
    assert [row for row in ROWS if "TODO" in row[-1]] == []


def test_every_cell_linked_to_is_under_its_heading_and_shows_something():
    assert [link for link in CELL.findall(TABLE) if not leads_to_outputs(link)] == []


def test_every_test_linked_to_exists():
    assert [link for link in TEST.findall(TABLE) if not is_a_test(link)] == []


def test_a_row_links_to_nothing_but_cells_and_tests():
    assert [row for row in ROWS if "](" in CELL.sub("", TEST.sub("", row[-1]))] == []


def test_what_can_be_computed_is_shown_by_a_cell_or_a_test():
    computed = [row for row in ROWS if int(row[0][3:]) not in WORDS[row[0][:2]]]
    assert len(computed) == 85
    assert [row for row in computed if not (CELL.search(row[-1]) or TEST.search(row[-1]))] == []


def test_a_row_without_a_link_says_why():
    others = [row[-1] for row in ROWS if "](" not in row[-1]]
    assert [text for text in others if not re.match("none needed: .{5}", text)] == []


def test_the_introduction_names_every_notebook_in_order():
    assert re.findall(r"\]\((\d\d_\w+\.ipynb)\)", INTRODUCTION) == [p.name for p in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_fewer_than_forty_cells_and_is_under_a_megabyte(path):
    assert len(read(path).cells) < 40
    assert path.stat().st_size < 1_000_000
