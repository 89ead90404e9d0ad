"""The cells of a notebook, run one by one, each notebook in a namespace of its own."""

from __future__ import annotations

import ast
import base64
import io
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

IMAGES = ("image/svg+xml", "image/png")


class Cells:
    """Answers `{"do": "run", "notebook": ..., "cell": ..., "code": ...}`, and "forget".

    Says "stream" for what is printed, "show" for what a cell ends with, "error", then "done".
    """

    def __init__(self, send: Any) -> None:
        self.send = send
        self.namespaces: dict[str, dict[str, Any]] = {}

    def receive(self, content: Any) -> None:
        """Run a cell, or forget what the cells of a notebook have made."""
        notebook = str(content["notebook"])
        if content["do"] == "forget":
            self.namespaces.pop(notebook, None)
            return
        namespace = self.namespaces.setdefault(notebook, {"__name__": "__main__"})
        self.run(f"{notebook}, cell {content['cell']}", str(content["code"]), namespace, content)

    def run(self, name: str, code: str, namespace: dict[str, Any], asked: Any) -> None:
        """Run a cell; all that it says is about this cell."""

        def say(kind: str, **what: Any) -> None:
            about = {"notebook": asked["notebook"], "cell": asked["cell"]}
            self.send({"kind": kind, **about, **what})

        with redirect_stdout(Printed(say)) as out, redirect_stderr(out):
            try:
                result = executed(name, code, namespace)
                for bundle in [*figures(), *([] if result is None else [bundle_of(result)])]:
                    say("show", bundle=bundle)
            except BaseException as error:  # noqa: BLE001 (SystemExit, too: a page has no exit)
                say("error", text=complaint(error, name))
            out.flush()
        say("done")


class Printed(io.TextIOBase):
    """Says what is printed, line by line."""

    def __init__(self, say: Callable[..., None]) -> None:
        self.say, self.waiting = say, ""

    def write(self, text: str) -> int:
        """Keep it until the line ends."""
        self.waiting += text
        if "\n" in text or "\r" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Say what there is."""
        if self.waiting:
            self.say("stream", text=self.waiting)
            self.waiting = ""


def executed(name: str, code: str, namespace: dict[str, Any]) -> Any:
    r"""What the last line of a cell gives; None if it is no expression, or ends in a semicolon.

    >>> executed("a cell", "x = 2\nx + 1", {})
    3
    """
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    shown = isinstance(last, ast.Expr) and not code.rstrip().endswith(";")
    if not isinstance(last, ast.Expr) or not shown:
        exec(compile(tree, name, "exec"), namespace)  # noqa: S102 (the reader's own code)
        return None
    tree.body.pop()
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307


def bundle_of(result: Any) -> dict[str, str]:
    """What an object shows of itself, by kind: HTML, SVG, PNG as base64, text."""
    if type(result).__module__ == "matplotlib.figure":
        return {"image/png": png(result)}
    whole = getattr(result, "_repr_mimebundle_", None)
    if whole is not None and (given := whole()):
        return {kind: as_text(data) for kind, data in given.items()}
    ways = {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_", "image/png": "_repr_png_"}
    made = {kind: getattr(result, way)() for kind, way in ways.items() if hasattr(result, way)}
    found = {kind: as_text(data) for kind, data in made.items() if data is not None}
    return {**found, "text/plain": repr(result)}


def as_text(data: Any) -> str:
    """Bytes as base64; of data with its metadata, the data."""
    if isinstance(data, tuple):
        data = data[0]
    return base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)


def figures() -> Iterator[dict[str, str]]:
    """The figures of pyplot that a cell has left open, which are closed."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        yield {"image/png": png(pyplot.figure(number))}
    pyplot.close("all")


def png(figure: Any) -> str:
    """A figure of matplotlib as an image, sharp on a screen of two dots a pixel."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=144, bbox_inches="tight")
    return as_text(file.getvalue())


def complaint(error: BaseException, name: str) -> str:
    """A traceback from the cell on: how it was called is nobody's concern."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != name:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
