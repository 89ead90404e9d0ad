"""Other systems, as far as one can play them: encodings, paths, folders, and what POSIX has."""

import io
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from autograd_core import Value, animate, draw, terminal
from nn import MLP, Recipe, datasets, fit, load, plot, save, sweep
from nn.__main__ import main
from tools import house

NAMED = "Ergebnisse für Zoë 漢字"  # a folder, as people call theirs
SHOWN = """
from autograd_core import *
from nn import MLP, datasets, diagnose, losses
a, b = Value(2.0, "a"), Value(3.0, "b")
d = a * b + a
d.backward()
model, (X, y) = MLP(2, [3, 1], seed=0), datasets.moons(n=12)
program = compile(lambda x, t: losses.squared_error(model(x), t), batched=True)
program(X, y)
shown = [draw(d), explain(d, a), to_python(d), program, diagnose(model, X, y, "hinge"), model]
print(*shown, *backward_steps(d), check_gradient(lambda x: x.relu(), 0.0), sep="\\n")
try:
    print("漢字")
except UnicodeEncodeError:
    print("still an error")
"""


def python(*arguments, **environment):
    """What a Python of these settings prints, in bytes."""
    done = subprocess.run(
        [sys.executable, "-P", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", pytest.param("ascii", marks=pytest.mark.slow)])
def test_where_an_encoding_lacks_signs_they_are_spelled_and_all_else_is_as_it_was(encoding):
    said = python("-c", SHOWN, PYTHONIOENCODING=encoding).decode(encoding)
    assert "dd/da: 2 paths" not in said  # it has no label of its own
    assert "/da: 2 paths" in said
    assert "dW1 = " in said
    assert "@ x'" in said
    assert "still an error" in said


def test_all_signs_of_both_packages_can_be_spelled():
    texts = [path.read_text("utf-8") for path in house.modules().values()]
    own = "\N{REPLACEMENT CHARACTER}\N{NO-BREAK SPACE}"  # for text of others
    there = {c for text in texts for c in text if not c.isascii()} - {*own}
    signs = {c for c in there if not unicodedata.name(c).startswith("LATIN")}  # which names have
    assert len(signs) > 20
    assert [c for c in signs if not terminal.sign(c).isascii()] == []


def test_an_encoding_that_has_the_signs_shows_them(monkeypatch):
    for encoding, shown in (("utf-8", "∂λ² ≠"), ("cp1252", "dlambda² "), ("ascii", "dlambda2 ")):
        page = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(page, encoding, write_through=True))
        terminal.spell_signs()
        sys.stdout.write(shown if encoding == "utf-8" else "∂λ² ")
        assert page.getvalue().decode(encoding) == shown


@pytest.mark.slow
def test_the_command_runs_where_text_is_not_utf_8_and_names_no_file_s_encoding_by_chance(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("größe,λ,y\n1,2,no\n2,1,да\n1,3,no\n3,1,да\n", encoding="utf-8")
    program = (
        "import nn.__main__, os, sys\n"
        "from pathlib import Path\n"
        "# Reading or writing text in the encoding of the place is an error in our modules alone.\n"
        "import warnings\n"
        "warnings.filterwarnings('error', category=EncodingWarning, module='(nn|autograd_core)')\n"
        "sys.exit(nn.__main__.command())"
    )
    told = ["--csv", path, "--epochs", "1", "--hidden", "2", "--out", tmp_path / "out"]
    python("-X", "warn_default_encoding", "-c", program, *told, PYTHONIOENCODING="cp1252")
    assert load(tmp_path / "out" / "model.json").n_in == 2


def test_every_file_goes_to_a_path_with_spaces_and_letters_of_any_kind(tmp_path, monkeypatch):
    folder = tmp_path / NAMED
    folder.mkdir()
    monkeypatch.chdir(folder)
    x = Value(2.0, "x")
    y = x * x
    draw(y).save("ein Graph.svg")
    animate(y).save(folder / "Ablauf é.html")
    model, (X, labels) = MLP(2, [2, 1], seed=0), datasets.xor()
    options = {"loss": "hinge", "optimizer": "sgd", "epochs": 1, "progress": False}
    plot.loss(fit(model, X, labels, **options)).save("Verlust é.png")
    save(model, "Modell é.json")
    assert load(folder / "Modell é.json").sizes == [2, 1]
    Path("Läufe.json").write_text(json.dumps({"data": "xor", "epochs": 1}), encoding="utf-8")
    assert main(["--recipe", "Läufe.json", "--out", "nach hier", "--no-plots"]) == 0
    sweep(Recipe(data="xor", epochs=1), {"seed": [0]}, path="Reihe é.jsonl", progress=False)
    found = {path.name for path in folder.iterdir()}
    assert {"ein Graph.svg", "Ablauf é.html", "Verlust é.png", "Reihe é.jsonl"} <= found


@pytest.fixture
def installed(tmp_path):
    """Both packages in a folder of their own, as an installation has them."""
    folder = tmp_path / "site packages é"
    for package in house.PACKAGES:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(house.ROOT / package, folder / package, ignore=left_out)
    return folder


@pytest.mark.slow
def test_nothing_is_written_where_the_packages_are(installed, tmp_path):
    """So they run from folders that are read-only."""
    before = {path: path.stat().st_mtime_ns for path in installed.rglob("*")}
    program = "import sys, nn.__main__; sys.exit(nn.__main__.command())"
    told = ["--data", "xor", "--epochs", "1", "--hidden", "3", "--out", tmp_path / "out"]
    here = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    python("-c", program, *told, **here)
    python("-c", SHOWN, **here, PYTHONIOENCODING="utf-8:backslashreplace")
    assert {path: path.stat().st_mtime_ns for path in installed.rglob("*")} == before
    assert len([*(tmp_path / "out").iterdir()]) == 4


WITHOUT_POSIX = """
import os, signal, subprocess, sys
for name in ("fork", "forkpty", "getuid", "geteuid", "getpgid", "setsid", "killpg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty"):
    sys.modules[name] = None
"""


@pytest.mark.slow
def test_it_runs_without_what_windows_lacks(tmp_path):
    told = ["--data", "xor", "--epochs", "1", "--hidden", "3", "--out", tmp_path / "out"]
    program = f"{WITHOUT_POSIX}\nimport nn.__main__; sys.exit(nn.__main__.command())"
    python("-c", program, *told)
    assert len([*(tmp_path / "out").iterdir()]) == 4
    python("-c", WITHOUT_POSIX + SHOWN, PYTHONIOENCODING="utf-8:backslashreplace")


def test_a_sweep_runs_in_processes_that_are_started_anew(tmp_path):
    """As on Windows and on a Mac, where none is forked."""
    recipe, grid = Recipe(data="xor", epochs=2, hidden=(2,)), {"seed": [0, 1]}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        there = sweep(recipe, grid, pool=pool, vectorize=False, progress=False)
    here = sweep(recipe, grid, vectorize=False, progress=False)
    assert there.rows == here.rows


# --- Another package named nn --------------------------------------------------------------------


def warned(program, *path):
    """What a Python that looks for packages there says on stderr."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr


def test_another_package_named_nn_is_noticed_and_named(installed, tmp_path):
    assert warned("import nn", installed) == ""
    (installed / "nn-0.1.1.dist-info").mkdir()
    said = warned("from nn import MLP", installed)
    assert "another package named nn is installed" in said
    assert "nn-0.1.1.dist-info" in said
    assert "pip uninstall nn" in said
    (installed / "nn-0.1.1.dist-info").rmdir()
    other = tmp_path / "other" / "nn"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    said = warned("import autograd_core", other.parent, installed)
    assert f"`import nn` finds the package in {other}, not the nets" in said


def test_a_module_of_one_s_own_that_is_called_nn_is_nobody_s_concern(installed, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "nn.py").write_text("from autograd_core import Value\n")
    assert warned("import nn", tmp_path / "own", installed) == ""
