"""The notebooks run, and the outputs kept in them are those that running them gives."""

import re
import shutil

import pytest

from tests.rows import over
from tools.notebooks import NOTEBOOKS, read

MACHINE = re.compile(r"/(home|root|tmp|usr|mnt|Users)/|[A-Z]:\\|site-packages")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """What a cell printed, then each result: its text, and the kinds of pictures beside it."""
    printed = "".join(
        o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"
    )
    results = [o.data for o in cell.outputs if o.output_type in ("display_data", "execute_result")]
    return [
        printed,
        *[(data.get("text/plain", ""), sorted(data)) for data in results],
    ]


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_running_it_again_gives_the_outputs_kept(path, tmp_path, own_settings):
    import nbformat  # which takes long to import
    from nbclient import NotebookClient

    copy = shutil.copy(path, tmp_path)
    notebook = nbformat.read(copy, as_version=4)
    nbformat.validate(notebook)
    kept = [shown(cell) for cell in code_cells(notebook)]
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    settings = {"timeout": 120, "kernel_name": "python3", "record_timing": False}
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, **settings).execute()
    for cell, before in zip(code_cells(notebook), kept, strict=True):
        assert shown(cell) == before, cell.source


@over("path", NOTEBOOKS)
def test_outputs_kept_are_from_one_run_without_errors_or_warnings(path):
    notebook = read(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    kinds = {kind for o in outputs for kind in o.get("data", {})}
    assert kinds & {"image/svg+xml", "image/png"}


@over("path", NOTEBOOKS)
def test_notebook_does_not_tell_where_it_was_run(path):
    notebook = read(path)
    texts = [cell.source for cell in notebook.cells]
    texts += [str(shown(cell)) for cell in code_cells(notebook)]
    assert [text for text in texts if MACHINE.search(text)] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
