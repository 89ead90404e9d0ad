"""Run the notebooks anew and keep their outputs: `python -m tests.notebooks`."""

import nbformat
from nbclient import NotebookClient

from tests.test_notebooks import NOTEBOOKS


def main():
    for path in NOTEBOOKS:
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
