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


def call(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


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
    """The command in that system, with the given extras: its result, and the files it wrote."""

    def run(extras):
        home = f"/{tmp_path.name}"
        script = (
            f"mkdir {home} && cd {home} && python3 -m venv v && v/bin/pip install -q --no-index "
            f"--find-links /wheels 'autograd-core[{extras}]' && v/bin/python -m nn"
        )
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LC_ALL": "C"}
        done = subprocess.run(
            ["chroot", system, "sh", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, {path.name for path in (system / home[1:] / "out").iterdir()}

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
