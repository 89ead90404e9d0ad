"""The notebooks kept, read as plain data; `tools.course` builds them."""

from __future__ import annotations

import json
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
