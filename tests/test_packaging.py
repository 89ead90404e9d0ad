"""What is published: a version, a command, a README, licences, extras, and where it is tried."""

import importlib
import re
import subprocess
import sys
import tomllib

import pytest

import autograd_core
import nn
import tools
from nn.__main__ import command, main
from tools import extras, house, readme

PROJECT = tomllib.loads((readme.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HATCH = PROJECT["tool"]["hatch"]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
SYSTEMS = ["ubuntu", "windows", "macos"]


def test_there_is_one_version_and_the_command_says_it(capsys):
    assert PROJECT["project"]["dynamic"] == ["readme", "version"]
    assert HATCH["version"]["path"] == "autograd_core/__init__.py"
    assert nn.__version__ is autograd_core.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", autograd_core.__version__)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"autograd-core {autograd_core.__version__}\n"


def test_the_command_is_that_of_python_m_nn():
    assert PROJECT["project"]["scripts"] == {"autograd-core": "nn.__main__:command"}
    assert command.__module__ == "nn.__main__"


def test_the_published_readme_has_its_words_and_its_code_and_nothing_of_the_repository_s_files():
    text = readme.README.read_text(encoding="utf-8")
    hook = HATCH["metadata"]["hooks"]["fancy-pypi-readme"]
    published = text
    for substitution in hook["substitutions"]:
        pattern, replacement = substitution["pattern"], substitution["replacement"]
        published = re.sub(pattern, replacement, published)
    assert re.findall(r"\]\((?!https?:)|<img|<p>", published) == []
    for fenced in (text, published):
        assert readme.FENCED.findall(fenced) == readme.FENCED.findall(text)
    headings = [re.findall("^#.*", words, re.MULTILINE) for words in (text, published)]
    assert headings[0] == headings[1]
    assert "Layout: the files" in published
    assert len(published) > 0.85 * len(text)


def test_all_that_is_installed_is_ours_and_under_our_licence():
    """A file of another's would bring its licence with it, and a place in `license`."""
    assert PROJECT["project"]["license"] == "MIT"
    files = [
        path
        for package in house.PACKAGES
        for path in (readme.ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(files) > 100
    for path in files:
        words = path.read_text(encoding="utf-8")
        assert not re.search(r"@license|[Cc]opyright|SPDX|EPL-|Apache-", words), path
        assert len(words) < 100_000, path


def test_the_classifiers_the_workflow_and_the_page_name_the_same_pythons_and_systems():
    said = PROJECT["project"]["classifiers"]
    assert [c.split(" :: ")[-1] for c in said if "Python :: 3." in c] == VERSIONS
    assert PROJECT["project"]["requires-python"] == f">={VERSIONS[0]}"
    workflow = (readme.ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f"python: {VERSIONS}".replace("'", '"') in workflow
    assert f"os: [{', '.join(f'{name}-latest' for name in SYSTEMS)}]" in workflow
    page = extras.PAGE.read_text(encoding="utf-8")
    assert f"Python {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}" in page


def test_each_extra_is_tried_or_is_one_for_working_on_the_project():
    assert extras.declared() - extras.FOR_US == set(extras.EXTRAS)
    page = extras.PAGE.read_text(encoding="utf-8")
    assert extras.with_table(page) == page, "run: python -m tools.extras --table"
    assert [name for name in extras.FOR_US if f"`{name}`" not in page] == []


def test_an_extra_that_does_not_work_is_told(monkeypatch, capsys):
    monkeypatch.setattr(extras, "tried", lambda name, source: "no" if name == "pdf" else "")
    assert extras.main(["plot", "pdf"]) == 1
    assert capsys.readouterr().out == "plot: works\npdf: no\n"


def test_a_tool_without_its_extra_says_which():
    assert set(tools.EXTRAS.values()) <= extras.declared()
    assert all(list((readme.ROOT / "tools").glob(f"{tool}*")) for tool in tools.EXTRAS)
    command = [sys.executable, "-S", "-m", "tools.site"]  # without what is installed
    done = subprocess.run(command, cwd=readme.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ('error: tools.site needs the package sphinx: pip install -e ".[docs]"\n')


def test_what_is_run_on_mutants_is_there():
    chosen = PROJECT["tool"]["mutmut"]
    for path in chosen["pytest_add_cli_args_test_selection"]:
        assert (readme.ROOT / path).exists()
    for argument in chosen["pytest_add_cli_args"]:
        if argument.startswith("-ptests."):
            importlib.import_module(argument.removeprefix("-p"))
