"""`python -m nn playground`: JupyterLab on this machine alone, with a notebook that is ready."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

NAME = "playground.ipynb"
NEEDED = {
    "jupyterlab": "jupyterlab>=4.2",
    "ipykernel": "ipykernel>=6.29",
    "anywidget": "anywidget>=0.9",
}
CELLS = (
    ("markdown", "# Playground\n\nRun the cell below (Shift+Enter), then press **Play**."),
    ("code", "from nn import Playground\n\nplayground = Playground()\nplayground"),
    ("markdown", "The model on screen is an ordinary model, with its present numbers:"),
    ("code", "playground.model([0.5, 0.25])"),
)


def launch(arguments: Sequence[str]) -> int:
    """Start JupyterLab and wait for its end; the exit code is its own."""
    options = parser().parse_args(arguments)
    missing = [needed for module, needed in NEEDED.items() if find_spec(module) is None]
    if missing:
        wanted = " ".join([f'"{needed}"' for needed in missing])
        print(f"error: the playground needs more packages: pip install {wanted}", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        folder = options.folder
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="playground-")))
        try:
            write_notebook(folder)
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        process = stack.enter_context(subprocess.Popen(command(folder, options)))  # noqa: S603
        return wait(process)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m nn playground",
        description="Start JupyterLab on 127.0.0.1 with a notebook that shows the playground.",
    )
    p.add_argument(
        "folder", type=Path, nargs="?", help="where to keep the notebook (default: nowhere)"
    )
    p.add_argument("--port", type=int, default=8888, help="or the next one free (default: 8888)")
    p.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    return p


def write_notebook(folder: Path) -> None:
    """The notebook, unless the folder has it already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    if not path.exists():
        path.write_text(json.dumps(notebook(CELLS), indent=1) + "\n", encoding="utf-8")


def notebook(cells: Sequence[tuple[str, str]]) -> dict[str, object]:
    """A notebook of (kind, text) cells, in Jupyter's format."""
    code: dict[str, object] = {"execution_count": None, "outputs": []}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [
            {
                "cell_type": kind,
                "id": f"cell-{i}",
                "metadata": {},
                "source": text,
                **(code if kind == "code" else {}),
            }
            for i, (kind, text) in enumerate(cells)
        ],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def command(folder: Path, options: argparse.Namespace) -> list[str]:
    """JupyterLab for this machine alone, without a look at what is new elsewhere."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        *(sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"),
        f"--ServerApp.port={options.port}",
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{NAME}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *(["--no-browser"] if options.no_browser else []),
        *(["--allow-root"] if is_root else []),
    ]


def wait(process: subprocess.Popen[bytes]) -> int:
    """The exit code; Ctrl-C reaches JupyterLab itself, which asks before it ends."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
