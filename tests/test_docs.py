"""The pages of docs/ say what the code does: their snippets run, and print what they show."""

import doctest
from pathlib import Path

import pytest

PAGES = sorted(Path(__file__).parent.parent.glob("docs/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_snippets_of_a_page_print_what_it_shows(page):
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried
    assert not failed


def test_every_file_of_the_compiler_is_on_the_page():
    text = (Path(__file__).parent.parent / "docs" / "layout.md").read_text(encoding="utf-8")
    folder = Path(__file__).parent.parent / "autograd_core" / "compiler"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name for name in names if f"`{name}`" not in text} == set()
