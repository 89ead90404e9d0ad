"""The command in a bare Debian: no libX11, no libgobject, no `dot`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ABSENT = ["libX11.so*", "libgobject-2.0.so*", "dot"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("debootstrap") is None or not hasattr(os, "geteuid") or os.geteuid() != 0,
        reason="a bare system is made by debootstrap, as root",
    ),
]


def call(*command, **options):
    command = list(map(str, command))
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The root of Debian's smallest system with Python 3.11, and the wheels of ours in it."""
    root = tmp_path_factory.mktemp("debian")
    made = call(
        *("debootstrap", "--variant=minbase", "--include=python3-venv", "bookworm", root),
    )
    if made.returncode:
        pytest.skip(f"debootstrap, which needs the network: {made.stdout[-300:]}")
    wheels = root / "wheels"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, ROOT], check=True)
    (own,) = wheels.iterdir()
    suitable = ["--python-version", "3.11", "--only-binary", ":all:", "-d", wheels]
    subprocess.run([*pip, "download", *suitable, f"{own}[plot,render,pdf]"], check=True)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def command(system, tmp_path):
    """What comes of a command in that system with some extras, and the files that it wrote."""

    def run(extras, what="-m nn"):
        home = f"/{tmp_path.name}"
        script = (
            f"mkdir {home} && cd {home} && python3 -m venv v && v/bin/pip install -q --no-index "
            f"--find-links /wheels 'autograd-core[{extras}]' && v/bin/python {what}"
        )
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LC_ALL": "C"}
        done = call("chroot", system, "sh", "-c", script, env=environment)
        return done, {path.name for path in (system / home[1:]).glob("out/*")}

    return run


def test_the_system_is_bare(system):
    found = [path for name in ABSENT for path in (system / "usr").rglob(name)]
    assert found == []


def test_all_files_are_written_with_the_light_renderer(command):
    done, written = command("plot,render")
    assert done.returncode == 0, done.stderr
    assert written == {"model.json", "boundary.png", "loss.png", "graph.svg"}


def test_a_renderer_that_does_not_load_costs_the_graph_alone(command):
    done, written = command("plot,pdf")
    assert done.returncode == 1
    assert "pygraphviz: lib" in done.stderr
    assert written == {"model.json", "boundary.png", "loss.png", "graph.txt", "graph.dot"}


def test_without_extras_the_model_and_the_graph_as_text_are_written_and_the_rest_is_named(command):
    done, written = command("")
    assert done.returncode == 1
    assert written == {"model.json", "graph.txt", "graph.dot"}
    for left_out in ("boundary.png: a plot needs", "loss.png: a plot needs", "graph.svg: "):
        assert f"error: no {left_out}" in done.stderr
    for package in ("matplotlib", "graphviz-pure"):
        assert f"pip install {package}" in done.stderr


def test_what_no_renderer_there_can_draw_is_said(command):
    program = 'from autograd_core import *; draw(Value(1.0)).save("g.pdf")'
    done, _ = command("render", f"-c '{program}'")
    assert done.returncode == 1
    assert "cannot save 'g.pdf': drawing as pdf needs Graphviz, and none" in done.stderr
    assert 'pip install "pygraphviz' in done.stderr
