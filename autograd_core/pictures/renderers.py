"""An image from DOT, by the first Graphviz that is here and works."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from threading import Lock
from typing import Any

FORMATS = ("svg", "png", "pdf")
LOADING = Lock()
IN_BROWSER = sys.platform in {"emscripten", "wasi"}  # where no package and no program is installed


class GraphvizMissingError(RuntimeError):
    """No Graphviz that draws: the message has what each said, and the commands that bring one."""


def render(source: str, format: str) -> bytes:
    """The image of a graph in DOT, as bytes of a format; GraphvizMissingError where none can."""
    said = []
    for name, renderer in RENDERERS.items():
        try:
            return renderer(source, format)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            said.append(f"    {name}: {' '.join(str(error).split())}")
    raise GraphvizMissingError(no_graphviz(format, said))


def no_graphviz(format: str, said: Iterable[str]) -> str:
    """That no Graphviz drew, what each said, and what brings one."""
    if IN_BROWSER:
        return "\n".join([f"drawing as {format} is not possible in this page:", *said])
    package = '"pygraphviz>=2.0.4"' if format == "pdf" else "graphviz-pure"
    return "\n".join(
        [
            f"drawing as {format} needs Graphviz, and none here does it:",
            ";\n".join(said),
            f"What brings it: pip install {package} (no administrator needed),",
            "or apt-get install graphviz (Debian, Ubuntu; brew install graphviz on a Mac).",
            "Without it, print(draw(...)) shows the graph as text and draw(...).source is its DOT.",
        ]
    )


def by_dot(source: str, format: str) -> bytes:
    """By the program `dot`."""
    import shutil

    return by_program(shutil.which("dot"), source, format)


def by_graphviz_pure(source: str, format: str) -> bytes:
    """By the program that the package graphviz-pure brings, into a folder on the PATH or not."""
    import shutil
    from importlib import metadata

    program = shutil.which("graphviz-pure")
    if program is None:
        try:
            files = metadata.files("graphviz-pure") or []
        except metadata.PackageNotFoundError:
            files = []
        program = next((str(f.locate()) for f in files if f.stem == "graphviz-pure"), None)
    return by_program(program, source, format)


def by_program(program: str | None, source: str, format: str) -> bytes:
    """By a program that takes what `dot` takes."""
    import subprocess

    if program is None:
        raise FileNotFoundError("not installed")
    command = [program, f"-T{format}"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise OSError(said or f"it ended with code {done.returncode} and no image")
    return done.stdout


def by_pygraphviz(source: str, format: str) -> bytes:
    """By pygraphviz, whose wheels carry Graphviz but not all the libraries that it loads."""
    drawn: bytes = load_pygraphviz().AGraph(string=source).draw(format=format, prog="dot")
    return drawn


def load_pygraphviz() -> Any:
    """pygraphviz, once its C libraries have said what they have to say about the system's fonts."""
    with LOADING:  # file descriptor 2 belongs to the whole process
        return quiet_pygraphviz()


@lru_cache
def quiet_pygraphviz() -> Any:
    """pygraphviz after a first drawing, during which file descriptor 2 leads nowhere.

    The fontconfig that it carries warns of settings newer than itself, once in a process and
    straight from C, where neither `warnings` nor `sys.stderr` can hold it back.
    """
    import pygraphviz

    try:
        stderr = os.dup(2)
    except OSError:
        return pygraphviz  # nobody listens
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        pygraphviz.AGraph(string="digraph { a }").draw(format="svg", prog="dot")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    return pygraphviz


def by_viz_js(source: str, format: str) -> bytes:
    """By viz.js, which the worker of a page without install keeps at hand: svg alone."""
    import js  # what a browser's Python knows of the browser

    if format != "svg":
        raise ValueError("it draws svg alone")
    image: str = js.viz(source)
    return image.encode()


Renderer = Callable[[str, str], bytes]
ON_A_MACHINE: dict[str, Renderer] = {
    "dot": by_dot,
    "graphviz-pure": by_graphviz_pure,
    "pygraphviz": by_pygraphviz,
}
RENDERERS = {"viz.js": by_viz_js} if IN_BROWSER else ON_A_MACHINE
