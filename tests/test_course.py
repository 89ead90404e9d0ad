"""The course: its editions are built from their sources, its table leads to what it names.

The long layer runs the student's edition, blank and with the solutions filled in, each cell twice.
"""

import re
from functools import cache

import pytest

from nn.course.check import find
from nn.course.kinds import Choice
from tests.rows import over
from tests.test_notebooks import code_cells, shown
from tools.course import (
    ASKED_OPENLY,
    EDITIONS,
    SOURCES,
    Source,
    build,
    execute,
    front,
    table_with_links,
)
from tools.notebooks import FOLDER, NOTEBOOKS, read

README = (FOLDER / "README.md").read_text(encoding="utf-8")
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
LINES, WIDTH = 15, 88  # of a cell that a student reads, and of its lines: as wide as the site shows
FINISHED = [path for path in SOURCES if Source(path).is_second_edition]

each_source = over("path", SOURCES)
each_finished = over("path", FINISHED)


@cache
def kept(name, edition="reading"):
    return read(EDITIONS[edition] / name)


# --- The table --------------------------------------------------------------------------------


@cache
def headings_and_outputs(name):
    """By execution count: the headings that a code cell is under, and whether it shows anything."""
    cells, headings = {}, {}
    for cell in kept(name).cells:
        if cell.cell_type == "code":
            cells[cell.execution_count] = set(headings.values()), bool(cell.outputs)
        for marks, heading in re.findall(r"^(##+) (.+)$", cell.source, re.MULTILINE):
            if cell.cell_type == "markdown":
                headings = {k: h for k, h in headings.items() if k < len(marks)}
                headings[len(marks)] = heading.strip()
    return cells


def leads_to_outputs(link):
    number, heading, name, anchor, counts = link
    if not name.startswith(number) or not (FOLDER / name).exists():
        return False
    found = headings_and_outputs(name)
    cells = [found.get(int(n), (set(), False)) for n in re.findall(r"\d+", counts)]
    is_shown = all(heading in headings and shows for headings, shows in cells)
    return is_shown and anchor == heading.replace(" ", "-")


def is_a_test(link):
    name, file = link
    path = FOLDER.parent / "tests" / file
    return path.exists() and f"\ndef {name}(" in path.read_text(encoding="utf-8")


def test_the_table_has_every_row_once_and_in_order():
    expected = [f"{source}.{k:02}" for source, n in LENGTHS.items() for k in range(1, n + 1)]
    assert [row[0] for row in ROWS] == expected


def test_every_row_says_what_it_is_and_where_it_is_shown():
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []
    assert [row for row in ROWS if "TODO" in row[-1]] == []


def test_the_links_to_cells_are_those_that_the_sources_give():
    assert table_with_links(README) == README


def test_every_cell_linked_to_is_under_its_heading_and_shows_something():
    assert [link for link in CELL.findall(TABLE) if not leads_to_outputs(link)] == []


def output(cell):
    """All that a cell shows, as text: printed, returned, and what stands in its pictures."""
    texts = [o.get("text", "") for o in cell.outputs]
    data = [o.get("data", {}) for o in cell.outputs]
    kinds = ("text/plain", "text/html", "text/markdown", "image/svg+xml")
    return "\n".join([*texts, *[d[kind] for d in data for kind in kinds if kind in d]])


@each_source
def test_what_a_row_promises_stands_in_the_output_of_its_cell(path):
    cells = code_cells(kept(f"{path.stem}.ipynb"))
    written = [cell for cell in Source(path).cells if cell.is_code]
    promised = [
        (row, text, output(cells[cell.count - 1]))
        for cell in written
        for row, text in cell.rows
        if text
    ]
    assert [(row, text) for row, text, found in promised if text not in found] == []
    rows = {row for cell in written for row, _ in cell.rows}
    assert rows == {row for row, _, _ in promised}


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


# --- The editions -----------------------------------------------------------------------------


def as_built(notebook):
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_notebooks_kept_are_those_of_the_sources(edition):
    names = [f"{path.stem}.ipynb" for path in SOURCES]
    assert sorted(path.name for path in EDITIONS[edition].glob("*.ipynb")) == names
    for path, name in zip(SOURCES, names, strict=True):
        assert as_built(kept(name, edition)) == as_built(build(Source(path), edition)), name


@each_source
def test_the_students_edition_keeps_no_outputs(path):
    cells = code_cells(kept(f"{path.stem}.ipynb", "student"))
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


@each_source
def test_a_notebook_is_short_enough(path):
    assert len(build(Source(path), "student").cells) < 90
    assert (FOLDER / f"{path.stem}.ipynb").stat().st_size < 1_000_000


