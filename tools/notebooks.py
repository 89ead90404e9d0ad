"""Run the notebooks anew, or those named, and keep the outputs: `python -m tools.notebooks 03`."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


class Node(dict[str, Any]):
    """A part of a notebook, whose entries are read as attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def read(path: Path) -> Any:
    """A notebook as plain data: quicker than nbformat, which knows every version of the format."""
    return json.loads(path.read_text("utf-8"), object_hook=node)


def node(part: dict[str, Any]) -> Node:
    """An object of the file, its texts in one piece."""
    texts = {key for key in part if key in {"source", "text"} or "/" in key}
    return Node({key: joined(x) if key in texts else x for key, x in part.items()})


def joined(x: Any) -> Any:
    """The lines of a text as one."""
    return "".join(x) if isinstance(x, list) else x


def run(path: Path) -> None:
    """Run a notebook where it is, and keep its outputs."""
    nbformat: Any = import_module("nbformat")  # has no types
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", record_timing=False, resources=folder).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


def main() -> None:
    """Run those whose name starts as an argument says, or all."""
    for path in NOTEBOOKS:
        if not sys.argv[1:] or path.name.startswith(tuple(sys.argv[1:])):
            run(path)


if __name__ == "__main__":
    main()
