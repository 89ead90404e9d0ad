"""A saved page that plays on: the piece of HTML that starts Python in it when it is asked to."""

from __future__ import annotations

import base64
import json
import re
from string import Template
from typing import Any

from nn.playground.browser.library import BROWSER, NETWORK, OURS, zipped
from nn.playground.page import module

LINKED = re.compile(
    r'^import \{[^}]*\} from "\./\w+\.js";\n|^export ', re.MULTILINE
)  # what one file need not say


def playing_on(state: dict[str, Any], home: str = NETWORK) -> str:
    """HTML with a button that puts a playground with this state in place of #pg-saved.

    `home` is where Pyodide's distribution is. Where it cannot be loaded, the page says so and
    stays as it is.
    """
    data = {
        "state": json.dumps(state),
        "library": base64.b64encode(zipped(OURS, without=("course",))).decode(),
        "worker": worker(),
        "home": home,
    }
    page = Template((BROWSER / "saved.html").read_text("utf-8"))
    return page.substitute(
        data=json.dumps(data).replace("<", "\\u003c"),
        client=LINKED.sub("", text("client.js")),
        widget=module().replace("export default", "const widget ="),
    )


def worker() -> str:
    """The worker and its Python as one script."""
    return LINKED.sub("", text("python.js")) + LINKED.sub("", text("worker.js"))


def text(name: str) -> str:
    """What a file beside this one holds."""
    return (BROWSER / name).read_text("utf-8")
