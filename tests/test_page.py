"""The page without install, as far as it needs no browser: desks, formulas, cells, the builder."""

import ast
import hashlib
import json
import math
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.playground.browser import playing_on
from nn.playground.browser.cells import Cells
from nn.playground.browser.desks import MAKERS, Desks
from nn.playground.browser.explorer import graph_of
from nn.playground.browser.formula import FUNCTIONS, LONGEST, FormulaError, values_of
from tests.rows import over
from tools import lite, npm, page

NUMBERS = st.floats(-5, 5).map(lambda x: f"({x!r})")
TEXTS = st.recursive(
    NUMBERS | st.sampled_from(["a", "b"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join).map("({})".format),
    max_leaves=20,
)


# --- Formulas ------------------------------------------------------------------------------------


@given(TEXTS)
def test_a_formula_has_the_number_that_python_gives_it(text):
    named = values_of(f"a = 1.5\nb = -0.25\n{text}")
    expected = eval(text, {"a": 1.5, "b": -0.25})  # noqa: S307 (made above, of + - *)
    assert list(named.values())[-1].data == expected


@over("name", sorted(FUNCTIONS))
def test_every_function_is_called_by_its_name(name):
    for operands in ("0.5", "0.5, 0.25", "0.5, 0.25, 2"):
        try:
            values = list(values_of(f"{name}({operands})").values())
        except FormulaError:
            continue  # it takes more, or fewer
        except (ValueError, ArithmeticError):
            return  # arccosh of 0.5 has no value, and it says so
        assert math.isfinite(values[-1].data)
        return
    pytest.fail(f"{name} takes neither one nor two nor three operands")


REFUSED = [
    "",
    "a",
    "a = 2\nb = c",
    "y = (",
    "y = [1, 2]",
    "y = 'text'",
    "y = True",
    "y = 1 if 2 else 3",
    "import os",
    "y = __import__('os')",
    "y = (1).__class__",
    "y = open('/etc/passwd')",
    "y = exec('1')",
    "a, b = 1, 2",
    "y = tanh(*a)",
    "y = tanh(1, x=2)",
    "y = tanh(1, 2, 3)",
    "y = lambda: 1",
    "y = 1e400",
    "y = " + "-" * 1900 + "1",
    "y = 1" + " " * LONGEST,
    "y = 1 % 2",
    "y = 1\x00",
]


@over("text", REFUSED)
def test_what_is_no_formula_is_refused_in_a_sentence(text):
    with pytest.raises(FormulaError) as refused:
        values_of(text)
    assert str(refused.value)


def test_a_number_may_have_a_sign_before_it():
    assert values_of("y = --2 ** 2")["y"].data == 4.0


# --- Desks ---------------------------------------------------------------------------------------


class Heard:
    """What desks have said."""

    def __init__(self):
        self.said = []
        self.desks = Desks(lambda text, buffers: self.said.append((json.loads(text), buffers)))

    def ask(self, to, **content):
        self.said.clear()
        self.desks.receive(json.dumps({"to": to, "content": content}))
        assert {message["from"] for message, _ in self.said} <= {to}
        return [message["content"] for message, _ in self.said]


@pytest.mark.parametrize("name", MAKERS)
def test_every_desk_says_when_it_is_there(name):
    assert Heard().ask(name, do="open") == [{"kind": "opened"}]


def test_the_playgrounds_frames_bring_their_arrays():
    heard = Heard()
    heard.ask("playground", do="hello", page="a")
    (frame, buffers) = heard.said[-1]
    assert frame["content"]["kind"] == "frame"
    assert len(buffers) == len(frame["content"]["arrays"]) > 0
    assert all(isinstance(buffer, bytes) for buffer in buffers)


@pytest.mark.parametrize(
    ("text", "op"),
    [("y = log(-1)", "log"), ("y = (-8) ** 0.5", "**0.5"), ("x = 2\ny = x + 1 / 0", "/")],
)
def test_a_graph_that_cannot_be_is_a_complaint(text, op):
    (said,) = Heard().ask("explorer", do="draw", text=text)
    assert said["kind"] == "complaint"
    assert said["text"].startswith(f"cannot compute {op} of ")


def test_each_value_of_the_graph_is_a_box_of_the_picture():
    graph = graph_of("a = 2\nb = 3\nd = a * b + a", 1)
    assert [v["grad"] for v in graph["values"]] == [4.0, 2.0, 1.0, 1.0]
    assert all(f'id="v{i}"' in graph["svg"] for i in range(4))
    assert graph["sum"] == ["sum 2 = b.grad"]


# --- Cells ---------------------------------------------------------------------------------------


def run(code, *before):
    """What is said of the last of some cells."""
    said = []
    cells = Cells(said.append)
    for i, text in enumerate([*before, code]):
        said.clear()
        cells.receive({"do": "run", "notebook": "n", "cell": i, "code": text})
    assert all((m["notebook"], m["cell"]) == ("n", len(before)) for m in said)
    assert said.pop()["kind"] == "done"
    return said


def test_a_cell_prints_and_shows_its_last_line():
    said = run("print('x is', x)\nx + 1", "x = 2")
    assert [m["kind"] for m in said] == ["stream", "show"]
    assert said[0]["text"].strip() == "x is 2"
    assert said[1]["bundle"] == {"text/plain": "3"}
    assert run("x = 2;") == run("2;") == run("None") == run("") == []


@pytest.mark.parametrize(
    "code", ["1 / 0", "def f():\n    return 1 / 0\nf()", "x = (", "raise SystemExit"]
)
def test_an_error_is_told_from_the_cell_on(code):
    ((error),) = run(code)
    assert error["kind"] == "error"
    assert "cells.py" not in error["text"]
    assert (
        error["text"].strip().splitlines()[-1].startswith(("ZeroDiv", "SyntaxError", "SystemExit"))
    )


def test_pictures_are_shown_as_pictures():
    figure = "from matplotlib.figure import Figure\nFigure()"
    for code in ("from autograd_core import Value, draw\ndraw(Value(1.0))", figure):
        (said,) = run(code)
        assert set(said["bundle"]) & {"image/svg+xml", "image/png"}


# --- The builder ---------------------------------------------------------------------------------


@pytest.mark.needs("latex2mathml", "markdown_it", "mdit_py_plugins")
def test_the_students_notebooks_are_text_and_cells(tmp_path):
    made = list(page.notebooks(tmp_path))
    assert len(made) == 13
    assert made[0]["name"] == "first_steps"
    for about in made:
        cells = json.loads((tmp_path / f"{about['name']}.json").read_text("utf-8"))["cells"]
        code = [cell["code"] for cell in cells if "code" in cell]
        assert code
        for text in code:
            ast.parse(text)
        html = "".join([cell.get("html", "") for cell in cells])
        assert ".ipynb" not in html.replace("`", "")
        assert "$" not in html or about["name"] == "first_steps"


def test_a_distribution_is_taken_whole_or_not_at_all(tmp_path):
    with pytest.raises(npm.MissingError, match=r"pyodide\.mjs is not there: is it Pyodide's"):
        list(page.core(tmp_path))
    content = b"a wheel"
    about = {"file_name": "n.whl", "sha256": hashlib.sha256(content).hexdigest(), "depends": []}
    lock = {"packages": {"numpy": about, "matplotlib": {**about, "depends": ["numpy"]}}}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps(lock))
    with pytest.raises(npm.MissingError, match=r"n\.whl is not there"):
        list(page.wheels(tmp_path))
    (tmp_path / "n.whl").write_bytes(b"another")
    with pytest.raises(npm.MissingError, match="not the file"):
        list(page.wheels(tmp_path))
    (tmp_path / "n.whl").write_bytes(content)
    assert list(page.wheels(tmp_path)) == [tmp_path / "n.whl"] * 2
    page.copy(page.wheels(tmp_path), tmp_path)  # a page is built again from the one that was
    assert (tmp_path / "n.whl").read_bytes() == content


