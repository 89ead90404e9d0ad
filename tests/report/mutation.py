"""How many small changes to the source the tests notice: mutation testing by mutmut.

`[tool.mutmut]` in pyproject.toml says what is changed and which tests look at it. mutmut changes
what is inside functions. The table of primitives is not: `test_table.py` puts every row a little
off and sees the check of the table notice. Nothing is left out of what mutmut finds to change, so
that among those alive are changes of nothing but the words of a message, and those that make no
difference at all.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Table
from tools.readme import ROOT

ALIVE = {0, 5, 33, None}  # exit codes: the tests passed; no test runs the function; not tried
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "out", "mutants")


def tables():
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        yield score(run(copy))


def run(folder, *patterns):
    """Try the mutants of a copy of the project, by default all: exit codes by file and mutant."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    mutmut = [sys.executable, "-m", "mutmut", "run", *patterns]
    done = subprocess.run(
        mutmut, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"mutmut failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return {
        str(path.relative_to(folder / "mutants")).removesuffix(".meta"): json.loads(
            path.read_text(encoding="utf-8")
        )["exit_code_by_key"]
        for path in sorted(folder.glob("mutants/**/*.meta"))
    }


def score(codes):
    """A row for each file, and one for all."""
    found = {name: list(mutants.values()) for name, mutants in codes.items() if mutants}
    found["all"] = [code for mutants in found.values() for code in mutants]
    rows = []
    for name, mutants in found.items():
        alive = sum(code in ALIVE for code in mutants)
        killed = len(mutants) - alive
        rows.append(
            [name, str(len(mutants)), str(killed), str(alive), f"{killed / len(mutants):.1%}"]
        )
    return Table("Mutants", ["file", "mutants", "killed", "alive", "killed of all"], rows)
