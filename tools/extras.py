"""What each extra brings, tried in an environment that has it alone.

`python -m tools.extras` tries all but the heavy, `python -m tools.extras plot jax` some, from the
wheel that `--wheel PATH` names or from here; `--table` writes the table of docs/install.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "install.md"
BEGIN, END = "<!-- extras -->\n", "<!-- end of extras -->"
HEAVY = {"jax", "torch"}  # hundreds of megabytes, which CI has in an environment of its own
FOR_US = {"all", "bench", "browser", "dev", "docs", "lite", "mutation", "page", "test"}


class Extra(NamedTuple):
    """What an extra is for, and a program that fails without it."""

    brings: str
    program: str


MODEL = "from nn import *; X, y = datasets.xor(); model = MLP(2, [3, 1], seed=0)\n"
GRAPH = "from autograd_core import *; x = Value(2.0, 'x'); y = x * x\n"
TRAINED = "progress=False, loss='hinge', optimizer='sgd', epochs=2"

EXTRAS = {
    "plot": Extra(
        "`nn.plot`, and `boundary.png` and `loss.png` of `python -m nn`",
        MODEL + "plot.decision_boundary(model, X, y).save('p.png')",
    ),
    "render": Extra(
        "`draw(...)` as a picture: a Graphviz that needs no library of the system; SVG and PNG",
        GRAPH + "draw(y).save('g.svg'); draw(y).save('g.png')",
    ),
    "pdf": Extra(
        "`draw(...)` as PDF too; on a slim Linux it lacks libX11 and libgobject",
        GRAPH + "draw(y).save('g.pdf')",
    ),
    "digits": Extra(
        "`datasets.digits`", "from nn import *; assert len(datasets.digits()[0]) > 999"
    ),
    "sklearn": Extra(
        "`nn.sklearn`: nets as estimators of scikit-learn",
        MODEL + "from nn.sklearn import MLPClassifier; MLPClassifier(epochs=2).fit(X, y)",
    ),
    "native": Extra(
        "programs and trainings as machine code ([native.md](native.md))",
        MODEL + f"fit(model, X, y, executor='native', {TRAINED})",
    ),
    "jax": Extra(
        "programs on accelerators and several machines ([JAX](beyond_one_machine.md))",
        MODEL + f"fit(model, X, y, executor='jax', {TRAINED})",
    ),
    "torch": Extra(
        "`nn.export.to_torch` and `from_torch`",
        MODEL + "from nn.export import *; from_torch(to_torch(model))",
    ),
    "onnx": Extra(
        "`nn.export.to_onnx`", MODEL + "from nn.export import *; to_onnx(model, 'm.onnx')"
    ),
    "safetensors": Extra(
        "models saved in that format", MODEL + "save(model, 'm.safetensors'); load('m.safetensors')"
    ),
    "cluster": Extra(
        "`sweep` on a Dask cluster",
        "from distributed import Client; from nn import *\n"
        "with Client(processes=False, dashboard_address=None) as pool:\n"
        "    found = sweep(Recipe(data='xor', epochs=2), {'seed': [0, 1]}, pool=pool)\n"
        "assert len(found.rows) == 2",
    ),
    "notebooks": Extra(
        "JupyterLab, and the playground in it",
        "import jupyterlab; from nn import Playground; Playground()",
    ),
    "playground": Extra(
        "`python -m nn playground`: the playground as a page of its own",
        "from nn.playground import web; from nn.playground.launch import parser; parser()",
    ),
}


def declared() -> set[str]:
    """The extras of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["optional-dependencies"])


def table() -> str:
    """The extras for users, as a table in Markdown."""
    rows = [f"| `{name}` | {extra.brings} |" for name, extra in EXTRAS.items()]
    return "\n".join(["| extra | what it brings |", "|---|---|", *rows, ""])


def with_table(text: str) -> str:
    """A page with the table as it is now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"


def tried(name: str, source: Path) -> str:
    """What an extra's program said in an environment that has it alone; "" where it ran."""
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = next(Path(folder).glob("[bS]*/python*"))
        (Path(folder) / "here").mkdir()
        for command in (
            ["-m", "pip", "install", "-q", f"{source}[{name}]"],
            ["-W", "error::UserWarning", "-c", EXTRAS[name].program],
        ):
            done = subprocess.run(  # noqa: S603  # a Python of our own making
                [python, *command],
                cwd=Path(folder) / "here",
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                return done.stderr
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or try extras and say how it went."""
    p = argparse.ArgumentParser(prog="python -m tools.extras", description=__doc__)
    p.add_argument("names", nargs="*", choices=[*EXTRAS, []], metavar="EXTRA")
    p.add_argument("--wheel", type=Path, default=ROOT)
    p.add_argument("--table", action="store_true")
    options = p.parse_args(arguments)
    if options.table:
        PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
        return 0
    return report(options.names or [name for name in EXTRAS if name not in HEAVY], options.wheel)


def report(names: Iterable[str], source: Path) -> int:
    """Try them, and say of each whether it works; the number of those that do not."""
    failed = 0
    for name in names:
        said = tried(name, source.absolute())
        print(f"{name}: {said or 'works'}", flush=True)
        failed += bool(said)
    return failed


if __name__ == "__main__":
    sys.exit(main())