def test_what_cannot_be_fetched_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert page.main([str(tmp_path / "out")]) == 1
    assert "comes by npm" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_page_that_plays_on_has_all_but_pyodide_in_it():
    text = playing_on({"hidden": [3]}, home="https://school.example/pyodide/")
    assert "https://school.example/pyodide/" in text
    assert "src=" not in text.split("</script>")[0]
    assert not [line for line in text.splitlines() if line.startswith(("import ", "export "))]


# --- JupyterLite ---------------------------------------------------------------------------------


KERNEL = lite.OF_THE_KERNEL


def wheel(folder, name, *requires):
    """A wheel with nothing in it but what it needs."""
    folder.mkdir(parents=True)
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    lines = [f"Name: {name}", "Version: 1.0", *[f"Requires-Dist: {text}" for text in requires]]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem[:-13]}.dist-info/METADATA", "\n".join(lines))
    return path


NEEDS = {
    "autograd-core": [
        "numpy>=2.0",
        "graphviz",
        "threadpoolctl; sys_platform != 'emscripten'",
        "jax; extra == 'jax'",
    ],
    "anywidget": ["ipywidgets", "typing_extensions"],
    "ipywidgets": ["ipython", "widgetsnbextension~=4.0"],
    "graphviz": [],
}


@pytest.mark.needs("packaging")
def test_the_kernels_list_has_what_ours_need_in_a_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(lite, "fetched", lambda name, folder: wheel(folder, name, *NEEDS[name]))
    there = ["numpy", "matplotlib", "typing-extensions", "ipython"]
    known = {name: {"depends": []} for name in there}
    files = list(lite.brought(known, tmp_path))
    assert {path.name.split("-")[0] for path in files} == {"autograd_core", *list(NEEDS)[1:]}
    needed = page.needed(["autograd-core"], known)
    assert needed == {*there, *NEEDS}
    for path in files:
        about = known[path.parent.name]
        assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def distribution(folder, *names):
    """What is of Pyodide's distribution, with empty packages."""
    packages = {name: lite.entry(name, wheel(folder / name, name)) for name in names}
    for name, about in packages.items():
        (folder / name / about["file_name"]).rename(folder / about["file_name"])
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "python_stdlib.zip"):
        (folder / name).touch()
    (folder / page.LOCK).write_text(json.dumps({"packages": packages}))
    return folder


