"""The pages of docs/ say what the code does: their snippets run, and print what they show."""

import pytest

from tools.readme import ROOT, run_snippets

PAGES = sorted(ROOT.glob("docs/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_snippets_of_a_page_print_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_snippets(page)


def test_every_page_is_linked_from_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"(docs/{page.name})" not in text] == []


def test_every_file_of_the_compiler_is_on_the_page():
    text = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    folder = ROOT / "autograd_core" / "compiler"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name for name in names if f"`{name}`" not in text} == set()