@each_finished
def test_a_notebook_says_what_it_is_for_and_where_to_rest(path):
    source = Source(path)
    assert {"number", "title", "goal", "needs", "time"} == set(source.facts)
    assert re.match(r"\d\d minutes", source.facts["time"])
    assert int(source.facts["time"][:2]) <= 60
    assert 1 <= source.text.count("::: break") <= 3
    neighbours = {SOURCES.index(path) + step for step in (-1, 1)} & set(range(len(SOURCES)))
    assert all(f"({SOURCES[i].stem}.ipynb)" in front(source) for i in neighbours)
    assert "\n## What to take with you\n" in source.text
    _, way_out = source.text.split("\n### Two questions on the way out\n")
    assert way_out.split("\n## ")[0].count("**Question ") == 2


@each_finished
def test_a_notebook_asks_its_questions_in_order_and_names_them(path):
    source = Source(path)
    number = source.facts["number"]
    asked = re.findall(r'^check\("([\d.]+)"', source.text, re.MULTILINE)
    assert asked == [f"{number}.{i}" for i in range(1, len(asked) + 1)]
    named = re.findall(r"\*\*(?:Question|Task) ([\d.]+)\.\*\*", source.text)
    assert named == asked


@over("path", [p for p in FINISHED if "## Questionnaire" in p.read_text("utf-8")])
def test_a_notebook_asks_what_is_left_to_think_of_and_gives_tasks_with_reasons(path):
    text = Source(path).text
    before, questionnaire = text.split("\n## Questionnaire\n")
    assert "\n### Two questions on the way out\n" in before
    (asked,) = re.findall(r"(?ms)^::: questionnaire\n(.*?)^:::$", questionnaire)
    assert len(re.findall(r"(?m)^\? ", asked)) == len(ASKED_OPENLY.findall(asked)) >= 5
    student = "\n".join(cell.source for cell in build(Source(path), "student").cells)
    assert [a for _, a in ASKED_OPENLY.findall(asked) if a.strip() in student] == []
    tasks = re.split(r"^\*\*Try \d\d\.[a-z]\.\*\* ", questionnaire, flags=re.MULTILINE)[1:]
    assert len(tasks) >= 2
    assert [t for t in tasks if "#?" not in t.split("```")[1] or "\n::: reading\n" not in t] == []


@each_finished
def test_errata_and_slides_are_left_to_the_last_notebook(path):
    if Source(path).facts["number"] == "10":
        return
    said = "\n".join(cell.text for cell in Source(path).cells if not cell.is_code)
    assert re.findall(r"\b[Ss]lides? \d|as printed|erratum|misprint", said) == []


@each_finished
def test_the_students_edition_holds_no_answer_and_no_long_cell(path):
    source = Source(path)
    student = build(source, "student")
    everything = "\n".join(cell.source for cell in student.cells)
    for line in re.findall(r"^(.*?)\s*#\?(?: .*)?$", source.text, re.MULTILINE):
        key = re.match(r'check\("([\d.]+)"', line)
        if key and isinstance(find(key[1]), Choice):
            continue  # all choices stand in the question
        answer = re.sub(r'^check\("[\d.]+", (.*)\)$', r"\1", line.strip())
        assert len(answer) < 8 or answer not in everything, answer
    assert "#?" not in everything
    long = [cell.source for cell in code_cells(student) if len(cell.source.splitlines()) > LINES]
    assert long == []
    lines = "\n".join(cell.source for cell in code_cells(student)).splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []


@each_finished
def test_numbers_are_printed_not_true_or_false(path):
    for cell in code_cells(kept(f"{path.stem}.ipynb")):
        assert not re.search(r"\b(True|False)\b", output(cell)), cell.source


# --- Running them -----------------------------------------------------------------------------


def said(cell):
    return "".join([*filter(None, [shown(cell)[0]]), *[text for text, _ in shown(cell)[1:]]])


def is_yours(cell):
    return "yours" in cell.metadata.get("tags", ())


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_blank_students_edition_runs_and_every_check_says_what_to_do(
    path, tmp_path, own_settings
):
    notebook = execute(build(Source(path), "student"), tmp_path)
    checks = [cell for cell in code_cells(notebook) if is_yours(cell) and "check(" in cell.source]
    assert [said(cell) for cell in checks if "Your turn." not in said(cell)] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", FINISHED, ids=lambda path: path.stem)
def test_the_solved_students_edition_is_right_and_every_cell_runs_again(
    path, tmp_path, own_settings
):
    source = Source(path)
    student, reading = build(source, "student"), build(source, "reading")
    for mine, theirs in zip(code_cells(student), code_cells(reading), strict=True):
        mine["source"] = theirs.source
    once = code_cells(execute(student, tmp_path))
    checks = [cell for cell in once if is_yours(cell) and "check(" in cell.source]
    assert [said(cell) for cell in checks if "Right." not in said(cell)] == []
    twice = build(source, "reading")
    again = [{**cell, "id": f"again{cell.id}"} for cell in code_cells(twice)]
    twice = execute({**twice, "cells": [*code_cells(twice), *again]}, tmp_path)
    for before, after in zip(once, twice.cells[len(again) :], strict=True):
        assert shown(after) == shown(before), after.source
