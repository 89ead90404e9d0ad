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


def test_the_map_has_every_file_and_folder_at_the_top_and_no_other():
    """The one below them are the folders' own affair: an executor is added without a map."""
    text = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    lines = text.split("```")[1].splitlines()
    on_map, package = set(), ""
    for line in filter(None, lines):
        package = line.split()[0] if line[0] != " " else package
        found = line.split()[0] if line.startswith("  ") and line[2] != " " else ""
        on_map |= {package + found} if found else set()
    there = {
        f"{path.parent.name}/{path.name}{'/' * path.is_dir()}"
        for package in ("autograd_core", "nn")
        for path in (ROOT / package).iterdir()
        if path.suffix == ".py" or path.is_dir()
    }
    assert on_map == there - {
        f"{package}/{name}"
        for package in ("autograd_core", "nn")
        for name in ("__init__.py", "__pycache__/")
    }


def test_every_file_of_the_compiler_is_on_the_page():
    text = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    folder = ROOT / "autograd_core" / "compiler"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name for name in names if f"`{name}`" not in text} == set()
