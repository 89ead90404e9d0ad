"""The README says what is true: its commands, snippets, pictures and links, and those of docs/."""

import re
import tomllib

import pytest

from autograd_core import OPS
from tests.rows import over
from tools import primitives, readme, training

TEXT = readme.README.read_text(encoding="utf-8")
PAGES = [readme.README, *sorted(readme.ROOT.glob("docs/*.md")), readme.ROOT / "tests" / "README.md"]
MOST_LINES = 200


def targets(page=readme.README):
    """The files that a page links to and shows, but for other sites."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    places = {a or b for a, b in found if not (a or b).startswith(("http", "#"))}
    return sorted({place.partition("#")[0] for place in places})


def test_it_is_read_in_one_sitting_and_begins_with_how_to_run():
    assert TEXT.count("\n") <= MOST_LINES
    assert next(iter(readme.sections())) == "Run"


@pytest.mark.parametrize(("title", "last"), [("Run", "-m nn"), ("Test", "-m pytest")])
def test_section_holds_one_command_that_does_its_own_set_up(title, last):
    command = readme.command(title)
    venv, install, run = command.split(" && ")
    assert venv == "python3 -m venv .venv"
    assert install.startswith(".venv/bin/pip install -q ")
    assert run == f".venv/bin/python {last}"


@pytest.mark.parametrize("title", ["Run", "Test"])
def test_command_installs_extras_that_exist(title):
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', readme.command(title))
    project = tomllib.loads((readme.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_snippets_run_and_print_what_they_show_and_write_the_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme.run_snippets()
    written = {path.name for path in tmp_path.iterdir()}
    kept = {path.name for path in readme.PICTURES.iterdir()}
    by_hand = {"playground.png"}  # a picture of the screen
    shown = {target.rsplit("/", 1)[-1] for target in targets() if "/images/" in target}
    assert kept == shown
    assert shown - by_hand <= written


@over("page", PAGES)
def test_links_lead_to_files(page):
    assert targets()
    assert [target for target in targets(page) if not (page.parent / target).exists()] == []


@over("page", PAGES)
def test_rows_of_tables_have_as_many_cells_as_their_heads(page):
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = {row: len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(set(cells.values())) == 1, cells


def test_every_promise_is_held_by_a_test_that_exists():
    page = readme.ROOT / "tests" / "README.md"
    held = re.findall(r"\[(test_\w+)\]\(([\w/]+\.py)\)", page.read_text(encoding="utf-8"))
    assert len(held) > 10
    for name, path in held:
        assert f"\ndef {name}(" in (page.parent / path).read_text(encoding="utf-8"), name


def test_table_of_primitives_is_current():
    text = primitives.PAGE.read_text(encoding="utf-8")
    assert primitives.with_table(text) == text, "run: python -m tools.primitives"


def test_table_has_every_primitive():
    constant = {op.name for op in OPS if not op.name.startswith("**") or op.name == "**"}
    assert constant | {"**n"} == {name for name, *_ in primitives.rows()}


def test_tables_of_training_are_current():
    text = training.PAGE.read_text(encoding="utf-8")
    assert training.with_tables(text) == text, "run: python -m tools.training"
    for name in training.TABLES:
        assert text.count(f"<!-- {name} -->") == 1
