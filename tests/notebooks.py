"""Run the notebooks anew, or those named, and keep the outputs: `python -m tests.notebooks 03`."""

import sys

import nbformat
from nbclient import NotebookClient

from tests.test_notebooks import NOTEBOOKS


def main():
    for path in NOTEBOOKS:
        if sys.argv[1:] and not path.name.startswith(tuple(sys.argv[1:])):
            continue
        notebook = nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(path.parent)}}
        NotebookClient(
            notebook, kernel_name="python3", record_timing=False, resources=folder
        ).execute()
        for cell in notebook.cells:
            cell.metadata.clear()
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
