"""What `python -m tools.house` counts."""

import ast
import re
from collections import defaultdict

import pytest

import autograd_core
import nn
from tools import house

TEXT = '''"""A module."""

import os  # the system


def outer():
    """Say what it does,

    at length.
    """
    text = """one
    two"""

    def inner():
        return os

    return inner, text
'''


def test_lines_of_code_are_counted_without_words_about_them():
    assert house.code_lines(TEXT) == {3, 6, 11, 12, 14, 15, 17}


def test_functions_are_measured_with_those_inside_of_them():
    assert sorted(house.functions("m", TEXT)) == [(2, "m.outer.inner"), (6, "m.outer")]


def test_a_cycle_is_found_where_one_of_its_imports_is_late():
    texts = {
        "p": "from p import a",
        "p.a": "from p.b import f",
        "p.b": "def f():\n    from p import a",
        "p.c": "import p.a\nif TYPE_CHECKING:\n    from p import d",
        "p.d": "import p.c",
    }
    assert house.cycles(house.import_graph(texts, late=False)) == []
    assert house.cycles(house.import_graph(texts, late=True)) == [["p.a", "p.b"]]


def test_every_module_of_the_packages_is_measured():
    found = house.modules()
    assert {"autograd_core", "autograd_core.engine", "nn.playground"} <= set(found)
    assert house.code_lines(found["autograd_core.engine"].read_text("utf-8"))


def test_the_optimiser_is_asked_to_move_in_one_place():
    """Training takes its steps in one loop, whoever trains."""
    found = {
        name
        for name, path in house.modules().items()
        if name.startswith("nn.")
        and re.search(r"optimi[sz]er\.(moved|step)\(", path.read_text("utf-8"))
    }
    assert found == {"nn.train.slopes"}


TEXTS = {name: path.read_text("utf-8") for name, path in house.modules().items()}


def test_no_modules_import_each_other_late_imports_counted():
    assert house.cycles(house.import_graph(TEXTS, late=True)) == []


@pytest.mark.slow
def test_no_function_is_longer_than_forty_lines():
    longest = [f for name, text in TEXTS.items() for f in house.functions(name, text) if f[0] > 40]
    assert longest == []


MEANT_TWICE = {
    "Module": "a part of a model, and what LLVM calls a program",
    "sweep": "many trainings, and plot.sweep, which draws them",
}


def test_no_exported_name_stands_for_two_things():
    """`draw` and its overloads are one thing."""
    exported = {*autograd_core.__all__, *nn.__all__} - set(MEANT_TWICE)
    homes = defaultdict(set)
    for module, text in TEXTS.items():
        for node in house.tree_of(text).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in exported:
                homes[node.name].add(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