@pytest.mark.needs("packaging")
def test_a_laboratory_is_built_again_from_itself_with_our_wheel_of_today(tmp_path, monkeypatch):
    for name in ("import_module", "laboratory"):
        monkeypatch.setattr(lite, name, lambda *_: None)
    viz = tmp_path / "npm"
    (viz / "dist").mkdir(parents=True)
    (viz / "dist" / "viz.js").touch()
    monkeypatch.setattr(lite, "package", lambda name: viz)
    home = distribution(tmp_path / "home", "numpy", "matplotlib", "typing-extensions", *KERNEL)
    needs = dict(NEEDS)
    monkeypatch.setattr(lite, "fetched", lambda name, folder: wheel(folder, name, *needs[name]))
    lite.build(tmp_path / "first", home)
    needs["autograd-core"] = ["numpy>=2.0"]  # by which today's is told from the first
    lite.build(tmp_path / "again", tmp_path / "first" / "pyodide")
    folder = tmp_path / "again" / "pyodide"
    known = json.loads((folder / page.LOCK).read_text())["packages"]
    assert known["autograd-core"]["depends"] == ["numpy", *lite.WITH_US]
    for name in page.needed(["autograd-core", *KERNEL], known):
        path = folder / known[name]["file_name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == known[name]["sha256"]


def test_a_laboratory_asks_for_no_kernel(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(lite, "run", lambda command, what, cwd: asked.append([*command, cwd]))
    lite.laboratory(tmp_path, tmp_path / "out")
    assert asked[0][-1] == tmp_path  # JupyterLite keeps notes where it runs: not beside the sources
    made = list((tmp_path / "notebooks").glob("*.ipynb"))
    assert len(made) == 12
    kernels = {
        json.loads(path.read_text("utf-8"))["metadata"]["kernelspec"]["name"] for path in made
    }
    assert kernels == {"python"}
    assert tmp_path / "out" in asked[0]
